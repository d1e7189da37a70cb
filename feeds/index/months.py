"""Months, as archives count them: UTC, ``YYYY-MM``."""

from datetime import UTC, datetime
from functools import lru_cache


def month_of(moment: int) -> str:
    """Return the month of a time, UTC: ``YYYY-MM``."""
    return _month_of_day(moment // 86_400)


@lru_cache(maxsize=4096)
def _month_of_day(day: int) -> str:
    # Asked for each feed of each article: a sixth of the time of writing them.
    return datetime.fromtimestamp(day * 86_400, UTC).strftime("%Y-%m")


def month_range(month: str) -> tuple[int, int]:
    """Return the first and the last second of a month."""
    year, number = int(month[:4]), int(month[5:])
    first = datetime(year, number, 1, tzinfo=UTC)
    after = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return int(first.timestamp()), int(after.timestamp()) - 1
