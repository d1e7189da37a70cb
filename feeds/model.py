"""The nouns, all frozen: what is read from disk and what is written into formats.

Times are whole seconds since 1970-01-01 UTC. Texts are clean: entities decoded, tags
removed, white space folded, only characters that XML 1.0 allows. URLs are absolute http(s).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import quote


class Format(StrEnum):
    """The formats of a feed; the value is the ending of its address."""

    RSS = "rss"
    ATOM = "atom"
    JSON = "json"

    @property
    def media_type(self) -> str:
        """The registered type of the format, without parameters."""
        return _MEDIA_TYPES[self]


_MEDIA_TYPES = {
    Format.RSS: "application/rss+xml",
    Format.ATOM: "application/atom+xml",
    Format.JSON: "application/feed+json",
}


@dataclass(frozen=True, slots=True)
class Image:
    """A picture of an article; in RSS, Atom and JSON Feed it becomes an enclosure."""

    url: str
    #: Always ``image/…``.
    media_type: str
    #: Pixels; width and height are both known or both None.
    width: int | None = None
    height: int | None = None
    title: str = ""
    #: Who is to be named for it.
    credit: str = ""
    #: Bytes, when known.
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Provider:
    """Who published an article."""

    #: Lower case, without ``www.``.
    domain: str
    name: str


@dataclass(frozen=True, slots=True)
class RelatedLink:
    """Other coverage of what an article is about."""

    title: str
    url: str
    #: The name of who published it, or nothing.
    provider: str = ""


@dataclass(frozen=True, slots=True)
class Article:
    """A published article, as far as anybody may see it."""

    id: str
    title: str
    url: str
    #: Seconds UTC; never later than the moment the article was read.
    published: int
    #: Never before ``published``.
    updated: int
    provider: Provider
    excerpt: str = ""
    #: Persons; empty when only the provider is known.
    authors: tuple[str, ...] = ()
    #: Names as the article spells them.
    topics: tuple[str, ...] = ()
    #: Most important first.
    images: tuple[Image, ...] = ()
    #: Most relevant first, without the article's own link.
    related: tuple[RelatedLink, ...] = ()
    #: The body as sanitised HTML, or nothing.
    content: str = ""
    type: str = "article"
    #: BCP 47; None when the article does not say.
    language: str | None = None
    #: For selecting only: never shown.
    quality: int = 0


class Membership(NamedTuple):
    """An article's place in a feed."""

    #: Of the feed, as in FeedId.
    path: str
    #: What the article calls the feed, where its spelling has a say in the feed's title.
    spelling: str | None = None


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """An article that was served and is no more (RFC 6721)."""

    id: str
    when: int


@dataclass(frozen=True, slots=True)
class FeedId:
    """Names a feed, or one archive document of it."""

    #: Without slashes at the ends: ``all``, ``topics/ai``, ``providers/nbcnews.com``.
    path: str
    #: ``YYYY-MM`` for an archive.
    month: str | None = None
    #: A month too large for one document has full ones before its last, the oldest articles in
    #: part 1; None is the last, which the documents around know without knowing how many there are.
    part: int | None = None


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a feed is: its page for people and one address a format."""

    page: str
    rss: str
    atom: str
    json: str

    def of(self, format: Format) -> str:
        """The address of the feed in this format."""
        return {Format.RSS: self.rss, Format.ATOM: self.atom, Format.JSON: self.json}[format]


@dataclass(frozen=True, slots=True)
class Site:
    """What every feed of this server has in common."""

    title: str
    #: Without a slash at the end.
    url: str
    description: str
    #: BCP 47.
    language: str
    #: The authority and year of tag URIs (RFC 4151).
    authority: str
    year: int
    image: Image | None = None
    #: Square.
    icon: Image | None = None
    hubs: tuple[str, ...] = ()
    #: Seconds that a feed may be cached.
    max_age: int = 900

    def uri(self, id: str) -> str:
        """The identifier of an article or a feed, the same in every format (RFC 4151).

        RFC 4151, 2.1: ``specific = *( pchar / "/" / "?" )``; the rest is percent-encoded.
        """
        return f"tag:{self.authority},{self.year}:{quote(id, safe=_PCHAR)}"


_PCHAR = "/?:@!$&'()*+,;=-._~"


@dataclass(frozen=True, slots=True)
class Source:
    """The feed of a provider on this server, named by each of its articles in other feeds."""

    uri: str
    addresses: Addresses


@dataclass(frozen=True, slots=True)
class Feed:
    """One document's worth of a feed: a selection of articles with a name and an address."""

    uri: str
    title: str
    description: str
    addresses: Addresses
    site: Site
    #: The time of the last change that a subscriber can see.
    updated: int
    #: Newest first.
    articles: tuple[Article, ...] = ()
    #: The feed of each provider that occurs, by domain.
    sources: Mapping[str, Source] = field(default_factory=dict)
    #: RFC 5005, section 4: the archive documents next to this one.
    previous: Addresses | None = None
    next: Addresses | None = None
    #: The feed that an archive document belongs to; None in the feed itself.
    current: Addresses | None = None
    withdrawn: tuple[Withdrawal, ...] = ()
    #: Whether it holds only what is new since an earlier document (RFC 3229).
    is_delta: bool = False

    @property
    def archived(self) -> bool:
        """Whether this is an archive document."""
        return self.current is not None

    @property
    def complete(self) -> bool:
        """Whether all articles of the feed are in this document (RFC 5005, section 2)."""
        # A reader drops what a complete feed does not name: a delta must never say that it is one.
        return not (self.archived or self.is_delta) and self.previous is None
