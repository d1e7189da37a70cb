"""What a document holds, before anything of it is read, and how much fits into one."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import NamedTuple, TypeVar

import msgspec

from feeds.index import Row
from feeds.model import FeedId, Image, Withdrawal

T = TypeVar("T")


class LastChange(NamedTuple):
    """When something last changed: seconds UTC."""

    #: Its Last-Modified, behind the clock.
    modified: int
    #: Since when the change can be seen.
    moment: int


@dataclass(frozen=True, slots=True)
class Selection:
    """What one document of a feed holds: enough to tell it from any other, nothing to render."""

    id: FeedId
    title: str
    description: str
    image: Image | None
    #: Newest first.
    rows: tuple[Row, ...]
    #: The time of the last change that the articles tell of: seconds UTC.
    updated: int
    #: Last-Modified: seconds UTC, later with every change that can be seen.
    modified: int
    #: Since when the last such change can be seen: seconds UTC.
    changed: int
    previous: FeedId | None = None
    next: FeedId | None = None
    withdrawn: tuple[Withdrawal, ...] = ()

    @property
    def fingerprint(self) -> bytes:
        """IndexWriter with everything that a subscriber can see, and with nothing else."""
        seen = replace(self, modified=0, changed=0)
        return blake2b(msgspec.json.encode(seen), digest_size=16).digest()


def fitting(all: Iterable[T], weigh: Callable[[T], int], budget: int) -> Iterator[list[T]]:
    """Cut a sequence into runs that each weigh no more than the budget, or are of one."""
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


def chained(
    path: str, month: str, count: int, before: FeedId | None, after: FeedId | None
) -> Iterator[tuple[FeedId | None, FeedId, FeedId | None]]:
    """The documents of a month, oldest first, each between its neighbours (RFC 5005, 4)."""
    ids = [*(FeedId(path, month, number) for number in range(1, count)), FeedId(path, month)]
    return zip((before, *ids), ids, (*ids[1:], after), strict=False)
