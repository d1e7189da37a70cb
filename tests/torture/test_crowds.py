"""Crowds: at a cold feed, with queries of their own, at feeds that are not there."""

import gc
import json
import os
import threading
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

from feeds.mixes import Mix, Term
from feeds.model import Format
from feeds.publisher import CUSTOM_SHARE
from feeds.urls import ALL, Target
from feeds.web.targets import target_of
from tests.conftest import Content, Site
from tests.torture.conftest import Figure, scaled


def test_one_rendering_for_a_crowd_at_a_cold_feed(
    content: Content, site: Site, figure: Figure
) -> None:
    for number in range(50):
        content.write(f"{number}.md", title=f"Article {number}")
    site.sync.refresh()
    count = scaled(100, 500)
    barrier = threading.Barrier(count)
    found: list[tuple[int, bytes]] = []

    def ask() -> None:
        barrier.wait(30)
        answer = site.app.test_client().get("/all.rss")
        found.append((answer.status_code, answer.data))

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    figure(f"{count} clients on a cold feed: {site.web.publisher.renderings} rendering")
    assert len(found) == count
    assert len(set(found)) == 1
    assert found[0][0] == 200
    assert site.web.publisher.renderings == 1


def test_queries_and_unknown_slugs_cost_no_memory_and_no_hot_feed(
    content: Content, site: Site, figure: Figure
) -> None:
    for number in range(50):
        content.write(f"{number}.md", title=f"Article {number}")
    site.sync.refresh()
    count = scaled(3_000, 1_000_000)
    call(site, "/all.rss", "")
    for number in range(1_000):
        call(site, "/all.rss", f"warm={number}")
        call(site, f"/topics/warm-{number}.rss", "")
    # As two workers share a crowd, one a core.
    asked = [in_child(partial(ask_in_vain, site, count // 2, half)) for half in (0, 1)]
    grown = [result(each) for each in asked]

    figure(
        f"{count} queries and {count} unknown slugs in two workers: memory of each "
        f"{', '.join(f'{queried:+.1f} and {all_:+.1f}' for queried, all_, _ in grown)} MB"
    )
    assert max(all_ for _, all_, _ in grown) < 20
    assert [renderings for *_, renderings in grown] == [site.web.publisher.renderings] * 2


def in_child(work: Callable[[], object]) -> int:
    """Where the result of some work is to be read, as JSON, which a process of its own does."""
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        return reading
    try:
        os.write(writing, json.dumps(work()).encode())
    finally:
        os._exit(0)


def result(reading: int) -> Any:
    with os.fdopen(reading) as file:
        found = json.load(file)
    os.wait()
    return found


def ask_in_vain(site: Site, count: int, half: int) -> tuple[float, float, int]:
    """Ask with as many queries, then for as many feeds that are not there; say what it cost."""
    hot = Target(ALL, Format.RSS)
    before = megabytes()
    for number in range(count):
        assert call(site, "/all.rss", f"cb={half}-{number}") == "200 OK"
    queried = megabytes() - before
    for number in range(count):
        assert call(site, f"/topics/unknown-{half}-{number}.rss", "") == "404 NOT FOUND"
    assert site.web.publisher.hot(hot) is not None
    return queried, megabytes() - before, site.web.publisher.renderings


def call(site: Site, path: str, query: str) -> str:
    """The status of an answer, asked as a server asks."""
    environ = {
        "REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query, "SCRIPT_NAME": "",
        "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "a", "wsgi.url_scheme": "http",
    }  # fmt: skip
    started: list[str] = []

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
        started.append(status)

    body: Iterable[bytes] = site.app.wsgi_app(environ, start_response)
    b"".join(body)
    getattr(body, "close", int)()
    return started[0]


def megabytes() -> float:
    """What this process has in memory."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def test_invented_mixes_and_searches_drive_no_feed_out(
    content: Content, site: Site, figure: Figure
) -> None:
    for number in range(60):
        topics = [f"T{number % 20}", f"T{number % 7}"]
        content.write(f"{number}.md", title=f"Article {number}", topics=topics)
    site.sync.refresh()
    hot = ["/all.rss", *(f"/topics/t{number}.atom" for number in range(20))]
    for path in hot:
        call(site, path, "")
    for number in range(500):
        call(site, f"/search/warm{number}.rss", "")
    count = scaled(2_000, 1_000_000)
    # As two workers share a crowd, one a core.
    asked = [in_child(partial(invent, site, count // 2, half, hot)) for half in (0, 1)]
    found = [result(each) for each in asked]

    memory = ", ".join(f"{each['memory']:+.1f}" for each in found)
    slow = max(each["p99"] for each in found) * 1000
    figure(
        f"{count} invented mixes and searches in two workers: memory of each {memory} MB, "
        f"hot feeds p99 {slow:.2f} ms"
    )
    assert [each["lost"] for each in found] == [0, 0]
    assert max(each["memory"] for each in found) < 20
    assert max(each["size"] for each in found) <= int(64_000_000 * CUSTOM_SHARE)
    assert slow < scaled(1_000, 10)


def invent(site: Site, count: int, half: int, hot: list[str]) -> dict[str, float]:
    """Ask for feeds that nobody asked for before, and now and then for those in memory."""
    publisher = site.web.publisher
    before, times = megabytes(), list[float]()
    for number in range(half, 2 * count, 2):
        if number % 4 < 2:
            path = f"/search/article-word{number}.rss"
        else:
            path = f"/mix/{invented(number)}.atom"
        assert call(site, path, "") == "200 OK"
        if number % 20 < 2:
            began = perf_counter()
            call(site, hot[number // 20 % len(hot)], "")
            times.append(perf_counter() - began)
    custom = publisher._rooms[True]
    return {
        "memory": megabytes() - before,
        "p99": sorted(times)[int(len(times) * 0.99)],
        "lost": sum(publisher.hot(target_of(path)) is None for path in hot),
        "size": custom.size,
    }


def invented(number: int) -> str:
    """A mix in its usual spelling: any seven of twenty topics, each with one of three signs."""
    dice = Random(number)
    signs = dice.choices(("", "+", "-"), k=7)
    others = zip(signs, dice.sample(range(20), 7), strict=True)
    terms = (Term(sign, f"topics/t{one}") for sign, one in others)
    return Mix.of([Term("", f"topics/t{number % 20}"), *terms]).path.removeprefix("mix/")
