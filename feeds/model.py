"""The frozen nouns that the articles are read into and that the formats are rendered from.

Times are whole seconds since 1970-01-01 UTC. Texts are clean: entities decoded, tags
removed, white space folded, only characters that XML 1.0 allows. URLs are absolute http(s).
"""

import re
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
        """Return the registered media type of the format, without parameters."""
        return _MEDIA_TYPES[self]


_MEDIA_TYPES = {
    Format.RSS: "application/rss+xml",
    Format.ATOM: "application/atom+xml",
    Format.JSON: "application/feed+json",
}


@dataclass(frozen=True, slots=True)
class Image:
    """An image of an article, which becomes an enclosure in RSS, Atom and JSON Feed."""

    url: str
    #: Always ``image/…``.
    media_type: str
    #: Pixels; width and height are both known or both None.
    width: int | None = None
    height: int | None = None
    title: str = ""
    #: The credit line: the photographer or the agency.
    credit: str = ""
    #: Bytes; None when unknown.
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Provider:
    """The publisher of an article."""

    #: Lower case, without ``www.``.
    domain: str
    name: str


@dataclass(frozen=True, slots=True)
class RelatedLink:
    """A link to other coverage of the subject of an article."""

    title: str
    url: str
    #: The name of its publisher, or the empty text.
    provider: str = ""


@dataclass(frozen=True, slots=True)
class Article:
    """The public part of an article."""

    id: str
    title: str
    url: str
    #: Seconds UTC; never later than the moment at which the file was read.
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
    #: The body as sanitised HTML, or the empty text.
    content: str = ""
    type: str = "article"
    #: BCP 47; None when the article names no language.
    language: str | None = None
    #: Selects articles for named feeds; never published.
    quality: int = 0


class Membership(NamedTuple):
    """The membership of an article in a feed."""

    #: The path of the feed, as in FeedId.
    path: str
    #: The spelling of the feed's name in the article, if spellings decide the feed's title.
    spelling: str | None = None
    #: The language of the article (BCP 47): its own, else that of the site.
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """An article that was served and has been withdrawn (RFC 6721)."""

    id: str
    when: int


@dataclass(frozen=True, slots=True)
class FeedId:
    """The identifier of a feed, or of one of its archive documents."""

    #: Without slashes at the ends: ``all``, ``topics/ai``, ``providers/nbcnews.com``.
    path: str
    #: ``YYYY-MM`` for an archive.
    month: str | None = None
    #: The number of a full document of a month that is too large for one; part 1 holds the oldest
    #: articles. None is the last document: its neighbours link to it without counting the parts.
    part: int | None = None


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of a feed: its page for people and one per format."""

    page: str
    rss: str
    atom: str
    json: str

    def of(self, format: Format) -> str:
        """Return the address of the feed in this format."""
        return {Format.RSS: self.rss, Format.ATOM: self.atom, Format.JSON: self.json}[format]


@dataclass(frozen=True, slots=True)
class AiUse:
    """The uses by programs that a publisher allows or forbids; None for a use not named."""

    train: bool | None = None
    search: bool | None = None
    input: bool | None = None


@dataclass(frozen=True, slots=True)
class Rights:
    """The rights in articles, and the uses that their publisher allows."""

    #: A line for people, such as ``© 2026 Example News``.
    text: str = ""
    #: The address of a license.
    license: str = ""
    ai: AiUse = AiUse()


#: The rights of a publisher that states none.
NO_RIGHTS = Rights()


@dataclass(frozen=True, slots=True)
class Site:
    """The properties that all feeds of this server share."""

    title: str
    #: Without a slash at the end.
    url: str
    #: Empty if site.yml has none.
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
    #: Seconds for which clients may cache a feed.
    max_age: int = 900
    rights: Rights = NO_RIGHTS

    def uri(self, id: str) -> str:
        """Return the identifier of an article, the same in every format.

        An absolute URI stays as it is, byte for byte: it may be the identifier that another program
        gave the article, and readers recognise articles by it. Any other id becomes part of a tag
        URI.
        """
        return id if _ABSOLUTE.fullmatch(id) else self.tag(id)

    def tag(self, id: str) -> str:
        """Return the tag URI of an id (RFC 4151).

        2.1: ``specific = *( pchar / "/" / "?" )``; the rest is percent-encoded.
        """
        return f"tag:{self.authority},{self.year}:{quote(id, safe=_PCHAR)}"


_PCHAR = "/?:@!$&'()*+,;=-._~"

#: RFC 3986, 4.3, with the characters of other scripts that RFC 3987 allows in an IRI.
_ABSOLUTE = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:"
    r"(?:[A-Za-z0-9:/?#\[\]@!$&'()*+,;=._~-]|%[0-9A-Fa-f]{2}|[^\W\x00-\x7f])+"
)


@dataclass(frozen=True, slots=True)
class Source:
    """The feed of a provider, which its articles in other feeds name as their source."""

    uri: str
    addresses: Addresses


@dataclass(frozen=True, slots=True)
class Feed:
    """The content of one document: a selection of articles with a name and an address."""

    uri: str
    title: str
    description: str
    addresses: Addresses
    site: Site
    #: The time of the last change that a subscriber can see.
    updated: int
    #: Newest first.
    articles: tuple[Article, ...] = ()
    #: The feeds of the providers of these articles, by domain.
    sources: Mapping[str, Source] = field(default_factory=dict)
    #: The rights in the articles of each provider, by domain.
    rights: Mapping[str, Rights] = field(default_factory=dict)
    #: RFC 5005, section 4: the archive documents next to this one.
    previous: Addresses | None = None
    next: Addresses | None = None
    #: The feed that an archive document belongs to; None in the feed itself.
    current: Addresses | None = None
    withdrawn: tuple[Withdrawal, ...] = ()
    #: True if it holds only the changes since an earlier document (RFC 3229).
    is_delta: bool = False
    #: The language of the description (BCP 47); empty if it is that of the site.
    described_in: str = ""
    #: True if it may leave out older articles that no archive holds either.
    is_cut: bool = False
    #: The address of the OpenSearch description of the site, if this is a search.
    search: str = ""

    def rights_in(self, article: Article) -> Rights:
        """Return the rights in an article of this feed."""
        return self.rights.get(article.provider.domain, self.site.rights)

    @property
    def archived(self) -> bool:
        """Return True for an archive document."""
        return self.current is not None

    @property
    def complete(self) -> bool:
        """Return True if the document holds all articles of the feed (RFC 5005, section 2)."""
        # Readers delete what a complete feed does not list: a delta must never be marked complete.
        return not (self.archived or self.is_delta or self.is_cut) and self.previous is None
