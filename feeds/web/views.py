"""What pages show of articles and feeds, as plain texts and addresses for the templates."""

from dataclasses import dataclass
from urllib.parse import quote

from feeds import formats
from feeds.model import Addresses, Article, Feed, Format, Image, RelatedLink, Site
from feeds.urls import Urls
from feeds.web.assets import NAMES
from feeds.web.template_filters import shortened

#: Characters of an excerpt: three lines, so that fifty articles stay a light page.
EXCERPT = 200

#: Related links of an article; all of them are in the feeds.
RELATED = 3

#: Readers that take the address of a feed in a link of their own (CONSUMERS 98).
_READERS = (
    ("Feedly", "https://feedly.com/i/subscription/feed/"),
    ("Inoreader", "https://www.inoreader.com/?add_feed="),
    ("NewsBlur", "https://www.newsblur.com/?url="),
    ("The Old Reader", "https://theoldreader.com/feeds/subscribe?url="),
    ("Feedbin", "https://feedbin.com/?subscribe="),
)

_FORMATS = ((Format.RSS, "RSS"), (Format.ATOM, "Atom"), (Format.JSON, "JSON Feed"))


@dataclass(frozen=True, slots=True)
class Link:
    """A text that leads somewhere."""

    text: str
    href: str


@dataclass(frozen=True, slots=True)
class FeedLink:
    """A feed in one format, as pages announce and show it."""

    #: ``RSS``.
    label: str
    #: ``AI — RSS``.
    title: str
    type: str
    href: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What is around every page."""

    site: Site
    home: str
    embed: str
    opml: str
    directory: str
    style: str
    #: By the name of its file.
    scripts: dict[str, str]
    icon: str


@dataclass(frozen=True, slots=True)
class ArticleView:
    """An article in a list."""

    title: str
    url: str
    excerpt: str
    published: int
    #: ``Video``; nothing for what is to be read.
    kind: str
    provider: Link
    image: Image | None
    related: tuple[RelatedLink, ...]
    #: BCP 47.
    language: str


def frame(site: Site, urls: Urls) -> Frame:
    """The frame of a site's pages."""
    assets = {name: urls.local(urls.at(f"static/{served}")) for name, served in NAMES.items()}
    return Frame(
        site=site,
        home=urls.local(f"{site.url}/"),
        embed=urls.local(urls.at("embed")),
        opml=urls.local(urls.at("feeds.opml")),
        directory=urls.local(urls.at("feeds.json")),
        style=assets["style.css"],
        scripts=assets,
        icon=site.icon.url if site.icon else assets["icon.svg"],
    )


def feed_links(name: str, addresses: Addresses) -> tuple[FeedLink, ...]:
    """A feed in every format, RSS first (CONSUMERS 85)."""
    return tuple(
        FeedLink(label, f"{name} — {label}", format.media_type, addresses.of(format))
        for format, label in _FORMATS
    )


def link_header(links: tuple[FeedLink, ...]) -> str:
    """The same for programs that read no HTML (CONSUMERS 94).

    Without titles: a header has no room for the names that topics have.
    """
    return ", ".join(f'<{link.href}>; rel="alternate"; type="{link.type}"' for link in links)


def readers(feed: str) -> tuple[Link, ...]:
    """Links that subscribe to a feed in readers on the web."""
    return tuple(Link(name, f"{address}{quote(feed, safe='')}") for name, address in _READERS)


def articles(feed: Feed, urls: Urls) -> tuple[ArticleView, ...]:
    """The articles of a feed."""
    return tuple(_article(article, feed, urls) for article in feed.articles)


def _article(article: Article, feed: Feed, urls: Urls) -> ArticleView:
    source = feed.sources.get(article.provider.domain)
    page = urls.local(source.addresses.page) if source else ""
    excerpt = formats.description(article)
    return ArticleView(
        title=article.title,
        url=article.url,
        # An article without an excerpt is described by its title, which is there already.
        excerpt="" if excerpt == article.title else shortened(excerpt, EXCERPT),
        published=article.published,
        kind="" if article.type == "article" else article.type.capitalize(),
        provider=Link(article.provider.name, page),
        image=article.images[0] if article.images else None,
        related=article.related[:RELATED],
        language=article.language or feed.site.language,
    )
