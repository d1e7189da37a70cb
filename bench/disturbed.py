"""The time of polls of a document in memory beside work that could delay them.

900 bad sockets, clients that ask for cold pages, a first index of very many articles, a Redis that
hangs.
"""

import multiprocessing
import shutil
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from bench.articles import TOPICS
from bench.http import PATH
from bench.load import get
from bench.polls import RATE, poll
from bench.servers import free_port, running, serving, wait_for
from bench.tables import show

#: Sockets of each bad kind, clients of cold pages, and seconds of each measurement.
BAD, CLIENTS, SECONDS = 300, 8, 8

Row = tuple[str, int, float, float, int]


def run(content: Path, large: Path, work: Path) -> None:
    """Poll beside each kind of work, and beside none."""
    rows: list[Row] = []
    with serving("ours", content, work / "disturbed") as port:
        get(f"http://127.0.0.1:{port}/{PATH}")
        rows.append(_row("nothing else", port))
        with _bad_sockets(port):
            rows.append(_row(f"{BAD} silent, {BAD} partial, {BAD} slow sockets", port))
        with _cold_pages(port, f"?q={TOPICS[0]}-"):
            rows.append(_row(f"{CLIENTS} clients of cold pages", port))
    rows.append(_beside_an_index(content, large, work))
    if shutil.which("redis-server"):
        rows.append(_beside_a_hung_redis(content, work))
    head = ["beside", "polls", "median ms", "p99 ms", "failed"]
    show(f"Hot polls, {RATE} a second, one worker", head, rows)


def _row(name: str, port: int) -> Row:
    return name, *poll(port, PATH, SECONDS).row()


@contextmanager
def _bad_sockets(port: int) -> Iterator[None]:
    whole = f"GET /{PATH} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()
    with ExitStack() as stack:
        for part in (b"", whole[:-2], whole * 4):
            for _ in range(BAD):
                bad = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
                bad.sendall(part)
        yield


@contextmanager
def _cold_pages(port: int, path: str) -> Iterator[None]:
    """Let clients, in a process of their own, ask for one page after the other."""
    clients = multiprocessing.get_context("spawn").Process(target=_fetch, args=(port, path))
    clients.start()
    # Until it has started.
    time.sleep(1)
    try:
        yield
    finally:
        clients.terminate()
        clients.join()


def _fetch(port: int, path: str) -> None:
    def fetch(client: int) -> None:
        number = 0
        while True:
            number += 1
            with suppress(OSError):
                get(f"http://127.0.0.1:{port}/{path.replace(' ', '+')}{client}-{number}")

    for client in range(CLIENTS):
        threading.Thread(target=fetch, args=(client,), daemon=True).start()
    signal.pause()


def _beside_an_index(content: Path, large: Path, work: Path) -> Row:
    folder = work / "growing"
    shutil.copytree(content, folder)
    count = sum(1 for _ in large.rglob("*.md"))
    with serving("ours", folder, work / "growing-instance") as port:
        get(f"http://127.0.0.1:{port}/{PATH}")
        # Until the watcher follows the folder.
        time.sleep(3)
        large.rename(folder / "more")
        try:
            return _row(f"a first index of {count:,} articles", port)
        finally:
            (folder / "more").rename(large)


def _beside_a_hung_redis(content: Path, work: Path) -> Row:
    port = free_port()
    command = ["redis-server", "--port", str(port), "--save", "", "--bind", "127.0.0.1"]
    with running(command) as redis:
        wait_for(port)
        url = f"redis://127.0.0.1:{port}/0"
        with serving("ours", content, work / "hung", FEEDS_CACHE_URL=url) as served:
            get(f"http://127.0.0.1:{served}/{PATH}")
            redis.send_signal(signal.SIGSTOP)
            try:
                with _cold_pages(served, f"?q={TOPICS[1]}-"):
                    return _row(f"a Redis that hangs, {CLIENTS} clients of cold pages", served)
            finally:
                redis.send_signal(signal.SIGCONT)
