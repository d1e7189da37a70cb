"""Waiting for a condition that becomes true soon."""

import time
from collections.abc import Callable

#: Seconds within which a change must be visible, twenty times as long as on an idle machine.
SOON = 10.0


def wait_for(happened: Callable[[], bool], seconds: float = SOON) -> bool:
    """Return True if a condition becomes true soon."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if happened():
            return True
        time.sleep(0.02)
    return False
