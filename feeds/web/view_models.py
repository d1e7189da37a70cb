"""View models: articles and feeds as plain texts and addresses for the templates."""

from dataclasses import dataclass
from urllib.parse import quote

from feeds import formats
from feeds.languages import Language, language, marked
from feeds.model import Addresses, Article, Feed, Format, Image, RelatedLink, Site
from feeds.plain_text import shorten
from feeds.urls import Urls
from feeds.web.assets import NAMES

#: Characters of an excerpt: three lines, so that a page of fifty articles stays light.
EXCERPT = 200

#: Related links per article; the feeds contain all of them.
RELATED = 3

#: Web readers with a link that subscribes to an address (docs/requirements.md 98).
_READERS = (
    ("Feedly", "https://feedly.com/i/subscription/feed/"),
    ("Inoreader", "https://www.inoreader.com/?add_feed="),
    ("NewsBlur", "https://www.newsblur.com/?url="),
    ("The Old Reader", "https://theoldreader.com/feeds/subscribe?url="),
    ("Feedbin", "https://feedbin.com/?subscribe="),
)

#: The types of articles that pages name in their own language; any other is written as it is.
_KINDS = {
    "collection": marked("Collection"),
    "course": marked("Course"),
    "download": marked("Download"),
    "podcast": marked("Podcast"),
    "video": marked("Video"),
}

_FORMATS = ((Format.RSS, "RSS"), (Format.ATOM, "Atom"), (Format.JSON, "JSON Feed"))


@dataclass(frozen=True, slots=True)
class Link:
    """A text and its address."""

    text: str
    href: str


@dataclass(frozen=True, slots=True)
class FeedLink:
    """A feed in one format, for ``<link>`` elements and the list of formats."""

    #: ``RSS``.
    label: str
    #: ``AI — RSS``.
    title: str
    type: str
    href: str


@dataclass(frozen=True, slots=True)
class Frame:
    """The values that the layout of every page needs."""

    site: Site
    language: Language
    home: str
    embed: str
    mix: str
    search: str
    opml: str
    directory: str
    style: str
    #: Addresses by file name.
    scripts: dict[str, str]
    icon: str


@dataclass(frozen=True, slots=True)
class ArticleView:
    """An article in a list."""

    title: str
    url: str
    excerpt: str
    published: int
    #: ``Video``; empty for a text to read.
    kind: str
    provider: Link
    image: Image | None
    related: tuple[RelatedLink, ...]
    #: BCP 47.
    language: str


def frame(site: Site, urls: Urls) -> Frame:
    """Return the frame of a site's pages."""
    assets = {name: urls.local(urls.at(f"static/{served}")) for name, served in NAMES.items()}
    return Frame(
        site=site,
        language=language(site.language),
        home=urls.local(f"{site.url}/"),
        embed=urls.local(urls.at("embed")),
        mix=urls.local(urls.at("mix")),
        search=urls.local(urls.opensearch),
        opml=urls.local(urls.at("feeds.opml")),
        directory=urls.local(urls.at("feeds.json")),
        style=assets["style.css"],
        scripts=assets,
        icon=site.icon.url if site.icon else assets["icon.svg"],
    )


def feed_links(name: str, addresses: Addresses) -> tuple[FeedLink, ...]:
    """Return the links of a feed in every format, RSS first (docs/requirements.md 85)."""
    return tuple(
        FeedLink(label, f"{name} — {label}", format.media_type, addresses.of(format))
        for format, label in _FORMATS
    )


def link_header(links: tuple[FeedLink, ...]) -> str:
    """Return the links as a Link header, for programs that parse no HTML.

    See docs/requirements.md 94. Without titles: long names of topics do not fit into a header.
    """
    return ", ".join(f'<{link.href}>; rel="alternate"; type="{link.type}"' for link in links)


def readers(feed: str) -> tuple[Link, ...]:
    """Return the links that subscribe to a feed in web readers."""
    return tuple(Link(name, f"{address}{quote(feed, safe='')}") for name, address in _READERS)


def articles(feed: Feed, urls: Urls, written: Language) -> tuple[ArticleView, ...]:
    """Return the articles of a feed, for a page in a language: the feed may have another."""
    return tuple(_article(article, feed, urls, written) for article in feed.articles)


def _article(article: Article, feed: Feed, urls: Urls, written: Language) -> ArticleView:
    source = feed.sources.get(article.provider.domain)
    page = urls.local(source.addresses.page) if source else ""
    excerpt = formats.description(article)
    return ArticleView(
        title=article.title,
        url=article.url,
        # The description of an article without an excerpt is its title, which the page shows above.
        excerpt="" if excerpt == article.title else shorten(excerpt, EXCERPT),
        published=article.published,
        kind="" if article.type == "article" else _kind(article.type, written),
        provider=Link(article.provider.name, page),
        image=article.images[0] if article.images else None,
        related=article.related[:RELATED],
        language=article.language or feed.site.language,
    )


def _kind(type: str, written: Language) -> str:
    return written.gettext(_KINDS[type]) if type in _KINDS else type.capitalize()
