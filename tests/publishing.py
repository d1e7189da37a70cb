"""A publisher with invented documents, for the tests of publishing."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from string import ascii_lowercase

from feeds.document_memory import DocumentMemory
from feeds.documents import Document, DocumentPlan
from feeds.encoded_bodies import IDENTITY
from feeds.publisher import Publisher

ADDRESS = "https://feeds.example.org/all.rss"


@dataclass
class Store:
    """A cache for one test."""

    kept: dict[str, bytes] = field(default_factory=dict)
    #: The keys that another machine renders at the moment.
    leased: set[str] = field(default_factory=set)
    is_shared: bool = True
    #: True if it stores nothing.
    forgets: bool = False

    def get(self, key: str) -> bytes | None:
        return None if self.forgets else self.kept.get(key)

    def set(self, key: str, value: bytes) -> None:
        self.kept[key] = value

    def lease(self, key: str, seconds: int = 2) -> bool:
        return key not in self.leased


@dataclass
class Shop:
    """A publisher, and the content that it publishes."""

    memory: int = 1_000_000
    store: Store = field(default_factory=Store)
    revision: int = 1
    content: str = "first"
    modified: int = 1000
    #: The number of plans made.
    plans: int = 0

    def __post_init__(self) -> None:
        self.publisher = Publisher(lambda: self.revision, self.store, DocumentMemory(self.memory))

    def publish(self, content: str) -> None:
        self.content = content
        self.modified += 1
        self.revision += 1

    def plan(self, render: Callable[[], bytes] | None = None) -> DocumentPlan:
        self.plans += 1
        body = self.content.encode()
        times = self.modified, self.modified + 10
        return DocumentPlan(f"key of {self.content}", *times, 900, (), render or (lambda: body))

    def fetch(self, address: str = ADDRESS) -> Document:
        return self.publisher.document(address, self.plan)

    def text(self, address: str = ADDRESS) -> str:
        return self.fetch(address).bodies[IDENTITY].decode()


def fail(error: Exception) -> DocumentPlan:
    raise error


def plan_of(address: str, content: str = "") -> DocumentPlan:
    return DocumentPlan(f"{address} {content}", 1, 2, 900, (), f"{address}{content}".encode)


def text(seed: int, size: int) -> bytes:
    """Return random words, which no other text has."""
    random = Random(seed)
    words = ["".join(random.choices(ascii_lowercase, k=6)) for _ in range(300)]
    return " ".join(random.choices(words, k=size // 7)).encode()


def counted(publisher: Publisher) -> int:
    """Return the sum of the sizes of the documents in memory."""
    return sum(hot.document.size for hot in publisher.memory.by_target.values())
