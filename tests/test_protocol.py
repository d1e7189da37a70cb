"""Tests of the protocol of a connection: limits, pipelines, slow clients."""

import gc
import http.client
import re
import socket
import threading
import time
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest

from feeds.metrics import PASSED_ON, REQUESTS
from feeds.model import Format
from feeds.server.connection_limits import Connections, Limits
from feeds.server.flask_adapter import FIRST_PART
from feeds.server.poll_responder import MEMOIZED_HEADS, PollRequest, PollResponder
from feeds.urls import ALL, Target
from feeds.web import FastPath
from tests.conftest import Content, Site
from tests.in_process import serving_here
from tests.programs import skip_if_quick
from tests.raw_requests import request, send_request
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

GET = b"GET /all.rss HTTP/1.1\r\nHost: a\r\n\r\n"
HEAD = b"HEAD /all.rss HTTP/1.1\r\nHost: a\r\n\r\n"

#: Limits short enough for a test.
SHORT = Limits(head_seconds=1, idle_seconds=1, stall_seconds=2, grace_seconds=0.1)


@pytest.fixture
def port(site: Site, content: Content) -> Iterator[int]:
    """Serve a site whose main feed is in memory; yield the port."""
    yield from serve(site, content)


@pytest.fixture
def impatient(site: Site, content: Content) -> Iterator[int]:
    """Serve the same site with short limits; yield the port."""
    yield from serve(site, content, SHORT)


def serve(site: Site, content: Content, limits: Limits | None = None) -> Iterator[int]:
    content.write("one.md", "Word. " * 5_000, topics=["AI"])
    site.sync.refresh()
    with serving_here(site, limits) as port:
        assert send_request(port, request("/all.rss")).status == 200
        yield port


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def everything(client: socket.socket) -> bytes:
    """Return all bytes until the server closes the connection."""
    pieces: list[bytes] = []
    with suppress(ConnectionResetError):
        while piece := client.recv(1 << 16):
            pieces.append(piece)
    return b"".join(pieces)


def statuses(received: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]


def test_half_a_head_gets_a_408(impatient: int) -> None:
    with connected(impatient) as client:
        client.sendall(GET[:-2])
        received = everything(client)

    assert received.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"x-content-type-options: nosniff\r\n" in received
    assert b"connection: close\r\n" in received
    assert b"date: " in received


def test_the_time_for_a_head_begins_with_its_first_byte(impatient: int) -> None:
    """The rest may arrive slowly; neither it nor an earlier response extends the time."""
    began = time.monotonic()
    with connected(impatient) as client:
        client.sendall(HEAD)
        assert client.recv(4096).startswith(b"HTTP/1.1 200")
        with suppress(OSError):
            for byte in GET * 20:
                client.sendall(bytes([byte]))
                time.sleep(0.1)
                if select_readable(client):
                    break
        received = everything(client)

    assert statuses(received) == [408]
    assert time.monotonic() - began < 5


