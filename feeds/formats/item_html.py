"""The texts of an article that all formats share: its content as HTML and its description."""

import re

from feeds.languages import language
from feeds.model import Article, Image, RelatedLink
from feeds.plain_text import HEADINGS, html_text, shorten

#: The longest description, in characters.
DESCRIPTION = 500

#: Readers, first of all Feedly, use the image of this class as the lead image of the article.
_LEAD = ' class="webfeedsFeaturedVisual"'

# Readers treat an image with such small dimensions, in pixels, as a tracking pixel.
_TINY = 15

# The characters of a body that are used for its description.
_EXTRACT = 5_000

_AMBIGUOUS = re.compile("&(?=[A-Za-z#])|<")


def content(article: Article, tag: str) -> str:
    """Return the article as HTML: the lead image, the text, further images, related links.

    ``tag`` is the language of its feed (BCP 47), for an article that names none.
    """
    lead, further = article.images[:1], article.images[1:]
    return "".join(
        (
            *[_image(image, image.title or article.title, _LEAD) for image in lead],
            _text(article),
            *[_image(image, image.title) for image in further if not _is_shown(image, article)],
            _related(article.related, article.language or tag),
        )
    )


def description(article: Article) -> str:
    """Return a summary in plain text: 1 to 500 characters, even when escaped as HTML."""
    text = shortened = shorten(_summary(article), DESCRIPTION)
    while (excess := len(as_html(shortened)) - DESCRIPTION) > 0:
        # Escaping makes five characters of one at most.
        shortened = shorten(text, len(shortened) - -(-excess // 5))
    return shortened


def as_html(text: str) -> str:
    """Escape plain text so that it reads the same as HTML; most texts need no change."""
    return _AMBIGUOUS.sub(lambda mark: escape(mark[0]), text)


def _summary(article: Article) -> str:
    return article.excerpt or _beginning(article.content) or article.title


def _beginning(body: str) -> str:
    """Return the text of a body, or enough of it for a description, without its headings."""
    if not body:
        return ""
    part = body[:_EXTRACT]
    text = _folded(html_text(part, without=HEADINGS))
    if len(text) < DESCRIPTION and len(part) < len(body):
        text = _folded(html_text(body, without=HEADINGS))
    return text or _folded(html_text(body))


def _folded(text: str) -> str:
    return " ".join(text.split())


def _text(article: Article) -> str:
    # Readers show a description that is longer than the content in place of the content and lose
    # its images: such a body therefore follows the description.
    length = len(article.content)
    if length > DESCRIPTION or length > len(as_html(description(article))):
        return article.content
    summary = _summary(article)
    rest = "" if article.content == summary else article.content
    return f"<p>{escape(summary)}</p>{rest}"


def _image(image: Image, alt: str, lead: str = "") -> str:
    credit = f"<p><small>{escape(image.credit)}</small></p>" if image.credit else ""
    source = f'src="{escape(image.url)}" alt="{escape(alt)}"{_img_size(image)}'
    return f"<p><img{lead} {source}></p>{credit}"


def _img_size(image: Image) -> str:
    if image.width is None or image.height is None or min(image.width, image.height) <= _TINY:
        return ""
    return f' width="{image.width}" height="{image.height}"'


def _is_shown(image: Image, article: Article) -> bool:
    return f'src="{escape(image.url)}"' in article.content


def _related(links: tuple[RelatedLink, ...], tag: str) -> str:
    if not links:
        return ""
    items = [f'<li><a href="{escape(link.url)}">{escape(link.title)}</a></li>' for link in links]
    written = language(tag)
    # English among words of another language: a language of which there is no catalog.
    foreign = "" if written.covers(tag) else f' lang="{written.tag}" dir="{written.direction}"'
    return f"<h3{foreign}>{escape(written.gettext('Related'))}</h3><ul>{''.join(items)}</ul>"


def escape(text: str) -> str:
    """Escape text for an element or for an attribute in double quotes."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;")
