"""Starts the worker processes, replaces them when they die or on a signal, and stops them.

It knows nothing of what they do. Granian's own way was seen to hear no SIGTERM during a reload (for
20 s with four workers), never to stop when it came with SIGHUP, and to stop all workers when one
of them died twice in five seconds or could not be loaded.
"""

import logging
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import Pipe, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

log = logging.getLogger(__name__)

#: Seconds that a worker may take to finish what it has accepted before it is killed. Also what it
#: takes to stop one that has just been loaded: granian was seen to miss SIGTERM then, once in 40.
PATIENCE = 10.0

#: Seconds between two looks at what signals ask for.
_TICK = 0.1

#: One that dies within so many seconds is replaced after a pause, lest that be all that is done.
_YOUNG, PAUSE = 5.0, 1.0

#: Seconds between attempts that go on failing; the pauses grow up to it.
_LONGEST_PAUSE = 60.0

#: So many in a row that cannot be loaded, and none that answers: whoever started us must know.
_TRIES = 3

#: Makes the process of a worker from its number, not started yet; it says something when ready.
Make = Callable[[int, Connection], BaseProcess]


@contextmanager
def _terminal_signals_blocked() -> Iterator[None]:
    """Let the processes that are started meanwhile inherit a mask against a terminal's signals.

    A terminal sends Ctrl-C and its hang-up to every process, and only the first one knows what to
    do: a worker that received them as well was seen not to end, once in ten times. A worker that
    blocks them itself can do so only once Python has started in it, and dies of them before that.
    """
    # Python starts this helper beside the first worker, and then unblocks SIGINT.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@dataclass(slots=True, eq=False)
class _Worker:
    #: From 0 on; the one that takes its place has the same.
    number: int
    process: BaseProcess
    says: Connection
    born: float
    is_ready: bool = False
    #: Whether another is to take its place.
    is_old: bool = False
    #: When it is killed if it has not ended; None until it is asked to end.
    deadline: float | None = None

    def tell_to_end(self) -> None:
        """Let it finish what it has accepted; what is not ready has accepted nothing."""
        self.deadline = time.monotonic() + PATIENCE
        if self.is_ready:
            self.process.terminate()
        else:
            self.process.kill()

    def kill_when_overdue(self) -> None:
        """Kill a worker that does not end in time after it was asked to."""
        if self.deadline is not None and time.monotonic() >= self.deadline:
            log.warning("a worker does not end: it is killed")
            self.process.kill()


class Workers:
    """As many workers as wanted, whatever becomes of each."""

    def __init__(self, count: int, make: Make, miss: Callable[[int], None]) -> None:
        """Take the number of workers, what starts one, and what to call if one is missing."""
        self._count = count
        self._make = make
        self._miss = miss
        self._workers: list[_Worker] = []
        self._failures = 0
        self._not_before = 0.0
        # Signals only leave a note: a lock that they wait for may be held by what they interrupt.
        self._is_told_to_stop = self._is_told_to_replace = False

    def run(self) -> bool:
        """Keep the workers running until a signal; return False if none can be loaded."""
        signal.signal(signal.SIGINT, self._note_stop)
        signal.signal(signal.SIGTERM, self._note_stop)
        signal.signal(signal.SIGHUP, self._note_replace)
        try:
            while not self._is_told_to_stop and not self._is_hopeless():
                self._step()
        finally:
            self._stop()
        return self._is_told_to_stop

    def _note_stop(self, *_: object) -> None:
        self._is_told_to_stop = True

    def _note_replace(self, *_: object) -> None:
        self._is_told_to_replace = True

    def _is_hopeless(self) -> bool:
        return self._failures >= _TRIES and not any(w.is_ready for w in self._workers)

    def _step(self) -> None:
        if self._is_told_to_replace:
            self._is_told_to_replace = False
            # What kept new ones from being loaded may have been mended.
            self._failures, self._not_before = 0, 0.0
            for worker in self._workers:
                worker.is_old = True
        self._adjust()
        unready = [w.says for w in self._workers if not w.is_ready]
        wait([*unready, *(w.process.sentinel for w in self._workers)], _TICK)
        for worker in self._workers.copy():
            self._look_at(worker)

    def _adjust(self) -> None:
        """Start those that are missing, and end an old one when its successor is ready."""
        leaving = [w for w in self._workers if w.deadline is not None]
        staying = [w for w in self._workers if w.deadline is None]
        old = [w for w in staying if w.is_old]
        heirs = {w.number: w for w in staying if not w.is_old}
        missing = set(range(self._count)) - {w.number for w in staying}
        # One after the other: each new one takes memory while the old one is still there.
        if old and not leaving and not any(w.number in heirs for w in old):
            missing.add(old[0].number)
        if time.monotonic() >= self._not_before:
            for number in missing:
                self._start(number)
        for worker in old:
            if worker.number in heirs and heirs[worker.number].is_ready:
                worker.tell_to_end()
        for worker in leaving:
            worker.kill_when_overdue()

    def _start(self, number: int) -> None:
        says, its_end = Pipe(duplex=False)
        try:
            with its_end, _terminal_signals_blocked():
                process = self._make(number, its_end)
                process.start()
        except OSError as error:
            log.error("a worker cannot be started: %s", error)
            says.close()
            self._fail(number)
        else:
            self._workers.append(_Worker(number, process, says, time.monotonic()))

    def _look_at(self, worker: _Worker) -> None:
        if not worker.process.is_alive():
            self._workers.remove(worker)
            worker.says.close()
            if worker.deadline is None:
                self._mourn(worker)
        elif not worker.is_ready and worker.says.poll():
            # It ends without a word when it is about to die.
            with suppress(EOFError):
                worker.is_ready = bool(worker.says.recv())
                self._failures = 0

    def _mourn(self, worker: _Worker) -> None:
        """Log that a worker has ended by itself; delay the next one if this one was young."""
        log.error("a worker has ended by itself, with %s", worker.process.exitcode)
        if not worker.is_ready:
            self._fail(worker.number)
        elif time.monotonic() - worker.born < _YOUNG:
            self._not_before = time.monotonic() + PAUSE

    def _fail(self, number: int) -> None:
        """Delay the next attempt after a worker failed to start, and keep the old workers."""
        self._failures += 1
        # While others answer this may go on for days, and each logs a traceback.
        pause = min(PAUSE * 2.0 ** min(self._failures - 1, 20), _LONGEST_PAUSE)
        self._not_before = time.monotonic() + pause
        if any(w.is_old for w in self._workers):
            log.error("no worker is replaced: a new one cannot be loaded")
        for other in self._workers:
            other.is_old = False
        if number not in {w.number for w in self._workers}:
            self._miss(number)

    def _stop(self) -> None:
        for worker in self._workers:
            worker.tell_to_end()
        for worker in self._workers:
            worker.process.join(max(0.0, (worker.deadline or 0.0) - time.monotonic()))
            worker.kill_when_overdue()
            worker.process.join()
