"""Numbers and times in English: pure, independent of locale and time zone."""

from datetime import UTC, datetime

#: Not strftime: its names follow the locale of the process.
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


def day(moment: int) -> str:
    """Return ``20 November 2026``; a cached ``2 hours ago`` would be wrong when it is read."""
    found = datetime.fromtimestamp(moment, UTC)
    return f"{found.day} {_MONTHS[found.month - 1]} {found.year}"


def short_day(moment: int) -> str:
    """Return ``20 Nov 2026``, which leaves room for the name of a provider."""
    number, month, year = day(moment).split()
    return f"{number} {month[:3]} {year}"


def iso(moment: int) -> str:
    """Return ``2026-11-20T12:00:00Z``, for ``<time>``."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def month(name: str, part: int | None = None) -> str:
    """Return ``May 2026`` for ``2026-05``, with the part unless it is the last."""
    found = f"{_MONTHS[int(name[5:]) - 1]} {name[:4]}"
    return found if part is None else f"{found}, part {part}"


def counted(number: int, noun: str) -> str:
    """Return ``1 article`` or ``12,345 articles``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def shortened(text: str, length: int) -> str:
    """Return a text up to the last whole word that fits."""
    if len(text) <= length:
        return text
    head, space, _ = text[:length].rpartition(" ")
    return f"{(head if space else text[: length - 1]).rstrip('.,;:–— …')}…"
