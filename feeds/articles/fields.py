"""Parsers of the values in a front matter: text, date, integer, language, link, list.

Unusable entries of a list are left out with a note. Messages and notes name keys, never values,
which may be secret.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from html import escape
from typing import TypeVar

from feeds.articles.links import clean_url, without_tracking
from feeds.articles.text import MAX_TITLE, clean, is_blank
from feeds.articles.yaml_tree import Node
from feeds.errors import ArticleError, Reason
from feeds.plain_text import shorten

T = TypeVar("T")

Fields = dict[str, Node]
#: Receives a note on what was left out, and where.
Note = Callable[[str], None]

#: Bytes of all entries of one list, escaped. RSS repeats images and related links up to four
#: times, and an item with its body has to stay under 200,000 bytes.
MAX_WEIGHT = 10_000

# ASCII digits: "\d" would match those of every script.
_INSTANT = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:(?:[Tt]| +)([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:[.,][0-9]{1,9})?)?"
    r" ?(?:[Zz]|([+-])([01][0-9]|2[0-3])(?::?([0-5][0-9]))?)?)?(?: ?(?:UTC|GMT))?"
)
_INTEGER = re.compile(r"[+-]?[0-9]{1,9}")
_LANGUAGE = re.compile(
    r"([A-Za-z]{2,3})(?:-([A-Za-z]{4}))?(?:-([A-Za-z]{2}|[0-9]{3}))?"
    r"((?:-(?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*)"
)
#: The value of a missing key.
ABSENT = Node(None, 1)


def words(fields: Fields, key: str, limit: int = MAX_TITLE, where: str = "") -> str:
    """Return the clean text of a key, cut to a limit; empty if it is invisible or missing."""
    if key not in fields:
        return ""
    text = clean(fields[key].text(where + key))
    return "" if is_blank(text) else shorten(text, limit)


def instant(node: Node, key: str) -> int:
    """Return a date or time as whole seconds UTC; without a zone it counts as UTC."""
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
    """Return a time as text with its zone, so that editors notice a missing zone in a file."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def in_iso(seconds: int) -> str:
    """Return a time as ``instant`` reads it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def integer(fields: Fields, key: str) -> int:
    """Return an integer of at most nine digits; 0 without the key."""
    node = fields.get(key, ABSENT)
    text = node.text(key).strip()
    if text and not _INTEGER.fullmatch(text):
        message = "not an integer: write it as digits, at most nine"
        raise ArticleError(Reason.BAD_TYPE, message, node.line, key)
    return int(text or 0)


def language(fields: Fields, key: str, note: Note) -> str | None:
    """Return a language of BCP 47 in the recommended letter case; None for anything else."""
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
    """Return the address of webUrl, else of originalUrl, with its key.

    The address is None if it is unusable; the key is empty if both are missing.
    """
    for key in ("webUrl", "originalUrl"):
        if raw := fields.get(key, ABSENT).text(where + key).strip():
            url = clean_url(raw)
            return url and without_tracking(url), key
    return None, ""


def names(node: Node, where: str, limit: int, note: Note) -> tuple[str, ...]:
    """Return a list of texts, or of the names of mappings, without empty ones and duplicates."""
    found: dict[str, str] = {}
    for place, item in places(node, where):
        inner = isinstance(item.value, dict)
        fields = item.mapping(place) if inner else {"": item}
        if name := words(fields, "name" if inner else "", 100, f"{place}." if inner else place):
            found.setdefault(name.casefold(), name)
    return limited(found.values(), limit, len, where, note)


def places(node: Node, where: str) -> Iterator[tuple[str, Node]]:
    """Yield the entries of a list, each with its place, such as ``images[2]``."""
    for index, item in enumerate(node.items(where)):
        yield f"{where}[{index}]", item


def limited(
    entries: Iterable[T], limit: int, weigh: Callable[[T], int], where: str, note: Note
) -> tuple[T, ...]:
    """Return the first entries, within a number and a total of MAX_WEIGHT."""
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
    """Return the bytes of escaped texts."""
    return sum(len(escape(text).encode()) for text in texts)


def _seconds(found: re.Match[str]) -> int:
    *parts, sign, east_hours, east_minutes = found.groups()
    year, month, day, hour, minute, second = (int(part or 0) for part in parts)
    midnight = int(datetime(year, month, day, tzinfo=UTC).timestamp())
    # ISO 8601: 24:00:00 is the end of a day, and a minute may have a leap second.
    if (hour == 24 and not minute == second == 0) or hour > 24 or minute > 59 or second > 60:
        raise ValueError("no time of a day")
    east = int(east_hours or 0) * 3600 + int(east_minutes or 0) * 60
    return midnight + hour * 3600 + minute * 60 + second + (east if sign == "-" else -east)
