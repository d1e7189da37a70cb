"""The addresses at which another program served feeds, and where each leads now. Pure functions.

/feed/atom/                  a path
/index.php?feed=rss2         a path with parameters, among which a request may have others
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from feeds.model import FeedId, Format

#: The words of old addresses that stand for a format; the first that occurs decides.
_WORDS = {
    "atom": Format.ATOM,
    "json": Format.JSON,
    **dict.fromkeys(("feed", "feeds", "rdf", "rss", "rss2", "xml"), Format.RSS),
}

#: The most parameters of a request that are compared.
_MAX_PARAMETERS = 20


@dataclass(frozen=True, slots=True)
class OldAddress:
    """A path and the parameters that a request for it has."""

    #: Decoded and without a slash in front; with one at its end, a request needs that, too.
    path: str
    parameters: tuple[tuple[str, str], ...] = ()

    @property
    def pattern(self) -> str:
        """Return the pattern of nginx for requests of this address, as clients send them."""
        slash = "" if self.path.endswith("/") or not self.path else "/?"
        path = f"^/{_encoded(quote(self.path))}{slash}"
        if not self.parameters:
            return rf"{path}(?:\?.*)?$"
        needed = (_encoded(urlencode([each])) for each in self.parameters)
        return path + r"\?" + "".join(rf"(?=(?:.*&)?{each}(?:&|$))" for each in needed)


@dataclass(frozen=True, slots=True)
class Move:
    """An old address and the feed that it leads to, or its page if the format is None."""

    old: OldAddress
    feed: FeedId
    format: Format | None


#: All moves, by the path of the old address; those that need the most parameters come first.
Moves = Mapping[str, tuple[Move, ...]]


def old_address(text: str) -> OldAddress | None:
    """Return the address that a text names, or None if it is not a path that begins with /."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    if parts.netloc or parts.scheme or parts.fragment or not text.startswith("/"):
        return None
    if not text.isprintable():
        return None
    found = parse_qsl(parts.query, keep_blank_values=True)
    return OldAddress(unquote(parts.path).removeprefix("/"), tuple(sorted(found)))


def format_meant(old: OldAddress) -> Format | None:
    """Return the format that the words of an old address stand for; None for a page."""
    values = " ".join(value for _, value in old.parameters)
    words = set(re.findall("[a-z0-9]+", f"{old.path} {values}".lower()))
    return next((format for word, format in _WORDS.items() if word in words), None)


def grouped(moves: Iterable[Move]) -> Moves:
    """Return moves by the path of their old address."""
    found: dict[str, tuple[Move, ...]] = {}
    for move in sorted(moves, key=lambda move: (-len(move.old.parameters), move.old.parameters)):
        found[move.old.path] = (*found.get(move.old.path, ()), move)
    return found


def find(moves: Moves, path: str, query: str) -> Move | None:
    """Return the move of a request, or None; the path is decoded, the query is not."""
    candidates = moves.get(path) or moves.get(path.rstrip("/"))
    if not candidates:
        return None
    try:
        given = set(parse_qsl(query, keep_blank_values=True, max_num_fields=_MAX_PARAMETERS))
    except ValueError:
        given = set()
    return next((move for move in candidates if given.issuperset(move.old.parameters)), None)


def _encoded(text: str) -> str:
    """Return the pattern of an encoded text; the letter case of its %XX makes no difference."""
    return re.sub("%[0-9A-F]{2}", lambda found: f"(?i:{found[0]})", re.escape(text))
