"""Renders templates to pages: pure, without request or clock."""

import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from feeds.web import template_filters
from feeds.web.assets import NAMES

_FOLDER = Path(__file__).parent

#: The version of pages, boxes and lists, a part of their ETags. Raise it by one when the bytes of
#: any of them change, and only then: a test compares it with a golden site. Assets do not count:
#: their names contain hashes of their bytes.
VERSION = 4

_EMPTY_LINES = re.compile(r"\n(?:[ \t]*\n)+")

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(_FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters |= {
    "counted": template_filters.counted,
    "day": template_filters.day,
    "iso": template_filters.iso,
    "month": template_filters.month,
    "short_day": template_filters.short_day,
}


def render(template: str, **values: Any) -> bytes:
    """Return a rendered page as UTF-8."""
    page = _ENVIRONMENT.get_template(template).render(values)
    # Conditions and loops leave empty lines, 10 % of a page.
    return _EMPTY_LINES.sub("\n", page).lstrip().encode("utf-8", "replace")


def version() -> str:
    """Return the version of the code in the key of every page, with the names of the assets."""
    return f"{VERSION} {' '.join(NAMES.values())}"
