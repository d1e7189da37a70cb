"""Tests of the sample content in real readers: articles, links, dates, images of every feed."""

import json
import sqlite3
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import feedparser
import pytest

from tests.conftest import Content
from tests.live_servers import ROOT, serving
from tests.programs import need
from tests.waiting import wait_for


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(ROOT / "content", tmp_path_factory.mktemp("instance")) as address:
        yield address


@pytest.fixture(scope="module")
def feeds(server: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{server}/feeds.json") as response:
        found: list[dict[str, Any]] = json.load(response)["feeds"]
    return [*found, *(custom(f"{server}/{path}") for path in CUSTOM)]


#: Mixes and searches, which are in no list.
CUSTOM = ("mix/boats,floods,-technology", "mix/boats,+tube.example", "search/ferry")


def custom(address: str) -> dict[str, Any]:
    """Return the entry that a list would have for a mix or a search."""
    with urllib.request.urlopen(f"{address}.json") as response:
        title = json.load(response)["title"]
    return {"title": title, **{format: f"{address}.{format}" for format in ("rss", "atom", "json")}}


def items(feed: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the items of the feed, from its JSON."""
    with urllib.request.urlopen(feed["json"]) as response:
        found: list[dict[str, Any]] = json.load(response)["items"]
    return found


def test_feedparser_reads_every_sample_feed_whole(feeds: list[dict[str, Any]]) -> None:
    assert len(feeds) > 20

    for feed in feeds:
        expected = items(feed)
        for format in ("rss", "atom"):
            found = feedparser.parse(feed[format])
            assert not found.bozo
            assert found.feed.title == feed["title"]
            assert [e.id for e in found.entries] == [i["id"] for i in expected]
            assert [e.title for e in found.entries] == [i["title"] for i in expected]
            assert [e.link for e in found.entries] == [i["url"] for i in expected]
            assert all(e.published_parsed and e.author for e in found.entries)
            assert [first_picture(e) for e in found.entries] == [i.get("image") for i in expected]


def first_picture(entry: Any) -> str | None:
    return entry.enclosures[0].href if entry.enclosures else None


def test_images_of_the_sample_have_their_real_length(server: str) -> None:
    found = feedparser.parse(f"{server}/all.rss")
    enclosures = [e for entry in found.entries for e in entry.enclosures]

    assert len(enclosures) > 10
    for enclosure in enclosures:
        file = ROOT / "content" / "pictures" / enclosure.href.rpartition("/")[2]
        assert int(enclosure.length) == file.stat().st_size
        with urllib.request.urlopen(enclosure.href) as response:
            assert response.headers["Content-Type"] == enclosure.type


def test_newsboat_reads_every_sample_feed_whole(
    feeds: list[dict[str, Any]], tmp_path: Path
) -> None:
    newsboat = need("newsboat")
    (tmp_path / "config").touch()
    for format in ("rss", "atom"):
        (tmp_path / "urls").write_text("\n".join(feed[format] for feed in feeds))
        cache = tmp_path / f"{format}.db"
        command = [newsboat, "-u", "urls", "-c", str(cache), "-C", "config", "-x", "reload"]

        subprocess.run(command, cwd=tmp_path, check=True, timeout=60)

        with closing(sqlite3.connect(cache)) as read:
            titles = dict(read.execute("SELECT rssurl, title FROM rss_feed"))
            assert titles == {feed[format]: feed["title"] for feed in feeds}
            sql = "SELECT guid, title, url, pubDate > 0, content FROM rss_item WHERE feedurl = ?"
            for feed in feeds:
                # Newsboat stores an article once, in the first feed that has it.
                known = {i["id"]: (i["title"], i["url"]) for i in items(feed)}
                pictures = {i["id"]: i.get("image", "") for i in items(feed)}
                for guid, title, url, is_dated, content in read.execute(sql, (feed[format],)):
                    assert is_dated
                    assert (title, url) == known[guid]
                    # Newsboat uses enclosures for podcasts only, and shows images from the content.
                    assert pictures[guid] in content
            everything = {guid for (guid,) in read.execute("SELECT guid FROM rss_item")}
            assert everything == {item["id"] for item in items(feeds[0])}


@pytest.fixture
def growing(tmp_path: Path) -> Iterator[tuple[Content, str]]:
    """Yield a folder of eight articles and the address of its server."""
    content = Content(tmp_path / "content")
    for number in range(8):
        content.write(f"{number}.md", publishedDateTime=f"2026-11-01T10:0{number}:00Z")
    with serving(content.folder, tmp_path / "instance") as address:
        yield content, address


def show(address: str, text: str) -> None:
    """Wait until the server shows a text."""
    for format in ("rss", "atom"):
        assert wait_for(partial(holds, f"{address}/all.{format}", text))


def holds(address: str, text: str) -> bool:
    with urllib.request.urlopen(address) as response:
        return text.encode() in response.read()


@pytest.mark.parametrize("format", ["rss", "atom"])
def test_feedparser_gets_only_new_items(growing: tuple[Content, str], format: str) -> None:
    """[78] Feedparser accepts deltas by default."""
    content, address = growing
    feed = f"{address}/all.{format}"
    first = feedparser.parse(feed)
    content.write("new.md", title="Fresh", publishedDateTime="2026-11-02T10:00:00Z")
    content.write("3.md", title="Changed", publishedDateTime="2026-11-01T10:03:00Z")
    show(address, "Fresh")
    show(address, "Changed")

    second = feedparser.parse(feed, etag=first.etag)
    third = feedparser.parse(feed, etag=second.etag)

    assert (first.status, len(first.entries)) == (200, 8)
    assert (second.status, second.bozo) == (226, False)
    assert [entry.title for entry in second.entries] == ["Fresh", "Changed"]
    assert second.headers["im"] == "feed"
    assert (third.status, third.entries) == (304, [])


@pytest.mark.parametrize(("format", "tag"), [("rss", "item"), ("atom", "entry")])
def test_newsboat_loses_nothing_by_deltas(
    growing: tuple[Content, str], tmp_path: Path, format: str, tag: str
) -> None:
    """[78] Newsboat accepts deltas by default, and keeps the articles that they lack."""
    content, address = growing
    newsboat = need("newsboat")
    (tmp_path / "config").write_text("cleanup-on-quit yes\n")
    (tmp_path / "urls").write_text(f"{address}/all.{format}")
    log = tmp_path / "log"
    command = [newsboat, "-u", "urls", "-c", "cache.db", "-C", "config", "-d", str(log), "-l", "6"]

    def reload() -> dict[str, str]:
        subprocess.run([*command, "-x", "reload"], cwd=tmp_path, check=True, timeout=60)
        with closing(sqlite3.connect(tmp_path / "cache.db")) as cache:
            return dict(cache.execute("SELECT guid, title FROM rss_item WHERE deleted = 0"))

    # Newsboat stores the ETag of a feed from the second load on.
    reload()
    first = reload()
    content.write("new.md", title="Fresh", publishedDateTime="2026-11-02T10:00:00Z")
    show(address, "Fresh")
    second = reload()
    content.remove("5.md")
    content.write("newer.md", title="Latest", publishedDateTime="2026-11-03T10:00:00Z")
    show(address, "Latest")
    third = reload()
    reload()

    assert len(first) == 8
    assert sorted(second.values()) == sorted([*first.values(), "Fresh"])
    assert sorted(third.values()) == sorted([*second.values(), "Latest"])
    _, *read = log.read_text().split("retrieved data for")
    assert [document.count(f"</{tag}>") for document in read] == [8, 8, 1, 1, 0]


def body(address: str) -> str:
    with urllib.request.urlopen(address) as response:
        found: bytes = response.read()
    return found.decode()


def test_no_unpublished_article_is_in_any_sample_feed(feeds: list[dict[str, Any]]) -> None:
    hidden = [
        path.stem
        for path in (ROOT / "content").rglob("*.md")
        if any(sign in path.read_text() for sign in HIDING)
    ]
    everything = "".join(body(feed["atom"]) for feed in feeds)

    assert len(hidden) >= 5
    assert not [name for name in hidden if f"/{name}<" in everything]
    assert "secured" not in everything


HIDING = ("published: false", "removed: true", "publishedDateTime: 2031")
