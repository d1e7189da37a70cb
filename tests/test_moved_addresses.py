"""Tests of old addresses of another program's feeds: one redirect to the feed; ids stay."""

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import feedparser
import pytest

from feeds.articles.front_matter import Context, parse
from feeds.formats import render
from feeds.model import Format
from feeds.moved_addresses import find, format_meant, old_address
from feeds.urls import is_own
from tests.builders import article, feed, site
from tests.conftest import NOW, SITE_URL, Content, OpenShared, Site
from tests.document_parsers import ATOM, atom_feed, items
from tests.live_servers import served, serving
from tests.programs import need
from tests.stores import free_port

MOVED = """
moved:
  /feed/atom/: all
  /feed/rss2: all
  /category/boats/feed/: topics/boats
  /category/boats/feed/atom/: topics/boats
  /category/boats/: topics/boats
  /tag/%e6%97%a5%e6%9c%ac/feed/: topics/日本
  /index.php?feed=rss2: all
  /index.php?feed=atom&cat=3: topics/ships.atom
  /index.php?cat=3&feed=rss2: topics/boats
  /?feed=rss2: all
  /rss/: all.rss
  /blog/feed.xml: all.atom
  /author/ann/feed/json: providers/news.example.com.json
"""

#: Requests of addresses of an earlier program, and the feeds to which they redirect.
LEADS = [
    ("/feed/atom/", "/all.atom"),
    ("/feed/atom", "/all.atom"),
    ("/feed/rss2", "/all.rss"),
    ("/feed/rss2/?x=1", "/all.rss"),
    ("/category/boats/feed/", "/topics/boats.rss"),
    ("/category/boats/feed", "/topics/boats.rss"),
    ("/category/boats/feed/atom/", "/topics/boats.atom"),
    ("/category/boats/", "/topics/boats"),
    ("/tag/%e6%97%a5%e6%9c%ac/feed/", "/topics/%E6%97%A5%E6%9C%AC.rss"),
    ("/tag/%E6%97%A5%E6%9C%AC/feed/", "/topics/%E6%97%A5%E6%9C%AC.rss"),
    ("/index.php?feed=rss2", "/all.rss"),
    ("/index.php?utm_source=x&feed=rss2", "/all.rss"),
    ("/index.php?feed=rss2&cat=3", "/topics/boats.rss"),
    ("/index.php?feed=atom&cat=3", "/topics/boats.atom"),
    ("/?feed=rss2", "/all.rss"),
    ("/rss/", "/all.rss"),
    ("/blog/feed.xml", "/all.atom"),
    ("/author/ann/feed/json", "/providers/news.example.com.json"),
]

#: Requests that only resemble old addresses.
NONE = [
    ("/index.php", 404),
    ("/index.php?feed=rss", 404),
    ("/index.php?nofeed=rss2", 404),
    ("/index.php?feed=rss2x", 404),
    ("/category/boats/feed/rss", 404),
    ("/x/category/boats/feed/", 404),
    ("/feed", 200),
    ("/feed/", 200),
    ("/rss", 200),
    ("/?feed=atom", 200),
    ("/all.rss?feed=rss2", 200),
]


@pytest.fixture(scope="module")
def moved(open_shared: OpenShared) -> Site:
    """Return a site for all tests that only send requests."""

    def fill(content: Content) -> None:
        content.raw("site.yml", MOVED)
        content.raw("topics.yml", "- name: Boats\n  aliases: [Ships]\n")
        content.write("a.md", topics=["Boats", "日本"])

    return open_shared(fill)


@pytest.mark.parametrize(("old", "new"), LEADS)
def test_an_old_address_redirects_to_its_feed_in_one_hop(moved: Site, old: str, new: str) -> None:
    """[73]"""
    answer = moved.client.get(old, headers={"Host": "evil.example"})

    assert answer.status_code == 301
    assert answer.headers["Location"] == SITE_URL + new
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert moved.get(new).status_code == 200


@pytest.mark.parametrize(("path", "status"), NONE)
def test_an_address_that_resembles_an_old_one_does_not_redirect(
    moved: Site, path: str, status: int
) -> None:
    assert moved.client.get(path).status_code == status


@pytest.mark.parametrize(
    ("text", "format"),
    [
        ("/feed/", Format.RSS),
        ("/comments/RSS2", Format.RSS),
        ("/feed/rdf/", Format.RSS),
        ("/blog/index.xml", Format.RSS),
        ("/feed/atom/", Format.ATOM),
        ("/atom.xml", Format.ATOM),
        ("/x?format=feed&type=atom", Format.ATOM),
        ("/feed/json", Format.JSON),
        ("/category/news/", None),
        ("/atomic-power/", None),
    ],
)
def test_the_words_of_an_old_address_determine_its_format(text: str, format: Format | None) -> None:
    old = old_address(text)

    assert old is not None
    assert format_meant(old) == format


