"""Keeps hubs informed: a thread looks at the revision, and tells what is another than it was.

Each hub is told in a thread of its own, while the one that looks goes on: a hub that hangs holds up
neither others nor what changes meanwhile. No request for a feed waits for any of this. Many
processes and machines may do it at once: one of each machine has the turn, and those that share a
cache tell each other there what a hub knows.
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

#: Seconds between looks.
BEAT = 0.5

#: Seconds from a change to telling of it. Meanwhile further ones join it, other machines see it,
#: and nginx in front, which keeps an answer for up to two seconds, has let go of what was before.
PAUSE = 4.0

#: Seconds that other machines wait for one that tells a hub: longer than it may take.
CLAIM = 8

#: Addresses told to a hub between two looks.
BATCH = 50


class Announcer:
    """Keeps the hubs of a site informed while it is its turn."""

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
        """Take what may change, where machines meet, and the version of the code that renders."""
        self._catalog = catalog
        self._sync = sync
        self._queue = outbox
        self._sight = ChangeDetector(catalog, sync.index, outbox, version)
        self._cache = cache
        self._pause = pause
        self._clock = clock
        self._hubs = catalog.files.site.hubs
        self._looked_at: int | None = None
        self._stopped = threading.Event()
        self._threads: dict[int, threading.Thread] = {}
        self._log_once = LogOnce(log, "hubs cannot be told now, trying again")

    def start(self) -> None:
        """Begin, in this process, unless it has begun here already or there is no hub."""
        # By process: a child has none of the threads of its parent.
        if not self._hubs or os.getpid() in self._threads:
            return
        thread = threading.Thread(target=self._run, name="announcer", daemon=True)
        if self._threads.setdefault(os.getpid(), thread) is thread:
            thread.start()

    def stop(self) -> None:
        """Stop soon; what is being told is told to its end, unless that takes too long."""
        self._stopped.set()
        if thread := self._threads.get(os.getpid()):
            thread.join(2 * DEADLINE)

    def announce(self) -> list[HubState]:
        """Tell now all that waits, or have it told by the process here whose turn it is."""
        if not self._hubs:
            return []
        turn = self._queue.turn()
        is_ours = turn.try_acquire()
        try:
            if is_ours:
                self.look()
            self._queue.expedite(self._pause)
            if is_ours and any(state.pending for state in self.states()):
                self._stopped.wait(self._pause)
                while self.tell():
                    pass
        finally:
            turn.release()
        return self.states()

    def states(self) -> list[HubState]:
        """How each hub of the site is doing; raise StoreUnavailable when it cannot be told now."""
        return self._queue.states(self._hubs)

    def look(self) -> None:
        """See what changed since it was last seen; the first time everything is as it should be."""
        revision, is_new = self._catalog.revision(), self._queue.is_new()
        # An index made for other settings is about to be made anew.
        if (revision == self._looked_at and not is_new) or not self._sync.is_ready:
            return
        known = self._queue.stamps()
        seen = list(self._sight.changed_documents(known))
        now = self._clock()
        # Nobody can have been told anything else before the first time.
        self._queue.note(seen, () if is_new else self._hubs, now, now + self._pause)
        self._looked_at = revision

    def tell(self) -> int:
        """Tell each hub some of what is due; return of how many addresses it was."""
        under_way: dict[str, Future[int]] = {}
        self._begin(under_way)
        return sum(telling.result() for telling in under_way.values())

    def _begin(self, under_way: dict[str, Future[int]]) -> None:
        """Begin to tell each hub some of what is due, unless it is being told already."""
        for hub in self._hubs:
            if hub in under_way and under_way[hub].done():
                # Raises what went wrong.
                under_way.pop(hub).result()
            waiting = [] if hub in under_way else self._queue.due(hub, self._clock(), BATCH)
            if waiting:
                under_way[hub] = _beside(partial(self._tell_all, waiting))

    def _tell_all(self, waiting: Iterable[Delivery]) -> int:
        """Tell one hub of some addresses, until it fails; return of how many it was."""
        count = 0
        for due in waiting:
            count += 1
            if self._stopped.is_set() or not self._tell(due):
                break
        return count

    def _run(self) -> None:
        turn, is_begun = self._queue.turn(), False
        under_way: dict[str, Future[int]] = {}
        while not self._stopped.wait(BEAT):
            try:
                if not turn.try_acquire():
                    is_begun = False
                    continue
                if not is_begun:
                    # Another process may have seen more since our last turn, or been told less.
                    self._looked_at = None
                    self._queue.keep_only(self._hubs)
                self.look()
                is_begun = True
                self._begin(under_way)
                if not under_way:
                    self._log_once.clear()
            except Exception as error:
                # Nothing may end this thread: disk full, folder gone, index damaged.
                self._log_once.report(error)
        wait(under_way.values(), DEADLINE)
        turn.release()

    def _tell(self, due: Delivery) -> bool:
        """Tell a hub of one address; return whether it may be told of more."""
        started = self._clock()
        if self._cache.is_shared and self._cache.get(_name(due)) == due.key.encode():
            self._queue.mark_delivered(due)
            return True
        if not self.claim(due, started):
            # Tried, if by another: what it changes to now waits for its own pause.
            self._queue.postpone(due, max(due.tries, 1), started + 1)
            return True
        # Before it is told, not after: who dies meanwhile, or cannot write any more on a full
        # disk, comes back to it later instead of telling it without end.
        if not self._queue.postpone(due, due.tries + 1, started + delay(due.tries + 1)):
            # Another than when this batch was begun: it has a turn of its own.
            return True
        reply = ping(due.hub, due.address)
        if not reply.is_success:
            return self._failed(due, reply)
        self._succeeded(due, started)
        return True

    def claim(self, due: Delivery, now: float) -> bool:
        """Whether it is for this machine to tell a hub, and for no other meanwhile.

        What is told before its pause is over is told once more after it, by whoever claims that.
        """
        when = "early" if self._is_early(due, now) else "due"
        return self._cache.lease(f"{_name(due)}:{due.key}:{when}", CLAIM)

    def _is_early(self, due: Delivery, now: float) -> bool:
        """Whether it changed again while it waited: the hub may get what was before that."""
        return due.since <= now < due.since + self._pause

    def _succeeded(self, due: Delivery, started: float) -> None:
        self._queue.succeeded(due.hub, self._clock())
        if self._is_early(due, started):
            self._queue.postpone(due, 0, due.since + self._pause)
            return
        if self._cache.is_shared:
            self._cache.set(_name(due), due.key.encode())
        self._queue.mark_delivered(due)

    def _failed(self, due: Delivery, reply: Reply) -> bool:
        now = self._clock()
        if reply.is_refusal:
            self._queue.failed(due.hub, reply.error, None)
            level = logging.WARNING if due.tries == 0 else logging.DEBUG
            log.log(level, "hub %s refused %s: %s", due.hub, due.address, reply.error)
            return True
        again = now + max(delay(due.failures + 1), reply.wish)
        self._queue.failed(due.hub, reply.error, again)
        self._queue.postpone(due, due.tries, now)
        log.warning("hub %s: %s: asked again in %d s", due.hub, reply.error, again - now)
        return False


def _beside(work: Callable[[], int]) -> Future[int]:
    """Work in a thread of its own, which keeps no process from ending as those of a pool do."""
    outcome = Future[int]()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=run, name="telling", daemon=True).start()
    return outcome


def _name(due: Delivery) -> str:
    """What machines that share a cache call the key that a hub knows of an address."""
    return f"websub:{blake2b(f'{due.hub} {due.address}'.encode(), digest_size=16).hexdigest()}"
