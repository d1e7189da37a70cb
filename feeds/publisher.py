"""From a target to a document: content-addressed, rendered once, kept in memory while in use.

A target is a frozen value that names a document, such as a feed with a format.

There is no invalidation. The key of a document is a hash of everything that decides its bytes: a
change makes a new key, and a check for changes is one comparison in memory.
"""

import logging
import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from weakref import WeakValueDictionary

from feeds.cache import LEASE, Cache
from feeds.documents import Document, DocumentPlan
from feeds.encoded_bodies import IDENTITY, Bodies, seal, unseal
from feeds.errors import IndexUnavailable, MovedFeed, NoDelta, OutOfDate, RetiredFeed, UnknownFeed
from feeds.logs import LogThrottle
from feeds.metrics import Counters

log = logging.getLogger(__name__)

#: The default limit of documents in memory, in bytes.
MEMORY = 64_000_000

#: The share of the memory of a process that mixes and searches have to themselves: a client that
#: invents a million of them evicts no feed.
CUSTOM_SHARE = 1 / 8

#: Seconds between two look-ups of a document that another machine renders.
LOOK = 0.02

#: The most attempts if articles change between selecting and reading them.
ATTEMPTS = 5


@dataclass(slots=True)
class _Hot:
    """A document in memory and the revision at which it was last known to be current."""

    revision: int
    document: Document
    #: When the stale document was last served: seconds UTC.
    stale_at: int = 0
    #: The bytes that it counts for in memory.
    size: int = 0
    #: True if it was requested since it was last a candidate for eviction.
    is_used: bool = False


@dataclass(slots=True)
class _Room:
    """A part of the memory, in which documents evict none but one another."""

    #: Bytes.
    limit: int
    size: int = 0
    #: The documents by target, the next candidate for eviction first.
    documents: OrderedDict[Hashable, _Hot] = field(default_factory=OrderedDict)