@pytest.mark.parametrize(
    "text",
    [
        "feed/",
        "",
        "//host.example/feed/",
        "https://a.example/feed/",
        "/a#b",
        "/a\n",
        "//[",
        "/\x00",
    ],
)
def test_only_a_path_is_an_old_address(text: str) -> None:
    assert old_address(text) is None


def test_a_query_of_very_many_parameters_names_no_old_address(moved: Site) -> None:
    query = "&".join(["feed=rss2", *(f"a{n}=1" for n in range(1_000))])

    assert find(moved.web.catalog.files.moved, "index.php", query) is None


def test_every_route_but_the_last_is_an_address_of_the_site(site: Site) -> None:
    rules = {str(rule) for rule in site.app.url_map.iter_rules()} - {"/<path:path>"}
    paths = [rule.replace("<any(topics):kind>", "topics").removeprefix("/") for rule in rules]

    assert len(paths) > 15
    assert [path for path in paths if not is_own(path)] == []


@pytest.mark.parametrize(
    "path",
    ["", "index.html", "index.html.gz", "all.rss", "all.rss.br", "topics", "topics/x/y", "feed/",
     "embed.html", "pictures/a.png", ".tributary/files", ".well-known/feeds", "feed.json"],
)  # fmt: skip
def test_an_address_of_the_site_or_of_its_export_is_its_own(path: str) -> None:
    assert is_own(path)


@pytest.mark.parametrize(
    "path",
    ["feed/atom/", "rss/", "ads.txt", ".well-known/security.txt", "favicon.ico", "about.html",
     "topics-of-old", "index.php", "allotment.rss", "sitemap-news.xml"],
)  # fmt: skip
def test_any_other_address_is_free(path: str) -> None:
    assert not is_own(path)


URIS = [
    "https://example.com/?p=12&preview=a%20b",
    "HTTPS://Example.com/A b".replace(" ", "%2f"),
    "urn:uuid:1225c695-cfb8-4ebb-aaaa-80da344efa6a",
    "tag:blog.example,2019:/posts/it's-(not)-new!",
    "https://example.jp/記事/1",
]


@pytest.mark.parametrize("id", URIS)
def test_an_id_that_is_an_absolute_uri_is_the_items_id_byte_for_byte(id: str) -> None:
    """[1, 3]"""
    document = feed(article(id=id))

    assert [items(render(document, each), each)[0].id for each in Format] == [id, id, id]


@pytest.mark.parametrize(
    "id",
    ["2020/face", "a b:c", "https://example.com/<x>", "1a:b", ":x", "note:", "https:// x", "%:a"],
)
def test_any_other_id_becomes_part_of_a_tag_uri(id: str) -> None:
    assert site().uri(id).startswith("tag:example.org,2020:")


def test_the_identifier_of_a_feed_is_a_tag_uri(moved: Site) -> None:
    """[1] The scheme ``feed:`` is not registered."""
    document = moved.get("/topics/boats.atom").data

    assert atom_feed(document).findtext(f"{ATOM}id", "").startswith("tag:tributary.localhost,2026:")


@pytest.mark.parametrize("id", URIS)
def test_an_id_is_kept_byte_for_byte(id: str) -> None:
    text = f'---\ntitle: A\ndate: 2020-01-01\nwebUrl: https://a.example/\nid: "{id}"\n---\n'

    found = parse(text.encode(), "a.md", Context(SITE_URL, lambda _: None, NOW))

    assert found.article.id == id