def select_readable(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return bool(client.recv(1, socket.MSG_PEEK)) or True
    except BlockingIOError:
        return False
    finally:
        client.settimeout(20)


@pytest.mark.parametrize("before", [b"", HEAD], ids=["silent", "idle"])
def test_a_connection_without_a_request_is_closed(impatient: int, before: bytes) -> None:
    with connected(impatient) as client:
        client.sendall(before)
        received = everything(client)

    assert statuses(received) == [200] * bool(before)


def test_a_body_that_does_not_arrive_ends_its_connection(impatient: int) -> None:
    with connected(impatient) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
        received = everything(client)

    assert statuses(received) == [405]


def test_a_client_that_reads_nothing_is_disconnected(impatient: int) -> None:
    with connected(impatient) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with suppress(OSError):
            for _ in range(1_000):
                client.sendall(GET * 10)
        # Only the bytes that the kernel had buffered arrive.
        received = len(everything(client))

    assert 0 < received < 10_000 * 30_000


def test_a_client_that_reads_slowly_but_steadily_gets_everything(impatient: int) -> None:
    count = 200
    with connected(impatient) as client:
        sender = threading.Thread(target=client.sendall, args=(GET * count,))
        sender.start()
        pieces: list[bytes] = []
        # Twice the time in which a client must read something.
        end = time.monotonic() + 4
        while time.monotonic() < end:
            pieces.append(client.recv(20_000))
            time.sleep(0.02)
        pieces.append(everything(client))
        sender.join()

    assert statuses(b"".join(pieces)) == [200] * count


@pytest.mark.parametrize("piece", [1, 7, 100_000])
@pytest.mark.parametrize(("size", "status"), [(31_000, 200), (40_000, 431)])
def test_a_head_may_have_32_kilobytes(port: int, size: int, status: int, piece: int) -> None:
    head = GET[:-2] + b"X-Long: " + b"y" * size + b"\r\nConnection: close\r\n\r\n"
    with connected(port) as client:
        with suppress(OSError):
            for start in range(0, len(head), piece):
                client.sendall(head[start : start + piece])
        received = everything(client)

    assert statuses(received) in ([status], [])
    assert received == b"" or status == 200 or b"nosniff" in received


def test_a_long_head_gets_an_error_response(port: int) -> None:
    answer = send_request(port, GET[:-2] + b"X-Long: " + b"y" * 33_000)

    assert answer.status == 431
    assert answer.body == b"The headers are over 32768 bytes: send fewer.\n"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Connection"] == "close"


def test_a_head_that_arrives_byte_by_byte_gets_a_response(port: int) -> None:
    with connected(port) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"\r\n" + HEAD:
            client.sendall(bytes([byte]))

        assert client.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")


def test_an_invalid_head_is_rejected_before_it_is_complete(port: int) -> None:
    answer = send_request(port, b"GET /all.rss HTP/1.1\r\nHost")

    assert answer.status == 400
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Connection"] == "close"
    assert answer.headers["Date"]


def test_a_pipeline_is_answered_in_order(port: int) -> None:
    last = b"GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    with connected(port) as client:
        client.sendall(HEAD * 300 + last)
        received = everything(client)

    assert statuses(received) == [200] * 300 + [404]


def test_a_pipeline_of_hot_and_slow_requests_is_answered_in_order(port: int) -> None:
    slow = b"HEAD /none HTTP/1.1\r\nHost: a\r\n\r\n"
    last = b"HEAD /gone HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    with connected(port) as client:
        client.sendall((HEAD + slow) * 20 + last)
        received = everything(client)

    assert statuses(received) == [200, 404] * 20 + [404]


def test_an_absolute_target_does_not_replace_host(port: int) -> None:
    """RFC 9112, 3.2: also a request whose target names the host must have Host."""
    assert send_request(port, b"GET http://a/all.rss HTTP/1.1\r\n\r\n").status == 400
    assert send_request(port, b"GET http://a/all.rss HTTP/1.1\r\nHost: a\r\n\r\n").status == 200


def test_a_client_that_closed_its_side_gets_its_response(port: int) -> None:
    with connected(port) as client:
        client.sendall(b"GET /topics/ai HTTP/1.1\r\nHost: a\r\n\r\n")
        client.shutdown(socket.SHUT_WR)
        received = everything(client)

    assert statuses(received) == [200]
    assert b"</html>" in received


def test_expect_gets_the_final_response(port: int) -> None:
    answer = send_request(port, GET[:-2] + b"Expect: 100-continue\r\n\r\n")

    assert answer.status == 200


def test_a_header_with_an_underscore_is_not_the_one_with_a_hyphen(port: int) -> None:
    answer = send_request(port, GET[:-2] + b"Accept_Encoding: gzip\r\n\r\n")

    assert answer.headers["Content-Encoding"] is None


def test_forwarded_addresses_of_a_client_are_ignored(site: Site, content: Content) -> None:
    seen: list[str] = []

    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        seen.append(environ["REMOTE_ADDR"])
        start_response("200 OK", [("Content-Length", "0")])
        return []

    with serving_here(site, wsgi=app) as port:
        send_request(port, request("/", "X-Forwarded-For: 192.0.2.1"))

    assert seen == ["127.0.0.1"]


def test_an_error_of_the_app_is_a_500_and_no_other_response(site: Site) -> None:
    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        raise ZeroDivisionError

    with serving_here(site, wsgi=app) as port, connected(port) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 2)
        received = everything(client)

    assert statuses(received) == [500]
    assert b"connection: close" in received


@pytest.mark.parametrize("size", [4, FIRST_PART])
def test_an_error_in_the_middle_of_a_body_ends_the_connection(site: Site, size: int) -> None:
    closed = threading.Event()

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            yield b"y" * size
            raise ZeroDivisionError

        def close(self) -> None:
            closed.set()

    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        start_response("200 OK", [("Content-Length", str(2 * size))])
        return Body()

    with serving_here(site, wsgi=app) as port, connected(port) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 2)
        received = everything(client)

    assert statuses(received) == [200]
    assert received.count(b"y" * 4) <= size // 4
    assert closed.is_set()