class Publisher:
    """The documents in memory and the cache behind them."""

    def __init__(
        self,
        revision: Callable[[], int],
        cache: Cache,
        memory: int = MEMORY,
        counts: Counters | None = None,
        clock: Callable[[], float] = time.time,
        custom_memory: int = int(MEMORY * CUSTOM_SHARE),
    ) -> None:
        """Take the revision of the index, the cache behind the memory, and its limits in bytes."""
        self.counts = counts or Counters()
        self._revision = revision
        self._cache = cache
        self._clock = clock
        #: The documents by target. Any thread may read at any time; writing requires the lock.
        self._hot: dict[Hashable, _Hot] = {}
        #: The same documents: those of mixes and searches, and all others.
        self._rooms = {True: _Room(custom_memory), False: _Room(memory)}
        #: The targets of the documents in memory, by key.
        self._targets: defaultdict[str, set[Hashable]] = defaultdict(set)
        self._lock = threading.Lock()
        self._rendering: dict[str, Future[Bodies | None]] = {}
        #: All bodies that any thread of this process still refers to, by key.
        self._alive: WeakValueDictionary[str, Bodies] = WeakValueDictionary()
        self._throttle = LogThrottle()
        #: The number of renderings by this process.
        self.renderings = 0

    @property
    def size(self) -> int:
        """Return the bytes of all documents in memory."""
        return sum(room.size for room in self._rooms.values())

    def hot(self, target: Hashable) -> Document | None:
        """Return the document of a target if it is in memory and current, else None.

        An unknown target takes no memory.
        """
        found = self._hot.get(target)
        if found is None or found.revision != self._revision():
            return None
        # Only eviction reorders documents: a lock here would cost more than the rest of the call.
        found.is_used = True
        return found.document

    def document(
        self, target: Hashable, plan: Callable[[], DocumentPlan], fallback: Document | None = None
    ) -> Document:
        """Return the document of a target, rendered by its plan if it has changed.

        While another thread renders it, the stale document is served; a caller that passes a
        ``fallback``, which is larger, blocks until rendering finishes. UnknownFeed, RetiredFeed,
        MovedFeed and NoDelta are always raised. After any other error the fallback, else the stale
        document is served; the error is raised if there is neither.
        """
        # Read before the plan: the next request sees changes that happen from here on.
        revision = self._revision()
        known = self._hot.get(target)
        if known and known.revision == revision:
            known.is_used = True
            return known.document
        is_urgent = known is None or fallback is not None
        try:
            document = self._current(plan, known.document if known else None, is_urgent)
        except (UnknownFeed, RetiredFeed, MovedFeed, NoDelta):
            self._drop(target)
            raise
        except Exception:
            if fallback is None and known is None:
                raise
            self._log_failure(target)
            # The fallback is newer: the stale document may hold articles that were withdrawn.
            return fallback or self._stale(known)
        if document is None:
            return self._stale(known)
        stale_at = known.stale_at if known else 0
        document = replace(document, changed=max(document.changed, stale_at))
        self._keep(target, _Hot(revision, document, stale_at))
        return document

    def _stale(self, known: _Hot | None) -> Document:
        """Return the stale document and record the time, which clients may send as its date."""
        assert known is not None
        known.stale_at = int(self._clock())
        return known.document

    def _log_failure(self, target: Hashable) -> None:
        """Log the exception that is being handled, throttled: one per request would fill a disk."""
        if self._throttle.is_due():
            log.exception("%s cannot be made now: serving what was served before", target)

    def _current(
        self, plan: Callable[[], DocumentPlan], old: Document | None, is_urgent: bool
    ) -> Document | None:
        """Return the document of a plan; None if another thread renders it and it is not urgent."""
        for _ in range(ATTEMPTS):
            planned = plan()
            if old and old.key == planned.key:
                return replace(old, modified=planned.modified, changed=planned.changed)
            try:
                bodies = self._bodies(planned, is_urgent)
            except OutOfDate:
                continue
            if bodies is None:
                return None
            return planned.with_bodies(bodies)
        raise IndexUnavailable("the articles change faster than they can be read")

    def _bodies(self, plan: DocumentPlan, is_urgent: bool) -> Bodies | None:
        """Read or render the bodies in one thread; the others wait if they are urgent."""
        with self._lock:
            # Another thread has rendered it meanwhile, but may not have stored it yet.
            if alive := self._alive.get(plan.key):
                return alive
            under_way = self._rendering.get(plan.key)
            if under_way is None:
                mine = self._rendering[plan.key] = Future[Bodies | None]()
        if under_way is not None:
            # A thread that was not urgent may have left the rendering to another machine.
            bodies = under_way.result() if is_urgent else None
            return bodies if bodies or not is_urgent else self._bodies(plan, is_urgent)
        try:
            mine.set_result(self._cached(plan, is_urgent))
        except BaseException as error:
            mine.set_exception(error)
        with self._lock:
            del self._rendering[plan.key]
            if not mine.exception() and (made := mine.result()):
                self._alive[plan.key] = made
        return mine.result()

    def _cached(self, plan: DocumentPlan, is_urgent: bool) -> Bodies | None:
        """Return the bodies from the cache, else render them unless another machine does."""
        if plan.is_custom:
            # A million of them would fill the shared cache.
            return self._rendered(plan)
        bodies = self._stored(plan.key)
        if bodies is None and not self._cache.lease(plan.key):
            if not is_urgent:
                return None
            bodies = self._awaited(plan.key)
        if bodies is None:
            bodies = self._rendered(plan)
            # Without codings: each takes 3 ms to make, and not all are used.
            self._cache.set(plan.key, seal(plan.key, bodies[IDENTITY]))
        return bodies

    def _rendered(self, plan: DocumentPlan) -> Bodies:
        began = time.perf_counter()
        bodies = Bodies(plan.render(), partial(self._on_growth, plan.key))
        self.counts.rendered(time.perf_counter() - began)
        self.renderings += 1
        return bodies

    def _stored(self, key: str) -> Bodies | None:
        body = unseal(key, self._cache.get(key) or b"")
        self.counts.looked_up(body is not None)
        return None if body is None else Bodies(body, partial(self._on_growth, key))

    def _awaited(self, key: str) -> Bodies | None:
        """Wait for the bodies that another machine renders; None if this one must render them.

        If the other machine dies, its lease expires and one that waits acquires it.
        """
        end = time.monotonic() + LEASE
        while time.monotonic() < end:
            time.sleep(LOOK)
            if bodies := self._stored(key):
                return bodies
            if self._cache.lease(key):
                return None
        return None

    def _keep(self, target: Hashable, hot: _Hot) -> None:
        with self._lock:
            known = self._hot.get(target)
            if known and known.revision > hot.revision:
                # This thread was slow: another one has stored a newer document.
                return
            self._forget(target)
            self._hot[target] = hot
            self._room(hot).documents[target] = hot
            self._targets[hot.document.key].add(target)
            self._count(hot)
            self._make_room(hot)

    def _on_growth(self, key: str) -> None:
        """Count a new coding of a document, and evict others if memory is short."""
        with self._lock:
            for target in [*self._targets.get(key, ())]:
                # The loop may have evicted this one already.
                if hot := self._hot.get(target):
                    self._count(hot)
                    self._make_room(hot)

    def _room(self, hot: _Hot) -> _Room:
        return self._rooms[hot.document.is_custom]

    def _count(self, hot: _Hot) -> None:
        room = self._room(hot)
        room.size -= hot.size
        hot.size = hot.document.size
        room.size += hot.size

    def _make_room(self, newest: _Hot) -> None:
        """Evict the least recently used documents; the newest stays, however large it is.

        A document that was used since it was last considered gets a second chance.
        """
        room = self._room(newest)
        while room.size > room.limit and len(room.documents) > 1:
            target, oldest = next(iter(room.documents.items()))
            if oldest is newest or oldest.is_used:
                oldest.is_used = False
                room.documents.move_to_end(target)
            else:
                self._forget(target)

    def _drop(self, target: Hashable) -> None:
        with self._lock:
            self._forget(target)

    def _forget(self, target: Hashable) -> None:
        old = self._hot.pop(target, None)
        if old:
            room = self._room(old)
            del room.documents[target]
            room.size -= old.size
            targets = self._targets[old.document.key]
            targets.remove(target)
            if not targets:
                del self._targets[old.document.key]
