"""Tests of nginx with the shipped file: no request changes the response to another."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from feeds.web import embed
from tests.cluster.crowd import all_at_once
from tests.cluster.installation import Cluster, Nginx
from tests.conftest import SITE_URL, Content
from tests.programs import need
from tests.raw_requests import RawAnswer, request, send_request, spellings
from tests.test_http import PNG, fill
from tests.waiting import wait_for

#: Addresses whose responses nginx caches.
KEPT = ["/", "/topics/ai.rss", "/topics/%E6%97%A5%E6%9C%AC", "/embed",
        "/embed/all?count=3&theme=dark",        "/pictures/two%20cats%2C.png"]  # fmt: skip

#: Queries that nginx and a node could parse differently.
QUERIES = ["q=zzzz", "%71=zzzz", "Q=zzzz", "%51=zzzz", "Q=&q=zzzz", "q=&Q=zzzz", "q=&q=zzzz",
           "q=zzzz&q=", "a&q=zzzz", "&q=zzzz", "&&%71=zzzz", "?q=zzzz", "a?q=zzzz", "a;q=zzzz",
           ";q=zzzz", "q==zzzz", "q=%00", "q=%ff", "q=%zz", "q=%", "q%3Dzzzz", "%2571=zzzz",
           "q[]=zzzz", "q[0]=zzzz", "+q=zzzz", "q+=zzzz", "%20q=zzzz", "q%20=zzzz", "q=", "q",
           "%71", "q=zzzz#", "#?q=zzzz", "a#&q=zzzz", "q=zz/../zz", "q=" + "z" * 3000, "qq=zzzz",
           "q\xff=zzzz", "\xff=1&q=zzzz", "q=\xe9", "a=%26q=zzzz", "a%26q=zzzz", "utm_source=x",
           "", "?", "&", "=", "count=3", "Count=3", "%63ount=3", "count=03", "count=3&count=10",
           "count=10&theme=light", "theme=light&count=10", "&count=10", "count=10&", "count=4",
           "theme=dark", "THEME=dark", "theme=DARK", "pictures=no", "pictures=no&pictures=yes",
           "pictures=n%6f", "feed=topics/ai", "feed=topics%2Fai", "%66eed=topics/ai", "feed=zzzz",
           "url=https://feeds.example.org/topics/ai", "format=xml", "format=json", "maxheight=90",
           "f%6frmat=xml", "callback=x", "page=2", "_method=DELETE"]  # fmt: skip

#: Header fields that could select the response to another request.
HEADERS = ["Host: evil.example", "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: gopher",
           "X-Forwarded-Prefix: /evil", "X-Forwarded-For: 10.0.0.1", "Forwarded: host=evil.example",
           "X-Script-Name: /evil", "Script-Name: /evil", "X-Original-URL: /topics/ai.rss",
           "X-Rewrite-URL: /topics/ai.rss", "X-HTTP-Method-Override: DELETE", "X-HTTP-Method: HEAD",
           "Accept: application/json", "Accept-Language: ar", "Cookie: session=1",
           "Authorization: Bearer token", "If-None-Match: *", "If-None-Match: W/\"x\"",
           "If-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT", "If-Match: \"x\"",
           "If-Unmodified-Since: Sat, 01 Jan 2000 00:00:00 GMT", "A-IM: feed",
           "If-None-Match: \"0\"\r\nA-IM: feed", "Range: bytes=0-9", "Range: bytes=0-9,20-29",
           "Range: items=0-9", "Range: bytes=99999999-", "If-Range: \"x\"\r\nRange: bytes=0-9",
           "Accept-Encoding: gzip", "Accept-Encoding: br;q=0.5, gzip;q=0.9",
           "Accept-Encoding: gzip;q=0.5", "Accept-Encoding: *", "Accept-Encoding: zstd;q=1.0",
           "Accept-Encoding: x-gzip, br;q=0", "Accept-Encoding: x-br", "Accept-Encoding: gzip br",
           "Accept-Encoding: gzip;x=1", "Accept-Encoding: identity, gzip;q=0.1",
           "Transfer-Encoding: identity", "Upgrade: h2c", "TE: trailers", "Expect: 100-continue",
           "Cache-Control: no-cache", "Pragma: no-cache", "X_Forwarded_Host: evil.example",
           "Content-Type: application/x-www-form-urlencoded"]  # fmt: skip


@dataclass(frozen=True)
class Odd:
    """An unusual request, and the address whose cached response it could replace."""

    kept: str
    sent: bytes
    method: str


def odd_requests() -> Iterator[Odd]:
    for kept in KEPT:
        path = kept.partition("?")[0]
        for target in (*(f"{path}?{query}" for query in QUERIES), *spellings(path)):
            yield Odd(kept, request(target), "GET")
        for header in HEADERS:
            yield Odd(kept, request(kept, *header.split("\r\n")), "GET")
        for method in ("HEAD", "OPTIONS", "POST", "PUT", "TRACE", "PURGE"):
            yield Odd(kept, request(f"{path}?%71=zzzz&%63ount=3", method=method), method)
            yield Odd(kept, request(f"/{path}", method=method), method)
        body = request(kept, "Content-Length: 5", body=b"q=zzz")
        chunks = request(kept, "Transfer-Encoding: chunked", body=b"5\r\nq=zzz\r\n0\r\n\r\n")
        yield from (Odd(kept, sent, "GET") for sent in (body, chunks))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("front")
    content = Content(folder / "content")
    fill(content)
    content.write("c.md", topics=["日本"])
    content.raw("pictures/two cats,.png", PNG)
    with Cluster(content, folder).running() as running:
        yield running


def empty(cluster: Cluster) -> None:
    """Empty the cache of nginx."""
    for kept in (cluster.folder / "cache").iterdir():
        shutil.rmtree(kept, ignore_errors=True)


def files(cluster: Cluster) -> list[Path]:
    """Return the files in the cache of nginx."""
    return [path for path in (cluster.folder / "cache").rglob("*") if path.is_file()]


def shown(answer: RawAnswer) -> tuple[int, bytes, list[str | None]]:
    names = ("Content-Type", "ETag", "Content-Encoding", "X-Robots-Tag", "Location")
    return answer.status, answer.body, [answer.headers[name] for name in names]


@dataclass(frozen=True)
class Outcome:
    """The responses of nginx to an odd request and to a plain one after it, and those of a node."""

    odd: Odd
    through: RawAnswer
    direct: RawAnswer
    after: RawAnswer


@pytest.fixture(scope="module")
def outcomes(cluster: Cluster) -> list[Outcome]:
    """Return the outcome of each odd request, each with an empty cache."""
    node, front = cluster.nodes[0].port, cluster.nginx.port
    found = []
    for odd in odd_requests():
        empty(cluster)
        through = send_request(front, odd.sent, odd.method)
        after = send_request(front, request(odd.kept))
        found.append(Outcome(odd, through, send_request(node, odd.sent, odd.method), after))
    return found


def test_no_request_changes_the_response_to_a_plain_one(
    cluster: Cluster, outcomes: list[Outcome]
) -> None:
    right = {kept: shown(send_request(cluster.nodes[0].port, request(kept))) for kept in KEPT}

    spoilt = [found.odd for found in outcomes if shown(found.after) != right[found.odd.kept]]

    assert {status for status, *_ in right.values()} == {200}
    assert len(outcomes) > 800
    assert spoilt == []


def test_a_request_that_nginx_accepts_gets_the_response_of_a_node(
    outcomes: list[Outcome],
) -> None:
    """Requests that either rejects, such as bytes that are no text, get its own error response."""
    refused = {400, 405, 412, 416, 501}
    answered = [
        found for found in outcomes if not refused & {found.through.status, found.direct.status}
    ]

    others = [found.odd for found in answered if shown(found.through) != shown(found.direct)]

    assert len(answered) > 800
    assert others == []


def test_invented_addresses_take_no_room_in_the_cache(cluster: Cluster) -> None:
    """Each of these is a new address for nginx, and most of them are one address for a node."""
    coded = "".join(f"%{ord(letter):02x}" for letter in "all.rss")
    made_up = [
        requested
        for n in range(40)
        for requested in (
            request(f"/?q={n}"),
            request(f"/?{n}"),
            request(f"/topics/ai?{n}"),
            request(f"/topics/ai#{n}"),
            request(f"/embed/all?count=3&{n}"),
            request(f"/embed?feed=all&{n}"),
            request(f"/oembed?url={SITE_URL}/topics/ai&{n}"),
            request(f"{'/' * (n + 2)}topics/ai"),
            request("/" + coded[: 3 * (n % 8)] + "all.rss"[n % 8 :], f"X-{n}: x"),
            request(f"/topics/{n}.rss"),
            request(f"/providers/old.example.com/{n}.rss"),
            request(f"/providers/ended.example.com/{n}.rss"),
            request(f"/pictures/{n}.png"),
            request("/topics/ai", f"Accept-Encoding: gzip;q=0.{n}1"),
            request("/topics/ai", f"Accept-Encoding: gzip, x-{n}"),
        )
    ]
    empty(cluster)
    answers = [send_request(cluster.nginx.port, each) for each in made_up]

    assert {answer.status for answer in answers} == {200, 301, 404, 410}
    # Two pages, one of them also in gzip, and a feed.
    assert len(files(cluster)) == 4


@pytest.mark.parametrize("pictures", ["", "pictures=no"])
@pytest.mark.parametrize("theme", embed.THEMES)
@pytest.mark.parametrize("count", embed.COUNTS)
def test_a_box_is_cached_in_each_form_that_the_pages_offer(
    cluster: Cluster, count: int, theme: str, pictures: str
) -> None:
    chosen = embed.Options(count, not pictures, theme)
    query = "&".join(f"{name}={value}" for name, value in chosen.query.items())
    requested = request(f"/embed/topics/ai?{query}".rstrip("?"))

    answers = [send_request(cluster.nginx.port, requested) for _ in range(2)]

    assert answers[1].headers["X-Cache"] == "HIT"
    assert answers[1].body == answers[0].body


def test_a_retired_feed_is_gone_for_all_simultaneous_requests(cluster: Cluster) -> None:
    """nginx serves the stale response while one request fetches the new one, which replaces it."""
    cluster.content.raw("pictures/gone.png", PNG)
    address = cluster.nginx.url + "/pictures/gone.png"
    assert [status for status, _ in all_at_once([address])] == [200]
    cluster.content.remove("pictures/gone.png")

    assert wait_for(lambda: all_at_once([address])[0][0] == 404)

    assert {status for status, _ in all_at_once([address] * 60)} == {404}


#: Addresses that many clients request at once: headers and status.
CROWDS = [
    ("/topics/ai.rss", (), 200),
    ("/topics/ai", (), 200),
    ("/topics/ai.atom", ("If-None-Match: *",), 304),
    ("/topics/machine-minds.rss", (), 301),
    ("/topics/nope.rss", (), 404),
    ("/nope", (), 404),
    ("/%6eope", (), 404),
    ("/pictures/nope.png", (), 404),
    ("/metrics", (), 404),
    ("/topics/ended.rss", (), 410),
    ("/providers/ended.example.com/nope.json", (), 410),
]


@pytest.mark.parametrize("is_hot", [False, True], ids=["cold", "hot"])
@pytest.mark.parametrize(
    ("path", "headers", "status"), CROWDS, ids=[f"{crowd[0]}-{crowd[2]}" for crowd in CROWDS]
)
def test_many_clients_wait_no_longer_than_at_a_node(
    cluster: Cluster, path: str, headers: tuple[str, ...], status: int, is_hot: bool
) -> None:
    empty(cluster)
    all_at_once([cluster.nginx.url + path] * is_hot, *headers)

    direct, _ = timed([cluster.nodes[0].url + path] * 60, *headers)
    through, statuses = timed([cluster.nginx.url + path] * 60, *headers)

    assert statuses == {status}
    assert through < direct + 0.5


def test_many_clients_get_an_error_at_once_when_no_node_responds(cluster: Cluster) -> None:
    for node in cluster.nodes:
        node.end(signal.SIGKILL)
    empty(cluster)

    through, statuses = timed([cluster.nginx.url + "/topics/ai.rss"] * 60)
    for node in cluster.nodes:
        node.start()
    # nginx sends nothing to a node that failed for `fail_timeout`.
    assert wait_for(lambda: send_request(cluster.nginx.port, request("/nope")).status == 404)

    assert statuses == {503}
    assert through < 0.5


def timed(addresses: list[str], *headers: str) -> tuple[float, set[object]]:
    """Return the seconds until all simultaneous requests are answered, and their statuses."""
    began = time.monotonic()
    answers = all_at_once(addresses, *headers)
    return time.monotonic() - began, {status for status, _ in answers}


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (request("/", host=""), 400),
        (request("/", "Host: b"), 400),
        (request("/%zz"), 400),
        (request("/%00"), 400),
        (request("/metrics"), 404),
        (request("/", method="TRACE"), 405),
        (request("/all.rss", 'If-Match: "x"'), 412),
        (request("/", "Content-Length: 2000", method="POST"), 413),
        (request("/" + "a" * 9000), 414),
        (request("/pictures/two%20cats%2C.png", "Range: bytes=999-"), 416),
        (request("/", "X: " + "a" * 9000), 400),
        (request("/", "Transfer-Encoding: x"), 400),
        (request("/").replace(b"1.1", b"2.0"), 400),
        (request("/").replace(b"1.1", b"3.0"), 400),
        (request("/").replace(b"1.1", b"111"), 400),
    ],
    ids=lambda value: value[:40] if isinstance(value, bytes) else str(value),
)
def test_error_responses_of_nginx_itself_are_safe_in_a_browser(
    cluster: Cluster, sent: bytes, status: int
) -> None:
    answer = send_request(cluster.nginx.port, sent)

    assert answer.status == status
    assert answer.headers.get_all("X-Content-Type-Options") == ["nosniff"]
    assert answer.headers.get_all("Referrer-Policy") == ["strict-origin-when-cross-origin"]
    assert len(answer.headers.get_all("Content-Security-Policy", [])) == 1


@pytest.mark.parametrize(
    "sent",
    [
        request("all.rss"),
        request("a.example:80"),
        request("/", method="GE:T"),
        request("/", "Bad name: x"),
        request("/", "Space-before : x"),
        request("/", "Folded: a\r\n b"),
        request("/", "N\0UL: x"),
        request("/", "Content-Length: +1", body=b"x"),
        request("/", "Content-Length: 1_0", body=b"x"),
        request("/", "Content-Length: 1", "Content-Length: 2", body=b"x"),
        request("/", "Content-Length: 1", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
        request("/", "Transfer-Encoding: chunked", body=b"-1\r\nx\r\n0\r\n\r\n"),
        request("/", "Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n"),
    ],
    ids=lambda sent: sent[:70].decode(),
)
def test_nothing_after_an_invalid_request_gets_a_response(cluster: Cluster, sent: bytes) -> None:
    kept_open = sent.replace(b"Connection: close\r\n", b"")
    for port in (cluster.nginx.port, cluster.nodes[0].port):
        found = answers(port, kept_open + request("/robots.txt"))

        assert len(found) == 1
        assert 400 <= found[0] < 500


def answers(port: int, sent: bytes) -> list[int]:
    """Send bytes and return the status of every response until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(sent)
        received = b""
        with suppress(ConnectionResetError):
            while piece := client.recv(1 << 16):
                received += piece
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", received)]