def test_clients_that_read_a_large_body_slowly_keep_no_thread(site: Site) -> None:
    closed: list[Any] = []

    class Body(BytesIO):
        def __next__(self) -> bytes:
            if chunk := self.read(8192):
                return chunk
            raise StopIteration

        def close(self) -> None:
            closed.append(self)

    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        size = 20_000_000 if environ["PATH_INFO"] == "/large" else 1
        start_response("200 OK", [("Content-Length", str(size))])
        return Body(bytes(size))

    with serving_here(site, wsgi=app) as port, ExitStack() as stack:
        for _ in range(8):
            client = stack.enter_context(connected(port))
            client.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 200")

        assert send_request(port, request("/small")).body == b"\0"
        stack.close()
        # The file for a client that is gone is closed, too.
        assert wait_for(lambda: len(closed) == 9)


class SlowApp:
    """A WSGI app that responds when the test permits it."""

    def __init__(self) -> None:
        self.is_called, self.may_answer = threading.Event(), threading.Event()

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> "Iterable[bytes]":
        self.is_called.set()
        self.may_answer.wait(20)
        start_response("200 OK", [("Content-Length", "4")])
        return [b"done"]


def test_a_stopping_server_finishes_its_responses_and_accepts_late_requests(site: Site) -> None:
    app = SlowApp()
    site.get("/all.rss")
    with ExitStack() as stack:
        server = stack.enter_context(ExitStack())
        port = server.enter_context(serving_here(site, wsgi=app))
        slow, silent, idle = (stack.enter_context(connected(port)) for _ in range(3))
        idle.sendall(HEAD)
        assert idle.recv(4096).startswith(b"HTTP/1.1 200")
        slow.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert app.is_called.wait(20)
        stopping = threading.Thread(target=server.close)
        stopping.start()
        assert wait_for(lambda: is_refused(port))

        for client in (silent, idle):
            client.sendall(HEAD)
        late = [everything(client) for client in (silent, idle)]
        app.may_answer.set()
        answer = everything(slow)
        stopping.join()

    assert [statuses(each) for each in late] == [[200], [200]]
    assert all(b"connection: close\r\n" in each for each in late)
    assert statuses(answer) == [200]
    assert answer.endswith(b"done")


def is_refused(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) != 0


def test_connections_beyond_the_limit_of_a_worker_are_closed(site: Site, content: Content) -> None:
    site.get("/all.rss")
    with serving_here(site, Limits(connections=5)) as port, ExitStack() as stack:
        clients = [stack.enter_context(connected(port)) for _ in range(5)]
        for client in clients:
            client.sendall(HEAD)
            assert client.recv(4096).startswith(b"HTTP/1.1 200")

        with connected(port) as sixth:
            assert everything(sixth) == b""

        clients[0].close()
        assert wait_for(lambda: is_answered(port))


def is_answered(port: int) -> bool:
    with suppress(OSError, http.client.HTTPException):
        return send_request(port, HEAD, "HEAD").status == 200
    return False


def test_a_connection_whose_check_fails_affects_no_other() -> None:
    class Connection:
        def __init__(self, error: Exception | None) -> None:
            self.error = error
            self.checks = 0

        def check(self) -> None:
            self.checks += 1
            if self.error:
                raise self.error

    connections = Connections(Limits())
    broken, others = Connection(ValueError("broken")), [Connection(None) for _ in range(5)]
    for connection in (*others[:2], broken, *others[2:]):
        connections.admit(connection)

    connections.tick()
    connections.tick()

    assert [other.checks for other in others] == [2] * 5
    assert broken.checks == 1


def test_a_client_that_leaves_during_a_response_affects_no_other(site: Site) -> None:
    app = SlowApp()
    with serving_here(site, wsgi=app) as port:
        with connected(port) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert app.is_called.wait(20)
        app.may_answer.set()

        assert send_request(port, request("/")).body == b"done"


def test_remembered_requests_keep_no_old_document_in_memory(
    open_site: Callable[..., Site], content: Content
) -> None:
    content.write("one.md", title="Before")
    site = open_site()
    with serving_here(site) as port:
        for _ in range(3):
            assert b"Before" in send_request(port, request("/all.rss")).body
        document = site.web.publisher.hot(Target(ALL, Format.RSS))
        assert document is not None
        old = weakref.ref(document.bodies)
        del document

        content.write("one.md", title="After")
        site.sync.refresh()
        for _ in range(3):
            assert b"After" in send_request(port, request("/all.rss")).body
        gc.collect()

        assert old() is None


def head(*fields: str, path: str = "/all.rss") -> bytes:
    return "\r\n".join((f"GET {path} HTTP/1.1", *fields, "", "")).encode("latin-1")


