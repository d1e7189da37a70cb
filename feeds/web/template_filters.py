"""Numbers and times in English words. Pure: the same words whenever and wherever they are asked."""

from datetime import UTC, datetime

#: Not by strftime: that is in the language of the process.
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
    """``20 November 2026``; not ``2 hours ago``, which would be wrong by the time it is read."""
    found = datetime.fromtimestamp(moment, UTC)
    return f"{found.day} {_MONTHS[found.month - 1]} {found.year}"


def short_day(moment: int) -> str:
    """``20 Nov 2026``, where a provider's name has to stand beside it."""
    number, month, year = day(moment).split()
    return f"{number} {month[:3]} {year}"


def iso(moment: int) -> str:
    """``2026-11-20T12:00:00Z``, for ``<time>``."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def month(name: str, part: int | None = None) -> str:
    """``2026-05`` as ``May 2026``, with its part unless it is the last."""
    said = f"{_MONTHS[int(name[5:]) - 1]} {name[:4]}"
    return said if part is None else f"{said}, part {part}"


def counted(number: int, noun: str) -> str:
    """``1 article``, ``12,345 articles``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def shortened(text: str, length: int) -> str:
    """The text up to the last whole word that fits."""
    if len(text) <= length:
        return text
    head, space, _ = text[:length].rpartition(" ")
    return f"{(head if space else text[: length - 1]).rstrip('.,;:–— …')}…"
