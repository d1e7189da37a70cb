"""The pattern of the links of a declared folder: ``https://example.org/{year}/{slug}/``."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from urllib.parse import quote, urljoin

from feeds.articles.links import clean_url

#: The parts that a pattern may name.
NAMES = (
    *("year", "month", "day", "m", "d", "slug", "name", "path", "folder", "title"),
    *("categories", "lang"),
)
#: A pattern needs one of these: otherwise all articles of a folder would have one link.
TELLING = frozenset(("slug", "name", "path", "title"))

_PART = re.compile(r"\{([^{}]*)\}")
_HOST = re.compile(r"https?://[^/{}]+/")
_SLASHES = re.compile("/{2,}")
# The last segment of an address that names a file: ``1.54.0`` is none.
_FILE = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}$")
#: Code of other programs in an address: ``{{ page.slug }}``, ``:year/:title``, ``<% … %>``.
_CODE = re.compile(r"[{}]|<%|(?:^|/):")


@dataclass(frozen=True, slots=True)
class LinkPattern:
    """A compiled pattern: texts that alternate with names, beginning with a text."""

    parts: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the parts."""
        return self.parts[1::2]

    def fill(self, values: Mapping[str, Callable[[], str]]) -> str | None:
        """Return the address for the values of the parts; None if it is unusable.

        Only the values that the pattern names are computed. An empty part leaves no empty segment.
        """
        texts = list(self.parts)
        texts[1::2] = (quote(values[name](), safe="/~@!$&'()*+,;=:") for name in self.names)
        scheme, _, rest = "".join(texts).partition("://")
        if {".", ".."}.intersection(rest.split("/")):
            return None
        return clean_url(f"{scheme}://{_SLASHES.sub('/', rest)}")

    def resolve(self, address: str, is_exact: bool) -> str | None:
        """Return the address that an article names for itself; None if it is unusable.

        Without a host it is below the host of the pattern. Unless it is exact it takes the final
        slash of the pattern.
        """
        text = address.strip()
        if _CODE.search(text.partition("://")[2] if "://" in text else text):
            return None
        if "://" not in text:
            rooted = _SLASHES.sub("/", f"/{text}").removesuffix("index.html")
            if not is_exact and self.parts[-1].endswith("/") and not _FILE.search(rooted):
                rooted = f"{rooted.rstrip('/')}/"
            text = urljoin(self.parts[0], rooted)
        return clean_url(text)


@cache
def compiled(text: str) -> LinkPattern:
    """Return the pattern of a text; raise ValueError with a message for people."""
    pattern = LinkPattern(tuple(_PART.split(text)))
    if not _HOST.match(pattern.parts[0]):
        raise ValueError("write an address that begins with https:// and a host, then the pattern")
    if any("{" in literal or "}" in literal for literal in pattern.parts[::2]):
        raise ValueError("a brace without its partner: write the name of a part between { and }")
    for name in pattern.names:
        if name not in NAMES:
            near = get_close_matches(name, NAMES, 1)
            known = near[0] if near else ", ".join(NAMES)
            raise ValueError(f"unknown part {{{name}}}: write {known}")
    if TELLING.isdisjoint(pattern.names):
        parts = ", ".join(f"{{{name}}}" for name in NAMES if name in TELLING)
        raise ValueError(f"gives all articles one address: add one of {parts}")
    if clean_url(_PART.sub("x", text)) is None:
        raise ValueError("not a web address: write it like https://example.org/{year}/{slug}/")
    return pattern
