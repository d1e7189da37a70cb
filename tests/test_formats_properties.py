"""Property tests of the formats: well-formed, complete, and no larger than the computed weight."""

import html
from contextlib import suppress

import feedparser
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from feeds.formats import render
from feeds.formats.item_html import content, escape
from feeds.formats.item_sizes import FRAME, MAX_BYTES, MAX_ITEM_BYTES, fitted, weight
from feeds.model import Article, Format, Image, Provider, RelatedLink, Withdrawal
from tests.builders import addresses, article, articles, feed, image, related_link, site
from tests.document_parsers import items
from tests.programs import examples

# XML 1.0: Char ::= #x9 | #xA | #xD | [#x20-#xD7FF] | [#xE000-#xFFFD] | [#x10000-#x10FFFF]
_CHARACTERS = st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")
_LIKELY = st.sampled_from(["&", "<", ">", '"', "'", "&amp;", "</b>", "]]>", "\\", "é", "日", "😀"])


def _words(size: int) -> st.SearchStrategy[str]:
    """Return cleaned text: white space folded, never empty."""
    some = st.lists(_LIKELY | st.text(_CHARACTERS, max_size=9), max_size=size)
    return some.map(lambda parts: " ".join(" ".join(parts).split()) or "x")


_TAIL = st.text("abc/?&=%20-._~!$'()*+,;:@é日", max_size=40)
URLS = st.builds("https://{}.example/{}".format, st.sampled_from("abc"), _TAIL)
TEXTS = _words(6)
SIZES = st.none() | st.integers(1, 20_000)
IMAGES = st.builds(
    lambda size, **members: Image(width=size, height=size, **members),
    size=SIZES,
    url=URLS,
    media_type=st.sampled_from(["image/jpeg", "image/svg+xml"]),
    title=TEXTS | st.just(""),
    credit=TEXTS | st.just(""),
    length=SIZES,
)
ARTICLES = st.builds(
    Article,
    id=TEXTS,
    title=TEXTS,
    url=URLS,
    published=st.integers(0, 2_000_000_000),
    updated=st.integers(2_000_000_000, 4_000_000_000),
    provider=st.builds(Provider, domain=st.sampled_from(["a.example", "b.example"]), name=TEXTS),
    excerpt=_words(80) | st.just(""),
    authors=st.lists(TEXTS, max_size=3).map(tuple),
    topics=st.lists(TEXTS, max_size=4).map(tuple),
    images=st.lists(IMAGES, max_size=4).map(tuple),
    related=st.lists(st.builds(RelatedLink, title=TEXTS, url=URLS), max_size=4).map(tuple),
    content=_words(90).map(lambda text: f"<p>{escape(text)}</p>\n") | st.just(""),
    language=st.none() | st.sampled_from(["ar", "pt-BR"]),
)

every_format = pytest.mark.parametrize("format", list(Format))


def size(one: Article, format: Format) -> int:
    """Return the size of the article's item in bytes."""
    return len(render(feed(one), format)) - len(render(feed(), format))


@every_format
@given(one=ARTICLES)
@settings(max_examples=examples(60))
def test_the_text_of_an_article_survives_in_every_format(format: Format, one: Article) -> None:
    item = items(render(feed(one), format), format)[0]
    assert (item.title, item.url, item.content) == (one.title, one.url, content(one, "en"))
    assert item.pictures == tuple(image.url for image in one.images)
    assert item.related == tuple((link.url, link.title) for link in one.related)


@pytest.mark.parametrize("format", [Format.RSS, Format.ATOM])
@given(one=ARTICLES)
@settings(max_examples=examples(60))
def test_feedparser_reads_title_and_address(format: Format, one: Article) -> None:
    # feedparser takes "&b;" in an address for an entity and loses the semicolon.
    assume(";" not in one.url and not _is_read_twice(one.title))
    parsed = feedparser.parse(render(feed(one), format))
    assert not parsed.bozo
    assert len(parsed.entries) == 1
    assert html.unescape(parsed.entries[0].link) == html.unescape(one.url)
    assert html.unescape(parsed.entries[0].title) == html.unescape(one.title)