#: The feeds of two posts by WordPress and Jekyll, with all that readers use.
WORDPRESS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>
<title>A Blog</title><link>https://blog.example</link><description>Of boats</description>
<item><title>Second</title><link>https://blog.example/2020/02/second/</link>
<dc:creator><![CDATA[ann]]></dc:creator><pubDate>Sun, 02 Feb 2020 10:00:00 +0000</pubDate>
<category><![CDATA[Boats]]></category>
<guid isPermaLink="false">https://blog.example/?p=12</guid>
<description><![CDATA[It floats. [&#8230;]]]></description>
<content:encoded><![CDATA[<p>It floats.</p>]]></content:encoded></item>
<item><title>First</title><link>https://blog.example/2020/01/first/</link>
<dc:creator><![CDATA[ann]]></dc:creator><pubDate>Wed, 01 Jan 2020 10:00:00 +0000</pubDate>
<guid isPermaLink="false">https://blog.example/?post_type=note&#038;p=7</guid>
<description><![CDATA[Hello.]]></description>
<content:encoded><![CDATA[<p>Hello.</p>]]></content:encoded></item>
</channel></rss>
"""
JEKYLL = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom"><generator uri="https://jekyllrb.com/">Jekyll</generator>
<link href="https://blog.example/feed.xml" rel="self" type="application/atom+xml" />
<updated>2020-02-02T10:00:00+00:00</updated><id>https://blog.example/feed.xml</id>
<title type="html">A Blog</title>
<entry><title type="html">Second</title>
<link href="https://blog.example/boats/2020/02/02/second.html" rel="alternate" type="text/html" />
<published>2020-02-02T10:00:00+00:00</published><updated>2020-02-02T10:00:00+00:00</updated>
<id>https://blog.example/boats/2020/02/02/second</id>
<content type="html" xml:base="https://blog.example/">&lt;p&gt;It floats.&lt;/p&gt;</content>
</entry>
<entry><title type="html">First</title>
<link href="https://blog.example/2020/01/01/first.html" rel="alternate" type="text/html" />
<published>2020-01-01T10:00:00+00:00</published><updated>2020-01-01T10:00:00+00:00</updated>
<id>https://blog.example/2020/01/01/first</id>
<content type="html" xml:base="https://blog.example/">&lt;p&gt;Hello.&lt;/p&gt;</content></entry>
</feed>
"""


@contextmanager
def earlier_program(folder: Path, port: int) -> Iterator[None]:
    """Serve the files of a folder at a port, in place of an earlier program."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with served(ThreadingHTTPServer(("127.0.0.1", port), handler)):
        yield


def newsboat(folder: Path, address: str) -> dict[str, bool]:
    """Poll an address; return the articles that newsboat stores, and whether each is unread."""
    program = need("newsboat")
    (folder / "config").touch()
    (folder / "urls").write_text(f"{address}\n")
    command = [program, "-u", "urls", "-c", "cache.db", "-C", "config", "-x", "reload"]
    environ = os.environ | {"HOME": str(folder)}
    subprocess.run(command, cwd=folder, check=True, timeout=60, env=environ, capture_output=True)
    with closing(sqlite3.connect(folder / "cache.db")) as cache, cache:
        known = dict(cache.execute("SELECT guid, unread FROM rss_item"))
        # The user reads all articles between two polls.
        cache.execute("UPDATE rss_item SET unread = 0")
    return {str(guid): bool(unread) for guid, unread in known.items()}


def write_posts(content: Content, ids: list[str]) -> None:
    """Write the two posts as articles that keep their ids."""
    for number, id in enumerate(ids, 1):
        content.write(
            f"{number}.md",
            "Text.",
            id=id,
            title=["First", "Second"][number - 1],
            topics=["Boats"],
            publishedDateTime=f"2020-0{number}-0{number}T10:00:00Z",
        )


@pytest.mark.parametrize(
    ("old", "document"),
    [
        ("/category/boats/feed/index.html", WORDPRESS),
        ("/feed/atom/index.html", JEKYLL),
        ("/feed.xml", JEKYLL),
        ("/feed/index.html", WORDPRESS),
    ],
    ids=["wordpress-moved", "jekyll-moved", "jekyll-guessed", "wordpress-guessed"],
)
def test_no_entry_is_new_to_readers_that_polled_the_old_address(
    content: Content, tmp_path: Path, old: str, document: str
) -> None:
    """[1, 73]"""
    port = free_port()
    address = f"http://127.0.0.1:{port}{old.removesuffix('index.html')}"
    file = tmp_path / "earlier" / old.removeprefix("/")
    file.parent.mkdir(parents=True)
    file.write_text(document)
    with earlier_program(tmp_path / "earlier", port):
        before: Any = feedparser.parse(address)
        first = newsboat(tmp_path, address)

    write_posts(content, [entry.id for entry in reversed(before.entries)])
    content.raw("site.yml", MOVED)
    with serving(content.folder, tmp_path / "instance", PORT=str(port)):
        after: Any = feedparser.parse(address)
        second = newsboat(tmp_path, address)

    assert len(before.entries) == 2
    assert after.status in (200, 301)
    assert [entry.id for entry in after.entries] == [entry.id for entry in before.entries]
    assert sorted(first.values()) == [True, True]
    assert second == dict.fromkeys(first, False)
