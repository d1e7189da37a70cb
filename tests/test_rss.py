"""Tests of RSS alone; numbers in brackets are those of docs/requirements.md."""

import re
from dataclasses import replace
from typing import Any

import pytest

from feeds.formats import render
from feeds.formats.item_html import as_html, description
from feeds.model import Format
from tests.builders import (
    PUBLISHED,
    article,
    image,
    provider,
    related_link,
    site,
)
from tests.document_parsers import (
    ATOM,
    CONTENT,
    DC,
    MEDIA,
    SY,
    channel,
    rss_items,
    text,
)
from tests.documents import MARKS, URL, archive, rich, rss, rss_item


def test_a_guid_is_not_an_address() -> None:
    """[2]"""
    guid = rss_item().find("guid")
    assert guid is not None
    assert guid.attrib.items() == [("isPermaLink", "false")]


def test_rss_dates_are_written_in_english() -> None:
    """[5, 8]"""
    assert text(rss_item(updated=PUBLISHED + 1), "pubDate") == "Tue, 30 Jun 2020 20:50:00 GMT"


def test_a_channel_links_to_its_page() -> None:
    """[53]"""
    found = channel(rss(description="About"))
    assert text(found, "link") == "https://feeds.example.org/topics/ai"
    assert text(found, "description") == "About"


def test_the_build_date_is_the_time_of_the_last_change() -> None:
    """[54]"""
    changed = channel(rss(updated=PUBLISHED + 1))
    assert text(changed, "lastBuildDate") == "Tue, 30 Jun 2020 20:50:01 GMT"


@pytest.mark.parametrize(("length", "written"), [(81_234, "81234"), (None, "0")])
def test_the_lead_image_is_the_one_enclosure_in_rss(length: int | None, written: str) -> None:
    """[16]"""
    item = rss_item(images=(image(url=URL, length=length), image()))
    found = [dict(enclosure.attrib) for enclosure in item.findall("enclosure")]
    assert found == [{"url": URL, "length": written, "type": "image/jpeg"}]


def test_every_image_is_media_content_in_rss() -> None:
    """[17]"""
    item = rss_item(images=(image(length=5), image(url=URL, width=None, height=None)))
    common = {"medium": "image", "type": "image/jpeg"}
    size = {"width": "1920", "height": "1080", "fileSize": "5", "isDefault": "true"}
    assert [dict(media.attrib) for media in item.findall(f"{MEDIA}content")] == [
        {"url": "https://img.example.com/face.jpg", **common, **size},
        {"url": URL, **common},
    ]


def test_media_content_holds_a_title_and_a_credit_at_most() -> None:
    """[17]"""
    item = rss_item(images=(image(title=MARKS, credit="A & B"), image(title="")))
    found = [[(each.tag, each.text) for each in media] for media in item.iter(f"{MEDIA}content")]
    assert found == [[(f"{MEDIA}title", MARKS), (f"{MEDIA}credit", "A & B")], []]


def test_a_single_image_has_no_default() -> None:
    """[17]"""
    media = rss_item(images=(image(),)).find(f"{MEDIA}content")
    assert media is not None
    assert "isDefault" not in media.attrib


def test_the_thumbnail_is_the_lead_image() -> None:
    """[20, 24]"""
    item = rss_item(images=(image(url=URL), image()))
    found = [dict(each.attrib) for each in item.findall(f"{MEDIA}thumbnail")]
    assert found == [{"url": URL, "width": "1920", "height": "1080"}]


def test_a_channel_has_no_media() -> None:
    """[23]"""
    found = channel(rss(rich(), site=site(image=image(), icon=image())))
    assert [child for child in found if str(child.tag).startswith(MEDIA)] == []


def test_a_channel_shows_the_image_of_the_site() -> None:
    """[29]"""
    logo = image(url=URL, media_type="image/png", width=144, height=40)
    found = channel(rss(site=site(image=logo), title="R&D")).find("image")
    assert found is not None
    assert [(child.tag, child.text) for child in found] == [
        ("url", URL),
        ("title", "R&D"),
        ("link", "https://feeds.example.org/topics/ai"),
        ("width", "144"),
        ("height", "40"),
    ]


@pytest.mark.parametrize("size", [(None, None), (145, 40), (40, 401)])
def test_a_channel_image_gives_no_size_beyond_the_limits(
    size: tuple[int | None, int | None],
) -> None:
    """[29]"""
    logo = image(width=size[0], height=size[1])
    found = channel(rss(site=site(image=logo))).find("image")
    assert found is not None
    assert [child.tag for child in found] == ["url", "title", "link"]


def test_a_channel_image_of_a_type_unknown_to_rss_is_replaced_by_the_icon() -> None:
    """[29]"""
    drawing, icon = image(media_type="image/svg+xml"), image(url=URL)
    assert text(channel(rss(site=site(image=drawing, icon=icon))), "image/url") == URL


def test_a_related_link_is_an_atom_link_in_rss() -> None:
    """[32]"""
    item = rss_item(related=(related_link(url=URL),), images=(image(),))
    assert [dict(link.attrib) for link in item.findall(f"{ATOM}link")] == [
        {"rel": "related", "type": "text/html", "href": URL, "title": "Cities weigh a ban"}
    ]


def test_the_source_of_an_item_is_the_feed_of_its_provider() -> None:
    """[35]"""
    source = rss_item(provider=provider(name="Q&A")).find("source")
    assert source is not None
    assert (source.text, source.get("url")) == (
        "Q&A",
        "https://feeds.example.org/providers/news.example.com.rss",
    )


