"""Months, as archives count them: UTC, ``YYYY-MM``."""

from datetime import UTC, datetime


def month_of(moment: int) -> str:
    """The month of a moment, UTC: ``YYYY-MM``."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m")


def month_range(month: str) -> tuple[int, int]:
    """The first and the last second of a month."""
    year, number = int(month[:4]), int(month[5:])
    first = datetime(year, number, 1, tzinfo=UTC)
    after = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return int(first.timestamp()), int(after.timestamp()) - 1
