"""Stress tests of many clients: at a cold feed, with queries of their own, at unknown feeds."""

import gc
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from time import perf_counter, sleep
from typing import Any
from urllib.request import urlopen

import pytest

from feeds.model import Format
from feeds.urls import ALL, Target
from tests.cluster.crowd import all_at_once
from tests.conftest import Content, Site
from tests.live_servers import ROOT, listener, ready_workers, serving
from tests.torture.conftest import IS_LONG, Figure, scaled
from tests.torture.inventing import REQUESTS
from tests.torture.polling import polled

#: The number of clients that invent feeds at the same time.
CLIENTS = 4


def test_many_clients_at_a_cold_feed_cause_one_rendering(
    content: Content, site: Site, figure: Figure
) -> None:
    for number in range(50):
        content.write(f"{number}.md", title=f"Article {number}")
    site.sync.refresh()
    count = scaled(100, 500)
    barrier = threading.Barrier(count)
    found: list[tuple[int, bytes]] = []

    def fetch() -> None:
        barrier.wait(30)
        answer = site.app.test_client().get("/all.rss")
        found.append((answer.status_code, answer.data))

    threads = [threading.Thread(target=fetch) for _ in range(count)]
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
    # Two workers share the clients, one on each core.
    requested = [in_child(partial(request_unknown, site, count // 2, half)) for half in (0, 1)]
    grown = [result(each) for each in requested]

    figure(
        f"{count} queries and {count} unknown slugs in two workers: memory of each "
        f"{', '.join(f'{queried:+.1f} and {all_:+.1f}' for queried, all_, _ in grown)} MB"
    )
    assert max(all_ for _, all_, _ in grown) < 20
    assert [renderings for *_, renderings in grown] == [site.web.publisher.renderings] * 2


def in_child(work: Callable[[], object]) -> int:
    """Do some work in a child process; return the pipe with its result as JSON."""
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


def request_unknown(site: Site, count: int, half: int) -> tuple[float, float, int]:
    """Send a number of queries, then as many requests for unknown feeds; return the cost."""
    hot = Target(ALL, Format.RSS)
    gc.collect()
    before = megabytes(os.getpid())
    for number in range(count):
        assert call(site, "/all.rss", f"cb={half}-{number}") == "200 OK"
    gc.collect()
    queried = megabytes(os.getpid()) - before
    for number in range(count):
        assert call(site, f"/topics/unknown-{half}-{number}.rss", "") == "404 NOT FOUND"
    assert site.web.publisher.hot(hot) is not None
    gc.collect()
    return queried, megabytes(os.getpid()) - before, site.web.publisher.renderings


def call(site: Site, path: str, query: str) -> str:
    """Call the app as a WSGI server does; return the status."""
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


def megabytes(process: int) -> float:
    """Return the memory of a process in megabytes."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def test_invented_mixes_and_searches_evict_no_feed(
    content: Content, tmp_path: Path, figure: Figure, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(60):
        topics = [f"T{number % 20}", f"T{number % 7}"]
        content.write(f"{number}.md", title=f"Article {number}", topics=topics)
    hot = ["/all.rss", *(f"/topics/t{number}.atom" for number in range(20))]
    count = scaled(2_000, 1_000_000)
    with serving(
        content.folder, tmp_path / "instance", FEEDS_WORKERS="2", FEEDS_MEMORY_MB="4"
    ) as address:
        # Each worker renders a feed once; chance decides which worker accepts a connection.
        for _ in range(10):
            all_at_once([address + path for path in hot])
        workers = ready_workers(listener(address))
        before, rendered = [*map(megabytes, workers)], renderings(address)
        with polled(address, hot, count=2, pause=0.02) as seen:
            seconds = invent(address, count, capsys)
        after = [*map(megabytes, workers)]
        again = renderings(address) - rendered - count

    figure(
        f"{count} invented mixes and searches in {seconds:.0f} s by two workers: memory of each"
        f" {', '.join(f'{a:.1f} to {b:.1f}' for a, b in zip(before, after, strict=True))} MB,"
        f" {len(seen.polls)} polls of hot feeds, p99 {seen.p99() * 1000:.2f} ms"
    )
    assert seen.failed() == []
    assert again <= len(hot)
    assert max(b - a for a, b in zip(before, after, strict=True)) < 30
    assert seen.p99() < scaled(2_000, 100) / 1000


def invent(address: str, count: int, capsys: pytest.CaptureFixture[str]) -> float:
    """Let clients request a number of feeds; return the seconds, and print the progress."""
    began, requested = perf_counter(), 0
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "tests.torture.inventing", address.rpartition(":")[2]]
    clients = [
        subprocess.Popen([*command, str(first), str(count), str(CLIENTS)], cwd=ROOT, stdout=writing)
        for first in range(CLIENTS)
    ]
    os.close(writing)
    with os.fdopen(reading, "rb", buffering=0) as progress:
        while progress.read(1):
            before, requested = requested, requested + REQUESTS
            if IS_LONG and before * 20 // count < requested * 20 // count:
                with capsys.disabled():
                    print(f"\n{requested} of {count} in {perf_counter() - began:.0f} s", end="")
    assert [client.wait(20) for client in clients] == [0] * CLIENTS
    return perf_counter() - began


def renderings(address: str) -> int:
    """Return the number of renderings by all workers, once they have written their counts."""
    found = [-1, -1, -1]
    # Each writes its counts once a second.
    while len({*found[-3:]}) > 1 or found[-1] < 0:
        sleep(0.7)
        text = urlopen(f"{address}/metrics", timeout=20).read().decode()
        found.append(int(float(text.split("tributary_render_seconds_count ")[1].split()[0])))
    return found[-1]
