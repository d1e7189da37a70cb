"""What earlier documents held, in short: enough to tell what another has that they had not.

A trace is kept under the address and the key of its document, which is what a client's ETag names:
in each process that served the document, and where documents are kept, for all others. It is lost
as easily as they are: then the client gets the whole.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from hashlib import blake2b

import msgspec

from feeds.cache import Cache
from feeds.encodings import seal, unseal
from feeds.index import Row
from feeds.model import Withdrawal
from feeds.selection import Selection

#: Bytes that stand for an article or a withdrawal: two of one feed never agree by chance.
_SIZE = 8

#: A delta with a larger part of the document than this saves too little to be made.
_NEARLY_ALL = 0.9


@dataclass(frozen=True, slots=True)
class DocumentHistory:
    """Remembers documents that were rendered, and tells what is new since one of them."""

    #: Names the way of rendering, at most 64 bytes: by another, every article is a new one.
    way: bytes
    #: In this process: a crowd waits for no other, whose silence would cost all of it whole feeds.
    near: Cache
    #: Where other processes find them, if allow_any.
    shared: Cache | None = None

    def remember(self, address: str, key: str, selection: Selection) -> bytes:
        """Remember in this process what the document with this key holds; return its trace."""
        name = _name(address, key)
        trace = self.near.get(name)
        if trace is None:
            held: tuple[Row | Withdrawal, ...] = (*selection.rows, *selection.withdrawn)
            trace = seal(name, b"".join(map(self._digest, held)))
            self.near.set(name, trace)
        return trace

    def share(self, address: str, key: str, selection: Selection) -> None:
        """Remember it for all processes, which whoever renders the document does."""
        trace = self.remember(address, key, selection)
        if self.shared:
            self.shared.set(_name(address, key), trace)

    def items_of(self, address: str, key: str) -> Collection[bytes] | None:
        """What stands for all that the document with this key held, or None."""
        name = _name(address, key)
        trace = self.near.get(name) or (self.shared and self.shared.get(name))
        found = unseal(name, trace or b"")
        if found is None:
            return None
        return {found[start : start + _SIZE] for start in range(0, len(found), _SIZE)}

    def since(self, held: Collection[bytes], selection: Selection) -> Selection | None:
        """The part of a selection that is new or changed; None when that is nearly all of it."""
        rows = tuple(row for row in selection.rows if self._digest(row) not in held)
        if _weight(rows) >= _NEARLY_ALL * _weight(selection.rows):
            return None
        gone = tuple(gone for gone in selection.withdrawn if self._digest(gone) not in held)
        return replace(selection, rows=rows, withdrawn=gone)

    def _digest(self, what: Row | Withdrawal) -> bytes:
        return blake2b(msgspec.json.encode(what), digest_size=_SIZE, key=self.way).digest()


def _name(address: str, key: str) -> str:
    # With the address: else anybody could have each feed compared with documents of all others.
    return f"{key}:{blake2b(address.encode(), digest_size=_SIZE).hexdigest()}"


def _weight(rows: Collection[Row]) -> int:
    return sum(row.weight for row in rows)