def test_nginx_keeps_its_connections_to_the_nodes(cluster: Cluster) -> None:
    ports = [node.port for node in cluster.nodes]
    before = connections_to(ports)
    for number in range(60):
        assert send_request(cluster.nginx.port, request(f"/nope/{number}.rss")).status == 404

    # With keep-alive each node has one connection at a time; without it, one for each request.
    assert len(connections_to(ports) - before) <= 2


def connections_to(ports: list[int]) -> set[str]:
    """Return the connections to ports of this machine, with closed ones in TIME-WAIT."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    ends = tuple(f":{port:04X}" for port in ports)
    pairs = [line.split()[1:3] for line in lines]
    # Either end may hold a closed connection in TIME-WAIT.
    both = pairs + [pair[::-1] for pair in pairs]
    return {client for client, node in both if node.endswith(ends)}


def test_http_2_is_served_when_its_lines_are_uncommented(cluster: Cluster) -> None:
    nginx = Nginx(cluster.folder / "http2")
    key, certificate = cluster.folder / "key.pem", cluster.folder / "certificate.pem"
    made = [need("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)]  # fmt: skip
    subprocess.run(made, check=True, capture_output=True)
    live = "/etc/letsencrypt/live/feeds.example.org"
    places = {
        "listen 80 default_server;": "",
        "listen [::]:80 default_server;": "",
        "#listen 443 ssl http2;": f"listen 127.0.0.1:{nginx.port} ssl http2;",
        "#listen [::]:443 ssl http2;": "",
        f"#ssl_certificate {live}/fullchain.pem;": f"ssl_certificate {certificate};",
        f"#ssl_certificate_key {live}/privkey.pem;": f"ssl_certificate_key {key};",
        "/var/cache/nginx/tributary": str(cluster.folder / "http2-cache"),
    }
    nodes = {
        f"10.20.0.1{number}:8000": f"127.0.0.1:{node.port}"
        for number, node in enumerate(cluster.nodes, 1)
    }
    nginx.write(**{"nginx-front": places, "nginx-nodes": nodes})
    requested = ["--insecure", "--silent", "--http2", "--output", os.devnull, "--write-out"]
    command = [need("curl"), *requested, "%{http_version} %{http_code}"]
    with nginx.running():
        url = f"https://127.0.0.1:{nginx.port}/all.rss"
        answer = subprocess.run([*command, url], capture_output=True, text=True, timeout=20)

    assert "test is successful" in nginx.outcome()
    assert answer.stdout == "2 200"
