"""The dates of a declared folder: as generators write them, in a key, a name or a path."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo

from feeds.articles.yaml_tree import Node
from feeds.errors import ArticleError, Reason

_ZONE = r"(?: ?(?P<zone>Z|z|UTC|GMT|[+-][0-9]{2}:?(?:[0-9]{2})?)(?: [A-Z]{1,5})?)?"
_TIME = (
    r"(?:(?:[Tt]|,? )(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})"
    rf"(?::(?P<second>[0-9]{{2}})(?:[.,][0-9]{{1,9}})?)?{_ZONE})?"
)
_WEEKDAY = r"(?:[A-Z][a-z]{2,8},? )?"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAME = r"(?P<name>[A-Za-z]{3,9})\.?"
_DAY, _YEAR = r"(?P<day>[0-9]{1,2})", r"(?P<year>[0-9]{4})"
#: ``2013-1-07 22:17:23 -0600``, ``2013/1/7``; ``7 January 2013``; ``Jan 7, 2013``.
_FORMS = tuple(
    re.compile(form + _TIME)
    for form in (
        rf"{_YEAR}(?P<sign>[-/])(?P<month>[0-9]{{1,2}})(?P=sign){_DAY}",
        rf"{_WEEKDAY}{_DAY} {_NAME},? {_YEAR}",
        rf"{_WEEKDAY}{_NAME} {_DAY}(?:st|nd|rd|th)?,? {_YEAR}",
    )
)
_MONTH_NAMES = re.compile(
    r"jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?"
    r"|nov(ember)?|dec(ember)?",
    re.IGNORECASE,
)
_OFFSET = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})?")
#: A day at the beginning of a file's or a folder's name.
_IN_NAME = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?=[-_. /]|$)")
_IN_PATH = re.compile(r"(?:^|/)([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})(?=[-_. /]|$)")


@dataclass(frozen=True, slots=True)
class Moment:
    """A time and the day that the links of its site give it."""

    #: Seconds UTC.
    seconds: int
    day: date


def read_date(node: Node, key: str, zone: str | None) -> Moment:
    """Return the moment that a value names; raise ArticleError when it names none.

    A time without an offset is one in ``zone``, else in UTC. The day is that of ``zone``, else the
    day as it is written.
    """
    text = " ".join(node.text(key).split())
    found = next((match for form in _FORMS if (match := form.fullmatch(text))), None)
    try:
        moment = _moment(_written(found, zone), zone) if found else None
    except (ValueError, OverflowError):
        moment = None
    # From 1970 to 9999, as everywhere.
    if moment is None or not 0 <= moment.seconds < 253_402_300_800:
        message = "not a date: write it as 2026-11-20 or 2026-11-20T20:50:00Z"
        raise ArticleError(Reason.BAD_DATE, message, node.line, key)
    return moment


def date_in_path(path: str) -> Node | None:
    """Return the day in the name of a file, in the names of its folders, or in ``2013/01/07/``."""
    named = next(filter(None, map(_IN_NAME.match, reversed(path.split("/")))), None)
    found = named or _IN_PATH.search(path)
    return Node("-".join(found.groups()), 1) if found else None


def _written(found: re.Match[str], zone: str | None) -> datetime:
    parts = found.groupdict()
    month = parts.get("month") or _month(parts["name"])
    numbers = (parts["year"], month, parts["day"], *(parts[n] or 0 for n in _CLOCK))
    return datetime(*map(int, numbers), tzinfo=_zone(parts["zone"], zone))  # type: ignore[misc, arg-type]


_CLOCK = ("hour", "minute", "second")


def _month(name: str) -> int:
    if not _MONTH_NAMES.fullmatch(name):
        raise ValueError("no month")
    return _MONTHS.index(name[:3].lower()) + 1


def _zone(offset: str | None, zone: str | None) -> tzinfo:
    if offset is None:
        return _known_zone(zone) if zone else UTC
    found = _OFFSET.fullmatch(offset)
    if found is None:
        return UTC
    east = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return timezone(-east if found[1] == "-" else east)


@cache
def _known_zone(zone: str) -> ZoneInfo:
    return ZoneInfo(zone)


def _moment(written: datetime, zone: str | None) -> Moment:
    day = written.astimezone(_known_zone(zone)).date() if zone else written.date()
    return Moment(int(written.timestamp()), day)
