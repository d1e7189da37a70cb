"""From a target to a document: content-addressed, rendered once, kept in memory while in use.

A target is a frozen value that names a document, such as a feed with a format.

There is no invalidation. The key of a document is a hash of everything that decides its bytes: a
change makes a new key, and a check for changes is one comparison in memory.
"""

import logging
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from weakref import WeakValueDictionary

from feeds.cache import LEASE, Cache
from feeds.document_memory import DocumentMemory, HotDocument
from feeds.documents import Document, DocumentPlan
from feeds.encoded_bodies import IDENTITY, Bodies, seal, unseal
from feeds.errors import IndexUnavailable, MovedFeed, NoDelta, OutOfDate, RetiredFeed, UnknownFeed
from feeds.logs import LogThrottle
from feeds.metrics import Counters

log = logging.getLogger(__name__)

#: Seconds between two look-ups of a document that another machine renders.
LOOK = 0.02

#: The most attempts if articles change between selecting and reading them.
ATTEMPTS = 5


class Publisher:
    """Returns documents: from memory, from the cache behind it, or rendered now."""

    def __init__(
        self,
        revision: Callable[[], int],
        cache: Cache,
        memory: DocumentMemory | None = None,
        counts: Counters | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take the revision of the index, the cache behind the memory, and the memory."""
        self.memory = memory or DocumentMemory()
        self.counts = counts or Counters()
        self._revision = revision
        self._cache = cache
        self._clock = clock
        self._hot = self.memory.by_target
        self._lock = threading.Lock()
        self._rendering: dict[str, Future[Bodies | None]] = {}
        #: All bodies that any thread of this process still refers to, by key.
        self._alive: WeakValueDictionary[str, Bodies] = WeakValueDictionary()
        self._throttle = LogThrottle()
        #: The number of renderings by this process.
        self.renderings = 0

    def hot(self, target: Hashable) -> Document | None:
        """Return the document of a target if it is in memory and current, else None.

        An unknown target takes no memory.
        """
        found = self._hot.get(target)
        if found is None or found.revision != self._revision():
            return None
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
            self.memory.drop(target)
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
        self.memory.keep(target, HotDocument(revision, document, stale_at))
        return document

    def _stale(self, known: HotDocument | None) -> Document:
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
        bodies = Bodies(plan.render(), partial(self.memory.count_again, plan.key))
        self.counts.rendered(time.perf_counter() - began)
        self.renderings += 1
        return bodies

    def _stored(self, key: str) -> Bodies | None:
        body = unseal(key, self._cache.get(key) or b"")
        self.counts.looked_up(body is not None)
        return None if body is None else Bodies(body, partial(self.memory.count_again, key))

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
