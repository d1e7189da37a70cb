"""From an address to a document: addressed by content, rendered once, kept while it is hot.

There is no invalidation. A document's key is a digest of everything that decides its bytes, so a
change makes another key, and asking whether anything changed is one comparison in memory.
"""

import logging
import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from weakref import WeakValueDictionary

from feeds.cache import LEASE, Cache
from feeds.documents import Document, DocumentPlan
from feeds.encodings import Bodies, encode, pack, unpack
from feeds.errors import IndexUnavailable, MovedFeed, NoDelta, OutOfDate, RetiredFeed, UnknownFeed
from feeds.logs import LogThrottle
from feeds.metrics import Counters

log = logging.getLogger(__name__)

#: Bytes of bodies kept in memory.
MEMORY = 64_000_000

#: Seconds between looks for a document that another machine renders.
LOOK = 0.02

#: How often an article may change between selecting and reading it.
ATTEMPTS = 5


@dataclass(slots=True)
class _Hot:
    """A document and the revision at which it was last known to be right."""

    revision: int
    document: Document
    #: When a document of its address was last served though it had changed: seconds UTC.
    late: int = 0
    #: What it counts for in memory.
    size: int = 0
    #: Whether it was asked for since it was last to leave.
    is_used: bool = False


class Publisher:
    """Keeps the documents that are asked for."""

    def __init__(
        self,
        revision: Callable[[], int],
        cache: Cache,
        memory: int = MEMORY,
        counts: Counters | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take what tells that something changed, the cache behind, and a limit in bytes."""
        self.counts = counts or Counters()
        self._revision = revision
        self._cache = cache
        self._memory = memory
        self._clock = clock
        #: By address. Looked into by any thread at any time, changed by one that holds the lock.
        self._hot: OrderedDict[str, _Hot] = OrderedDict()
        #: The addresses at which the document of a key is kept.
        self._addresses: defaultdict[str, set[str]] = defaultdict(set)
        self._size = 0
        self._lock = threading.Lock()
        self._rendering: dict[str, Future[Bodies | None]] = {}
        #: By key, what is in the memory of anybody here.
        self._alive: WeakValueDictionary[str, Bodies] = WeakValueDictionary()
        self._complaints = LogThrottle()
        #: How many documents were rendered.
        self.renderings = 0

    def hot(self, address: str) -> Document | None:
        """The document at an address if it is in memory and known to be right.

        An address without one leaves no trace.
        """
        found = self._hot.get(address)
        if found is None or found.revision != self._revision():
            return None
        # Its place changes when memory is short: now a lock would cost more than all the rest.
        found.is_used = True
        return found.document

    def document(
        self, address: str, plan: Callable[[], DocumentPlan], fallback: Document | None = None
    ) -> Document:
        """The document at an address, made by a plan when that has changed.

        While somebody makes it, what was served before is served again; who names what may be
        served ``fallback``, which is larger, waits. That a feed is unknown, retired or moved, or
        that there is no delta, passes through, and so does any other error, unless there is
        something ``fallback`` or from before: then that is served rather than none.
        """
        # Read before the plan: what changes meanwhile is seen by the next request.
        revision = self._revision()
        found = self._hot.get(address)
        if found and found.revision == revision:
            found.is_used = True
            return found.document
        is_urgent = found is None or fallback is not None
        try:
            document = self._made(plan, found.document if found else None, is_urgent)
        except (UnknownFeed, RetiredFeed, MovedFeed, NoDelta):
            self._drop(address)
            raise
        except Exception:
            if fallback is None and found is None:
                raise
            self._complain(address)
            # First what is known to be newer: what was served before may hold what is withdrawn.
            return fallback or self._served_late(found)
        if document is None:
            return self._served_late(found)
        late = found.late if found else 0
        document = replace(document, changed=max(document.changed, late))
        self._keep(address, _Hot(revision, document, late))
        return document

    def _served_late(self, found: _Hot | None) -> Document:
        """The document that was served before; a client may name this moment as when it had it."""
        assert found is not None
        found.late = int(self._clock())
        return found.document

    def _complain(self, address: str) -> None:
        """Log the error that is being handled; not for every request, which would fill a disk."""
        if self._complaints.is_due():
            log.exception("%s cannot be made now: serving what was served before", address)

    def _made(
        self, plan: Callable[[], DocumentPlan], old: Document | None, is_urgent: bool
    ) -> Document | None:
        """The document of a plan; None when another thread makes it and it is not urgent."""
        for _ in range(ATTEMPTS):
            wanted = plan()
            if old and old.key == wanted.key:
                return replace(old, modified=wanted.modified, changed=wanted.changed)
            try:
                bodies = self._bodies(wanted, is_urgent)
            except OutOfDate:
                continue
            if bodies is None:
                return None
            return Document(
                wanted.key,
                wanted.modified,
                wanted.changed,
                wanted.max_age,
                wanted.headers,
                bodies,
                wanted.base_key,
            )
        raise IndexUnavailable("the articles change faster than they can be read")

    def _bodies(self, plan: DocumentPlan, is_urgent: bool) -> Bodies | None:
        """From the cache, else rendered, by one thread; the others wait if it is urgent."""
        with self._lock:
            # Rendered since this thread looked, though perhaps not kept yet.
            if alive := self._alive.get(plan.key):
                return alive
            under_way = self._rendering.get(plan.key)
            if under_way is None:
                mine = self._rendering[plan.key] = Future[Bodies | None]()
        if under_way is not None:
            # Who was not in a expedite may have left it to another machine.
            done = under_way.result() if is_urgent else None
            return done if done or not is_urgent else self._bodies(plan, is_urgent)
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
        """Whatever machine rendered it: all of them share the cache, and one of them renders."""
        bodies = self._stored(plan.key)
        if bodies is None and not self._cache.lease(plan.key):
            if not is_urgent:
                return None
            bodies = self._awaited(plan.key)
        if bodies is None:
            began = time.perf_counter()
            bodies = encode(plan.render(), partial(self._grew, plan.key))
            self.counts.rendered(time.perf_counter() - began)
            self.renderings += 1
            self._cache.set(plan.key, pack(plan.key, bodies))
        return bodies

    def _stored(self, key: str) -> Bodies | None:
        packed = self._cache.get(key)
        found = unpack(key, packed, partial(self._grew, key)) if packed else None
        self.counts.looked_up(found is not None)
        return found

    def _awaited(self, key: str) -> Bodies | None:
        """What another machine renders now; None when it is for us to render it.

        If the other one dies, its lease ends and somebody else has it.
        """
        end = time.monotonic() + LEASE
        while time.monotonic() < end:
            time.sleep(LOOK)
            if bodies := self._stored(key):
                return bodies
            if self._cache.lease(key):
                return None
        return None

    def _keep(self, address: str, hot: _Hot) -> None:
        with self._lock:
            known = self._hot.get(address)
            if known and known.revision > hot.revision:
                # A slow thread comes with what was right when it began.
                return
            self._forget(address)
            self._hot[address] = hot
            self._addresses[hot.document.key].add(address)
            self._count(hot)
            self._make_room(hot)

    def _grew(self, key: str) -> None:
        """A document has been encoded once more."""
        with self._lock:
            for address in [*self._addresses.get(key, ())]:
                # It may have been the one that had to leave for another.
                if hot := self._hot.get(address):
                    self._count(hot)
                    self._make_room(hot)

    def _count(self, hot: _Hot) -> None:
        self._size -= hot.size
        hot.size = hot.document.size
        self._size += hot.size

    def _make_room(self, newest: _Hot) -> None:
        """Forget the documents used least recently; the newest stays, however large it is.

        One that was used since it was last here gets a second chance.
        """
        while self._size > self._memory and len(self._hot) > 1:
            address, oldest = next(iter(self._hot.items()))
            if oldest is newest or oldest.is_used:
                oldest.is_used = False
                self._hot.move_to_end(address)
            else:
                self._forget(address)

    def _drop(self, address: str) -> None:
        with self._lock:
            self._forget(address)

    def _forget(self, address: str) -> None:
        old = self._hot.pop(address, None)
        if old:
            self._size -= old.size
            addresses = self._addresses[old.document.key]
            addresses.remove(address)
            if not addresses:
                del self._addresses[old.document.key]
