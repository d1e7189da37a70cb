"""How large an article can come out in any format, without rendering it.

Every figure is an upper bound over RSS, Atom and JSON Feed: a text is counted as often as the
format that repeats it most writes it, with its marks at their longest escape. Addresses of this
server and the authority of its identifiers are taken to be at most 250 characters.
"""

from dataclasses import replace

from feeds.formats.item_html import DESCRIPTION
from feeds.model import Article

#: Readers stop reading a larger document.
MAX_BYTES = 1_000_000

#: Readers drop a larger item.
MAX_ITEM_BYTES = 200_000

#: The most withdrawn articles that a document names, the latest first.
MAX_WITHDRAWN = 50

#: What a document needs besides its items, when the texts and addresses of the feed and of the
#: site have at most 1,000 characters each and identifiers at most 400.
FRAME = 100_000

# All that is written whatever the article says, with two of our addresses.
_ITEM, _IMAGE, _LEAD, _LINK, _NAME = 1_050, 360, 120, 130, 40

# Related links: the heading, the list and the member around them, with one of our addresses.
_RELATED = 400

# A description that was cut; the longest escape of a character is &amp; or four bytes.
_DESCRIPTION = 5 * DESCRIPTION

# What an escape adds at most: & becomes &#x26; or, once more in the HTML of the content,
# &amp;amp; and a quotation mark becomes &amp;quot;.
_MARKS = b'&<>"\\\n\r\t'
_ONCE, _TWICE = 5, 9


def weight(article: Article) -> int:
    """An upper bound of the bytes of the article's item in any format."""
    linked = _linked(article)
    # Percent-encoding in tag URIs and addresses makes three bytes of one.
    encoded = article.id + article.provider.domain
    return (
        _structure(article)
        + _size(linked + _once(article), _ONCE)
        + _size(linked + _twice(article), _TWICE)
        + _size(encoded, 14)
    )


def fitted(article: Article) -> Article:
    """The article as all formats write it: without the last pictures and links of too many.

    The longer of the two lists loses its last member until the item is small enough. The lead
    picture and the text always stay; the reader's own limits keep them below the bound.
    """
    while (len(article.images) > 1 or article.related) and weight(article) > MAX_ITEM_BYTES:
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
    """Texts of pictures and links: written in elements of their own, and in the content too."""
    images = [image.url + image.title + image.credit for image in article.images]
    return "".join(images + [link.url + link.title for link in article.related])


def _once(article: Article) -> str:
    """Other texts that are escaped one time, each as often as it is written."""
    name = article.provider.name
    kinds = [image.media_type for image in article.images]
    lead = [image.url + image.url + image.media_type for image in article.images[:1]]
    single = (article.title, article.url, article.content, article.language or "", name, name)
    return "".join((*single, *article.authors, *article.topics, *kinds, *lead))


def _twice(article: Article) -> str:
    """Other texts that are escaped in the content and then with it."""
    described = _described(article)
    # A short text is shown after the description.
    times = (len(described) <= DESCRIPTION) + (len(article.content) <= DESCRIPTION)
    return described * times + article.title * bool(article.images)


def _described(article: Article) -> str:
    return article.excerpt or article.content or article.title


def _size(text: str, growth: int) -> int:
    encoded = text.encode()
    marks = len(encoded) - len(encoded.translate(None, _MARKS))
    return len(encoded) + growth * marks
