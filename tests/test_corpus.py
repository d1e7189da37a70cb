"""Tests with hundreds of real articles, compared with the lists of their original site."""

import json
import shutil
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import feedparser
import pytest

from app import create_app
from feeds.articles.text import clean
from tests.conftest import SITE_URL, Site
from tests.programs import skip_if_quick


def open_corpus(folder: Path, instance: Path) -> Site:
    environ = {
        "FEEDS_CONTENT_DIR": str(folder),
        "FEEDS_INSTANCE_DIR": str(instance),
        "FEEDS_URL": SITE_URL,
    }
    site = Site(create_app(environ))
    site.sync.refresh()
    return site


@pytest.fixture(scope="module")
def news(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Site:
    return open_corpus(corpus / "_news", tmp_path_factory.mktemp("instance"))


@pytest.fixture(scope="module")
def listed(corpus: Path) -> list[dict[str, Any]]:
    """Return the articles as the pages of the site list them, newest first."""
    pages = sorted(corpus.glob("api/news/page/*/index.json"))
    return [article for page in pages for article in json.loads(page.read_text())["value"]]


def history(site: Site, path: str) -> list[Any]:
    """Return the entries of a feed and its archives, newest first, each once."""
    found: dict[str, Any] = {}
    address: str | None = f"{SITE_URL}{path}"
    while address:
        feed = feedparser.parse(site.get(address.removeprefix(SITE_URL)).data)
        assert not feed.bozo
        for entry in feed.entries:
            found.setdefault(entry.id, entry)
        older = (link.href for link in feed.feed.links if link.rel == "prev-archive")
        address = next(older, None)
    return list(found.values())


def seconds(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_all_articles_are_those_that_their_site_lists_in_its_order(
    news: Site, listed: list[dict[str, Any]]
) -> None:
    entries = history(news, "/all.atom")

    assert len(listed) == 132
    assert [e.id.rpartition(":")[2] for e in entries] == [
        Path(a["path"]).stem for a in in_order(listed)
    ]
    assert [e.title for e in entries] == [clean(a["title"]) for a in in_order(listed)]
    assert [seconds(e.published) for e in entries] == [
        seconds(a["publishedDateTime"]) for a in in_order(listed)
    ]


def in_order(listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sort newest first; sort articles of one second by id, because the list leaves it open."""
    return sorted(listed, key=lambda a: (-seconds(a["publishedDateTime"]), a["path"]))


def test_the_order_of_the_list_is_newest_first(listed: list[dict[str, Any]]) -> None:
    moments = [seconds(a["publishedDateTime"]) for a in listed]

    assert moments == sorted(moments, reverse=True)


def test_every_article_links_to_the_address_in_its_file_with_every_image_enclosed(
    news: Site, listed: list[dict[str, Any]]
) -> None:
    entries = {e.id.rpartition(":")[2]: e for e in history(news, "/all.atom")}

    for article in listed:
        entry = entries[Path(article["path"]).stem]
        assert entry.link == (article["webUrl"] or article["originalUrl"])
        assert Counter(e.href for e in entry.enclosures) == Counter(
            image["url"].replace(" ", "%20") for image in article["images"] or []
        )


def test_each_topic_has_its_articles(news: Site, listed: list[dict[str, Any]]) -> None:
    topics = Counter(topic for article in listed for topic in article["topics"])

    directory = {feed["name"]: feed for feed in news.get("/feeds.json").json["feeds"]}

    assert {name: directory[name]["articles"] for name in topics} == topics
    for name in topics:
        path = directory[name]["atom"].removeprefix(SITE_URL)
        assert len(history(news, path)) == topics[name]


def test_each_provider_has_its_articles(news: Site, listed: list[dict[str, Any]]) -> None:
    domains = Counter(article["provider"]["domain"] for article in listed)

    found = {domain: len(history(news, f"/providers/{domain}.atom")) for domain in domains}

    assert found == domains


def test_nothing_secret_of_the_corpus_is_in_any_feed(news: Site, corpus: Path) -> None:
    secrets = [
        line.split('"')[1]
        for file in (corpus / "_news").glob("*.md")
        for line in file.read_text().splitlines()
        if line.startswith("secured:")
    ]
    addresses = [feed[key] for feed in news.get("/feeds.json").json["feeds"] for key in FORMATS]

    served = "".join(news.get(address.removeprefix(SITE_URL)).text for address in addresses)

    assert len(secrets) == 192
    assert not [secret for secret in secrets if secret[:40] in served]


FORMATS = ("rss", "atom", "json")


@pytest.mark.parametrize("folder", ["_samples", "_learning"])
def test_a_real_reader_reads_other_kinds_of_real_articles(
    corpus: Path, tmp_path: Path, folder: str
) -> None:
    skip_if_quick()
    site = open_corpus(corpus / folder, tmp_path)

    entries = history(site, "/all.rss")

    assert len(entries) == {"_samples": 107, "_learning": 330}[folder]
    assert all(entry.title and entry.link and entry.published for entry in entries)


def test_the_original_seed_is_in_no_feed(seed: Path, tmp_path: Path) -> None:
    content = tmp_path / "content"
    content.mkdir()
    shutil.copy(seed, content / "seed.md")

    site = open_corpus(content, tmp_path / "instance")

    assert site.get("/all.json").json["items"] == []
    assert site.get("/topics/ai.rss").status_code == 404


def test_the_seed_published_is_clean_complete_and_without_its_secret(
    seed: Path, tmp_path: Path
) -> None:
    content = tmp_path / "content"
    content.mkdir()
    text = seed.read_text().replace("published: false", "published: true")
    (content / "seed.md").write_text(text)

    site = open_corpus(content, tmp_path / "instance")

    rss, atom, as_json = (site.get(f"/all.{format}") for format in FORMATS)
    item = as_json.json["items"][0]
    assert "wouldn’t adversely affect" in item["summary"]
    assert len(site.get("/topics/computer-vision.rss").data) > 2000
    assert len(site.get("/topics/ai.rss").data) > 2000
    assert len(site.get("/providers/nbcnews.com.rss").data) > 2000
    assert [a["mime_type"] for a in item["attachments"]] == ["image/jpeg"]
    assert 'width="1920" height="1080"' in rss.text
    assert len(item["_related"]["links"]) == 3
    assert item["url"] not in [link["url"] for link in item["_related"]["links"]]
    secret = text.partition('secured: "')[2][:40]
    assert secret not in rss.text + atom.text + as_json.text
