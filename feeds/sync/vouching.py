"""Whether what the index holds may be served: not before it was held against the folder.

While no server ran an article may have become a draft, of which the index knows nothing.
"""

import time
from contextlib import suppress
from pathlib import Path

from feeds.locks import LeaderLock


class VerifiedMark:
    """Vouches for the index for all processes of a machine, for as long as one of them keeps it."""

    def __init__(self, instance: Path) -> None:
        """Take the instance folder."""
        self._turn = LeaderLock(instance / "kept.lock")

    def mark_verified(self) -> None:
        """Vouch that this process has brought the index up to date and keeps it so."""
        # Without the file, is_verified takes the index as verified.
        with suppress(OSError):
            # A probe by another process blocks the lock for microseconds.
            while not (self._turn.try_acquire() or self._turn.is_held()):
                time.sleep(0.001)

    def is_verified(self) -> bool:
        """Return True if any process vouches for the index."""
        try:
            return self._turn.is_held()
        except OSError:
            # A full disk: what was served before beats an error.
            return True

    def release(self) -> None:
        """Vouch no longer."""
        self._turn.release()
