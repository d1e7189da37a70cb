"""From a template and plain values to a page: no request, no clock, no memory."""

import re
from hashlib import sha256
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from feeds import formats
from feeds.web import words
from feeds.web.assets import NAMES

_FOLDER = Path(__file__).parent

_EMPTY_LINES = re.compile(r"\n(?:[ \t]*\n)+")

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(_FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters |= {
    "counted": words.counted,
    "day": words.day,
    "iso": words.iso,
    "month": words.month,
    "short_day": words.short_day,
}


def render(template: str, **values: Any) -> bytes:
    """The page as UTF-8."""
    page = _ENVIRONMENT.get_template(template).render(values)
    # Conditions and loops leave empty lines behind, a tenth of a page.
    return _EMPTY_LINES.sub("\n", page).lstrip().encode("utf-8", "replace")


def version() -> str:
    """Names this way of rendering pages: another template, module or library, another version."""
    return _VERSION


def _digest() -> str:
    files = sorted([*_FOLDER.glob("*.py"), *_FOLDER.glob("templates/*.html")])
    sources = b"\0".join(file.read_bytes() for file in files)
    # Pages show what the formats make of an article: its description.
    others = [version_of("jinja2"), formats.version(), *NAMES.values()]
    return sha256("".join(others).encode() + sources).hexdigest()


_VERSION = _digest()
