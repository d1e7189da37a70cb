"""The nouns between a feed and a response: rendered documents and the plans to render them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from feeds.encoded_bodies import Bodies

#: An upper bound of the bytes of a document besides its bodies: validators, headers, and the
#: responses in its memo with the conditions that clients invent.
OVERHEAD = 20_000


@dataclass(frozen=True, slots=True)
class Document:
    """Rendered bytes with their validators."""

    #: A hash of the content, from which the ETag is made.
    key: str
    #: Last-Modified: seconds UTC.
    modified: int
    #: The moment from which clients could see its last change, or later: seconds UTC.
    changed: int
    #: Seconds for which clients may cache it.
    max_age: int
    #: Further headers of its responses: name and value.
    headers: tuple[tuple[str, str], ...]
    bodies: Bodies
    #: The key of the full document if this is a delta, which has the ETag of that document.
    base_key: str | None = None
    #: True if it is of a mix or a search, of which a client can invent any number.
    is_custom: bool = False
    #: Values that other modules derive from the document; they are dropped with it.
    memo: dict[Any, Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    @property
    def size(self) -> int:
        """Return the bytes in memory: the body in all codings made so far, and the overhead."""
        return self.bodies.size + OVERHEAD


@dataclass(frozen=True, slots=True)
class DocumentPlan:
    """A plan of a document: its key, which is cheap to compute, and a function to render it."""

    #: A hash in hex of everything that decides the bytes.
    key: str
    modified: int
    changed: int
    max_age: int
    headers: tuple[tuple[str, str], ...]
    #: Raises OutOfDate if the content of the key has been replaced already.
    render: Callable[[], bytes]
    #: As in Document.
    base_key: str | None = None
    is_custom: bool = False

    def with_bodies(self, bodies: Bodies) -> Document:
        """Return the document of this plan."""
        return Document(
            self.key,
            self.modified,
            self.changed,
            self.max_age,
            self.headers,
            bodies,
            self.base_key,
            self.is_custom,
        )
