"""The texts of one article, shared by all formats: its content as HTML and its description."""

import html
import re

from feeds.model import Article, Image, RelatedLink

#: The longest description, in characters.
DESCRIPTION = 500

#: Readers, and Feedly first, take the picture of this class for the article's own.
_LEAD = ' class="webfeedsFeaturedVisual"'

# A picture that says it is this small is taken for a counting pixel.
_TINY = 15

# Characters of a body from which its description is made.
_ENOUGH = 5_000

_TAG = re.compile(r"""<(/?[A-Za-z][A-Za-z0-9]*|!)(?:"[^"]*"|'[^']*'|[^'">])*>""")
_AMBIGUOUS = re.compile("&(?=[A-Za-z#])|<")
_INLINE = re.compile(
    "/?(a|abbr|b|bdi|cite|code|del|em|i|ins|kbd|mark|q|s|small|span|strong|sub|sup|u)"
)


def content(article: Article) -> str:
    """The article as HTML: the lead picture, the text, further pictures, related links."""
    lead, further = article.images[:1], article.images[1:]
    return "".join(
        (
            *[_picture(image, image.title or article.title, _LEAD) for image in lead],
            _text(article),
            *[_picture(image, image.title) for image in further if not _shown(image, article)],
            _related(article.related),
        )
    )


def description(article: Article) -> str:
    """The article in plain text: 1 to 500 characters, even when written as HTML."""
    text = shortened = _cut(_summary(article), DESCRIPTION)
    while (excess := len(as_html(shortened)) - DESCRIPTION) > 0:
        # One character is written in five at most.
        shortened = _cut(text, len(shortened) - -(-excess // 5))
    return shortened


def as_html(text: str) -> str:
    """Plain text that reads the same when it is taken for HTML; most texts need no change."""
    return _AMBIGUOUS.sub(lambda mark: escape(mark[0]), text)


def _cut(text: str, length: int) -> str:
    if len(text) <= length:
        return text
    # A cut inside a word reads like a fault; a text without spaces is cut where it has to be.
    head, space, _ = text[:length].rpartition(" ")
    return f"{head if space else text[: length - 1]}…"


def _summary(article: Article) -> str:
    return article.excerpt or plain(_beginning(article.content)) or article.title


def _beginning(body: str) -> str:
    # Enough for a description, and a hundred kilobytes are not searched for tags.
    return body if len(body) <= _ENOUGH else body[:_ENOUGH].rpartition("<")[0]


def _text(article: Article) -> str:
    # Readers that find a description longer than the content show the description instead
    # and drop the pictures with the content: such a body is shown after the description.
    length = len(article.content)
    if length > DESCRIPTION or length > len(as_html(description(article))):
        return article.content
    summary = _summary(article)
    rest = "" if article.content == summary else article.content
    return f"<p>{escape(summary)}</p>{rest}"


def _picture(image: Image, alt: str, lead: str = "") -> str:
    credit = f"<p><small>{escape(image.credit)}</small></p>" if image.credit else ""
    source = f'src="{escape(image.url)}" alt="{escape(alt)}"{_size(image)}'
    return f"<p><img{lead} {source}></p>{credit}"


def _size(image: Image) -> str:
    if image.width is None or image.height is None or min(image.width, image.height) <= _TINY:
        return ""
    return f' width="{image.width}" height="{image.height}"'


def _shown(image: Image, article: Article) -> bool:
    return f'src="{escape(image.url)}"' in article.content


def _related(links: tuple[RelatedLink, ...]) -> str:
    if not links:
        return ""
    items = [f'<li><a href="{escape(link.url)}">{escape(link.title)}</a></li>' for link in links]
    return f"<h3>Related</h3><ul>{''.join(items)}</ul>"


def escape(text: str) -> str:
    """Text for the inside of an element or of an attribute in double quotes."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;")


def plain(body: str) -> str:
    """The text of sanitised HTML; what a block element parts, a space parts here."""
    return " ".join(html.unescape(_TAG.sub(_gap, body)).split())


def _gap(tag: re.Match[str]) -> str:
    return "" if _INLINE.fullmatch(tag[1].lower()) else " "
