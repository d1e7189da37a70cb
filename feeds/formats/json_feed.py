"""JSON Feed 1.1, https://www.jsonfeed.org/version/1.1/."""

import json
from typing import Any

from feeds.formats.dates import rfc3339
from feeds.formats.item_html import content, description
from feeds.formats.item_sizes import fitted
from feeds.model import Article, Feed, Image, Rights, Site

_Object = dict[str, Any]


def render(feed: Feed) -> bytes:
    """Render a feed as a JSON Feed document."""
    site = feed.site
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.addresses.page,
        "feed_url": feed.addresses.json,
        "description": feed.description or feed.title,
        "next_url": feed.previous and feed.previous.json,
        **_icons(site),
        "language": site.language,
        "hubs": [{"type": "WebSub", "url": hub} for hub in site.hubs],
        "_rights": _rights(site.rights, site),
    }
    items = [_item(fitted(each, feed.rights_in(each)), feed) for each in feed.articles]
    document = {**_with_values(document), "items": items}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _icons(site: Site) -> _Object:
    large = site.icon or site.image
    return {"icon": large and large.url, "favicon": site.icon and site.icon.url}


def _item(article: Article, feed: Feed) -> _Object:
    site, rights = feed.site, feed.rights_in(article)
    item = {
        "id": site.uri(article.id),
        "url": article.url,
        "title": article.title,
        "content_html": content(article, site.language),
        "summary": description(article),
        "image": article.images[0].url if article.images else None,
        "date_published": rfc3339(article.published),
        "date_modified": rfc3339(article.updated),
        "authors": [{"name": name} for name in article.authors or (article.provider.name,)],
        "tags": list(article.topics),
        "language": article.language,
        "attachments": [_attachment(image) for image in article.images],
        "_related": _related(article, site),
        "_rights": _rights(rights, site) if rights != site.rights else None,
    }
    return _with_values(item)


def _attachment(image: Image) -> _Object:
    return _with_values(
        {
            "url": image.url,
            "mime_type": image.media_type,
            "title": image.title,
            "size_in_bytes": image.length,
        }
    )


def _related(article: Article, site: Site) -> _Object | None:
    if not article.related:
        return None
    # JSON Feed: an extension "should have an about key" with a URL that explains it to people.
    links = [{"url": link.url, "title": link.title} for link in article.related]
    return {"about": f"{site.url}/", "links": links}


def _rights(rights: Rights, site: Site) -> _Object | None:
    """Return the extension object of rights: JSON Feed has no member for them."""
    uses = {"train": rights.ai.train, "search": rights.ai.search, "input": rights.ai.input}
    ai = {use: allowed for use, allowed in uses.items() if allowed is not None}
    found = _with_values({"text": rights.text, "license": rights.license, "ai": ai})
    return {"about": f"{site.url}/", **found} if found else None


def _with_values(members: _Object) -> _Object:
    """Return the members that have a value."""
    return {name: value for name, value in members.items() if value}
