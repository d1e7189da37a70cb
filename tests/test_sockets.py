"""Tests of ``flask serve`` over real sockets, with good and bad clients."""

import asyncio
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from multiprocessing import get_context
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from feeds.server.listener import open_listener
from feeds.server.supervisor import accept_before_stop
from tests.conftest import Content, content_in
from tests.live_servers import (
    PATIENCE,
    Server,
    is_asleep,
    is_pending,
    listener,
    replaced,
    serving,
    started,
    workers,
)
from tests.raw_requests import request, send_request
from tests.waiting import wait_for


@contextmanager
def serving_one(folder: Path) -> Iterator[str]:
    """Serve one article with two workers."""
    content = content_in(folder)
    content.write("one.md")
    with serving(content.folder, folder / "instance", FEEDS_WORKERS="2") as address:
        yield address


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of a server for all tests that only send requests."""
    with serving_one(tmp_path_factory.mktemp("served")) as address:
        yield address


@pytest.fixture
def own_address(tmp_path: Path) -> Iterator[str]:
    """Yield the address of a server that a test may reload, kill or stop."""
    with serving_one(tmp_path) as address:
        yield address


@dataclass
class Poller(threading.Thread):
    """A client that requests a feed until it is stopped, each time on a new connection."""

    address: str
    answered: int = 0
    failed: list[str] = field(default_factory=list)
    slowest: float = 0
    stopped: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        while not self.stopped.is_set():
            began = time.monotonic()
            try:
                self.fetch()
                self.answered += 1
            except (OSError, HTTPException) as error:
                self.failed.append(repr(error))
            self.slowest = max(self.slowest, time.monotonic() - began)

    def fetch(self) -> None:
        with urllib.request.urlopen(f"{self.address}/all.rss", timeout=20) as answer:
            assert b"</rss>" in answer.read()


@contextmanager
def polled(address: str, count: int = 4) -> Iterator[list[Poller]]:
    pollers = [Poller(address) for _ in range(count)]
    for poller in pollers:
        poller.start()
    try:
        yield pollers
    finally:
        for poller in pollers:
            poller.stopped.set()
        for poller in pollers:
            poller.join(30)


def connected(address: str) -> socket.socket:
    parts = urlsplit(address)
    return socket.create_connection((parts.hostname, parts.port), timeout=20)


def test_silent_partial_and_slow_sockets_delay_no_other_client(address: str) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(connected(address)) for _ in range(100)]
        partial = [stack.enter_context(connected(address)) for _ in range(100)]
        slow = [stack.enter_context(connected(address)) for _ in range(100)]
        for each in partial:
            each.sendall(b"GET /all.rss HTTP/1.1\r\nHost: a\r\n")
        for each in slow:
            # These clients send a request, and read none of the response.
            each.sendall(b"GET /all.rss HTTP/1.1\r\nHost: a\r\n\r\n")

        with polled(address) as pollers:
            assert wait_for(lambda: all(poller.answered > 5 for poller in pollers), PATIENCE)

    assert len(silent) == 100
    assert [failure for poller in pollers for failure in poller.failed] == []


def test_a_reload_loses_no_request(own_address: str) -> None:
    server = listener(own_address)
    before = set(workers(server))

    with polled(own_address) as pollers:
        os.kill(server, signal.SIGHUP)
        assert wait_for(lambda: replaced(server, before), PATIENCE)

    assert [failure for poller in pollers for failure in poller.failed] == []


def test_a_reload_waits_for_connections_without_a_request(own_address: str) -> None:
    server = listener(own_address)
    before = set(workers(server))
    opened: list[tuple[float, socket.socket]] = []

    os.kill(server, signal.SIGHUP)
    with ExitStack() as stack:
        end = time.monotonic() + PATIENCE
        while not replaced(server, before):
            assert time.monotonic() < end
            opened.append((time.monotonic(), stack.enter_context(connected(own_address))))
            time.sleep(0.1)
            # Each connection sends its request half a second after it was opened, in any case.
            while opened and time.monotonic() - opened[0][0] > 0.5:
                assert request_the_feed(opened.pop(0)[1]).startswith(b"HTTP/1.1 200")


def request_the_feed(client: socket.socket) -> bytes:
    """Return the beginning of the response."""
    client.sendall(b"GET /all.rss HTTP/1.1\r\nHost: a\r\n\r\n")
    return client.recv(100)


def test_a_request_during_the_death_of_the_only_worker_gets_the_response_of_the_next(
    content: Content, tmp_path: Path
) -> None:
    content.write("one.md")
    with serving(content.folder, tmp_path / "instance", FEEDS_WORKERS="1") as address:
        (victim,) = workers(listener(address))

        os.kill(victim, signal.SIGKILL)
        assert wait_for(lambda: not Path(f"/proc/{victim}").exists(), PATIENCE)

        with connected(address) as client:
            assert request_the_feed(client).startswith(b"HTTP/1.1 200")


def test_a_worker_that_dies_is_replaced(own_address: str) -> None:
    server = listener(own_address)
    victim = workers(server)[0]

    os.kill(victim, signal.SIGKILL)

    assert wait_for(lambda: victim not in workers(server) and len(workers(server)) == 2, PATIENCE)
    assert answers_all(own_address)


def answers_all(address: str) -> bool:
    """Return True if several requests in a row get a response."""
    with polled(address, 1) as (poller,):
        assert wait_for(lambda: poller.answered + len(poller.failed) > 3, PATIENCE)
    return poller.failed == []


def test_accepted_requests_are_answered_before_the_server_stops(own_address: str) -> None:
    parts = urlsplit(own_address)
    with ExitStack() as stack:
        requested = [
            stack.enter_context(closing(HTTPConnection(parts.hostname or "", parts.port, 20)))
            for _ in range(20)
        ]
        for connection in requested:
            connection.request("GET", "/all.json")

        os.kill(listener(own_address), signal.SIGTERM)

        assert [fetch(connection) for connection in requested] == [200] * 20


def test_connections_that_wait_for_a_worker_are_answered_before_the_server_stops(
    own_address: str,
) -> None:
    """On a busy machine, no worker may run while the connections and the signal arrive."""
    parts, server = urlsplit(own_address), listener(own_address)
    asleep = workers(server)
    send_to(asleep, signal.SIGSTOP)
    # The kernel delivers SIGTERM to a process before a SIGSTOP that is still pending.
    assert wait_for(lambda: all(map(is_asleep, asleep)), PATIENCE)
    with ExitStack() as stack:
        waiting = [
            stack.enter_context(closing(HTTPConnection(parts.hostname or "", parts.port, 20)))
            for _ in range(20)
        ]
        for connection in waiting:
            connection.request("GET", "/all.json")

        os.kill(server, signal.SIGTERM)
        assert wait_for(lambda: all(is_pending(pid, signal.SIGTERM) for pid in asleep), PATIENCE)
        time.sleep(0.2)  # uvicorn checks for a signal every 0.1 s.
        send_to(asleep, signal.SIGCONT)

        assert [fetch(connection) for connection in waiting] == [200] * 20


def test_a_second_signal_does_not_hasten_the_stop_of_a_worker() -> None:
    """systemd sends SIGTERM to each process of a unit, and the supervisor sends another."""
    # In a process of its own: other tests use the signals and the event loop of this one.
    worker = get_context("spawn").Process(target=be_stopped_twice)
    worker.start()
    worker.join(PATIENCE)

    assert worker.exitcode == 0


def be_stopped_twice() -> None:
    stops: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stops.append(number))
    asyncio.run(stop_twice(stops))


async def stop_twice(stops: list[int]) -> None:
    with open_listener("127.0.0.1", 0) as listener:
        accept_before_stop(listener)
        with socket.create_connection(listener.getsockname()):
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGTERM)
            await asyncio.sleep(0.05)
            assert stops == []

            listener.accept()[0].close()
            await asyncio.sleep(0.05)
            assert stops == [signal.SIGTERM]


def test_a_server_that_stops_refuses_connections_while_it_finishes_a_response(
    content: Content, tmp_path: Path
) -> None:
    """A proxy then tries another node, instead of waiting for a response that never comes."""
    with slowly_read(content, tmp_path) as (server, client), client:
        server.process.terminate()

        assert wait_for(lambda: is_refused(server.address), PATIENCE)
        assert workers(server.process.pid)


def test_a_client_that_reads_nothing_causes_no_traceback_at_a_stop(
    content: Content, tmp_path: Path
) -> None:
    with slowly_read(content, tmp_path) as (server, _):
        server.process.terminate()
        printed = server.printed()

    assert server.process.returncode == 0
    assert "Traceback" not in printed
    assert "it is killed" not in printed


@contextmanager
def slowly_read(content: Content, tmp_path: Path) -> Iterator[tuple[Server, socket.socket]]:
    """Yield a server, and a client that has read only the beginning of a response."""
    content.write("one.md")
    content.raw("pictures/large.png", "x" * 9_000_000)
    with started(
        content.folder, tmp_path / "instance", output=subprocess.PIPE, FEEDS_WORKERS="2"
    ) as server:
        server.wait()
        with connected(server.address) as client:
            client.sendall(b"GET /pictures/large.png HTTP/1.1\r\nHost: a\r\n\r\n")
            assert wait_for(lambda: has_begun(client), PATIENCE)
            yield server, client


def is_refused(address: str) -> bool:
    """Return True if a connection is refused; an accepted one must get a response."""
    try:
        urllib.request.urlopen(f"{address}/all.rss", timeout=PATIENCE).close()
    except urllib.error.URLError as error:
        return isinstance(error.reason, ConnectionRefusedError)
    except ConnectionResetError:
        # The connection came between uvicorn's last accept and its close: some microseconds.
        return False
    return False


def send_to(processes: list[int], number: signal.Signals) -> None:
    for process in processes:
        os.kill(process, number)


def fetch(connection: HTTPConnection) -> int:
    """Read the pending response; return its status."""
    with connection.getresponse() as answer:
        answer.read()
        return answer.status


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /all.rss HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"BREW /all.rss HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\r\n\r\nnonsense\r\n\r\n",
    ],
    ids=["path", "headers", "method", "nul", "percent", "nonsense"],
)
def test_odd_requests_are_rejected_without_a_server_error(address: str, request_: bytes) -> None:
    with connected(address) as client:
        printed = refusal(client, request_)

    # Closing the connection without a response is a rejection, too.
    assert printed == b"" or printed.startswith(b"HTTP/1.1 4")


@pytest.mark.parametrize("path", ["/all.rss", "/nothing"])
def test_a_request_without_one_valid_host_is_rejected(address: str, path: str) -> None:
    """RFC 9112, 3.2; HTTP/1.0 has no Host."""
    port = urlsplit(address).port or 0
    hosts = ("", "Host:\r\n", "Host: a\r\nHost: b\r\n", "Host: a\r\nhost: a\r\n", "Host: a/b\r\n")

    answers = [send_request(port, f"GET {path} HTTP/1.1\r\n{host}\r\n".encode()) for host in hosts]

    assert [answer.status for answer in answers] == [400] * len(hosts)
    assert {answer.headers["X-Content-Type-Options"] for answer in answers} == {"nosniff"}
    assert {answer.headers["Connection"] for answer in answers} == {"close"}
    assert send_request(port, b"GET /all.rss HTTP/1.0\r\n\r\n").status == 200


@contextmanager
def short_of_descriptors(content: Content, tmp_path: Path, count: int) -> Iterator[Server]:
    """Run a server that may open a limited number of files."""
    with started(
        content.folder,
        tmp_path / "instance",
        output=subprocess.PIPE,
        # Through another program, since this process may have more files open already.
        prefix=["prlimit", f"--nofile={count}:"],
    ) as server:
        server.wait()
        yield server


def test_a_server_with_few_descriptors_closes_connections_and_continues(
    content: Content, tmp_path: Path
) -> None:
    content.write("one.md")
    with ExitStack() as stack:
        server = stack.enter_context(short_of_descriptors(content, tmp_path, 240))
        crowd = [stack.enter_context(connected(server.address)) for _ in range(200)]

        # 200 are reserved for files, and each connection may hold one: 20 connections remain.
        assert wait_for(lambda: sum(map(is_cut, crowd)) >= 150)
        for each in crowd:
            each.close()
        assert wait_for(lambda: answers_all(server.address))
        server.process.terminate()
        printed = server.printed()

    assert "Too many open files" not in printed
    assert "ERROR" not in printed


def test_files_whose_clients_read_nothing_leave_descriptors_for_others(
    content: Content, tmp_path: Path
) -> None:
    content.write("one.md")
    content.raw("pictures/large.png", "x" * 9_000_000)
    with ExitStack() as stack:
        server = stack.enter_context(short_of_descriptors(content, tmp_path, 440))
        crowd = [stack.enter_context(connected(server.address)) for _ in range(300)]
        for each in crowd:
            with suppress(OSError):
                each.sendall(b"GET /pictures/large.png HTTP/1.1\r\nHost: a\r\n\r\n")

        # 240 are for connections and their files: 120 connections remain.
        assert wait_for(lambda: sum(map(is_cut, crowd)) >= 150)
        assert wait_for(lambda: all(is_cut(each) or has_begun(each) for each in crowd))
        # Otherwise the server would wait for them when it stops.
        for each in crowd:
            each.close()
        server.process.terminate()
        printed = server.printed()

    assert "Too many open files" not in printed


def has_begun(client: socket.socket) -> bool:
    """Return True if a response has begun to arrive; it stays unread."""
    try:
        return bool(_peek(client))
    except OSError:
        return False


def is_cut(client: socket.socket) -> bool:
    """Return True if the server has closed a connection."""
    try:
        return _peek(client) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def _peek(client: socket.socket) -> bytes:
    # MSG_DONTWAIT is not enough: Python waits for the timeout of a socket before it calls recv.
    client.setblocking(False)
    return client.recv(1, socket.MSG_PEEK)


def test_a_response_has_one_date(address: str) -> None:
    port = urlsplit(address).port or 0

    answers = [send_request(port, request(path)) for path in ("/all.rss", "/topics/ai", "/nothing")]

    assert [len(answer.headers.get_all("Date", [])) for answer in answers] == [1, 1, 1]


def refusal(client: socket.socket, request: bytes) -> bytes:
    """Return the response to a request; nothing if the server closes the connection."""
    with suppress(OSError):
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        return client.recv(100)
    return b""
