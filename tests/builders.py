"""Builders of articles and feeds with valid defaults: a test names only the values it needs."""

from dataclasses import replace
from typing import Any

from feeds.model import Addresses, Article, Feed, Image, Provider, RelatedLink, Site, Source

#: 2020-06-30T20:50:00Z
PUBLISHED = 1_593_550_200

SITE_URL = "https://feeds.example.org"


def addresses(path: str = "topics/ai") -> Addresses:
    page = f"{SITE_URL}/{path}"
    return Addresses(page=page, rss=f"{page}.rss", atom=f"{page}.atom", json=f"{page}.json")


def image(**changes: Any) -> Image:
    default = Image(
        url="https://img.example.com/face.jpg",
        media_type="image/jpeg",
        width=1920,
        height=1080,
        title="A face in a frame",
    )
    return replace(default, **changes)


def provider(**changes: Any) -> Provider:
    return replace(Provider(domain="news.example.com", name="Example News"), **changes)


def related_link(**changes: Any) -> RelatedLink:
    default = RelatedLink(title="Cities weigh a ban", url="https://other.example.net/cities")
    return replace(default, **changes)


def article(**changes: Any) -> Article:
    default = Article(
        id="2020/face-recognition",
        title="Group calls for ban on face recognition",
        url="https://news.example.com/face-recognition",
        published=PUBLISHED,
        updated=PUBLISHED,
        provider=provider(),
        excerpt="The association said the technology could not be used reliably.",
        content="<p>The association said the technology could not be used reliably, today.</p>",
    )
    return replace(default, **changes)


def articles(count: int) -> tuple[Article, ...]:
    """Return a number of different articles, newest first, a minute apart."""
    return tuple(
        article(
            id=f"article-{number}",
            title=f"Article {number}",
            url=f"https://news.example.com/{number}",
            published=PUBLISHED - 60 * number,
            updated=PUBLISHED - 60 * number,
        )
        for number in range(count)
    )


def site(**changes: Any) -> Site:
    default = Site(
        title="Tributary",
        url=SITE_URL,
        description="News of many providers",
        language="en",
        authority="example.org",
        year=2020,
    )
    return replace(default, **changes)


def source(path: str = "providers/news.example.com") -> Source:
    return Source(uri=f"tag:example.org,2020:feeds/{path}", addresses=addresses(path))


def feed(*articles: Article, **changes: Any) -> Feed:
    default = Feed(
        uri="tag:example.org,2020:feeds/topics/ai",
        title="AI",
        description="Articles about AI",
        addresses=addresses(),
        site=site(),
        updated=PUBLISHED,
        articles=articles,
        sources={article.provider.domain: source() for article in articles},
    )
    return replace(default, **changes)
