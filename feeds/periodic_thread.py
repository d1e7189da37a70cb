"""Does small things again and again, beside the requests."""

import logging
import threading
from collections.abc import Callable

from feeds.logs import LogOnce

log = logging.getLogger(__name__)

#: Seconds between beats.
BEAT = 1.0

#: Seconds that the end of a process waits for the last one.
PATIENCE = 2.0


class PeriodicThread:
    """A thread that calls some functions once a second; what they raise is logged once."""

    def __init__(self, *works: Callable[[], None]) -> None:
        """Take what to call; nothing runs yet."""
        what = "counting failed, trying again every second"
        self._works = [(work, LogOnce(log, what, is_traced=True)) for work in works]
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    def start(self) -> None:
        """Begin; once is enough. Not before a server has forked: threads do not survive that."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="beat", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Call everything a last time, and end."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(PATIENCE)

    def _run(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._stopped.wait(BEAT)
            for work, trouble in self._works:
                try:
                    work()
                except Exception as error:
                    trouble.report(error)
                else:
                    if trouble.clear():
                        log.info("counting works again")