def _is_read_twice(text: str) -> bool:
    """Return True if feedparser decodes the text again, as UTF-8 that was read as Latin-1."""
    with suppress(UnicodeError):
        return text.encode("latin-1").decode() != text
    return False


@every_format
@given(one=ARTICLES)
@settings(max_examples=examples(100))
def test_the_weight_of_an_article_is_an_upper_bound(format: Format, one: Article) -> None:
    assert size(one, format) <= weight(one)


@pytest.mark.parametrize("mark", ["&", '"', "<", "日", "😀", "\\"])
def test_the_weight_counts_the_longest_escapes(mark: str) -> None:
    text = mark * 400
    worst = article(
        id=text,
        title=text,
        url=f"https://a.example/{text}",
        provider=Provider(domain="a.example", name=text),
        excerpt=text,
        authors=(text, text),
        topics=(text, text),
        images=(image(url=f"https://a.example/{text}", title=text, credit=text, length=9),) * 3,
        related=(related_link(url=f"https://a.example/{text}", title=text),) * 3,
        content=f"<p>{escape(text)[:400]}</p>",
    )
    assert max(size(worst, format) for format in Format) <= weight(worst)


@every_format
@pytest.mark.parametrize("body", ["", "<p>Body</p>"])
def test_the_weight_counts_a_description_that_was_cut(format: Format, body: str) -> None:
    long = article(excerpt="日&" * 2_000, content=body)
    assert size(long, format) <= weight(long)


def test_the_weight_of_a_typical_article_is_at_most_twice_its_size() -> None:
    typical = article(
        images=(image(),),
        related=tuple(related_link(url=f"https://a.example/{number}") for number in range(4)),
        topics=("AI", "Computer Vision"),
        content="<p>" + "Some text, <a href='https://a.example/'>a link</a>. " * 40 + "</p>",
    )
    assert weight(typical) <= 2 * max(size(typical, format) for format in Format)


def heavy() -> Article:
    """Return the largest article that is accepted."""
    pictures = [image(url=f"https://a.example/{number}?{'a' * 1_950}") for number in range(20)]
    others = [related_link(url=f"https://a.example/{number}?{'b' * 1_950}") for number in range(20)]
    return article(images=tuple(pictures), related=tuple(others), content=f"<p>{'x' * 99_000}</p>")


@every_format
def test_no_item_is_larger_than_readers_accept(format: Format) -> None:
    """[12]"""
    assert size(heavy(), format) <= MAX_ITEM_BYTES < weight(heavy())


@every_format
def test_an_item_that_is_too_large_loses_the_same_parts_in_every_format(format: Format) -> None:
    """[12]"""
    item = items(render(feed(heavy()), format), format)[0]
    left = fitted(heavy())
    assert item.pictures == tuple(picture.url for picture in left.images)
    assert item.related == tuple((link.url, link.title) for link in left.related)
    assert len(left.images) == len(left.related) > 5
    assert left.images == heavy().images[: len(left.images)]


def test_the_lead_image_and_the_text_stay_at_every_size() -> None:
    large = article(images=(image(), image()), content="x" * 2 * MAX_ITEM_BYTES)
    assert (fitted(large).images, fitted(large).content) == (large.images[:1], large.content)


def test_an_article_of_a_usual_size_loses_nothing() -> None:
    usual = article(images=(image(), image()), related=(related_link(),))
    assert fitted(usual) is usual


@every_format
def test_the_frame_of_a_feed_is_smaller_than_its_upper_bound(format: Format) -> None:
    """[12]"""
    long = "&" * 1_000
    at = addresses(long[:950])
    wide = feed(
        title=long,
        description=long,
        addresses=at,
        previous=at,
        next=at,
        current=at,
        site=site(title=long, image=image(url=long), icon=image(url=long), hubs=(long, long)),
        withdrawn=tuple(Withdrawal(f"{number:0400}", number) for number in range(200)),
    )
    assert len(render(wide, format)) <= FRAME


@every_format
def test_articles_selected_by_weight_make_a_document_that_readers_accept(format: Format) -> None:
    """[12]"""
    room = MAX_BYTES - FRAME
    chosen = articles(room // weight(articles(100)[99]))
    assert len(render(feed(*chosen), format)) <= MAX_BYTES
