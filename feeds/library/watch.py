"""Keeps the index up to date while the server runs: files as they change, dates as they come.

Every worker has a Watcher; the one that holds the lock works, and when it dies the kernel drops
its lock and another takes over.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from watchfiles import watch

from feeds.library.lock import tried
from feeds.library.refresh import Report

log = logging.getLogger(__name__)

#: Milliseconds: changes that come closer together than this are one refresh.
DEBOUNCE, STEP = 200, 20

#: Seconds between looks at the clock and at who holds the lock.
BEAT = 0.25

#: Seconds between looks at the whole folder where the file system tells of no change.
POLL = 1

#: Seconds between looks at the whole folder, in case the kernel dropped events.
RESCAN = 300

Refresh = Callable[[Collection[str]], Report]


class Watcher(threading.Thread):
    """Refreshes when files change, and when an embargo ends, as long as it holds the lock."""

    def __init__(
        self, content: Path, lock: Path, refresh: Refresh, clock: Callable[[], float], poll: bool
    ) -> None:
        """Take what to watch and what to call; ``poll`` is for file systems without events."""
        super().__init__(name="watcher", daemon=True)
        self._content = content
        self._lock = lock
        self._refresh = refresh
        self._clock = clock
        self._poll = poll
        self._stop_event = threading.Event()

    def stop(self) -> None:
        """Stop soon; the refresh under way is finished."""
        self._stop_event.set()

    def run(self) -> None:
        """Wait for the lock, then watch; whatever goes wrong is logged and tried again."""
        while not self._stop_event.wait(BEAT):
            with tried(self._lock) as is_ours:
                while is_ours and not self._stop_event.is_set():
                    try:
                        self._watch()
                    except Exception:
                        # Nothing may end this thread: disk full, folder gone, index damaged.
                        log.exception("watching the content folder failed: trying again")
                        self._stop_event.wait(1)

    def _watch(self) -> None:
        real = os.path.realpath(self._content)
        changes = self._changes(real)
        # The first beat has begun to watch, so what changes during this refresh is not missed.
        next(changes, None)
        report = self._refresh([""])
        scanned = time.monotonic()
        for paths in changes:
            is_due = report.due is not None and report.due <= self._clock()
            if time.monotonic() - scanned > RESCAN or (is_due and report.held):
                paths, scanned = {""}, time.monotonic()
            if paths or is_due:
                report = self._refresh(paths)
            if os.path.realpath(self._content) != real:
                return

    def _changes(self, real: str) -> Iterator[set[str]]:
        """Yield the paths that changed below the content folder; nothing at every beat."""
        if self._poll:
            # Our own scan, since the watcher's own polling sees one change a second in a file.
            while not self._stop_event.wait(POLL):
                yield {""}
            return
        found = watch(
            real,
            watch_filter=None,
            debounce=DEBOUNCE,
            step=STEP,
            stop_event=self._stop_event,
            rust_timeout=int(BEAT * 1000),
            yield_on_timeout=True,
            raise_interrupt=False,
        )
        for changes in found:
            yield {path[len(real) + 1 :] for _, path in changes}
