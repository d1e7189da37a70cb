"""Waiting for what happens soon, in tests of things that keep themselves up to date."""

import time
from collections.abc import Callable

#: Seconds within which a change must be seen; it takes a twentieth of that on an idle machine.
SOON = 10.0


def wait_for(happened: Callable[[], bool], seconds: float = SOON) -> bool:
    """Whether something happens soon."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if happened():
            return True
        time.sleep(0.02)
    return False
