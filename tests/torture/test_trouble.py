"""Stress tests under load: services that die, hang and lose data, a full disk, a damaged index."""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis as redis_client

from tests import stores
from tests.conftest import Content
from tests.document_parsers import items
from tests.live_servers import PATIENCE, listener, serving, workers
from tests.torture.conftest import Figure, scaled
from tests.torture.polling import Seen, polled
from tests.waiting import wait_for

FEEDS = ("all", "topics/a", "topics/b", "providers/news.example.com")
PATHS = [f"/{feed}.{ending}" for feed in FEEDS for ending in ("rss", "atom", "json")]
COUNT = 40
_TITLE = re.compile(r"Article \d+, version \d+")


@dataclass
class Loaded:
    """A server under load: clients poll and an editor saves all the time."""

    address: str
    content: Content
    instance: Path
    redis: "subprocess.Popen[bytes]"
    redis_port: int
    saves: int = 0

    def save(self) -> None:
        self.saves += 1
        number = self.saves % COUNT
        write(self.content, number, self.saves)

    @contextmanager
    def load(self, seconds: float) -> Iterator[Seen]:
        """Poll and save for some seconds, while the block runs."""
        end = time.monotonic() + seconds
        stopped = threading.Event()
        editor = threading.Thread(target=self._edit, args=(stopped,))
        with polled(self.address, PATHS, 8) as seen:
            editor.start()
            yield seen
            time.sleep(max(0, end - time.monotonic()))
            stopped.set()
            editor.join()

    def _edit(self, stopped: threading.Event) -> None:
        while not stopped.wait(0.3):
            self.save()

    def shows_the_last_save(self) -> bool:
        with polled(self.address, ["/all.json"], 1) as seen:
            time.sleep(0.1)
        return any(f', version {self.saves}"'.encode() in body for body in seen.bodies.values())


def write(content: Content, number: int, version: int) -> None:
    content.write(
        f"{number}.md",
        title=f"Article {number}, version {version}",
        topics=["A" if number % 2 else "B"],
    )


@pytest.fixture
def loaded(content: Content, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Loaded]:
    for number in range(COUNT):
        write(content, number, 0)
    instance = getattr(request, "param", None) or tmp_path / "instance"
    if instance == "small disk":
        instance = request.getfixturevalue("small_disk") / "instance"
    port = stores.free_port()
    cache = f"redis://127.0.0.1:{port}/0"
    with (
        stores.running(port, *stores.redis(port, tmp_path)) as redis,
        serving(content.folder, instance, FEEDS_CACHE_URL=cache, FEEDS_WORKERS="2") as address,
    ):
        found = Loaded(address, content, instance, redis, port)
        with found.load(0.5):
            pass
        yield found
        redis.send_signal(signal.SIGCONT)