def test_a_head_that_differs_in_its_user_agent_alone_is_not_parsed_again(site: Site) -> None:
    responder = PollResponder(FastPath(site.web.publisher))
    responder.read(head("Host: a", "User-Agent: one"))

    found = responder.recall(head("User-Agent: two (x; y)", "Host: a"))

    assert found is not None
    assert found == PollResponder(FastPath(site.web.publisher)).read(
        head("User-Agent: two (x; y)", "Host: a")
    )
    assert found.user_agent == "two (x; y)"


@pytest.mark.parametrize(
    "other",
    [
        head("Host: a"),
        head("Host: a", "User-Agent: x", "User-Agent: y"),
        head("Host: a", "User-Agent: x", "user-agent:"),
        head("Host: a", "User-Agent: x", "USER-AGENT: y"),
        head("Host: a", "User-Agent:"),
        head("Host: a", "User-Agent: x "),
        head("Host: a", "User-Agent:  x"),
        head("Host: a", "User-Agent: x", " y"),
        head("User-Agent: x", " Host: a"),
        head("Host: a", "User-Agent: \xe9"),
        head("Host: a", "User-Agent: x\ny"),
        head("Host: b", "User-Agent: x"),
        head("Host: a", "User-Agent: x", path="/all.atom"),
        b"\r\nUser-Agent: x" + head("Host: a"),
        head("Host: a") + b"\r\nUser-Agent: x\r\n\r\n",
        head("Host: a") + head("User-Agent: x"),
        head("Host: a").removesuffix(b"\r\n") + b"\r\nUser-Agent: x\r\n",
    ],
)
def test_remembered_heads_do_not_change_the_meaning_of_others(site: Site, other: bytes) -> None:
    fast_path = FastPath(site.web.publisher)
    experienced = PollResponder(fast_path)
    for known in ("one", "x", "y"):
        experienced.read(head("Host: a", f"User-Agent: {known}"))

    assert experienced.read(other) == PollResponder(fast_path).read(other)


def test_bytes_after_a_head_are_not_parsed_as_its_last_line(site: Site) -> None:
    responder = PollResponder(FastPath(site.web.publisher))
    responder.read(head("Host: a", "User-Agent: x"))

    assert responder.recall(head("Host: a") + b"\r\nUser-Agent: y\r\n") is None
    assert responder.recall(head("Host: a")[:-2] + b"\r\nUser-Agent: y\r\n") is None


def test_ten_revisions_of_a_document_take_the_memory_of_one(site: Site, content: Content) -> None:
    skip_if_quick()
    responder = PollResponder(FastPath(site.web.publisher))
    heads = [head("Host: a", path=f"/all.rss?n={number}") for number in range(MEMOIZED_HEADS)]

    def poll_all(revision: int) -> int:
        content.write("one.md", "Word. " * 8_000, title=f"Revision {revision}")
        site.sync.refresh()
        site.get("/all.rss")
        for each in heads:
            meaning = responder.read(each)
            assert isinstance(meaning, PollRequest)
            answer = responder.respond(meaning, "192.0.2.1")
            assert answer is not None
            assert len(answer.body) > 40_000
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        first, *_, last = map(poll_all, range(10))
    finally:
        tracemalloc.stop()

    # With a body for each head, a revision would take 200 MB.
    assert last - first < 10_000_000


def test_a_poll_keeps_its_document_in_memory(
    open_site: Callable[..., Site], content: Content
) -> None:
    for number in range(40):
        content.write(f"{number}.md", "Word. " * 2_000, topics=[f"Topic {number}"])
    site = open_site(FEEDS_MEMORY_MB="1")
    hot = Target(ALL, Format.RSS)
    with serving_here(site) as port:
        assert send_request(port, request("/all.rss")).status == 200
        for number in range(40):
            assert send_request(port, request(f"/topics/topic-{number}.rss")).status == 200
            assert send_request(port, request("/all.rss")).status == 200
            assert site.web.publisher.hot(hot) is not None

    assert site.web.publisher.hot(Target(ALL, Format.ATOM)) is None


def test_every_poll_is_counted_once(site: Site, content: Content) -> None:
    """The event loop and the threads of Flask count at the same time."""
    content.write("one.md")
    site.sync.refresh()

    def poll(port: int, path: str) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as client:
            for _ in range(200):
                client.request("GET", path)
                client.getresponse().read()

    with serving_here(site) as port:
        send_request(port, request("/all.rss"))
        paths = ("/all.rss", "/none.rss") * 4
        threads = [threading.Thread(target=poll, args=(port, path)) for path in paths]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    numbers = site.web.publisher.counts.numbers
    assert sum(n for key, n in numbers.items() if key[0] == REQUESTS) == 1 + 8 * 200
    assert sum(n for key, n in numbers.items() if key[0] == PASSED_ON) == 1 + 4 * 200
