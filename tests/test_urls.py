"""Tests of the addresses of the site: how they are parsed and written."""

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.model import FeedId, Format
from feeds.slugs import slug
from feeds.urls import (
    ALL,
    GUESSES,
    Target,
    Urls,
    is_file_name,
    name_path,
    provider_path,
    read,
    topic_path,
)

SITE = Urls("https://feeds.example.org/news")

FEEDS = [
    (ALL, "all"),
    (FeedId("topics/ai"), "topics/ai"),
    (FeedId("topics/日本語"), "topics/日本語"),
    (FeedId("providers/example.com"), "providers/example.com"),
    (FeedId("providers/example.com/a-name"), "providers/example.com/a-name"),
    (FeedId("feeds/best"), "feeds/best"),
    (FeedId("all", "2026-05"), "all/2026-05"),
    (FeedId("topics/ai", "2026-12", 2), "topics/ai/2026-12-2"),
    (FeedId("topics/ai", "2026-12", 1234), "topics/ai/2026-12-1234"),
    (FeedId("providers/example.com/a-name", "1999-01"), "providers/example.com/a-name/1999-01"),
    # A name that looks like a month is a name in the place of a name.
    (FeedId("topics/2026-05"), "topics/2026-05"),
    (FeedId("feeds/2026-05"), "feeds/2026-05"),
    (FeedId("topics/2026-05", "2026-06"), "topics/2026-05/2026-06"),
]

every_feed = pytest.mark.parametrize(("feed", "path"), FEEDS)


@every_feed
@pytest.mark.parametrize("format", list(Format))
def test_an_address_with_an_ending_names_a_feed_in_a_format(
    feed: FeedId, path: str, format: Format
) -> None:
    assert read(f"{path}.{format}") == Target(feed, format)


@pytest.mark.parametrize(("feed", "path"), FEEDS[1:])
def test_an_address_without_an_ending_names_the_page_of_a_feed(feed: FeedId, path: str) -> None:
    assert read(path) == Target(feed, None)


def test_the_page_of_the_main_feed_is_the_root() -> None:
    assert read("") == Target(ALL, None)
    assert read("all") is None
    assert SITE.page(ALL) == "https://feeds.example.org/news/"


@pytest.mark.parametrize(
    ("path", "format"),
    [
        ("feed", Format.RSS),
        ("feed/", Format.RSS),
        ("rss", Format.RSS),
        ("feed.xml", Format.RSS),
        ("rss.xml", Format.RSS),
        ("index.xml", Format.RSS),
        ("atom.xml", Format.ATOM),
        ("feed.json", Format.JSON),
    ],
)
def test_guessed_addresses_name_the_main_feed(path: str, format: Format) -> None:
    """[89]"""
    assert read(path) == Target(ALL, format)
    assert path in GUESSES


@pytest.mark.parametrize(
    "path",
    [
        "nothing.rss",
        ".rss",
        "all.xml",
        "all.RSS",
        "all.rss/",
        "/all.rss",
        "all/x.rss",
        "topics.rss",
        "topics/.rss",
        "topics/a/b.rss",
        "topics//a.rss",
        "providers/a/b/c.rss",
        "feeds/a/b.rss",
        "rss/",
        "atom",
        # An archive has a year, a month and a part from 1 on, in ASCII digits.
        "all/0000-01.rss",
        "all/9999-12.rss",
        "all/2026-00.rss",
        "all/2026-13.rss",
        "all/2026-5.rss",
        "all/2026-05-0.rss",
        "all/2026-05-02.rss",
        "all/2026-05-12345.rss",
        "all/２０２６-05.rss",
        "all/2026-05\n.rss",
    ],
)
def test_any_other_address_names_nothing(path: str) -> None:
    assert read(path) is None


@given(st.text() | st.from_regex(r"(all|topics|providers|feeds)(/[a-z.\d-]+){0,3}(\.rss)?"))
def test_any_path_is_parsed_without_an_error(path: str) -> None:
    found = read(path)
    assert found is None or found.feed.path.split("/")[0] in ("all", "topics", "providers", "feeds")


@every_feed
@pytest.mark.parametrize("format", list(Format))
def test_an_address_that_is_written_is_parsed_to_its_target(
    feed: FeedId, path: str, format: Format
) -> None:
    written = SITE.feed(feed, format)
    assert written.isascii()
    assert written.startswith("https://feeds.example.org/news/")
    assert SITE.addresses(feed).of(format) == written


