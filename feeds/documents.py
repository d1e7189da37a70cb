"""The nouns between a feed and an answer: rendered bytes, their validators, how to make them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from feeds.encodings import Bodies, size

#: Bytes that a document takes beside its bodies, at most: validators, headers, the answers in its
#: memo with the conditions that clients make up.
OVERHEAD = 20_000


@dataclass(frozen=True, slots=True)
class Document:
    """Rendered bytes with their validators."""

    #: Names the content; the ETag is made from it.
    key: str
    #: Last-Modified: seconds UTC.
    modified: int
    #: Since when its last change can be seen: seconds UTC, at least.
    changed: int
    #: Seconds that it may be cached.
    max_age: int
    #: What else the answer says of it: name and value.
    headers: tuple[tuple[str, str], ...]
    bodies: Bodies
    #: The key of the document of which this is a delta, and whose ETag it bears.
    base_key: str | None = None
    #: What others worked out from the document: kept with it, and dropped with it.
    memo: dict[Any, Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    @property
    def size(self) -> int:
        """Bytes in memory: of the body in the codings that have been made, and all around it."""
        return size(self.bodies) + OVERHEAD


@dataclass(frozen=True, slots=True)
class DocumentPlan:
    """How to make a document: what decides its bytes, known cheaply, and how to make them."""

    #: A digest, as hex, of everything that decides the bytes.
    key: str
    modified: int
    changed: int
    max_age: int
    headers: tuple[tuple[str, str], ...]
    #: Raises OutOfDate when what the key stands for is gone already.
    render: Callable[[], bytes]
    #: As of a Document.
    base_key: str | None = None
