"""The header field Date of a response, which follows the clock under any server."""

from collections.abc import Callable

from werkzeug.http import http_date


def date_writer(clock: Callable[[], float]) -> Callable[[], str]:
    """Return a function that returns the current value of Date.

    Servers add a Date of their own to responses without one. One of them repeated the same second
    for an hour after the clock was set back by an hour.
    """
    last = 0, http_date(0)

    def date() -> str:
        """Return the time as HTTP writes it."""
        nonlocal last
        second = int(clock())
        # Read once: another thread may replace it.
        known = last
        if known[0] != second:
            known = last = second, http_date(second)
        return known[1]

    return date
