"""Tests of bodies that a provider or a feed does not publish: no response has them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from feeds.model import Format
from tests.conftest import Content, Site
from tests.crawling import Crawl, mounted
from tests.document_parsers import items

BODY = "The quick body of it, " + "which is long. " * 60
EXCERPT = "What happened, in brief."
IMAGE = "https://img.example.org/a.jpg"

PROVIDERS = "- {domain: brief.example.com, aliases: [old.example.com], full_text: false}\n"
SITE = """
feeds:
  - {name: brief, content: excerpt}
  - {name: whole}
"""


def write(content: Content, path: str, domain: str, **front_matter: object) -> None:
    content.write(
        path,
        BODY,
        excerpt=EXCERPT,
        provider={"name": "Brief", "domain": domain},
        images=[{"url": IMAGE}],
        related=[{"title": "More of it", "webUrl": "https://other.example.com/more"}],
        **front_matter,
    )


@pytest.fixture
def brief(content: Content, open_site: Callable[..., Site]) -> Site:
    content.raw("providers.yml", PROVIDERS)
    content.raw("site.yml", SITE)
    write(content, "a.md", "brief.example.com")
    write(content, "b.md", "old.example.com", featuredContent="<p>quick body</p>")
    content.write("c.md", BODY, excerpt=None, provider={"name": "B", "domain": "old.example.com"})
    return open_site()


@pytest.mark.parametrize("format", ["rss", "atom", "json"])
def test_the_body_of_a_provider_is_in_no_format(brief: Site, format: str) -> None:
    """[105]"""
    document = brief.get(f"/all.{format}").data

    assert b"quick body" not in document
    found = items(document, format)
    assert len(found) == 3
    for item in found[:2]:
        assert EXCERPT in item.content
        assert item.pictures == (IMAGE,)
        assert [title for _, title in item.related] == ["More of it"]


def test_no_address_of_the_site_has_the_body_of_a_provider(brief: Site) -> None:
    """[105] The crawl includes pages, boxes, oEmbed, archives and lists."""
    crawl = Crawl("https://feeds.example.org", mounted(brief.app)).run()

    assert len(crawl.found) > 50
    assert [address for address, reply in crawl.found.items() if b"quick body" in reply.body] == []


def test_a_delta_and_a_search_and_an_export_have_no_body(
    brief: Site, content: Content, tmp_path: Path
) -> None:
    """[105]"""
    tag = brief.get("/all.rss").headers["ETag"]
    write(content, "d.md", "brief.example.com", publishedDateTime="2026-11-10T10:00:00Z")
    brief.sync.refresh()

    delta = brief.get("/all.rss", A_IM="feed", if_none_match=tag)
    brief.runner.invoke(args=["export", str(tmp_path / "exported")])

    assert delta.status_code == 226
    assert EXCERPT.encode() in delta.data
    assert b"quick body" not in delta.data + brief.get("/?q=brief").data
    files = [file for file in (tmp_path / "exported").rglob("*") if file.is_file()]
    assert len(files) > 50
    assert [file for file in files if b"quick body" in file.read_bytes()] == []


def test_the_index_holds_no_body_that_is_not_published(brief: Site) -> None:
    assert b"quick body" not in brief.sync.index.path.read_bytes()


def test_an_index_of_earlier_settings_gives_no_body_either(
    content: Content, open_site: Callable[..., Site]
) -> None:
    """[105] Such an index is served until it is rebuilt."""
    write(content, "a.md", "brief.example.com")
    before = open_site()
    content.raw("providers.yml", PROVIDERS)

    catalog = open_site(FEEDS_INSTANCE_DIR=str(before.sync.index.path.parent)).web.catalog
    old = type(catalog)(before.sync, catalog.files, 900_000)
    feed = old.feed(old.select(before.web.catalog.feed_infos()[0].id))

    assert [article.content for article in feed.articles] == [""]


def test_a_change_of_a_body_that_is_not_published_changes_no_etag(
    brief: Site, content: Content
) -> None:
    tags = [brief.get(f"/all.{format}").headers["ETag"] for format in Format]
    content.write("c.md", f"Other. {BODY}", excerpt=None,
                  provider={"name": "B", "domain": "old.example.com"})  # fmt: skip
    brief.sync.refresh()

    assert [brief.get(f"/all.{format}").headers["ETag"] for format in Format] == tags


@pytest.mark.parametrize("format", ["rss", "atom", "json"])
def test_a_feed_of_excerpts_has_no_bodies_and_other_feeds_do(
    content: Content, open_site: Callable[..., Site], format: str
) -> None:
    content.raw("site.yml", SITE)
    write(content, "a.md", "news.example.com")
    site = open_site()

    excerpts = items(site.get(f"/feeds/brief.{format}").data, format)
    archive = site.get(f"/feeds/brief/2026-11.{format}").data

    assert "quick body" not in excerpts[0].content
    assert EXCERPT in excerpts[0].content
    assert excerpts[0].pictures == (IMAGE,)
    assert b"quick body" not in archive
    assert b"quick body" in site.get(f"/feeds/whole.{format}").data
    assert b"quick body" in site.get(f"/all.{format}").data
