"""Tests of the lists for programs: OPML, feed menu, directory, sitemap, robots.txt."""

import os
import subprocess
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.robotparser import RobotFileParser

import listparser
import pytest
from lxml import etree

from feeds.web import paths
from tests.conftest import SITE_URL, Content, Site
from tests.programs import need
from tests.web_helpers import texts, tree, write_site

LISTS = [
    "/feeds.opml",
    "/.well-known/feeds",
    "/topics/river.opml",
    "/.well-known/feed-menu.json",
    "/feeds.json",
    "/sitemap.xml",
    "/robots.txt",
]


@pytest.fixture
def river(content: Content, open_site: Callable[..., Site]) -> Site:
    write_site(content)
    return open_site()


def xml(site: Site, path: str) -> Any:
    """Return a list as a tree of elements."""
    return etree.fromstring(site.get(path).get_data())


def outlines(parent: Any) -> list[Any]:
    """Return the texts of an OPML as nested lists, with folders as pairs."""
    return [(one.get("text"), outlines(one)) if len(one) else one.get("text") for one in parent]


@pytest.mark.parametrize("path", LISTS)
def test_a_list_is_a_document_that_other_sites_may_read(river: Site, path: str) -> None:
    answer = river.get(path)

    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    again = river.get(path, if_none_match=answer.headers["ETag"])
    assert again.status_code == 304


def test_opml_has_a_folder_for_each_group_of_topics_and_nests_as_topics_yml(river: Site) -> None:
    root = xml(river, "/feeds.opml")

    assert root.get("version") == "2.0"
    assert outlines(root.find("body")) == [
        "The River Paper",
        (
            "River",
            [
                "River — The River Paper",
                ("Ferries", ["Ferries — The River Paper", "Ropes — The River Paper"]),
            ],
        ),
        ("Topics", ["C++ — The River Paper"]),
        (
            "Providers",
            [
                "Example News — The River Paper",
                "tube.example — The River Paper",
                "Eel Pie — The River Paper",
                "Slow Ferry — The River Paper",
            ],
        ),
        ("Selections", ["Best of it — The River Paper"]),
    ]


@pytest.mark.parametrize(
    ("name", "ended"),
    [
        ("Ships\u202egnp", "Ships\u202egnp\u202c"),
        ("\u2067Ships", "\u2067Ships\u2069"),
        ("\u202bShips\u202c", "\u202bShips\u202c"),
    ],
)
def test_a_name_ends_its_change_of_direction(
    content: Content, open_site: Callable[..., Site], name: str, ended: str
) -> None:
    content.raw("site.yml", "title: The Paper\n")
    content.write("a.md", topics=[name], provider={"name": name, "domain": "ships.example"})
    site = open_site()

    assert f"{ended} — The Paper" in " ".join(xml(site, "/feeds.opml").xpath("//outline/@text"))
    page = site.get("/providers/ships.example").get_data(as_text=True)
    assert f"<title>{ended} — The Paper</title>" in page
    assert f"<title>{ended} — The Paper</title>" in site.get("/providers/ships.example.rss").text


def test_every_outline_of_a_feed_has_the_attributes_that_readers_use(river: Site) -> None:
    root = xml(river, "/feeds.opml")

    feeds = root.xpath("//outline[@type]")
    assert {one.get("type") for one in feeds} == {"rss"}
    assert all(one.get("text") == one.get("title") for one in feeds)
    river_feed = next(one for one in feeds if one.get("text").startswith("River —"))
    assert river_feed.get("xmlUrl") == f"{SITE_URL}/topics/river.rss"
    assert river_feed.get("htmlUrl") == f"{SITE_URL}/topics/river"


def test_an_opml_has_only_attributes_that_the_validator_of_the_w3c_accepts(river: Site) -> None:
    root = xml(river, "/feeds.opml")

    assert [one.tag for one in root.find("head")] == ["title", "ownerId"]
    folders = root.xpath("//outline[not(@type)]")
    assert len(folders) == 5
    assert {tuple(folder.keys()) for folder in folders} == {("text",)}


def test_every_feed_in_a_list_is_served(river: Site) -> None:
    root = xml(river, "/feeds.opml")
    feeds = root.xpath("//outline/@xmlUrl")

    assert {river.get(url.removeprefix(SITE_URL)).status_code for url in feeds} == {200}
    assert len(feeds) == len(set(feeds)) == len(river.get("/feeds.json").get_json()["feeds"])


def test_opml_changes_with_feeds_and_not_with_articles(river: Site, content: Content) -> None:
    tag = river.get("/feeds.opml").headers["ETag"]

    content.write("more.md", topics=["River"])
    river.sync.refresh()
    assert river.get("/feeds.opml").headers["ETag"] == tag

    content.write("other.md", topics=["Locks"])
    river.sync.refresh()
    assert river.get("/feeds.opml").headers["ETag"] != tag


