"""One meaning for each kind of value in a front matter; what a list can do without is left out.

Nothing here knows the keys of an article. Messages and notes name keys, never values.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from html import escape
from typing import TypeVar

from feeds.articles.links import clean_url, without_tracking
from feeds.articles.text import MAX_TITLE, clean, is_blank, shorten
from feeds.articles.yaml_tree import Node
from feeds.errors import ArticleError, Reason

T = TypeVar("T")

Fields = dict[str, Node]
#: Says what was left out, and where.
Note = Callable[[str], None]

#: Bytes of all entries of one list, escaped. RSS repeats pictures and related links up to four
#: times, and an item with its body has to stay under 200,000 bytes.
MAX_WEIGHT = 10_000

# Digits are ASCII: "\d" would take those of every script.
_INSTANT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,][0-9]{1,9})?)?"
    r" ?(?:[Zz]|([+-])([0-9]{2})(?::?([0-5][0-9]))?)?)?"
)
_INTEGER = re.compile(r"[+-]?[0-9]{1,9}")
_LANGUAGE = re.compile(
    r"([A-Za-z]{2,3})(?:-([A-Za-z]{4}))?(?:-([A-Za-z]{2}|[0-9]{3}))?"
    r"((?:-(?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*)"
)
#: The value of a key that is not there.
ABSENT = Node(None, 1)


def words(fields: Fields, key: str, limit: int = MAX_TITLE, where: str = "") -> str:
    """A clean text under a key, cut to a limit; empty when there is none to be seen."""
    text = clean(fields.get(key, ABSENT).text(where + key))
    return "" if is_blank(text) else shorten(text, limit)


def instant(node: Node, key: str) -> int:
    """A date or a time, without a zone in UTC, as whole seconds UTC."""
    found = _INSTANT.fullmatch(node.text(key).strip())
    try:
        seconds = _seconds(found) if found else None
    except ValueError:
        seconds = None
    if seconds is None:
        message = "not an ISO date: write it as 2026-11-20 or 2026-11-20T20:50:00Z"
        raise ArticleError(Reason.BAD_DATE, message, node.line, key)
    if not 0 <= seconds < 253_402_300_800:
        message = "not a date from 1970 to 9999: correct the year"
        raise ArticleError(Reason.BAD_DATE, message, node.line, key)
    return seconds


def in_utc(seconds: int) -> str:
    """A moment for editors: a time without a zone, taken for UTC, is told from what was meant."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def integer(fields: Fields, key: str) -> int:
    """An integer of at most nine digits; 0 when absent."""
    node = fields.get(key, ABSENT)
    text = node.text(key).strip()
    if text and not _INTEGER.fullmatch(text):
        message = "not an integer: write it as digits, at most nine"
        raise ArticleError(Reason.BAD_TYPE, message, node.line, key)
    return int(text or 0)


def language(fields: Fields, key: str, note: Note) -> str | None:
    """A language as in BCP 47, in the letter cases that it recommends."""
    text = fields.get(key, ABSENT).text(key).strip().replace("_", "-")
    found = _LANGUAGE.fullmatch(text)
    if not found:
        if text:
            note(f"{key}: not a language such as en or en-US: left out")
        return None
    name, script, region, variants = found.groups(default="")
    parts = (name.lower(), script.title(), region.upper(), variants.strip("-").lower())
    return "-".join(filter(None, parts))


def link(fields: Fields, where: str = "") -> tuple[str | None, str]:
    """The address of a page, None when it cannot be used, and the key it stands under.

    That is webUrl, else originalUrl; there is no key when there is neither.
    """
    for key in ("webUrl", "originalUrl"):
        if raw := fields.get(key, ABSENT).text(where + key).strip():
            url = clean_url(raw)
            return url and without_tracking(url), key
    return None, ""


def names(node: Node, where: str, limit: int, note: Note) -> tuple[str, ...]:
    """A list of texts, or of mappings with a name, without empty ones and repeats."""
    found: dict[str, str] = {}
    for place, item in places(node, where):
        inner = isinstance(item.value, dict)
        fields = item.mapping(place) if inner else {"": item}
        if name := words(fields, "name" if inner else "", 100, f"{place}." if inner else place):
            found.setdefault(name.casefold(), name)
    return limited(found.values(), limit, len, where, note)


def places(node: Node, where: str) -> Iterator[tuple[str, Node]]:
    """The entries of a list, each with its place, such as ``images[2]``."""
    for index, item in enumerate(node.items(where)):
        yield f"{where}[{index}]", item


def limited(
    entries: Iterable[T], limit: int, weigh: Callable[[T], int], where: str, note: Note
) -> tuple[T, ...]:
    """The first entries, at most so many and of no more than MAX_WEIGHT together."""
    kept: list[T] = []
    total = 0
    for entry in entries:
        total += weigh(entry)
        if len(kept) == limit or total > MAX_WEIGHT:
            note(f"{where}: over {limit}, or too long together: the rest is left out")
            break
        kept.append(entry)
    return tuple(kept)


def weight(*texts: str) -> int:
    """The bytes of texts in a document."""
    return sum(len(escape(text).encode()) for text in texts)


def _seconds(found: re.Match[str]) -> int:
    *parts, sign, hours, minutes = found.groups()
    moment = datetime(*(int(part or 0) for part in parts))  # type: ignore[arg-type]
    east = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    zone = timezone(-east if sign == "-" else east)
    return int(moment.replace(tzinfo=zone).timestamp())