def test_addresses_are_percent_encoded() -> None:
    feed = FeedId("topics/日本", "2026-05", 3)
    assert SITE.feed(feed, Format.ATOM) == (
        "https://feeds.example.org/news/topics/%E6%97%A5%E6%9C%AC/2026-05-3.atom"
    )
    assert SITE.page(feed) == "https://feeds.example.org/news/topics/%E6%97%A5%E6%9C%AC/2026-05-3"
    assert SITE.at("a b.opml") == "https://feeds.example.org/news/a%20b.opml"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("AI", "ai"),
        ("C", "c"),
        ("C++", "c-plus-plus"),
        ("C#", "c-sharp"),
        ("F# & more", "f-sharp-more"),
        ("日本語", "日本語"),
        ("العربية", "العربية"),
        ("हिन्दी", "हिन्दी"),
        ("Café", "café"),
        ("Cafe\N{COMBINING ACUTE ACCENT}", "café"),
        ("ＡＩ", "ai"),
        ("İstanbul", "i̇stanbul"),
        ("Straße", "straße"),
        ("  Machine  Learning!  ", "machine-learning"),
        ("../../etc/passwd", "etc-passwd"),
        ("%2e%2e", "2e-2e"),
        ("a\0b", "a-b"),
        ("❤️ love", "love"),
        ("1️⃣", "1"),
    ],
)
def test_a_slug_keeps_names_distinct(name: str, expected: str) -> None:
    assert slug(name) == expected


def test_a_name_without_a_usable_character_gets_a_short_hash() -> None:
    hashes = {slug("😀"), slug("😁"), slug("!"), slug(""), slug("\ud800")}
    assert len(hashes) == 5
    assert all(re.fullmatch("[0-9a-f]{8}", found) for found in hashes)


@given(st.text(alphabet=st.characters(exclude_categories=[])))
def test_a_slug_is_its_own_slug_and_safe_in_an_address(name: str) -> None:
    found = slug(name)
    assert found
    assert not set(found) & set("/.%\\\0?#+ ")
    assert found == found.strip("-")
    assert slug(found) == found


def test_paths_of_feeds() -> None:
    assert topic_path("C++") == "topics/c-plus-plus"
    assert provider_path("example.com") == "providers/example.com"
    assert name_path("youtube.com", "A Channel") == "providers/youtube.com/a-channel"


def test_a_name_like_a_month_does_not_hide_an_archive() -> None:
    path = name_path("youtube.com", "2026-05")
    assert path == "providers/youtube.com/name-2026-05"
    assert read(f"{path}.rss") == Target(FeedId(path), Format.RSS)


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("h.example.rss", True),
        ("h.example.atom", True),
        ("h.example.json", True),
        ("h.example.opml", True),
        ("h.example.html", True),
        ("h.example.rss.gz", True),
        ("h.example.html.br", True),
        ("h.example.json.zst", True),
        ("h.example", False),
        ("h.example.br", False),
        ("rss.example.br", False),
        ("json.org", False),
        ("rss", False),
        ("hrss", False),
    ],
)
def test_a_domain_with_the_ending_of_a_file_is_reported(domain: str, expected: bool) -> None:
    assert is_file_name(domain) == expected


def test_no_two_names_have_one_address_or_one_file() -> None:
    domains = ["h.example", "h.example.org", "h", "2026-05", "rss", "name-2026-05.example"]
    names = ["2026-05", "2026-05-1", "Name 2026-05", "name-name-2026-05", "a.rss", "rss", "x"]
    topics = {slug(name) for name in [*names, "h.example.rss", "2026-05.json", "AI", "C++"]}
    feeds = [
        *(topic_path(topic) for topic in topics),
        *map(provider_path, domains),
        *(name_path(domain, name) for domain in domains for name in names),
    ]
    ids = [
        FeedId(feed, month, part)
        for feed in feeds
        for month, part in [(None, None), ("2026-05", None), ("2026-05", 1)]
    ]
    urls = Urls("https://feeds.example.org")
    pages = {urls.page(id): Target(id, None) for id in ids}
    documents = {urls.feed(id, format): Target(id, format) for id in ids for format in Format}
    addresses = pages | documents
    files = {*documents, *(f"{page}.html" for page in pages)}
    files |= {urls.opml(FeedId(topic_path(topic))) for topic in topics}
    files |= {f"{file}.{coding}" for file in files for coding in ("gz", "br", "zst")}
    folders = {address.rpartition("/")[0] for address in addresses}

    assert len(set(feeds)) == len(feeds)
    assert len(addresses) == len(ids) * 4
    assert [a for a, target in addresses.items() if read(unquote(a[26:])) != target] == []
    assert files & folders == set()


@given(st.text(min_size=1))
def test_no_slug_has_a_dot(name: str) -> None:
    assert "." not in slug(name)
    assert "/" not in slug(name)
