"""A thread that runs small tasks periodically, apart from requests."""

import logging
import threading
from collections.abc import Callable

from feeds.logs import LogOnce

log = logging.getLogger(__name__)

#: Seconds between two runs of the tasks.
INTERVAL = 1.0

#: Seconds for which the end of a process waits for the last run.
PATIENCE = 2.0


class PeriodicThread:
    """A thread that runs tasks once a second and logs their errors once."""

    def __init__(self, *tasks: Callable[[], None]) -> None:
        """Take the tasks; nothing runs yet."""
        operation = "counting failed, trying again every second"
        self._tasks = [(task, LogOnce(log, operation, is_traced=True)) for task in tasks]
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    def start(self) -> None:
        """Start once, and only after a server has forked: threads do not survive a fork."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="periodic", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Run all tasks a last time, and end."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(PATIENCE)

    def _run(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._stopped.wait(INTERVAL)
            for task, log_once in self._tasks:
                try:
                    task()
                except Exception as error:
                    log_once.report(error)
                else:
                    if log_once.clear():
                        log.info("counting works again")
