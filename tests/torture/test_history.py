"""Stress test of a long history: an aggregator finds every article once, from the newest back."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from app import create_app
from tests.conftest import NOW, SITE_URL, Clock, Content, Site
from tests.document_parsers import atom_feed, items, links
from tests.test_archives import previous
from tests.torture.conftest import Figure, scaled

FRONT_MATTER = """---
title: "Article {number}"
excerpt: "What happened at {moment}, in short."
publishedDateTime: {moment}
webUrl: https://news.example.com/{number}
provider: {{name: Example News, domain: news.example.com}}
topics: [{topic}]
---
{body}
"""

#: The text of an article: some kilobytes, so that a month needs several documents.
BODY = "A sentence of the body, and one more. " * 60


def write(content: Content, count: int) -> list[str]:
    """Write a number of articles of a year, some in one second; return the ids, newest first."""
    newest = datetime.fromtimestamp(NOW, UTC) - timedelta(days=1)
    step = timedelta(days=365) / count
    ids = []
    for number in range(count):
        # Two articles of a pair have one time: then the id decides.
        moment = (newest - step * (number - number % 2)).strftime("%Y-%m-%dT%H:%M:%SZ")
        name = f"{number // 500:03}/{number:06}"
        path = content.folder / f"{name}.md"
        path.parent.mkdir(exist_ok=True)
        topic = "AI" if number % 3 else "Boats"
        path.write_text(FRONT_MATTER.format(number=number, moment=moment, topic=topic, body=BODY))
        ids.append(name)
    return ids


def walk(site: Site, address: str | None, format: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the documents from an address to the oldest: addresses, and the ids in them."""
    while address:
        answer = site.get(address.removeprefix(SITE_URL))
        assert answer.status_code == 200, address
        yield (
            address,
            [item.id.partition(":")[2].partition(":")[2] for item in items(answer.data, format)],
        )
        address = previous(answer.data, format)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> tuple[Site, list[str]]:
    """Return a site with a long history, for tests that only read, and the ids of its articles."""
    folder = tmp_path_factory.mktemp("history")
    content = Content(folder / "content")
    content.folder.mkdir()
    ids = write(content, scaled(4_500, 60_000))
    environ = {
        "FEEDS_CONTENT_DIR": str(content.folder),
        "FEEDS_INSTANCE_DIR": str(folder / "instance"),
        "FEEDS_URL": SITE_URL,
    }
    site = Site(create_app(environ, Clock()))
    site.sync.refresh()
    return site, ids


@pytest.mark.parametrize("format", ["rss", "atom", "json"])
def test_a_long_history_has_every_article_once_and_in_order(
    history: tuple[Site, list[str]], figure: Figure, format: str
) -> None:
    """[79]"""
    site, ids = history
    count = len(ids)
    began = time.monotonic()

    (_, current), *archives = walk(site, f"{SITE_URL}/all.{format}", format)

    took = time.monotonic() - began
    walked = [id for _, held in archives for id in held]
    assert current == ids[: len(current)]
    assert walked == ids[-len(walked) :], "in order, each once"
    assert len(walked) >= count - len(current), "none is left out between the feed and its archives"
    figure(f"history: {count} articles in {len(archives)} archives ({format}), {took:.0f} s")


def test_a_change_in_a_long_history_changes_its_month_only(
    content: Content, open_site: Callable[..., Site], figure: Figure
) -> None:
    """[79] Of all archives of a feed, by their ETags."""
    ids = write(content, scaled(2_000, 20_000))
    site = open_site()
    addresses = [address for address, _ in walk(site, f"{SITE_URL}/all.json", "json")][1:]
    before = {address: tag(site, address) for address in addresses}

    changed = content.folder / f"{ids[len(ids) // 2]}.md"
    changed.write_text(changed.read_text().replace("in short", "in a few words"))
    site.sync.refresh()

    moved = [address for address in addresses if tag(site, address) != before[address]]
    assert len(moved) == 1
    figure(f"a change in {len(addresses)} archives moved {len(moved)}")


def tag(site: Site, address: str) -> str:
    found: str = site.client.head(address.removeprefix(SITE_URL)).headers["ETag"]
    return found


def test_forward_links_lead_the_same_way(content: Content, open_site: Callable[..., Site]) -> None:
    """RFC 5005, section 4."""
    write(content, scaled(1_000, 5_000))
    site = open_site()
    addresses = [address for address, _ in walk(site, f"{SITE_URL}/all.atom", "atom")][1:]

    for newer, older in pairwise(addresses):
        document = atom_feed(site.get(older.removeprefix(SITE_URL)).data)
        assert [link["href"] for link in links(document, "next-archive")] == [newer]
