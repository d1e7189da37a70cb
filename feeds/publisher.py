"""From an address to a document: addressed by content, rendered once, kept while it is hot.

There is no invalidation. A document's key is a digest of everything that decides its bytes, so a
change makes another key, and asking whether anything changed is one comparison in memory.
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace

from feeds.cache import LEASE, Cache
from feeds.counting import Counts
from feeds.documents import Document, Recipe
from feeds.encodings import Bodies, encode, pack, unpack
from feeds.errors import IndexUnavailable, MovedFeed, NoDelta, OutOfDate, RetiredFeed, UnknownFeed
from feeds.logs import Seldom

log = logging.getLogger(__name__)

#: Bytes of bodies kept in memory.
MEMORY = 64_000_000

#: Seconds between looks for a document that another machine renders.
LOOK = 0.02

#: How often an article may change between selecting and reading it.
ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class _Hot:
    """A document and the revision at which it was last known to be right."""

    revision: int
    document: Document


class Publisher:
    """Keeps the documents that are asked for."""

    def __init__(
        self,
        revision: Callable[[], int],
        cache: Cache,
        memory: int = MEMORY,
        counts: Counts | None = None,
    ) -> None:
        """Take what tells that something changed, the cache behind, and a limit in bytes."""
        self.counts = counts or Counts()
        self._revision = revision
        self._cache = cache
        self._memory = memory
        self._hot: OrderedDict[str, _Hot] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()
        self._rendering: dict[str, Future[Bodies | None]] = {}
        self._complaints = Seldom()
        #: How many documents were rendered.
        self.renderings = 0

    def hot(self, address: str) -> Document | None:
        """The document at an address if it is in memory and known to be right.

        An address without one leaves no trace.
        """
        found = self._hot.get(address)
        if found is None or found.revision != self._revision():
            return None
        # Another thread may have dropped it just now; a lock would cost more than all the rest.
        with suppress(KeyError):
            self._hot.move_to_end(address)
        return found.document

    def document(
        self, address: str, recipe: Callable[[], Recipe], instead: Document | None = None
    ) -> Document:
        """The document at an address, made by a recipe when that has changed.

        While somebody makes it, what was served before is served again; who names what may be
        served ``instead``, which is larger, waits. That a feed is unknown, retired or moved, or
        that there is no delta, passes through, and so does any other error, unless there is
        something ``instead`` or from before: then that is served rather than none.
        """
        # Read before the recipe: what changes meanwhile is seen by the next request.
        revision = self._revision()
        found = self._hot.get(address)
        if found and found.revision == revision:
            self._keep(address, found)
            return found.document
        is_urgent = found is None or instead is not None
        try:
            document = self._made(recipe, found.document if found else None, is_urgent)
        except (UnknownFeed, RetiredFeed, MovedFeed, NoDelta):
            self._drop(address)
            raise
        except Exception:
            # First what is known to be newer: what was served before may hold what is withdrawn.
            last = instead or (found.document if found else None)
            if last is None:
                raise
            self._complain(address)
            return last
        if document is not None:
            self._keep(address, _Hot(revision, document))
            return document
        assert found is not None
        return found.document

    def _complain(self, address: str) -> None:
        """Log the error that is being handled; not for every request, which would fill a disk."""
        if self._complaints.is_time():
            log.exception("%s cannot be made now: serving what was served before", address)

    def _made(
        self, recipe: Callable[[], Recipe], old: Document | None, is_urgent: bool
    ) -> Document | None:
        """The document of a recipe; None when another thread makes it and it is not urgent."""
        for _ in range(ATTEMPTS):
            wanted = recipe()
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
                wanted.whole,
            )
        raise IndexUnavailable("the articles change faster than they can be read")

    def _bodies(self, recipe: Recipe, is_urgent: bool) -> Bodies | None:
        """From the cache, else rendered, by one thread; the others wait if it is urgent."""
        with self._lock:
            under_way = self._rendering.get(recipe.key)
            if under_way is None:
                mine = self._rendering[recipe.key] = Future[Bodies | None]()
        if under_way is not None:
            # Who was not in a hurry may have left it to another machine.
            done = under_way.result() if is_urgent else None
            return done if done or not is_urgent else self._bodies(recipe, is_urgent)
        try:
            mine.set_result(self._cached(recipe, is_urgent))
        except BaseException as error:
            mine.set_exception(error)
        finally:
            with self._lock:
                del self._rendering[recipe.key]
        return mine.result()

    def _cached(self, recipe: Recipe, is_urgent: bool) -> Bodies | None:
        """Whatever machine rendered it: all of them share the cache, and one of them renders."""
        bodies = self._stored(recipe.key)
        if bodies is None and not self._cache.lease(recipe.key):
            if not is_urgent:
                return None
            bodies = self._awaited(recipe.key)
        if bodies is None:
            began = time.perf_counter()
            bodies = encode(recipe.render())
            self.counts.rendered(time.perf_counter() - began)
            self.renderings += 1
            self._cache.set(recipe.key, pack(recipe.key, bodies))
        return bodies

    def _stored(self, key: str) -> Bodies | None:
        packed = self._cache.get(key)
        found = unpack(key, packed) if packed else None
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
            self._size += hot.document.size
            while self._size > self._memory and len(self._hot) > 1:
                self._forget(next(iter(self._hot)))

    def _drop(self, address: str) -> None:
        with self._lock:
            self._forget(address)

    def _forget(self, address: str) -> None:
        old = self._hot.pop(address, None)
        if old:
            self._size -= old.document.size
