"""The content of a document as rows of the index, and the size limit of a document."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import NamedTuple, TypeVar

import msgspec

from feeds.index import Row
from feeds.model import FeedId, Image, Withdrawal

T = TypeVar("T")


class LastChange(NamedTuple):
    """The time of the last change: seconds UTC."""

    #: The Last-Modified, never later than the clock.
    modified: int
    #: The moment from which clients could see the change.
    moment: int


@dataclass(frozen=True, slots=True)
class Selection:
    """The content of one document of a feed: enough for its ETag, too little to render."""

    id: FeedId
    title: str
    description: str
    image: Image | None
    #: The language that all articles of the feed share, else that of the site: BCP 47.
    language: str
    #: Newest first.
    rows: tuple[Row, ...]
    #: The latest time of change that the articles name: seconds UTC.
    updated: int
    #: Last-Modified: seconds UTC; every visible change moves it forward.
    modified: int
    #: The moment from which clients could see the last such change: seconds UTC.
    changed: int
    previous: FeedId | None = None
    next: FeedId | None = None
    withdrawn: tuple[Withdrawal, ...] = ()

    @property
    def fingerprint(self) -> bytes:
        """Return a hash of everything that a subscriber can see, and of nothing else."""
        visible = replace(self, modified=0, changed=0)
        return blake2b(msgspec.json.encode(visible), digest_size=16).digest()


def split_by_weight(all: Iterable[T], weigh: Callable[[T], int], budget: int) -> Iterator[list[T]]:
    """Cut a sequence into runs that each stay within the budget or hold a single element."""
    run: list[T] = []
    room = budget
    for each in all:
        weight = weigh(each)
        if run and weight > room:
            yield run
            run, room = [], budget
        run.append(each)
        room -= weight
    if run:
        yield run


def archive_chain(
    path: str, month: str, count: int, before: FeedId | None, after: FeedId | None
) -> Iterator[tuple[FeedId | None, FeedId, FeedId | None]]:
    """Return the documents of a month, oldest first, each between its neighbours (RFC 5005, 4)."""
    ids = [*(FeedId(path, month, number) for number in range(1, count)), FeedId(path, month)]
    return zip((before, *ids), ids, (*ids[1:], after), strict=False)
