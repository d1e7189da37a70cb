"""Histories of earlier documents, from which a delta for an earlier ETag is computed (RFC 3229).

A history is the list of the hashes of the articles and withdrawals of a document, stored under its
target and key, which the ETag of a client contains. Each process that served the document keeps
it in memory, and the shared cache keeps it for all others. It may be lost at any time: then the
client gets the full document.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from hashlib import blake2b

import msgspec

from feeds.cache import Cache
from feeds.encoded_bodies import seal, unseal
from feeds.index import Row
from feeds.model import Withdrawal
from feeds.selection import Selection
from feeds.urls import Target

#: The bytes of the hash of an article or a withdrawal: no two of one feed are equal by chance.
_HASH_SIZE = 8

#: A delta with a larger share of the document than this saves too little.
_NEARLY_ALL = 0.9


@dataclass(frozen=True, slots=True)
class DocumentHistory:
    """The contents of rendered documents, and the changes since one of them."""

    #: The version of the rendering, at most 64 bytes: with another one, every article is new.
    version: bytes
    #: The histories in this process, so that a shared cache which hangs costs no client its delta.
    local: Cache
    #: The histories that all processes share, if there is a shared cache.
    shared: Cache | None = None

    def remember(self, target: Target, key: str, selection: Selection) -> bytes:
        """Store the history of a document in this process and return it."""
        name = _name(target, key)
        history = self.local.get(name)
        if history is None:
            held: tuple[Row | Withdrawal, ...] = (*selection.rows, *selection.withdrawn)
            history = seal(name, b"".join(map(self._item_hash, held)))
            self.local.set(name, history)
        return history

    def share(self, target: Target, key: str, selection: Selection) -> None:
        """Store the history for all processes; the process that renders the document does so."""
        history = self.remember(target, key, selection)
        if self.shared:
            self.shared.set(_name(target, key), history)

    def items_of(self, target: Target, key: str) -> Collection[bytes] | None:
        """Return the hashes of all items of the document with this key, or None."""
        name = _name(target, key)
        history = self.local.get(name) or (self.shared and self.shared.get(name))
        hashes = unseal(name, history or b"")
        if hashes is None:
            return None
        starts = range(0, len(hashes), _HASH_SIZE)
        return {hashes[start : start + _HASH_SIZE] for start in starts}

    def since(self, held: Collection[bytes], selection: Selection) -> Selection | None:
        """Return the new and changed part of a selection; None if that is nearly all of it."""
        rows = tuple(row for row in selection.rows if self._item_hash(row) not in held)
        if _weight(rows) >= _NEARLY_ALL * _weight(selection.rows):
            return None
        withdrawn = tuple(w for w in selection.withdrawn if self._item_hash(w) not in held)
        return replace(selection, rows=rows, withdrawn=withdrawn)

    def _item_hash(self, item: Row | Withdrawal) -> bytes:
        encoded = msgspec.json.encode(item)
        return blake2b(encoded, digest_size=_HASH_SIZE, key=self.version).digest()


def _name(target: Target, key: str) -> str:
    # With the target: otherwise clients could have a feed compared with documents of any other.
    return f"{key}:{blake2b(str(target).encode(), digest_size=_HASH_SIZE).hexdigest()}"


def _weight(rows: Collection[Row]) -> int:
    return sum(row.weight for row in rows)
