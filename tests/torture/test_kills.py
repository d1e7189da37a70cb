"""Stress test of kill -9 at any moment: of a scan, of writing the index, of rendering."""

import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from app import create_app
from tests.conftest import SITE_URL, Content, Site
from tests.torture.conftest import Figure, scaled

COUNT = 60
PATHS = [f"/{f}.{e}" for f in ("all", "topics/ai", "topics/boats") for e in ("rss", "atom", "json")]


def in_child(work: Callable[[], None]) -> int:
    """Start a process that does only some work."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        work()
        status = 0
    finally:
        os._exit(status)


def waited(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_kills_lose_nothing_and_leave_no_files(
    content: Content, tmp_path: Path, figure: Figure
) -> None:
    chance = random.Random(1)
    instance = tmp_path / "instance"
    environ = {
        "FEEDS_CONTENT_DIR": str(content.folder),
        "FEEDS_INSTANCE_DIR": str(instance),
        "FEEDS_URL": SITE_URL,
    }

    def serve() -> None:
        site = Site(create_app(environ))
        site.sync.refresh()
        statuses = {site.get(path).status_code for path in PATHS}
        assert statuses == {200}

    def check() -> None:
        started = time.monotonic()
        site = Site(create_app(environ))
        site.sync.refresh()
        served = sorted(item["title"] for item in site.get("/all.json").json["items"])
        assert time.monotonic() - started < scaled(60, 5)
        assert served == sorted(titles.values())
        with closing(sqlite3.connect(instance / "index.sqlite")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            (tables,) = connection.execute("SELECT count(*) FROM article").fetchone()
            assert tables == COUNT
        assert sorted(set(os.listdir(instance)) - NAMES) == []

    titles: dict[int, str] = {}
    for number in range(COUNT):
        titles[number] = f"Article {number}"
        content.write(f"{number}.md", title=titles[number], topics=["AI", "Boats"])
    assert waited(in_child(serve)) == 0
    rounds, tries, killed, failed = scaled(12, 200), 0, 0, 0
    whole = 0.2

    while killed < rounds and tries < 3 * rounds:
        tries += 1
        for _ in range(chance.randrange(1, 20)):
            which = chance.randrange(COUNT)
            titles[which] = f"Version {tries} of {which}"
            content.write(f"{which}.md", title=titles[which], topics=["Boats"])
        # Every fifth time all files are read again.
        content.raw("site.yml", f"title: Round {tries // 5}\nlimits: {{items: 100}}\n")
        child = in_child(serve)
        time.sleep(chance.uniform(0, whole))
        os.kill(child, signal.SIGKILL)
        hit = waited(child) == -signal.SIGKILL
        # Half of the kills come late in its work.
        whole *= 1.1 if hit else 0.8
        killed += hit
        failed += waited(in_child(check)) != 0

    figure(f"kill -9: {killed} of {tries} hit, {failed} starts after it found anything wrong")
    assert failed == 0
    assert killed == rounds


#: The files that the instance folder may have.
NAMES = {
    "index.sqlite", "index.sqlite-wal", "index.sqlite-shm", "index.lock", "index.open",
    "index.state", "watch.lock",
}  # fmt: skip
