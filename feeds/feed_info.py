"""The names, descriptions and parents of feeds, from the site's files and the index."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from feeds.errors import MovedFeed, RetiredFeed, UnknownFeed
from feeds.index import KnownFeed
from feeds.languages import Language, language
from feeds.model import FeedId, Image, Rights
from feeds.settings import SiteConfig
from feeds.urls import ALL, provider_path

#: The time of a feed that has never held an article, equal on every machine: 2000-01-02.
NEVER = 946_771_200


@dataclass(frozen=True, slots=True)
class FeedInfo:
    """The entry of a feed in lists of feeds."""

    id: FeedId
    #: ``all``, ``topics``, ``providers``, ``names`` or ``feeds``.
    kind: str
    #: The name of the feed among others of its kind: ``AI``.
    name: str
    #: The name of the feed in all other places: ``AI — Example News``.
    title: str
    description: str
    #: The language of the description (BCP 47): English on a site without a catalog.
    language: str
    #: The language that all its articles share, else that of the site: BCP 47.
    shared_language: str
    count: int
    #: When it last changed, as shown in lists: seconds UTC.
    modified: int
    #: When its newest article was published: seconds UTC.
    newest: int | None = None
    #: When an article was last withdrawn from it: seconds UTC.
    withdrawn: int | None = None
    #: The feed that includes this one: of the parent topic, or of the provider.
    parent: FeedId | None = None

    @property
    def without_counts(self) -> "FeedInfo":
        """Return a copy without counts and times, for lists that change with feeds only."""
        return replace(self, count=0, modified=0, newest=None, withdrawn=None)


@dataclass(frozen=True, slots=True)
class FeedNames:
    """The feeds that the site's files declare, and their names."""

    files: SiteConfig

    def feed_info(self, path: str, known: KnownFeed | None) -> FeedInfo:
        """Return the entry of a feed; ``known`` is the feed in the index, if it has one."""
        kind, *names = path.split("/")
        name, parent = self._name(kind, names, known.spelling if known else None)
        site, described = self.files.site, self._described(kind, names)
        return FeedInfo(
            id=FeedId(path),
            kind="names" if len(names) == 2 else kind,
            name=name,
            title=site.title if path == ALL.path else f"{name} — {site.title}",
            description=described or _description(kind, name, site.title, self._language),
            language=self.described_in(path),
            shared_language=(known and known.language) or site.language,
            count=known.count if known else 0,
            modified=max(known.shown, NEVER + 1) if known else NEVER,
            newest=known.newest if known else None,
            withdrawn=known.withdrawn if known else None,
            parent=parent,
        )

    def ensure_served(self, id: FeedId, known: KnownFeed | None) -> None:
        """Raise MovedFeed, RetiredFeed or UnknownFeed unless a feed is served at this address."""
        kind, *names = id.path.split("/")
        family = "/".join([kind, *names[:1]])
        if family in self.files.aliases:
            raise MovedFeed(replace(id, path="/".join([self.files.aliases[family], *names[1:]])))
        if self.is_retired(id.path):
            raise RetiredFeed(id.path)
        if not self.exists(id.path, known):
            raise UnknownFeed(id.path)

    def exists(self, path: str, known: KnownFeed | None) -> bool:
        """Return True for a feed that is served, and for a retired one."""
        kind, *names = path.split("/")
        return self._is_declared(kind, names) or (known is not None and kind != "feeds")

    def all_listed(self, known: Collection[str]) -> list[str]:
        """Return the paths of all listed feeds: the main one, named ones, the others sorted."""
        first = [ALL.path, *(f"feeds/{name}" for name in self.files.feeds)]
        declared = {f"topics/{slug}" for slug in self.files.topics}
        declared |= {provider_path(domain) for domain in self.files.providers}
        return [*first, *sorted(self.only_listed(declared.union(known)))]

    def only_listed(self, paths: Collection[str]) -> list[str]:
        """Return those topics, providers and names that appear in lists."""
        families = Counter(path.rpartition("/")[0] for path in paths)
        return [path for path in paths if self._is_listed(path, families)]

    def _is_listed(self, path: str, families: Mapping[str, int]) -> bool:
        kind, *names = path.split("/")
        if kind not in ("topics", "providers") or path in self.files.aliases:
            return False
        if self.is_retired(path):
            return False
        # A provider with one name is listed once: the feed of that name has the same articles.
        return len(names) == 1 or families[f"{kind}/{names[0]}"] > 1

    def is_large_enough(self, feed_info: FeedInfo) -> bool:
        """Return False for a topic that has too few articles for lists; its feed exists."""
        kind, _, name = feed_info.id.path.partition("/")
        is_exempt = kind != "topics" or name in self.files.topics
        return is_exempt or feed_info.count >= self.files.listed_topic

    def is_retired(self, path: str) -> bool:
        """Return True if a topic, or a provider with all its names, is retired."""
        kind, _, rest = path.partition("/")
        name = rest.partition("/")[0]
        if kind == "topics":
            return name in self.files.topics and self.files.topics[name].retired
        if kind == "providers":
            return name in self.files.providers and self.files.providers[name].retired
        return False

    def subtopics(self, path: str) -> list[str]:
        """Return the paths of a topic's direct sub-topics, in the order of topics.yml."""
        slug = path.removeprefix("topics/")
        topics = self.files.topics.values()
        return [f"topics/{t.slug}" for t in topics if t.parent == slug and not t.retired]

    def image(self, path: str) -> Image | None:
        """Return the image of a topic or a provider."""
        kind, _, name = path.partition("/")
        if kind == "topics" and name in self.files.topics:
            return self.files.topics[name].image
        if kind == "providers" and name in self.files.providers:
            return self.files.providers[name].image
        return None

    def described_in(self, path: str) -> str:
        """Return the language of the description of a feed (BCP 47)."""
        kind, *names = path.split("/")
        return self.files.site.language if self._described(kind, names) else self._language.tag

    def rights(self, path: str) -> Rights:
        """Return the rights in a feed: those of its provider, else those of the site."""
        kind, *names = path.split("/")
        return self.files.rights(names[0]) if kind == "providers" else self.files.site.rights

    def _is_declared(self, kind: str, names: list[str]) -> bool:
        if not names:
            return kind == ALL.path
        declared = {
            "topics": self.files.topics,
            "providers": self.files.providers,
            "feeds": self.files.feeds,
        }
        return len(names) == 1 and names[0] in declared.get(kind, ())

    def _described(self, kind: str, names: list[str]) -> str:
        """Return the description that the site's files give to a feed; empty without one."""
        if kind == "topics" and names[0] in self.files.topics:
            return self.files.topics[names[0]].description
        if kind == "feeds":
            return self.files.feeds[names[0]].description
        return self.files.site.description if kind == ALL.path else ""

    def _name(self, kind: str, names: list[str], spelling: str | None) -> tuple[str, FeedId | None]:
        """Return the name of a feed and its parent."""
        site, first = self.files.site, names[0] if names else ""
        if kind == "topics":
            topic = self.files.topics.get(first)
            name = topic.name if topic else spelling or first
            parent = FeedId(f"topics/{topic.parent}") if topic and topic.parent else None
            return name, parent
        if kind == "providers":
            provider = self.files.providers.get(first)
            known = provider.name if provider and len(names) == 1 else None
            name = known or spelling or names[-1]
            parent = FeedId(provider_path(first)) if len(names) == 2 else None
            return name, parent
        if kind == "feeds":
            return self.files.feeds[first].title, None
        return site.title, None

    @property
    def _language(self) -> Language:
        return language(self.files.site.language)


def _description(kind: str, name: str, site: str, written: Language) -> str:
    """Return the description of a feed that the site's files do not describe."""
    if kind == "topics":
        return written.gettext("Articles about %(topic)s", topic=name)
    if kind == "providers":
        return written.gettext("Articles published by %(provider)s", provider=name)
    if kind == "feeds":
        return written.gettext("%(feed)s, from %(site)s", feed=name, site=site)
    return written.gettext("Articles from %(site)s", site=site)