def test_a_feed_stays_in_the_list_when_its_last_article_is_gone(
    river: Site, content: Content
) -> None:
    content.write("other.md", topics=["Locks"])
    river.sync.refresh()
    before = river.get("/feeds.opml").get_data()

    content.remove("other.md")
    river.sync.refresh()

    assert b"topics/locks.rss" in before
    assert river.get("/feeds.opml").get_data() == before


def test_a_topic_group_has_a_list_of_its_own(river: Site) -> None:
    answer = river.get("/topics/ferries.opml")

    assert answer.content_type == "text/x-opml; charset=utf-8"
    root = xml(river, "/topics/ferries.opml")
    assert outlines(root.find("body")) == [
        ("Ferries", ["Ferries — The River Paper", "Ropes — The River Paper"])
    ]


def test_the_list_of_a_topic_follows_its_topic(river: Site) -> None:
    moved = river.get("/topics/crossings.opml")

    assert (moved.status_code, moved.location) == (301, f"{SITE_URL}/topics/ferries.opml")
    assert river.get("/topics/steam.opml").status_code == 410
    assert river.get("/topics/none.opml").status_code == 404


def test_a_real_library_reads_all_feeds_with_their_folders(river: Site) -> None:
    found = listparser.parse(river.get("/feeds.opml").get_data(True))

    assert not found.bozo
    assert found.meta.title == "The River Paper"
    assert len(found.feeds) == 10
    ropes = next(feed for feed in found.feeds if feed.url.endswith("/ropes.rss"))
    assert ropes.categories == [["River", "Ferries"]]


def test_newsboat_imports_the_whole_list(river: Site, tmp_path: Path) -> None:
    opml, urls = tmp_path / "feeds.opml", tmp_path / "urls"
    opml.write_bytes(river.get("/feeds.opml").get_data())
    urls.touch()

    subprocess.run(
        [need("newsboat"), "-u", urls, "-c", tmp_path / "cache.db", "-i", opml],
        check=True,
        capture_output=True,
        env=os.environ | {"HOME": str(tmp_path)},
        timeout=30,
    )

    lines = urls.read_text().splitlines()
    assert len([line for line in lines if line.startswith(SITE_URL)]) == 10
    assert any(line.startswith(f"{SITE_URL}/topics/ropes.rss") for line in lines)


