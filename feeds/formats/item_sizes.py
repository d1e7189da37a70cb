"""Upper bounds of the size of an article in any format, without rendering it.

Every figure is an upper bound over RSS, Atom and JSON Feed: a text counts as often as the format
that repeats it most writes it, with every special character at its longest escape. Addresses of
this server and the authority of its identifiers are assumed to have at most 250 characters.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from feeds.formats.item_html import DESCRIPTION
from feeds.model import NO_RIGHTS, Article, Rights

#: The largest document, in bytes: readers stop reading a larger one.
MAX_BYTES = 1_000_000

#: The largest item, in bytes: readers drop a larger one.
MAX_ITEM_BYTES = 200_000

#: The most withdrawn articles in a document, the latest first.
MAX_WITHDRAWN = 50

#: The bytes of a document besides its items, if the texts and addresses of the feed and of the
#: site have at most 1,000 characters each and identifiers at most 400.
FRAME = 100_000

# The fixed markup of an item, an image, a lead image, a link and a name, with two of our addresses.
_ITEM, _IMAGE, _LEAD, _LINK, _NAME = 1_050, 360, 120, 130, 40

# The heading, the list and the member around related links, with one of our addresses.
_RELATED = 400

# The fixed markup of rights, with one of our addresses.
_RIGHTS = 450

# A shortened description; the longest escape of a character is &amp; or four bytes.
_DESCRIPTION = 5 * DESCRIPTION

# The most bytes that an escape adds: & becomes &#x26; or, escaped again in the HTML of the content,
# &amp;amp; and a quotation mark becomes &amp;quot;.
_MARKS = b'&<>"\\\n\r\t'
_ONCE, _TWICE = 5, 9


def weigher(rights_of: Callable[[str], Rights]) -> Callable[[Article], int]:
    """Return ``weight`` with the rights in the articles of each provider, by domain."""
    return partial(_weight_of, rights_of=rights_of)


def _weight_of(article: Article, rights_of: Callable[[str], Rights]) -> int:
    return weight(article, rights_of(article.provider.domain))


def weight(article: Article, rights: Rights = NO_RIGHTS) -> int:
    """Return an upper bound of the bytes of the article's item in any format."""
    linked = _linked(article)
    # Percent-encoding in tag URIs and addresses turns one byte into three.
    encoded = article.id + article.provider.domain
    return (
        _structure(article)
        + _escaped_size(linked + _once(article), _ONCE)
        + _escaped_size(linked + _twice(article), _TWICE)
        + _escaped_size(encoded, 14)
        + _RIGHTS * (rights != NO_RIGHTS)
        + _escaped_size(rights.text + rights.license, _ONCE)
    )


def fitted(article: Article, rights: Rights = NO_RIGHTS) -> Article:
    """Return the article as all formats write it, with its images and links cut to the limit.

    The longer of the two lists loses its last member until the item is small enough. The lead image
    and the text always stay; the limits on reading keep them below the bound.
    """
    while (len(article.images) > 1 or article.related) and weight(article, rights) > MAX_ITEM_BYTES:
        article = _lighter(article)
    return article


def _lighter(article: Article) -> Article:
    if len(article.images) > max(1, len(article.related)):
        return replace(article, images=article.images[:-1])
    return replace(article, related=article.related[:-1])


def _structure(article: Article) -> int:
    return (
        _ITEM
        + _IMAGE * len(article.images)
        + _LEAD * bool(article.images)
        + _LINK * len(article.related)
        + _RELATED * bool(article.related)
        + _DESCRIPTION * (len(_described(article)) > DESCRIPTION)
        + _NAME * (len(article.authors) + len(article.topics))
    )


def _linked(article: Article) -> str:
    """Return the texts of images and links, which have elements and are part of the content."""
    images = [image.url + image.title + image.credit for image in article.images]
    return "".join(images + [link.url + link.title for link in article.related])


def _once(article: Article) -> str:
    """Return the other texts that are escaped once, each as often as it is written."""
    name = article.provider.name
    kinds = [image.media_type for image in article.images]
    lead = [image.url + image.url + image.media_type for image in article.images[:1]]
    single = (article.title, article.url, article.content, article.language or "", name, name)
    return "".join((*single, *article.authors, *article.topics, *kinds, *lead))


def _twice(article: Article) -> str:
    """Return the other texts that are escaped in the content and again with it."""
    described = _described(article)
    # A short text follows the description.
    times = (len(described) <= DESCRIPTION) + (len(article.content) <= DESCRIPTION)
    return described * times + article.title * bool(article.images)


def _described(article: Article) -> str:
    return article.excerpt or article.content or article.title


def _escaped_size(text: str, growth: int) -> int:
    encoded = text.encode()
    marks = len(encoded) - len(encoded.translate(None, _MARKS))
    return len(encoded) + growth * marks
