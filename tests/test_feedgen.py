"""Tests of the faults of feedgen that feeds/formats/_feedgen.py works around.

If a test fails, the library was corrected, and the workaround can be removed.
"""

import locale
from datetime import UTC, datetime

import pytest
from feedgen.entry import FeedEntry
from feedgen.ext.media import MediaEntryExtension
from feedgen.feed import FeedGenerator
from lxml import etree

from tests.builders import PUBLISHED

WHEN = datetime.fromtimestamp(PUBLISHED, UTC)


def entry() -> FeedEntry:
    built = FeedEntry()
    built.id("tag:example.org,2020:1")
    built.title("Title")
    built.link(href="https://example.org/1")
    return built


def generator() -> FeedGenerator:
    built = FeedGenerator()
    built.id("tag:example.org,2020:feed")
    built.title("Title")
    built.description("Description")
    built.link(href="https://example.org/", rel="alternate")
    return built


def test_an_atom_entrys_link_loses_all_but_its_address() -> None:
    built = entry()
    built.link(href="https://example.org/1.jpg", rel="enclosure", type="image/jpeg", length="5")
    links = built.atom_entry().findall("link")
    assert [dict(link.attrib) for link in links] == [
        {"href": "https://example.org/1"},
        {"href": "https://example.org/1.jpg"},
    ]


def test_an_rss_item_keeps_only_the_last_enclosure() -> None:
    built = entry()
    built.enclosure("https://example.org/1.jpg", 1, "image/jpeg")
    built.enclosure("https://example.org/2.jpg", 2, "image/jpeg")
    urls = [enclosure.get("url") for enclosure in built.rss_entry().findall("enclosure")]
    assert urls == ["https://example.org/2.jpg"]


def test_an_unknown_length_of_an_enclosure_is_written_as_none() -> None:
    built = entry()
    built.enclosure("https://example.org/1.jpg", None, "image/jpeg")
    assert built.rss_entry().find("enclosure").get("length") == "None"


def test_an_rss_item_lacks_the_other_links() -> None:
    built = entry()
    built.link(href="https://example.org/2", rel="related")
    assert "https://example.org/2" not in etree.tostring(built.rss_entry(), encoding="unicode")


def test_a_channels_link_is_the_last_one_of_any_relation() -> None:
    built = generator()
    built.link(href="https://example.org/feed.rss", rel="self")
    channel = etree.fromstring(built.rss_str()).find("channel")
    assert channel is not None
    assert channel.findtext("link") == "https://example.org/feed.rss"


def test_a_channel_has_no_link_but_its_own() -> None:
    built = generator()
    built.link(href="https://hub.example.org/", rel="hub")
    built.link(href="https://example.org/", rel="alternate")
    assert b"hub.example.org" not in built.rss_str()


def test_an_added_entry_comes_first() -> None:
    built = generator()
    first, second = entry(), entry()
    built.add_entry(first)
    built.add_entry(second)
    assert built.entry() == [second, first]


def test_a_feed_without_a_time_gets_that_of_the_clock() -> None:
    before = datetime.now(UTC)
    built = generator()
    assert built.updated() >= before


def test_an_entry_without_a_time_gets_that_of_the_clock() -> None:
    before = datetime.now(UTC)
    built = entry()
    assert built.updated() >= before


def test_atom_times_do_not_end_in_z() -> None:
    built = entry()
    built.updated(WHEN)
    assert built.atom_entry().findtext("updated") == "2020-06-30T20:50:00+00:00"


def test_an_rss_time_switches_the_locale_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    switched: list[object] = []
    monkeypatch.setattr(locale, "setlocale", lambda *arguments: switched.append(arguments))
    built = entry()
    built.published(WHEN)
    built.rss_entry()
    assert len(switched) == 3


def test_an_author_without_an_address_is_missing_in_rss() -> None:
    built = entry()
    built.author(name="Ann Lee")
    assert "Ann Lee" not in etree.tostring(built.rss_entry(), encoding="unicode")


def test_the_encoded_content_comes_before_core_elements() -> None:
    built = entry()
    built.description("Description")
    built.content("<p>Content</p>")
    tags = [etree.QName(child).localname for child in built.rss_entry()]
    assert tags.index("encoded") < tags.index("guid")


def test_the_media_extension_wraps_in_a_group() -> None:
    built = FeedEntry()
    built.title("Title")
    built.register_extension("media", MediaEntryExtension)
    built.media.content(url="https://example.org/1.jpg", medium="image", type="image/jpeg")
    assert [etree.QName(child).localname for child in built.rss_entry()] == ["title", "group"]


def test_the_syndication_extension_writes_unknown_names() -> None:
    built = generator()
    built.load_extension("syndication")
    built.syndication.update_period("hourly")
    assert b"UpdatePeriod" in built.rss_str()


def test_a_control_character_fails_the_whole_feed() -> None:
    built = generator()
    bad = entry()
    bad.title("Title\x01")
    built.add_entry(bad)
    with pytest.raises(ValueError, match="XML compatible"):
        built.rss_str()


def test_the_declaration_has_apostrophes() -> None:
    assert generator().atom_str().startswith(b"<?xml version='1.0' encoding='UTF-8'?>")


def test_the_source_of_an_atom_entry_has_no_id() -> None:
    built = entry()
    built.source("https://example.org/feed", "Example")
    assert [child.tag for child in built.atom_entry().find("source")] == ["title", "link"]
