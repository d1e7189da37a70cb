"""Announces changed documents to hubs: a thread polls the revision and delivers the changes.

Each hub has a delivery thread of its own beside the polling thread, so a hub that hangs delays
neither other hubs nor the detection of changes. No request for a feed waits for any of this. Many
processes and machines may run it at once: one process per machine holds the leader lock, and
machines that share a cache record there what a hub has received.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from functools import partial
from hashlib import blake2b

from feeds.cache import Cache
from feeds.catalog import Catalog
from feeds.logs import LogOnce
from feeds.sync import ContentSync
from feeds.websub.changes import ChangeDetector
from feeds.websub.outbox import Delivery, HubState, Outbox
from feeds.websub.ping import DEADLINE, Reply, delay, ping

log = logging.getLogger(__name__)

#: Seconds between polls of the revision.
INTERVAL = 0.5

#: Seconds from a change to its announcement. In that time further changes join it, other machines
#: detect it, and the cache of nginx, which keeps a response for up to two seconds, expires.
PAUSE = 4.0

#: Seconds that a machine claims a delivery for: longer than DEADLINE allows it to take.
CLAIM = 8

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
        self._detector = ChangeDetector(catalog, sync.index, outbox, version)
        self._cache = cache
        self._pause = pause
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
            self._outbox.expedite(self._pause)
            if is_leader and any(state.pending for state in self.states()):
                self._stopped.wait(self._pause)
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
        self._outbox.record(changed, () if is_new else self._hubs, now, now + self._pause)
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
            if self._stopped.is_set() or not self._deliver(delivery):
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

    def _deliver(self, due: Delivery) -> bool:
        """Announce one address to a hub; return True if the hub can take more."""
        started = self._clock()
        if self._cache.is_shared and self._cache.get(_cache_name(due)) == due.key.encode():
            self._outbox.mark_delivered(due)
            return True
        if not self.claim(due, started):
            # Another machine tries it; count that, so that a further change gets its own pause.
            self._outbox.reschedule(due, max(due.tries, 1), started + 1)
            return True
        # Before the request: a process that dies during it, or cannot write to a full disk after
        # it, retries later instead of repeating the request without end.
        if not self._outbox.reschedule(due, due.tries + 1, started + delay(due.tries + 1)):
            # It changed since the batch began; the new change has a delivery of its own.
            return True
        reply = ping(due.hub, due.address)
        if not reply.is_success:
            return self._failed(due, reply)
        self._succeeded(due, started)
        return True

    def claim(self, due: Delivery, now: float) -> bool:
        """Return True if this machine alone may make a delivery for CLAIM seconds.

        A delivery before the end of its pause is repeated after it, with a claim of its own.
        """
        when = "early" if self._is_early(due, now) else "due"
        return self._cache.lease(f"{_cache_name(due)}:{due.key}:{when}", CLAIM)

    def _is_early(self, due: Delivery, now: float) -> bool:
        """Return True during the pause, when caches may still serve the hub an older document."""
        return due.since <= now < due.since + self._pause

    def _succeeded(self, due: Delivery, started: float) -> None:
        self._outbox.succeeded(due.hub, self._clock())
        if self._is_early(due, started):
            self._outbox.reschedule(due, 0, due.since + self._pause)
            return
        if self._cache.is_shared:
            self._cache.set(_cache_name(due), due.key.encode())
        self._outbox.mark_delivered(due)

    def _failed(self, due: Delivery, reply: Reply) -> bool:
        now = self._clock()
        if reply.is_refusal:
            self._outbox.failed(due.hub, reply.error, None)
            level = logging.WARNING if due.tries == 0 else logging.DEBUG
            log.log(level, "hub %s refused %s: %s", due.hub, due.address, reply.error)
            return True
        again = now + max(delay(due.failures + 1), reply.retry_after)
        self._outbox.failed(due.hub, reply.error, again)
        self._outbox.reschedule(due, due.tries, now)
        log.warning("hub %s: %s: retry in %d s", due.hub, reply.error, again - now)
        return False


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


def _cache_name(due: Delivery) -> str:
    """Return the name in the cache for the key that a hub has received of an address."""
    return f"websub:{blake2b(f'{due.hub} {due.address}'.encode(), digest_size=16).hexdigest()}"
