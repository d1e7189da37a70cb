"""How long polls take while hundreds of sockets are silent, half said, or slow to read.

Polls begin when they are due, whether or not earlier ones are answered, and are timed from then:
a server that stands still for a second shows it in all that were due.
"""

import socket
import threading
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

from bench.http import PATH
from bench.servers import serving
from bench.tables import show

#: Sockets of each bad kind; polls, and how many a second.
BAD, POLLS, RATE = 300, 1500, 200


def run(content: Path, work: Path) -> None:
    """Poll with and without them."""
    head = ["sockets", "polls", "median ms", "p99 ms", "failed"]
    with serving("ours", content, work / "http-sockets") as port:
        _poll(port, 50)
        rows = [("none", *_poll(port, POLLS))]
        with ExitStack() as stack:
            _open(stack, port)
            name = f"{BAD} silent + {BAD} partial + {BAD} slow"
            rows.append((name, *_poll(port, POLLS)))
    show(f"{RATE} polls a second, one worker", head, rows)


def _open(stack: ExitStack, port: int) -> None:
    whole = f"GET /{PATH} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()
    for said in (b"", whole[:-2], whole * 4):
        for _ in range(BAD):
            bad = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            bad.sendall(said)


def _poll(port: int, count: int) -> tuple[int, float, float, int]:
    taken: list[float] = []
    failed: list[Exception] = []
    threads: list[threading.Thread] = []
    began = time.perf_counter()
    for number in range(count):
        due = began + number / RATE
        time.sleep(max(0, due - time.perf_counter()))
        thread = threading.Thread(target=_ask, args=(port, due, taken, failed))
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join()
    taken.sort()
    milliseconds = [found * 1000 for found in taken]
    middle, last = milliseconds[len(taken) // 2], milliseconds[len(taken) * 99 // 100]
    return count, middle, last, len(failed)


def _ask(port: int, due: float, taken: list[float], failed: list[Exception]) -> None:
    try:
        url = f"http://127.0.0.1:{port}/{PATH}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            answer.read()
    except OSError as error:
        failed.append(error)
    taken.append(time.perf_counter() - due)