def is_right(seen: Seen) -> bool:
    """Return True if every document is complete: all articles, each once, of some version."""
    endings = {
        poll.digest: poll.path.rpartition(".")[2] for poll in seen.polls if poll.status == 200
    }
    for digest, ending in endings.items():
        titles = [item.title for item in items(seen.bodies[digest], ending)]
        if not titles or not all(map(_TITLE.fullmatch, titles)):
            return False
        if len({title.split(",")[0] for title in titles}) not in (COUNT, COUNT // 2):
            return False
    return True


def redis_is_killed(loaded: Loaded) -> None:
    loaded.redis.kill()


def redis_hangs(loaded: Loaded) -> None:
    loaded.redis.send_signal(signal.SIGSTOP)


def redis_is_flushed(loaded: Loaded) -> None:
    with redis_client.Redis(port=loaded.redis_port) as client:
        for _ in range(20):
            client.flushall()
            time.sleep(0.05)


def redis_is_planted(loaded: Loaded) -> None:
    """Write wrong bytes under every key of Redis."""
    with redis_client.Redis(port=loaded.redis_port) as client:
        for _ in range(20):
            for key in client.scan_iter():
                client.set(key, os.urandom(2000))
            time.sleep(0.05)


def index_is_damaged(loaded: Loaded) -> None:
    path = loaded.instance / "index.sqlite"
    with open(path, "r+b") as file:
        file.write(os.urandom(os.fstat(file.fileno()).st_size))


def index_is_removed(loaded: Loaded) -> None:
    (loaded.instance / "index.sqlite").unlink()


def instance_is_removed(loaded: Loaded) -> None:
    # Retried, since a worker may write a file into the folder meanwhile.
    tries = (subprocess.run(["rm", "-rf", loaded.instance]).returncode for _ in range(20))
    assert 0 in tries


TROUBLES: list[Callable[[Loaded], None]] = [
    redis_is_killed, redis_hangs, redis_is_flushed, redis_is_planted,
    index_is_damaged, index_is_removed, instance_is_removed,
]  # fmt: skip


def name(trouble: Callable[[Loaded], None]) -> str:
    return trouble.__name__.replace("_", " ")


@pytest.mark.parametrize("trouble", TROUBLES, ids=name)
def test_no_reader_gets_an_error_during_a_failure(
    loaded: Loaded, trouble: Callable[[Loaded], None], figure: Figure
) -> None:
    seconds = scaled(15, 60) / 10
    with loaded.load(seconds) as quiet:
        pass

    with loaded.load(seconds) as seen:
        trouble(loaded)

    added = 1000 * (seen.p99() - quiet.p99())
    figure(
        f"{name(trouble)}: {len(seen.polls)} requests, {len(seen.failed())} failed, "
        f"p99 {1000 * quiet.p99():.0f} ms before, {added:+.0f} ms"
    )
    assert seen.failed() == []
    assert is_right(seen)
    assert added < scaled(2000, 150)
    assert wait_for(loaded.shows_the_last_save)


def fill(folder: Path) -> Path:
    """Fill a disk to its last byte."""
    ballast = folder / "ballast"
    with suppress(OSError), open(ballast, "wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    with suppress(OSError), open(folder / "ballast2", "wb", buffering=0) as file:
        while True:
            file.write(b"x")
    return ballast


@pytest.mark.parametrize("loaded", ["small disk"], indirect=True)
def test_a_full_disk_stops_updates_and_nothing_else(loaded: Loaded, figure: Figure) -> None:
    seconds = scaled(20, 60) / 10
    with loaded.load(seconds) as quiet:
        pass

    with loaded.load(seconds) as seen:
        fill(loaded.instance)
        before = used(loaded.instance)
    grown = used(loaded.instance) - before
    (loaded.instance / "ballast").unlink()
    started = time.monotonic()
    is_back = wait_for(loaded.shows_the_last_save)
    back = time.monotonic() - started

    added = 1000 * (seen.p99() - quiet.p99())
    figure(
        f"full disk: {len(seen.polls)} requests, {len(seen.failed())} failed, p99 {added:+.0f} ms, "
        f"grown {grown} bytes, news {back:.1f} s after there was room"
    )
    assert seen.failed() == []
    assert is_right(seen)
    assert added < scaled(2000, 150)
    assert grown == 0
    assert is_back


def used(folder: Path) -> int:
    status = os.statvfs(folder)
    return (status.f_blocks - status.f_bfree) * status.f_frsize


@pytest.mark.parametrize("loaded", ["small disk"], indirect=True)
def test_a_worker_that_dies_on_a_full_disk_is_replaced_by_one_that_serves(
    loaded: Loaded, figure: Figure
) -> None:
    fill(loaded.instance)
    server = listener(loaded.address)
    before = workers(server)
    os.kill(before[0], signal.SIGKILL)
    # The supervisor waits ten seconds for a worker that dies during a health check.
    assert wait_for(
        lambda: before[0] not in workers(server) and len(workers(server)) == 2, PATIENCE
    )

    with loaded.load(1) as seen:
        pass

    figure(f"worker killed on a full disk: {len(seen.polls)} requests, {len(seen.failed())} failed")
    assert seen.failed() == []
    assert is_right(seen)
