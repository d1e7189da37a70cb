"""The catalog: which feeds exist, their names, and the articles of each of their documents.

The catalog selects the content of a document from the index alone, without reading the articles: an
unchanged response is therefore cheap. Articles are read only when a document is rendered.
"""

from contextlib import AbstractContextManager
from dataclasses import replace
from operator import attrgetter

from feeds.custom_feeds import CustomFeeds
from feeds.errors import IndexUnavailable, MovedFeed, UnknownFeed
from feeds.feed_info import NEVER, FeedInfo, FeedNames
from feeds.index import EVERYTHING, SITE, KnownFeed, Month, Row, month_of, month_range
from feeds.model import Addresses, Article, Feed, FeedId, Source, Withdrawal
from feeds.selection import LastChange, Selection, archive_chain, split_by_weight
from feeds.settings import NamedFeed, SiteConfig
from feeds.sync import ContentSync
from feeds.urls import Urls, is_custom, is_file_name, is_search, provider_path, usual_path

#: Seconds for which an article stays in its feed, however many articles follow it.
STAY = 48 * 3600

#: The most articles in one document.
MAX_ARTICLES = 500

#: The most withdrawals in one document, the latest first.
MOST_WITHDRAWN = 50


class Catalog:
    """The feeds of a content folder."""

    def __init__(self, sync: ContentSync, files: SiteConfig, budget: int) -> None:
        """Take the synced index, the site's files, and the bytes for articles in a document."""
        self.files = files
        self.urls = Urls(files.site.url)
        self._index = sync.index
        self._clock = sync.clock
        self._budget = budget
        self._names = FeedNames(files)
        self._customs = CustomFeeds(self._names, sync.index, MOST_WITHDRAWN)

    def revision(self) -> int:
        """Return a counter that moves whenever any feed may have changed; the call is cheap."""
        return self._index.shared.revision()

    def select(self, id: FeedId) -> Selection:
        """Return the current content of a document.

        Raise UnknownFeed, RetiredFeed or MovedFeed; IndexUnavailable if the index is unreadable.
        """
        for selection in self.selections(id):
            if selection.id == id:
                return selection
        raise UnknownFeed(f"{id.path}/{id.month}")

    def selections(self, id: FeedId) -> list[Selection]:
        """Return the selection of a feed, or those of all documents of a month, oldest first."""
        with self._index.snapshot():
            if is_custom(id):
                return [self._custom(id)]
            known = self._known(id)
            feed_info = self._names.feed_info(id.path, known)
            if id.month is None:
                return [self._current(feed_info, known)]
            return self._archives(feed_info, id.month)

    def feed(self, selection: Selection) -> Feed:
        """Return the feed of a selection with its articles, ready to be rendered."""
        site = self.files.site
        current = FeedId(selection.id.path)
        articles = [self._shown(current, a) for a in self._index.articles(selection.rows)]
        return Feed(
            uri=self._uri(current),
            title=selection.title,
            description=selection.description,
            addresses=self.urls.addresses(selection.id),
            site=replace(
                site,
                image=selection.image or site.image,
                rights=self._names.rights(selection.id.path),
                # Hubs are sent the listed feeds alone.
                hubs=() if is_custom(current) else site.hubs,
                language=selection.language,
            ),
            updated=selection.updated,
            articles=tuple(articles),
            sources=self._sources(articles),
            rights={a.provider.domain: self.files.rights(a.provider.domain) for a in articles},
            previous=self._addresses(selection.previous),
            next=self._addresses(selection.next),
            current=self.urls.addresses(current) if selection.id.month else None,
            withdrawn=selection.withdrawn,
            is_cut=is_custom(current),
            described_in=self._names.described_in(current.path),
            search=self.urls.opensearch if is_search(current) else "",
        )

    def _shown(self, id: FeedId, article: Article) -> Article:
        """Return an article as a feed shows it.

        An index that was made for earlier settings is served until it is made again, and it may
        hold a body that is not published any more.
        """
        named = self._named(id.path)
        if named and named.excerpts_only:
            return replace(article, content="")
        return self.files.public(article)

    def _named(self, path: str) -> NamedFeed | None:
        """Return the definition of a feed of site.yml; None for any other feed."""
        kind, _, name = path.partition("/")
        return self.files.feeds.get(name) if kind == "feeds" else None

    def months(self, id: FeedId) -> list[Month]:
        """Return the months of a feed that hold articles, newest first."""
        return [month for month in self._index.months(id.path) if month.count]

    def weekly(self, id: FeedId) -> float | None:
        """Return how many articles a week a feed has; None if that is not known."""
        return self._index.weekly(id.path).get(id.path)

    def all_weekly(self) -> dict[str, float]:
        """Return how many articles a week each feed has, by path, where that is known."""
        return self._index.weekly()

    def feed_info(self, id: FeedId) -> FeedInfo:
        """Return the entry of one feed, or raise as ``select``; another spelling has moved."""
        if is_custom(id):
            return self._customs.find(id).feed_info
        return self._names.feed_info(id.path, self._known(id))

    def _known(self, id: FeedId) -> KnownFeed | None:
        known = self._index.known_feed(id.path)
        try:
            self._names.ensure_served(id, known)
        except UnknownFeed:
            self._check_spelling(id)
            raise
        return known

    def _check_spelling(self, id: FeedId) -> None:
        """Raise MovedFeed if the usual spelling of an id is served, else the error of that one."""
        usual = replace(id, path=usual_path(id.path))
        if usual == id:
            return
        known = self._index.known_feed(usual.path)
        self._names.ensure_served(usual, known)
        feed_info = self._names.feed_info(usual.path, known)
        if id.month and all(each.id != usual for each in self._archives(feed_info, id.month)):
            return
        raise MovedFeed(usual)

    def feed_infos(self) -> list[FeedInfo]:
        """Return the listed feeds: the main, named, topics, providers and names.

        Retired ones are left out, and topics with too few articles.
        """
        known = {feed.path: feed for feed in self._index.known_feeds()}
        paths = self._names.all_listed(known.keys())
        found = [self._names.feed_info(path, known.get(path)) for path in paths]
        return [each for each in found if self._names.is_large_enough(each)]

    def served_paths(self) -> list[str]:
        """Return the paths of all feeds, even of a provider's only name, which lists leave out."""
        listed = [feed_info.id.path for feed_info in self.feed_infos()]
        return list(dict.fromkeys((*listed, *(feed.path for feed in self._index.known_feeds()))))

    def change_times(self) -> dict[str, int]:
        """Return the times of the last changes by path; NEVER for a feed that was always empty."""
        known = {feed.path: feed.modified for feed in self._index.known_feeds()}
        return dict.fromkeys(self._names.all_listed(known), NEVER) | known

    def ancestors(self, feed_info: FeedInfo) -> list[FeedInfo]:
        """Return the feeds that include this one, the widest first, without retired ones."""
        ancestors: list[FeedInfo] = []
        while feed_info.parent is not None:
            feed_info = self._listed(feed_info.parent.path)
            if not self._names.is_retired(feed_info.id.path):
                ancestors.insert(0, feed_info)
        return ancestors

    def children(self, id: FeedId) -> list[FeedInfo]:
        """Return the feeds within this one: sub-topics in the order of topics.yml, or names."""
        kind, _, _ = id.path.partition("/")
        if kind == "topics":
            return [self._listed(path) for path in self._names.subtopics(id.path)]
        if kind != "providers":
            return []
        paths = [feed.path for feed in self._index.known_feeds(f"{id.path}/")]
        return [self._listed(path) for path in self._names.only_listed(paths)]

    def _listed(self, path: str) -> FeedInfo:
        return self._names.feed_info(path, self._index.known_feed(path))

    def snapshot(self) -> AbstractContextManager[None]:
        """Return a context in which all calls see one revision of the index."""
        return self._index.snapshot()

    def last_change(self) -> LastChange:
        """Return the time of the last change of any feed."""
        change = _last_change(self._index.known_feed(SITE))
        return change._replace(modified=min(change.modified, self._now()))

    def _current(self, feed_info: FeedInfo, known: KnownFeed | None) -> Selection:
        path = feed_info.id.path
        # A feed without articles changes only with the site's files.
        change = _last_change(known or self._index.month(*EVERYTHING))
        rows = self._newest(path)
        following = self._index.newest_before(path, rows[-1]) if rows else None
        withdrawn = tuple(self._index.withdrawals(path, MOST_WITHDRAWN))
        previous = FeedId(path, month_of(following)) if following is not None else None
        return self._selection(feed_info, feed_info.id, rows, change, previous, None, withdrawn)

    def _custom(self, id: FeedId) -> Selection:
        found = self._customs.find(id)
        newest = self._index.matching(found.condition, self._now(), self.files.items)
        rows = next(split_by_weight(newest, _weigh, self._budget), [])
        latest = max((each.when for each in found.withdrawn), default=None)
        feed_info = replace(found.feed_info, withdrawn=latest)
        # Any article may come to match: the time of the last change of any feed.
        change = _last_change(self._index.known_feed(SITE))
        return self._selection(feed_info, id, rows, change, None, None, found.withdrawn)

    def _newest(self, path: str) -> list[Row]:
        """Return the newest articles: the configured number, more if recent, within the budget."""
        named = self._named(path)
        limit = named.limit if named and named.limit else None
        count = limit or self.files.items
        rows = self._index.rows(path, self._now(), count)
        recent = rows[0].published - STAY if rows and limit is None else self._now()
        if rows and rows[-1].published >= recent:
            rows = self._index.rows(path, self._now(), MAX_ARTICLES)
        wanted = [row for i, row in enumerate(rows) if i < count or row.published >= recent]
        return next(split_by_weight(wanted, _weigh, self._budget), [])

    def _archives(self, feed_info: FeedInfo, month: str) -> list[Selection]:
        """Return all documents of a month, oldest first; none if it never held an article."""
        path = feed_info.id.path
        known = self._index.month(path, month)
        if known is None:
            return []
        parts = self._parts(path, month) or [[]]
        before, after = self._index.neighbours(path, month)
        next, next_change = self._first_document(path, after)
        chain = archive_chain(
            path, month, len(parts), FeedId(path, before) if before else None, next
        )
        # Only the last document of a month links to the next month and changes with it.
        own = _last_change(known)
        changes = [*(own for _ in parts[1:]), LastChange(*map(max, own, next_change))]
        return [
            self._selection(feed_info, id, rows, change, previous, next)
            for rows, change, (previous, id, next) in zip(parts, changes, chain, strict=True)
        ]

    def _first_document(self, path: str, month: str | None) -> tuple[FeedId | None, LastChange]:
        """Return the first document of a month and the time since when it may be the first."""
        known = self._index.month(path, month) if month else None
        if known is None:
            return None, LastChange(0, 0)
        if self._index.is_heavier(self._budget, path, *month_range(known.name)):
            return FeedId(path, known.name, 1), _last_change(known)
        return FeedId(path, known.name), LastChange(0, 0)

    def _parts(self, path: str, month: str) -> list[list[Row]]:
        """Return the articles of a month, split into documents; the first holds the oldest.

        A full document and its address therefore never change, whatever is published later. The
        last one still grows and has the address of the month, to which its neighbours link.
        """
        first, last = month_range(month)
        rows = self._index.rows(path, min(last, self._now()), -1, first)
        return [run[::-1] for run in split_by_weight(rows[::-1], _weigh, self._budget)]

    def _selection(
        self,
        feed_info: FeedInfo,
        id: FeedId,
        rows: list[Row],
        change: LastChange,
        previous: FeedId | None,
        next: FeedId | None,
        withdrawn: tuple[Withdrawal, ...] = (),
    ) -> Selection:
        times = [row.updated for row in rows]
        if id.month is None and feed_info.withdrawn:
            times.append(feed_info.withdrawn)
        default = feed_info.modified if id.month is None else change.modified
        return Selection(
            id=id,
            title=feed_info.title if id.month is None else f"{feed_info.title}, {id.month}",
            description=feed_info.description,
            image=self._names.image(feed_info.id.path),
            language=feed_info.shared_language,
            rows=tuple(rows),
            updated=max(times, default=default),
            modified=min(change.modified, self._now()),
            changed=change.moment,
            previous=previous,
            next=next,
            withdrawn=withdrawn,
        )

    def _sources(self, articles: list[Article]) -> dict[str, Source]:
        domains = {article.provider.domain for article in articles}
        sources = {domain: self._source(domain) for domain in sorted(domains)}
        return {domain: source for domain, source in sources.items() if source}

    def _source(self, domain: str) -> Source | None:
        path = provider_path(domain)
        id = FeedId(self.files.aliases.get(path, path))
        if self._names.is_retired(id.path) or is_file_name(domain):
            return None
        return Source(self._uri(id), self.urls.addresses(id))

    def _addresses(self, id: FeedId | None) -> Addresses | None:
        return self.urls.addresses(id) if id else None

    def _uri(self, id: FeedId) -> str:
        # Prefixed, because the path of an article below a folder of that name could be equal.
        return self.files.site.tag(f"feed:{id.path}")

    def _now(self) -> int:
        return int(self._clock())


def _last_change(known: KnownFeed | Month | None) -> LastChange:
    if known is None:
        raise IndexUnavailable("the times of the last change are missing from the index")
    return LastChange(known.modified, known.changed)


_weigh = attrgetter("weight")
