"""The documents that a process keeps in memory, within a limit in bytes."""

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field

from feeds.documents import Document

#: The default limit of documents in memory, in bytes.
MEMORY = 64_000_000

#: The share of the memory of a process that mixes and searches have to themselves: a client that
#: invents a million of them evicts no feed.
CUSTOM_SHARE = 1 / 8


@dataclass(slots=True)
class HotDocument:
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
    documents: OrderedDict[Hashable, HotDocument] = field(default_factory=OrderedDict)


class DocumentMemory:
    """The documents in memory by target; the least recently used are evicted."""

    def __init__(self, limit: int = MEMORY, custom_limit: int = int(MEMORY * CUSTOM_SHARE)) -> None:
        """Take the limits in bytes: of documents, and apart from them of mixes and searches."""
        #: The documents by target. Any thread may read it at any time, without a lock.
        self.by_target: dict[Hashable, HotDocument] = {}
        #: The same documents: those of mixes and searches, and all others.
        self._rooms = {True: _Room(custom_limit), False: _Room(limit)}
        #: The targets of the documents in memory, by key.
        self._targets: defaultdict[str, set[Hashable]] = defaultdict(set)
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Return the bytes of all documents in memory."""
        return sum(room.size for room in self._rooms.values())

    def keep(self, target: Hashable, hot: HotDocument) -> None:
        """Store the document of a target, unless a newer one is stored; evict others for it."""
        with self._lock:
            known = self.by_target.get(target)
            if known and known.revision > hot.revision:
                # This thread was slow: another one has stored a newer document.
                return
            self._remove(target)
            self.by_target[target] = hot
            self._room(hot).documents[target] = hot
            self._targets[hot.document.key].add(target)
            self._count(hot)
            self._make_room(hot)

    def drop(self, target: Hashable) -> None:
        """Remove the document of a target, if there is one."""
        with self._lock:
            self._remove(target)

    def count_again(self, key: str) -> None:
        """Count a new coding of the document with this key, and evict others if memory is short."""
        with self._lock:
            for target in [*self._targets.get(key, ())]:
                # The loop may have evicted this one already.
                if hot := self.by_target.get(target):
                    self._count(hot)
                    self._make_room(hot)

    def _room(self, hot: HotDocument) -> _Room:
        return self._rooms[hot.document.is_custom]

    def _count(self, hot: HotDocument) -> None:
        room = self._room(hot)
        room.size -= hot.size
        hot.size = hot.document.size
        room.size += hot.size

    def _make_room(self, newest: HotDocument) -> None:
        """Evict the least recently used documents; the newest stays, however large it is.

        A document that was used since it was last considered gets a second chance: only eviction
        reorders documents, since a lock for each use would cost more than the rest of a look-up.
        """
        room = self._room(newest)
        while room.size > room.limit and len(room.documents) > 1:
            target, oldest = next(iter(room.documents.items()))
            if oldest is newest or oldest.is_used:
                oldest.is_used = False
                room.documents.move_to_end(target)
            else:
                self._remove(target)

    def _remove(self, target: Hashable) -> None:
        old = self.by_target.pop(target, None)
        if old:
            room = self._room(old)
            del room.documents[target]
            room.size -= old.size
            targets = self._targets[old.document.key]
            targets.remove(target)
            if not targets:
                del self._targets[old.document.key]
