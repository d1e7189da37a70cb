"""Announces changed documents to hubs: a thread polls the revision and delivers the changes.

Each hub has a delivery thread of its own beside the polling thread, so a hub that hangs delays
neither other hubs nor the detection of changes. No request for a feed waits for any of this. Many
processes and machines may run it at once: one process per machine holds the leader lock.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from functools import partial

from feeds.cache import Cache
from feeds.catalog import Catalog
from feeds.logs import LogOnce
from feeds.sync import ContentSync
from feeds.websub.changes import ChangeDetector
from feeds.websub.hub_client import DEADLINE
from feeds.websub.outbox import Delivery, HubState, Outbox
from feeds.websub.retries import PAUSE, Deliverer

log = logging.getLogger(__name__)

#: Seconds between polls of the revision.
INTERVAL = 0.5

#: Addresses in one batch of a hub.
BATCH = 50


class Announcer:
    """Announces the changes of a site to its hubs while it holds the leader lock."""

    def __init__(
        self,
        catalog: Catalog,
        sync: ContentSync,
        outbox: Outbox,
        cache: Cache,
        version: str,
        clock: Callable[[], float] = time.time,
        pause: float = PAUSE,
    ) -> None:
        """Watch a catalog; ``version`` is of the rendering code, ``cache`` joins the machines."""
        self._catalog = catalog
        self._sync = sync
        self._outbox = outbox
        self.deliverer = Deliverer(outbox, cache, clock, pause)
        self._detector = ChangeDetector(catalog, sync.index, outbox, version)
        self._clock = clock
        self._hubs = catalog.files.site.hubs
        self._seen_revision: int | None = None
        self._stopped = threading.Event()
        self._threads: dict[int, threading.Thread] = {}
        self._log_once = LogOnce(log, "changes cannot be announced to hubs now, retrying")

    def start(self) -> None:
        """Start the thread of this process, once; do nothing without hubs."""
        # Keyed by process: a child inherits no thread of its parent.
        if not self._hubs or os.getpid() in self._threads:
            return
        thread = threading.Thread(target=self._run, name="announcer", daemon=True)
        if self._threads.setdefault(os.getpid(), thread) is thread:
            thread.start()

    def stop(self) -> None:
        """Stop after the deliveries in progress, within a time limit."""
        self._stopped.set()
        if thread := self._threads.get(os.getpid()):
            thread.join(2 * DEADLINE)

    def announce(self) -> list[HubState]:
        """Deliver everything pending now, or expedite it in the process that holds the lock."""
        if not self._hubs:
            return []
        lock = self._outbox.leader_lock()
        is_leader = lock.try_acquire()
        try:
            if is_leader:
                self.detect_changes()
            self._outbox.expedite(self.deliverer.pause)
            if is_leader and any(state.pending for state in self.states()):
                self._stopped.wait(self.deliverer.pause)
                while self.deliver():
                    pass
        finally:
            lock.release()
        return self.states()

    def states(self) -> list[HubState]:
        """Return the state of each hub of the site; raise StoreUnavailable without a database."""
        return self._outbox.states(self._hubs)

    def detect_changes(self) -> None:
        """Queue the documents that changed since the last call; the first call queues none."""
        revision, is_new = self._catalog.revision(), self._outbox.is_new()
        # An index of other settings is about to be rebuilt.
        if (revision == self._seen_revision and not is_new) or not self._sync.state.is_ready:
            return
        known = self._outbox.stamps()
        changed = list(self._detector.changed_documents(known))
        now = self._clock()
        # Before the first call hubs have received nothing that could be outdated.
        self._outbox.record(changed, () if is_new else self._hubs, now, now + self.deliverer.pause)
        self._seen_revision = revision

    def deliver(self) -> int:
        """Deliver a batch to each hub; return the number of attempted addresses."""
        running: dict[str, Future[int]] = {}
        self._start_batches(running)
        return sum(batch.result() for batch in running.values())

    def _start_batches(self, running: dict[str, Future[int]]) -> None:
        """Start a batch for each hub that has due deliveries and no running batch."""
        for hub in self._hubs:
            if hub in running and running[hub].done():
                # Raises the exception of the batch, if there was one.
                running.pop(hub).result()
            due = [] if hub in running else self._outbox.due(hub, self._clock(), BATCH)
            if due:
                running[hub] = _in_thread(partial(self._deliver_batch, due))

    def _deliver_batch(self, batch: Iterable[Delivery]) -> int:
        """Deliver addresses to one hub until it fails; return the number of attempts."""
        count = 0
        for delivery in batch:
            count += 1
            if self._stopped.is_set() or not self.deliverer.deliver(delivery):
                break
        return count

    def _run(self) -> None:
        lock, is_leader = self._outbox.leader_lock(), False
        running: dict[str, Future[int]] = {}
        while not self._stopped.wait(INTERVAL):
            try:
                if not lock.try_acquire():
                    is_leader = False
                    continue
                if not is_leader:
                    # Another process may have recorded other states since this one was leader.
                    self._seen_revision = None
                    self._outbox.keep_only(self._hubs)
                self.detect_changes()
                is_leader = True
                self._start_batches(running)
                if not running:
                    self._log_once.clear()
            except Exception as error:
                # This thread must survive any error: full disk, missing folder, corrupt index.
                self._log_once.report(error)
        wait(running.values(), DEADLINE)
        lock.release()


def _in_thread(work: Callable[[], int]) -> Future[int]:
    """Run work in a daemon thread; the threads of a pool would keep the process from ending."""
    outcome = Future[int]()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=run, name="hub-delivery", daemon=True).start()
    return outcome
