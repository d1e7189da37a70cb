"""The nouns between a feed and an answer: rendered bytes, their validators, how to make them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from feeds.encodings import IDENTITY, Bodies

#: Bytes that a document takes beside its bodies: validators, headers, answers in its memo.
OVERHEAD = 12_000


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
    whole: str | None = None
    #: What others worked out from the document: kept with it, and dropped with it.
    memo: dict[Any, Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    @property
    def size(self) -> int:
        """Bytes in memory, nearly, once every coding has been asked for.

        Of 1,741 documents of real articles 58 MB; they held 33 when each had been asked for in one
        coding, 49 in all. Counting what is made later would have each coding tell the publisher.
        """
        return len(self.bodies[IDENTITY]) * 3 // 2 + OVERHEAD


@dataclass(frozen=True, slots=True)
class Recipe:
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
    whole: str | None = None