def check_menu(menu: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the feeds of a menu, which must match the schema of the draft."""
    assert set(menu) == {"feed-menu", "items"}
    assert isinstance(menu["feed-menu"], str)
    found: list[dict[str, Any]] = []
    for item in menu["items"]:
        found += check_menu(item) if "feed-menu" in item else [item]
    return found


def test_the_feed_menu_holds_the_chosen_feeds_in_the_form_of_its_schema(river: Site) -> None:
    answer = river.get("/.well-known/feed-menu.json")
    menu = answer.get_json()

    feeds = check_menu(menu)

    assert answer.mimetype == "application/json"
    assert all(set(feed) == {"feed-title", "description", "rss", "atom"} for feed in feeds)
    assert all(len(feed["feed-title"]) <= 50 for feed in feeds)
    assert all(len(feed["description"]) <= 140 for feed in feeds)
    assert [feed["rss"].removeprefix(SITE_URL) for feed in feeds] == [
        "/all.rss",
        "/topics/river.rss",
        "/topics/ferries.rss",
        "/providers/tube.example.rss",
        "/feeds/best.rss",
    ]
    assert [one["feed-menu"] for one in menu["items"][1:]] == ["Topics", "Providers", "Selections"]


def test_without_a_chosen_feed_there_is_no_feed_menu(
    content: Content, open_site: Callable[..., Site]
) -> None:
    content.write("a.md")
    site = open_site()

    assert site.get("/.well-known/feed-menu.json").status_code == 404
    assert "/.well-known/feed-menu.json" not in paths(site.web.catalog)


def test_long_names_are_shortened_in_the_feed_menu(
    content: Content, open_site: Callable[..., Site]
) -> None:
    content.raw("topics.yml", f"- name: Long\n  description: {'word ' * 60}\n")
    name = "A topic that has " + "a very long name " * 5
    content.raw("site.yml", f"menu: [topics/long, 'topics/{name}']\n")
    content.write("a.md", topics=[name])

    feeds = check_menu(open_site().get("/.well-known/feed-menu.json").get_json())

    assert max(len(feed["feed-title"]) for feed in feeds) <= 50
    assert max(len(feed["description"]) for feed in feeds) <= 140


def test_the_directory_describes_every_feed(river: Site) -> None:
    feeds = river.get("/feeds.json").get_json()["feeds"]

    ropes = next(feed for feed in feeds if feed["name"] == "Ropes")
    assert ropes.pop("modified")
    assert ropes == {
        "kind": "topics",
        "name": "Ropes",
        "title": "Ropes — The River Paper",
        "description": "Articles about Ropes",
        "page": f"{SITE_URL}/topics/ropes",
        "rss": f"{SITE_URL}/topics/ropes.rss",
        "atom": f"{SITE_URL}/topics/ropes.atom",
        "json": f"{SITE_URL}/topics/ropes.json",
        "parent": f"{SITE_URL}/topics/ferries",
        "articles": 2,
        "weekly": 2.0,
        "newest": "2026-11-01T10:00:00Z",
    }


def test_the_sitemap_names_existing_pages(river: Site) -> None:
    root = xml(river, "/sitemap.xml")
    pages = root.xpath("//*[local-name()='loc']/text()")

    assert f"{SITE_URL}/" in pages
    assert f"{SITE_URL}/all/2026-10" in pages
    answers = {river.get(page.removeprefix(SITE_URL)).mimetype for page in pages}
    assert answers == {"text/html"}
    assert root.xpath("//*[local-name()='lastmod']/text()")[0] == "2026-11-20T06:30:00Z"


def test_crawlers_may_read_everything_but_duplicates(river: Site) -> None:
    robots = RobotFileParser()
    robots.parse(river.get("/robots.txt").get_data(True).splitlines())

    allowed = [f"{SITE_URL}{path}" for path in ("/", "/topics/river", "/all.rss", "/embed")]
    assert all(robots.can_fetch("bot", url) for url in allowed)
    assert not robots.can_fetch("bot", f"{SITE_URL}/embed/topics/river")
    assert robots.site_maps() == [f"{SITE_URL}/sitemap.xml"]


def test_a_topic_with_few_articles_is_not_listed_but_has_a_feed(
    content: Content, open_site: Callable[..., Site]
) -> None:
    content.raw("site.yml", "limits: {topic: 2}")
    content.raw("topics.yml", "- name: Chosen")
    content.write("a.md", topics=["Often", "Seldom", "Chosen"])
    content.write("b.md", topics=["Often"])
    site = open_site()

    names = {feed["name"] for feed in site.get("/feeds.json").json["feeds"]}

    assert names >= {"Chosen", "Often"}
    for path in ("/feeds.json", "/feeds.opml", "/sitemap.xml"):
        assert "seldom" not in site.get(path).text
    assert site.get("/topics/seldom.rss").status_code == 200
    assert "/topics/seldom.rss" in set(paths(site.web.catalog))
    assert "Seldom" in site.get("/embed?feed=topics/seldom").text

    content.write("c.md", topics=["Seldom"])
    site.sync.refresh()

    assert "Seldom" in {feed["name"] for feed in site.get("/feeds.json").json["feeds"]}


@pytest.mark.parametrize(
    ("days", "weekly", "text"),
    [
        # A new feed: all within a week.
        ([18, 19, 20], 3.0, "about 3 articles a week"),
        # Five weeks of one article a day.
        (range(-14, 21), 7.2, "about 7 articles a week"),
        ([6, 20], 1.0, "about 1 article a week"),
        # One article now, and one half a year ago.
        ([-180, 20], 0.1, "less than one article a week"),
        # Neither older articles nor the age of the last one count.
        ([-400 - day for day in range(70)] + [-400], 7.0, "about 7 articles a week"),
    ],
)
def test_pages_and_lists_show_the_number_of_articles_a_week(
    content: Content, site: Site, days: list[int], weekly: float, text: str
) -> None:
    first = date(2026, 11, 1)
    for number, day in enumerate(days):
        published = first + timedelta(day - 1)
        content.write(f"{number}.md", topics=["Boats"], publishedDateTime=f"{published}T10:00:00Z")
    site.sync.refresh()

    feeds = {feed["name"]: feed for feed in site.get("/feeds.json").get_json()["feeds"]}

    assert abs(feeds["Boats"]["weekly"] - weekly) <= 0.3
    for path in ("/", "/topics/boats"):
        (facts,) = texts(tree(site, path), ".facts")
        assert f" · {text} · " in facts or f" · {text}" in facts


@pytest.mark.parametrize("topics", [[], ["Boats"]])
def test_a_feed_with_one_article_or_none_has_no_number_a_week(
    content: Content, open_site: Any, topics: list[str]
) -> None:
    content.raw("topics.yml", "- {name: Boats}")
    content.write("a.md", topics=topics)
    site = open_site()

    feeds = {feed["name"]: feed for feed in site.get("/feeds.json").get_json()["feeds"]}

    assert feeds["Boats"]["weekly"] is None
    assert "week" not in texts(tree(site, "/topics/boats"), ".facts")[0]
