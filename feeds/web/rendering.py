"""From a template and plain values to a page: no request, no clock, no memory."""

import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from feeds.web import template_filters
from feeds.web.assets import NAMES

_FOLDER = Path(__file__).parent

#: The version of pages, boxes and lists, a part of their ETags. Raise it by one when the bytes of
#: any of them change, and only then: a test ties it to those of a golden site. Assets have no part
#: in it: their names are digests of their bytes.
VERSION = 3

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
    """The page as UTF-8."""
    page = _ENVIRONMENT.get_template(template).render(values)
    # Conditions and loops leave empty lines behind, a tenth of a page.
    return _EMPTY_LINES.sub("\n", page).lstrip().encode("utf-8", "replace")


def version() -> str:
    """Return what every page's key holds of the code: its version and the names of its assets."""
    return f"{VERSION} {' '.join(NAMES.values())}"