def test_every_author_is_a_creator_and_none_an_rss_author() -> None:
    """[36]"""
    item = rss_item(authors=("Ann", "Bo & Co"))
    assert [creator.text for creator in item.findall(f"{DC}creator")] == ["Ann", "Bo & Co"]
    assert item.findall("author") == []


def test_topics_are_categories() -> None:
    item = rss_item(topics=("R&D", "C++"))
    assert [category.text for category in item.findall("category")] == ["R&D", "C++"]


def test_core_elements_come_before_prefixed_ones_in_rss() -> None:
    """[38, 39]"""
    item = rss_items(rss(replace(rich(), language="ar")))[0]
    tags = [str(child.tag) for child in item]
    core = [tag for tag in tags if not tag.startswith("{")]
    assert tags[: len(core)] == core
    assert set(core) >= {"title", "link", "description", "guid", "pubDate"}


@pytest.mark.parametrize("mark", [b"&#x26;", b"&#x3C;"])
def test_rss_titles_escape_marks_as_references(mark: bytes) -> None:
    """[43]"""
    document = rss(article(title="a & b < c"), title="a & b < c", site=site(image=image()))
    titles = re.findall(rb"<title>(.*?)</title>", document)
    assert titles == [b"a &#x26; b &#x3C; c"] * 3
    assert mark in document


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"excerpt": "Short."}, "Short."),
        ({"excerpt": "", "content": "<p>One <b>tw</b>o</p><p>th&amp;ree</p>"}, "One two th&ree"),
        ({"excerpt": "", "content": "<hr>"}, "Group calls for ban on face recognition"),
        ({"excerpt": "", "content": ""}, "Group calls for ban on face recognition"),
        ({"excerpt": "word " * 99 + "longer word"}, "word " * 98 + "word…"),
        ({"excerpt": "x" * 501}, "x" * 499 + "…"),
    ],
)
def test_a_description_is_plain_text_of_at_most_500_characters(
    changes: dict[str, Any], expected: str
) -> None:
    """[45]"""
    item = article(**changes)
    assert description(item) == expected
    assert text(rss_items(rss(item))[0], "description") == as_html(expected)
    assert len(as_html(expected)) <= 500


def test_a_description_with_many_escapes_is_cut_shorter() -> None:
    """[45]"""
    written = as_html(description(article(excerpt="&a" * 250)))
    assert 400 < len(written) <= 500


@pytest.mark.parametrize("excerpt", ["", "Excerpt", "x" * 300, "&a" * 250])
@pytest.mark.parametrize("body", ["", "Body", "<p>Body</p>", "<hr>", "<p>" + "x" * 600])
def test_a_description_is_shorter_than_the_content(excerpt: str, body: str) -> None:
    """[45]"""
    item = rss_item(excerpt=excerpt, content=body)
    assert 0 < len(text(item, "description")) < len(text(item, f"{CONTENT}encoded"))


def test_a_description_reads_the_same_as_text_and_as_html() -> None:
    """[45]"""
    item = rss_item(excerpt="AT&T & 1 < 2 &copy; <b>")
    assert text(item, "description") == "AT&amp;T & 1 &lt; 2 &amp;copy; &lt;b>"


def test_a_long_body_is_parsed_as_far_as_a_description_needs() -> None:
    """More is parsed if the beginning is too short. A tag that is cut in two is removed."""
    body = "<p>" + 'Text <a href="https://example.com/long/address">a</a> ' * 200 + "</p>"
    assert "href" not in description(article(excerpt="", content=body))
    endless = f'<p>Hi</p><a href="https://example.com/{"x" * 6_000}">there</a>'
    assert description(article(excerpt="", content=endless)) == "Hi there"


def test_a_body_that_equals_its_description_is_shown_once() -> None:
    item = rss_item(excerpt="", content="Body")
    assert text(item, f"{CONTENT}encoded") == "<p>Body</p>"


def test_a_body_shorter_than_the_description_follows_it() -> None:
    """[45]"""
    item = rss_item(excerpt="An excerpt.", content="<p>Hi</p>")
    assert text(item, f"{CONTENT}encoded") == "<p>An excerpt.</p><p>Hi</p>"


@pytest.mark.parametrize(
    ("max_age", "ttl", "period", "frequency"),
    [
        (60, "1", "hourly", "60"),
        (900, "15", "hourly", "4"),
        (3_600, "60", "hourly", "1"),
        (18_000, "300", "daily", "4"),
        (86_401, "1440", "weekly", "6"),
        (0, "1", "hourly", "3600"),
    ],
)
def test_rss_states_how_often_to_poll(max_age: int, ttl: str, period: str, frequency: str) -> None:
    """[64]"""
    found = channel(rss(site=site(max_age=max_age)))
    paths = ("ttl", f"{SY}updatePeriod", f"{SY}updateFrequency")
    assert [text(found, path) for path in paths] == [ttl, period, frequency]


def test_the_ttl_of_an_archive_is_a_day() -> None:
    """[79]"""
    assert text(channel(render(archive(), Format.RSS)), "ttl") == "1440"


def test_rss_names_the_language_of_the_feed_and_of_a_different_item() -> None:
    """[50]"""
    found = channel(rss(article(language="ar"), article(id="2"), site=site(language="de")))
    languages = [item.findtext(f"{DC}language") for item in found.findall("item")]
    assert (text(found, "language"), languages) == ("de", ["ar", None])
