"""Pollers over real sockets, and the responses that they got."""

import hashlib
import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(frozen=True)
class PollResult:
    """One response."""

    path: str
    status: int
    seconds: float
    etag: str
    digest: str


@dataclass
class Seen:
    """All responses that a group of pollers got."""

    polls: list[PollResult] = field(default_factory=list)
    #: Every distinct body, by digest.
    bodies: dict[str, bytes] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def failed(self) -> list[object]:
        return [poll for poll in self.polls if poll.status not in (200, 304)] + [*self.errors]

    def p99(self) -> float:
        """Return the seconds within which 99 of 100 responses came."""
        ordered = sorted(poll.seconds for poll in self.polls)
        return ordered[int(len(ordered) * 0.99)] if ordered else 0.0


@contextmanager
def polled(address: str, paths: list[str], count: int, pause: float = 0.005) -> Iterator[Seen]:
    """Run a number of pollers that request some paths in turn, until the block ends."""
    seen, stopped = Seen(), threading.Event()
    threads = [
        threading.Thread(target=_poll, args=(address, paths, number, pause, seen, stopped))
        for number in range(count)
    ]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stopped.set()
        for thread in threads:
            thread.join()


def _poll(
    address: str, paths: list[str], number: int, pause: float, seen: Seen, stopped: threading.Event
) -> None:
    host = urlsplit(address).netloc
    connection = http.client.HTTPConnection(host, timeout=10)
    etags: dict[str, str] = {}
    turn = number
    while not stopped.wait(pause):
        turn += 1
        path = paths[turn % len(paths)]
        # Every second poller sends conditional requests.
        conditions = {"If-None-Match": etags[path]} if number % 2 and path in etags else {}
        try:
            poll, body = fetch(connection, path, conditions)
        except (OSError, http.client.HTTPException) as error:
            seen.errors.append(f"{path}: {error!r}")
            connection.close()
            continue
        etags[path] = poll.etag
        seen.polls.append(poll)
        seen.bodies.setdefault(poll.digest, body)
    connection.close()


def fetch(
    connection: http.client.HTTPConnection, path: str, headers: dict[str, str]
) -> tuple[PollResult, bytes]:
    """Send one request and return the result."""
    started = time.monotonic()
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    seconds = time.monotonic() - started
    digest = hashlib.sha256(body).hexdigest()
    return PollResult(path, response.status, seconds, response.headers["ETag"] or "", digest), body
