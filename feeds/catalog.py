"""Which feeds exist, what they are called, and what each document of them holds.

A document's selection is decided from the index alone, without touching the articles: that is
what makes an unchanged answer cheap. The articles are read only when a document is rendered.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b
from operator import attrgetter
from typing import TypeVar

import msgspec

from feeds.errors import MovedFeed, RetiredFeed, UnknownFeed
from feeds.library import Library
from feeds.library.index import KnownFeed, Month, Row
from feeds.library.months import month_of, month_range
from feeds.model import Addresses, Article, Feed, FeedId, Image, Source, Withdrawal
from feeds.settings import SiteFiles
from feeds.urls import ALL, Urls, provider_path

T = TypeVar("T")

#: An article stays this long in its feed, however many follow it: seconds.
STAY = 48 * 3600

#: More than this many articles are never in one document.
MOST = 500

#: Withdrawals told in one document, the latest first.
MOST_WITHDRAWN = 100


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
    previous: FeedId | None = None
    next: FeedId | None = None
    withdrawn: tuple[Withdrawal, ...] = ()

    @property
    def fingerprint(self) -> bytes:
        """Changes with everything that a subscriber can see, and with nothing else."""
        return blake2b(msgspec.json.encode(replace(self, modified=0)), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class Listing:
    """A feed as lists of feeds show it."""

    id: FeedId
    #: ``all``, ``topics``, ``providers``, ``names`` or ``feeds``.
    kind: str
    #: What the feed is called among others of its kind: ``AI``.
    name: str
    #: What it is called anywhere else: ``AI — Example News``.
    title: str
    description: str
    count: int
    #: Seconds UTC.
    modified: int
    #: When its newest article was published.
    newest: int | None = None
    #: The feed that this one is part of: of the topic above, of the provider.
    parent: FeedId | None = None


def _itself(weight: int) -> int:
    return weight


_weight = attrgetter("weight")


class Catalog:
    """The feeds of a library."""

    def __init__(self, library: Library, files: SiteFiles, budget: int) -> None:
        """Take the library, what the site's files say, and the bytes for articles in a document."""
        self.files = files
        self.urls = Urls(files.site.url)
        self._index = library.index
        self._clock = library.clock
        self._budget = budget
        self._count_parts = lru_cache(4096)(self._counted)

    def revision(self) -> int:
        """Moves when any feed may have changed; asking costs nothing."""
        return self._index.revision.get()

    def select(self, id: FeedId) -> Selection:
        """What a document holds now.

        Raise UnknownFeed, RetiredFeed or MovedFeed, and IndexUnavailable when nothing can be read.
        """
        with self._index.snapshot():
            listing = self._listing(id)
            if id.month is None:
                return self._current(listing)
            return self._archive(listing, id.month, id.part)

    def feed(self, selection: Selection) -> Feed:
        """The feed of a selection, with its articles, ready to be rendered."""
        site = self.files.site
        current = FeedId(selection.id.path)
        articles = self._index.articles(selection.rows)
        return Feed(
            uri=self._uri(current),
            title=selection.title,
            description=selection.description,
            addresses=self.urls.addresses(selection.id),
            site=replace(site, image=selection.image or site.image),
            updated=selection.updated,
            articles=tuple(articles),
            sources=self._sources(articles),
            previous=self._addresses(selection.previous),
            next=self._addresses(selection.next),
            current=self.urls.addresses(current) if selection.id.month else None,
            withdrawn=selection.withdrawn,
        )

    def months(self, id: FeedId) -> list[Month]:
        """The months of a feed that hold articles, newest first."""
        return [month for month in self._index.months(id.path) if month.count]

    def listing(self, id: FeedId) -> Listing:
        """One feed; raises as ``select`` does."""
        return self._listing(FeedId(id.path))

    def listings(self) -> list[Listing]:
        """All feeds that are not retired: the whole, named ones, topics, providers and names."""
        known = {feed.path: feed for feed in self._index.feeds()}
        paths = [ALL.path, *(f"feeds/{name}" for name in self.files.feeds)]
        kept = {f"topics/{slug}" for slug, topic in self.files.topics.items() if not topic.retired}
        kept |= {provider_path(domain) for domain in self.files.providers}
        kept |= known.keys() - {""}
        paths += sorted(path for path in kept if self._is_listed(path, known))
        return [self._make_listing(path, known.get(path)) for path in dict.fromkeys(paths)]

    def above(self, listing: Listing) -> list[Listing]:
        """The feeds that this one is part of, the widest first, retired ones left out."""
        found: list[Listing] = []
        while listing.parent is not None:
            kind, name = listing.parent.path.split("/")
            listing = self._make_listing(f"{kind}/{name}", self._index.feed(listing.parent.path))
            if not self._is_retired(kind, name):
                found.insert(0, listing)
        return found

    def below(self, id: FeedId) -> list[Listing]:
        """The feeds that are part of this one: sub-topics in the order of topics.yml, names."""
        kind, _, name = id.path.partition("/")
        if kind == "topics":
            topics = (t for t in self.files.topics.values() if t.parent == name and not t.retired)
            paths = [f"topics/{topic.slug}" for topic in topics]
            return [self._make_listing(path, self._index.feed(path)) for path in paths]
        names = self._index.feeds(f"{id.path}/") if kind == "providers" else []
        listed = [feed for feed in names if self._is_listed(feed.path, {f.path: f for f in names})]
        return [self._make_listing(feed.path, feed) for feed in listed]

    def snapshot(self) -> AbstractContextManager[None]:
        """Let all that is asked inside be answered from one revision."""
        return self._index.snapshot()

    def modified(self) -> int:
        """When any feed last changed."""
        site = self._index.feed("")
        return min(site.modified, self._now()) if site else self._never()

    def _is_listed(self, path: str, known: dict[str, KnownFeed]) -> bool:
        kind, *names = path.split("/")
        if kind not in ("topics", "providers") or path in self.files.aliases:
            return False
        if self._is_retired(kind, names[0]):
            return False
        # A provider with one name has one feed: the second would be the same again.
        family = f"{kind}/{names[0]}/"
        return len(names) == 1 or sum(other.startswith(family) for other in known) > 1

    def _is_retired(self, kind: str, name: str) -> bool:
        if kind == "topics":
            return name in self.files.topics and self.files.topics[name].retired
        if kind == "providers":
            return name in self.files.providers and self.files.providers[name].retired
        return False

    def _listing(self, id: FeedId) -> Listing:
        kind, *names = id.path.split("/")
        family = "/".join([kind, *names[:1]])
        if family in self.files.aliases:
            raise MovedFeed(replace(id, path="/".join([self.files.aliases[family], *names[1:]])))
        if names and self._is_retired(kind, names[0]):
            raise RetiredFeed(id.path)
        known = self._index.feed(id.path)
        if not (self._is_declared(kind, names) or (known and kind != "feeds")):
            raise UnknownFeed(id.path)
        return self._make_listing(id.path, known)

    def _is_declared(self, kind: str, names: list[str]) -> bool:
        if not names:
            return kind == ALL.path
        declared = {
            "topics": self.files.topics,
            "providers": self.files.providers,
            "feeds": self.files.feeds,
        }
        return len(names) == 1 and names[0] in declared.get(kind, ())

    def _make_listing(self, path: str, known: KnownFeed | None) -> Listing:
        kind, *names = path.split("/")
        spelling = known.spelling if known else None
        name, description, parent = self._called(kind, names, spelling)
        site = self.files.site
        return Listing(
            id=FeedId(path),
            kind="names" if len(names) == 2 else kind,
            name=name,
            title=site.title if path == ALL.path else f"{name} — {site.title}",
            description=description,
            count=known.count if known else 0,
            modified=known.modified if known else self._never(),
            newest=known.newest if known else None,
            parent=parent,
        )

    def _called(
        self, kind: str, names: list[str], spelling: str | None
    ) -> tuple[str, str, FeedId | None]:
        """The name, the description and the parent of a feed."""
        site, first = self.files.site, names[0] if names else ""
        if kind == "topics":
            topic = self.files.topics.get(first)
            name = topic.name if topic else spelling or first
            described = (topic and topic.description) or f"Articles about {name}"
            above = FeedId(f"topics/{topic.parent}") if topic and topic.parent else None
            return name, described, above
        if kind == "providers":
            provider = self.files.providers.get(first)
            known = provider.name if provider and len(names) == 1 else None
            name = known or spelling or names[-1]
            above = FeedId(provider_path(first)) if len(names) == 2 else None
            return name, f"Articles published by {name}", above
        if kind == "feeds":
            named = self.files.feeds[first]
            return named.title, named.description or f"{named.title}, from {site.title}", None
        return site.title, site.description, None

    def _image(self, path: str) -> Image | None:
        kind, _, name = path.partition("/")
        found = {"topics": self.files.topics, "providers": self.files.providers}.get(kind, {})
        known = found.get(name)
        return known.image if known else None  # type: ignore[attr-defined]

    def _current(self, listing: Listing) -> Selection:
        path = listing.id.path
        rows = self._newest(path)
        following = self._index.newest_before(path, rows[-1]) if rows else None
        withdrawn = tuple(self._index.withdrawals(path, MOST_WITHDRAWN))
        previous = self._last_part(path, month_of(following)) if following is not None else None
        return self._selection(
            listing, listing.id, rows, listing.modified, previous, None, withdrawn
        )

    def _newest(self, path: str) -> list[Row]:
        """The newest articles: as many as asked for, more while they are recent, and as fit."""
        named = self.files.feeds.get(path.removeprefix("feeds/"))
        limit = named.limit if named and named.limit else None
        count = limit or self.files.items
        rows = self._index.rows(path, self._now(), count)
        recent = rows[0].published - STAY if rows and limit is None else self._now()
        if rows and rows[-1].published >= recent:
            rows = self._index.rows(path, self._now(), MOST)
        wanted = [row for i, row in enumerate(rows) if i < count or row.published >= recent]
        return next(self._fitting(wanted, _weight), [])

    def _fitting(self, all: Iterable[T], weigh: Callable[[T], int]) -> Iterator[list[T]]:
        """Cut rows into runs that each fit into one document."""
        run: list[T] = []
        room = self._budget
        for each in all:
            weight = weigh(each)
            if run and weight > room:
                yield run
                run, room = [], self._budget
            run.append(each)
            room -= weight
        if run:
            yield run

    def _archive(self, listing: Listing, month: str, part: int) -> Selection:
        path = listing.id.path
        known = self._index.month(path, month)
        parts = self._parts(path, month)
        if known is None or part > max(len(parts), 1):
            raise UnknownFeed(f"{path}/{month}")
        before, after = self._index.neighbours(path, month)
        previous = FeedId(path, month, part - 1) if part > 1 else self._last_part(path, before)
        next = FeedId(path, month, part + 1) if part < len(parts) else None
        next = next or (FeedId(path, after) if after else None)
        rows = parts[part - 1] if parts else []
        id = FeedId(path, month, part)
        return self._selection(listing, id, rows, known.modified, previous, next)

    def _parts(self, path: str, month: str) -> list[list[Row]]:
        """The articles of a month, in as many documents as they need; the oldest are in the first.

        So a document that is full stays as it is, whatever is published later.
        """
        first, last = month_range(month)
        rows = self._index.rows(path, min(last, self._now()), -1, first)
        return [run[::-1] for run in self._fitting(rows[::-1], _weight)]

    def _last_part(self, path: str, month: str | None) -> FeedId | None:
        if month is None:
            return None
        known = self._index.month(path, month)
        # Every change to a month moves its time, so that its parts are counted once a change.
        return FeedId(path, month, self._count_parts(path, month, known.modified if known else 0))

    def _counted(self, path: str, month: str, modified: int) -> int:
        """How many documents a month needs."""
        weights = self._index.weights(path, *month_range(month))
        return max(1, sum(1 for _ in self._fitting(weights, _itself)))

    def _selection(
        self,
        listing: Listing,
        id: FeedId,
        rows: list[Row],
        modified: int,
        previous: FeedId | None,
        next: FeedId | None,
        withdrawn: tuple[Withdrawal, ...] = (),
    ) -> Selection:
        told = [row.updated for row in rows] + [gone.when for gone in withdrawn]
        return Selection(
            id=id,
            title=listing.title if id.month is None else f"{listing.title}, {id.month}",
            description=listing.description,
            image=self._image(listing.id.path),
            rows=tuple(rows),
            updated=max(told, default=modified),
            modified=min(modified, self._now()),
            previous=previous,
            next=next,
            withdrawn=withdrawn,
        )

    def _sources(self, articles: list[Article]) -> dict[str, Source]:
        domains = {article.provider.domain for article in articles}
        return {domain: self._source(domain) for domain in sorted(domains)}

    def _source(self, domain: str) -> Source:
        path = provider_path(domain)
        id = FeedId(self.files.aliases.get(path, path))
        return Source(self._uri(id), self.urls.addresses(id))

    def _addresses(self, id: FeedId | None) -> Addresses | None:
        return self.urls.addresses(id) if id else None

    def _uri(self, id: FeedId) -> str:
        # Not the bare path: an article may lie in a folder of that name.
        return self.files.site.uri(f"feed:{id.path}")

    def _now(self) -> int:
        return int(self._clock())

    def _never(self) -> int:
        """The time of a feed that has never held an article: the same on every machine."""
        return min(self._now(), (self.files.site.year - 1970) * 31_556_952)
