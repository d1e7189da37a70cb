"""RSS 2.0, https://www.rssboard.org/rss-specification, as https://www.rssboard.org/rss-profile."""

from collections.abc import Iterator

from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator
from lxml.etree import SubElement

from feeds.formats import _feedgen
from feeds.formats._feedgen import (
    Element,
    ItemText,
    encode_markup,
    html_element,
    quoted,
    related,
    text_element,
)
from feeds.formats.dates import rfc822
from feeds.formats.item_html import as_html, content, description
from feeds.formats.item_sizes import fitted
from feeds.model import Article, Feed, Format, Image, RelatedLink, Rights, Source

_NAMESPACES = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "fh": _feedgen.HISTORY,
    "media": "http://search.yahoo.com/mrss/",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
}
_CREATIVE_COMMONS = "http://backend.userland.com/creativeCommonsRssModule"
_ATOM, _SY = f"{{{_NAMESPACES['atom']}}}", f"{{{_NAMESPACES['sy']}}}"

_HOUR, _DAY, _WEEK = 3_600, 86_400, 604_800

# RSS 2.0: "Maximum value for width is 144 … Maximum value for height is 400", of image.
_WIDTH, _HEIGHT = 144, 400


def render(feed: Feed) -> bytes:
    """Render a feed as an RSS document."""
    articles = [fitted(article, feed.rights_in(article)) for article in feed.articles]
    generator = _channel(feed)
    generator.entry([_item(article, feed) for article in articles])
    built = generator.rss_str(xml_declaration=False)
    return _feedgen.document(built, "item", (_text(article, feed) for article in articles))


def _channel(feed: Feed) -> FeedGenerator:
    generator = _feedgen.start(feed)
    # feedgen writes only the last link of a channel: _finish_channel writes the others.
    generator.link(href=feed.addresses.page)
    generator.updated(_feedgen.UNWRITTEN)
    generator.ttl(max(1, _max_age(feed) // 60))
    if image := _channel_image(feed):
        generator.image(image.url, feed.title, feed.addresses.page, *_channel_image_size(image))
    _feedgen.finish(generator, lambda rss: _finish_channel(rss[0], feed), _namespaces(feed))
    return generator


def _namespaces(feed: Feed) -> dict[str, str]:
    rights = (feed.site.rights, *feed.rights.values())
    names_license = any(each.license for each in rights)
    return _NAMESPACES | ({"creativeCommons": _CREATIVE_COMMONS} if names_license else {})


def _channel_image(feed: Feed) -> Image | None:
    # RSS 2.0: "url is the URL of a GIF, JPEG or PNG image that represents the channel."
    allowed = ("image/png", "image/jpeg", "image/gif")
    offered = (feed.site.image, feed.site.icon)
    return next((image for image in offered if image and image.media_type in allowed), None)


def _channel_image_size(image: Image) -> tuple[str | None, str | None]:
    if image.width is None or image.height is None:
        return None, None
    # Without a size readers assume 88 by 31; a size above the maximum is invalid, so it is omitted.
    fits = image.width <= _WIDTH and image.height <= _HEIGHT
    return (str(image.width), str(image.height)) if fits else (None, None)


def _finish_channel(channel: Element, feed: Feed) -> None:
    encode_markup(channel, "title", "description", "copyright")
    SubElement(channel, "lastBuildDate").text = rfc822(feed.updated)
    for link in _feedgen.links(feed, Format.RSS):
        SubElement(channel, f"{_ATOM}link", link)
    _feedgen.mark_history(feed, channel)
    if license := feed.site.rights.license:
        SubElement(channel, f"{{{_CREATIVE_COMMONS}}}license").text = license
    period, frequency = _update_period(_max_age(feed))
    SubElement(channel, f"{_SY}updatePeriod").text = period
    SubElement(channel, f"{_SY}updateFrequency").text = str(frequency)


def _max_age(feed: Feed) -> int:
    return max(feed.site.max_age, _DAY) if feed.archived else feed.site.max_age


def _update_period(max_age: int) -> tuple[str, int]:
    """Return the period and frequency of polls, in the terms of the syndication module."""
    for period, seconds in (("hourly", _HOUR), ("daily", _DAY)):
        if max_age <= seconds:
            return period, seconds // max(1, max_age)
    return "weekly", max(1, _WEEK // max_age)


def _item(article: Article, feed: Feed) -> FeedEntry:
    item = FeedEntry()
    item.title(article.title)
    item.link(href=article.url)
    # Most readers, and the validator, parse a description as HTML.
    item.description(as_html(description(article)))
    item.guid(feed.site.uri(article.id))
    if _feedgen.needs_encoding(article.title):
        _feedgen.finish(item, lambda built: encode_markup(built, "title"))
    return item


def _text(article: Article, feed: Feed) -> ItemText:
    """Return the elements after the guid."""
    source = feed.sources.get(article.provider.domain)
    # Prefixed elements follow: some readers use the last "title" or "link" of any namespace.
    ending = "".join(
        (
            *[text_element("category", topic) for topic in article.topics],
            *[_enclosure(lead) for lead in article.images[:1]],
            _source(article, source) if source else "",
            text_element("pubDate", rfc822(article.published)),
            html_element("content:encoded", content(article, feed.site.language)),
            *[
                text_element("dc:creator", name)
                for name in article.authors or (article.provider.name,)
            ],
            text_element("dc:language", article.language) if article.language else "",
            *_media(article.images),
            *map(_related, article.related),
            _rights(feed.rights_in(article), feed.site.rights),
        )
    )
    return ItemText(ending)


def _enclosure(lead: Image) -> str:
    # RSS 2.0: "It has three required attributes"; an unknown length is written as 0.
    size = f'length="{lead.length or 0}" type={quoted(lead.media_type)}'
    return f"<enclosure url={quoted(lead.url)} {size}/>"


def _source(article: Article, source: Source) -> str:
    address = quoted(source.addresses.rss)
    return text_element("source", article.provider.name, f" url={address}")


def _media(images: tuple[Image, ...]) -> Iterator[str]:
    default = ' isDefault="true"' if len(images) > 1 else ""
    for image in images:
        yield _media_content(image, default)
        default = ""
    for lead in images[:1]:
        yield f"<media:thumbnail url={quoted(lead.url)}{_media_size(lead)}/>"


def _media_content(image: Image, default: str) -> str:
    length = "" if image.length is None else f' fileSize="{image.length}"'
    kind = f'medium="image" type={quoted(image.media_type)}{_media_size(image)}{length}{default}'
    title = text_element("media:title", image.title) if image.title else ""
    credit = text_element("media:credit", image.credit) if image.credit else ""
    return f"<media:content url={quoted(image.url)} {kind}>{title}{credit}</media:content>"


def _media_size(image: Image) -> str:
    known = image.width is not None and image.height is not None
    return f' width="{image.width}" height="{image.height}"' if known else ""


def _rights(rights: Rights, channel: Rights) -> str:
    # RSS 2.0 has copyright for the channel only.
    is_own = rights.text and rights.text != channel.text
    text = text_element("dc:rights", rights.text) if is_own else ""
    license = rights.license
    return text + (text_element("creativeCommons:license", license) if license else "")


def _related(link: RelatedLink) -> str:
    return f"<atom:link {related(link)}/>"
