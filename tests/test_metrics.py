"""Tests of the metrics: exact over all workers, and without private data."""

import os
import signal
import sqlite3
import subprocess
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from feeds.metrics.counters import FILE
from feeds.periodic_thread import PeriodicThread
from feeds.web.fast_path import target_of
from feeds.web.metric_labels import kind
from tests.conftest import NOW, Content, Site
from tests.live_servers import PATIENCE, listener, replaced, serving, workers
from tests.programs import need
from tests.waiting import wait_for

REQUESTS = "tributary_requests_total"


def numbers(text: str) -> dict[tuple[str, ...], float]:
    """Return the samples by name and the values of their labels, sorted by label."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scraped(site: Site) -> dict[tuple[str, ...], float]:
    answer = site.get("/metrics")
    assert answer.status_code == 200
    return numbers(answer.text)


@pytest.fixture
def busy(content: Content, site: Site) -> Site:
    """Return a site with various requests, and with some files that are not served."""
    content.write("one.md", topics=["AI"], secured="a secret", publishedDateTime="2026-11-02")
    content.write("draft.md", published=False)
    content.raw("broken.md", "---\ntitle: [\n---\n")
    site.sync.refresh()
    for path in ("/all.rss", "/topics/ai.atom", "/topics/ai", "/feeds.opml", "/embed", "/none.rss"):
        site.get(path, Accept_Encoding="gzip")
    site.get("/topics/ai.atom", if_none_match="*")
    site.get("/topics/ai.atom", if_none_match="*")
    return site


def test_promtool_accepts_the_metrics(busy: Site) -> None:
    done = subprocess.run(
        [need("promtool"), "check", "metrics"],
        input=busy.get("/metrics").get_data(), capture_output=True, timeout=20,
    )  # fmt: skip

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_requests_are_counted_by_kind_coding_and_status(busy: Site) -> None:
    found = scraped(busy)

    # By label: coding, kind, status.
    assert {key[1:]: value for key, value in found.items() if key[0] == REQUESTS} == {
        ("gzip", "all", "200"): 1,
        ("gzip", "topics", "200"): 1,
        ("none", "topics", "304"): 2,
        ("gzip", "pages", "200"): 1,
        ("gzip", "lists", "200"): 1,
        ("gzip", "embeds", "200"): 1,
        ("identity", "other", "404"): 1,
    }


def test_the_metrics_describe_the_articles_and_the_index(busy: Site) -> None:
    found = scraped(busy)

    assert found["tributary_articles",] == 1
    assert found["tributary_files_not_served", "yaml-syntax"] == 1
    assert found["tributary_files_not_served", "draft"] == 1
    assert found["tributary_index_readable",] == 1
    assert found["tributary_index_revision",] == busy.sync.shared.revision()
    assert found["tributary_index_refresh_timestamp_seconds",] == NOW
    assert found["tributary_last_change_timestamp_seconds",] <= NOW
    assert found["tributary_newest_article_timestamp_seconds",] == 1_793_577_600


def test_renderings_and_cache_lookups_are_counted(busy: Site) -> None:
    found = scraped(busy)

    renderings = busy.web.publisher.renderings
    assert found["tributary_render_seconds_count",] == renderings
    assert found["tributary_render_seconds_bucket", "+Inf"] == renderings
    assert found["tributary_render_seconds_sum",] > 0
    assert found["tributary_cache_lookups_total", "miss"] == renderings


def test_an_empty_site_has_metrics_too(site: Site) -> None:
    found = scraped(site)

    assert found["tributary_articles",] == 0
    assert ("tributary_newest_article_timestamp_seconds",) not in found


def test_a_site_without_articles_has_no_newest_one(content: Content, busy: Site) -> None:
    content.write("one.md", deleted=True)
    busy.sync.refresh()

    found = scraped(busy)

    assert found["tributary_articles",] == 0
    assert found["tributary_last_change_timestamp_seconds",] > 0
    assert ("tributary_newest_article_timestamp_seconds",) not in found


def test_metrics_contain_nothing_of_a_request_or_an_article(busy: Site) -> None:
    busy.get("/topics/someone-was-here.rss?q=asked", User_Agent="Reader/1")

    text = busy.get("/metrics").text

    for telling in ("someone", "asked", "Reader", "127.0.0.1", "a secret", "topics/", "one.md"):
        assert telling not in text


def test_no_cache_stores_the_metrics(site: Site) -> None:
    answer = site.get("/metrics")

    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/all.rss", "all"), ("/feed", "all"), ("/feed/", "all"), ("/all/2026-11.rss", "all"),
        ("/topics/ai.atom", "topics"), ("/topics/ai/2026-11.json", "topics"),
        ("/providers/a.example.rss", "providers"), ("/providers/a.example/b.rss", "names"),
        ("/feeds/best.json", "feeds"), ("/", "pages"), ("/topics/ai", "pages"),
        ("/feeds.json", "lists"), ("/topics/ai.opml", "lists"), ("/robots.txt", "lists"),
        ("/embed", "embeds"), ("/embed/all", "embeds"), ("/oembed", "embeds"),
        ("/oembed/all.json", "embeds"),
        ("/metrics", "other"), ("/pictures/a.png", "other"), ("/x" * 1000, "other"), ("", "other"),
    ],
)  # fmt: skip
def test_every_address_is_of_one_kind(path: str, expected: str) -> None:
    assert kind(target_of(path)) == expected


def test_an_unreadable_index_costs_only_its_own_metrics(busy: Site, tmp_path: Path) -> None:
    (tmp_path / "instance" / "index.sqlite").unlink()
    busy.sync.index.leave_to_parent()

    found = scraped(busy)

    assert found["tributary_index_readable",] == 0
    assert ("tributary_articles",) not in found
    assert found[REQUESTS, "gzip", "all", "200"] == 1


def test_a_scrape_is_the_sum_of_all_workers(open_site: Callable[..., Site]) -> None:
    first, second = open_site(), open_site()
    first.get("/all.rss")
    first.web.counts.flush()
    second.get("/all.rss")

    found = scraped(second)

    assert found[REQUESTS, "identity", "all", "200"] == 2


def test_nothing_is_counted_twice(site: Site) -> None:
    site.get("/all.rss")
    for _ in range(3):
        site.web.counts.flush()

    assert [scraped(site)[REQUESTS, "identity", "all", "200"] for _ in range(3)] == [1, 1, 1]


def test_counts_that_cannot_be_written_are_kept_in_memory(
    site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    site.get("/all.rss")
    in_the_way = tmp_path / "instance" / FILE
    in_the_way.mkdir()
    nothing = scraped(site)
    in_the_way.rmdir()

    found = scraped(site)

    assert (REQUESTS, "identity", "all", "200") not in nothing
    assert found[REQUESTS, "identity", "all", "200"] == 1
    assert len([r for r in caplog.records if FILE in r.getMessage()]) == 1


def test_a_damaged_file_of_counts_is_replaced(site: Site, tmp_path: Path) -> None:
    (tmp_path / "instance" / FILE).write_bytes(b"no database" * 1000)
    scraped(site)
    site.get("/all.rss")

    assert scraped(site)[REQUESTS, "identity", "all", "200"] == 1


def broken() -> None:
    raise ZeroDivisionError


def test_counts_are_written_periodically_and_at_the_end(site: Site, tmp_path: Path) -> None:
    thread = PeriodicThread(broken, site.web.counts.flush)
    thread.start()
    thread.start()
    site.get("/all.rss")

    thread.stop()

    with closing(sqlite3.connect(tmp_path / "instance" / FILE)) as connection:
        assert connection.execute("SELECT sum(value) FROM number").fetchone()[0] > 0


def test_the_counts_of_a_worker_that_died_stay(content: Content, tmp_path: Path) -> None:
    content.write("a.md")
    with serving(content.folder, tmp_path / "instance", FEEDS_WORKERS="2") as address:
        before = served(address)
        for _ in range(50):
            text(f"{address}/all.rss")
        assert wait_for(lambda: served(address) == before + 50)
        server = listener(address)
        killed = set(workers(server))
        for worker in killed:
            os.kill(worker, signal.SIGKILL)
        assert wait_for(lambda: replaced(server, killed), PATIENCE)

        text(f"{address}/all.rss")

        assert wait_for(lambda: served(address) == before + 51)


def text(address: str) -> str:
    with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
        found: bytes = answer.read()
    return found.decode()


def served(address: str) -> float:
    return numbers(text(f"{address}/metrics")).get((REQUESTS, "identity", "all", "200"), 0)
