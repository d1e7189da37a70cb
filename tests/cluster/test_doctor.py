"""Tests of `flask doctor` with a real nginx and a real server, correct and with each fault."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from app import create_app
from tests import stores
from tests.cluster.installation import _MAIN, Nginx
from tests.conftest import Content, Site
from tests.live_servers import served, serving
from tests.namespaces import in_a_namespace
from tests.programs import need
from tests.waiting import wait_for

FRONT = """
proxy_cache_path {folder}/cache keys_zone=front:1m;
server {{
    listen 127.0.0.1:{port};
    {server}
    location / {{
        proxy_pass {node};
        proxy_http_version 1.1;
        {location}
    }}
}}
"""

#: For each check: a fault of the proxy, as lines of its server and of its location.
WRONG = [
    ("redirects", "location = /all.rss { return 302 /feed.xml; }", ""),
    ("redirects", "location = /all.rss { return 301 http://other.example/all.rss; }", ""),
    ("reachable", "location = /all.rss { return 503; }", ""),
    ("as Miniflux", "", 'if ($http_user_agent ~ Miniflux) { return 403 "<html>Go away"; }'),
    (
        "as Feedly",
        "",
        'default_type text/html; if ($http_user_agent ~ Feedly) { return 200 "<html>Robot?"; }',
    ),
    ("as a client without a name", "", 'if ($http_user_agent = "") { return 444; }'),
    ("as NetNewsWire", "", 'add_header Set-Cookie "id=1";'),
    ("media type", "", "proxy_hide_header Content-Type; add_header Content-Type text/xml;"),
    ("ETag and 304", "", "proxy_hide_header ETag;"),
    ("ETag and 304", "", 'proxy_set_header If-None-Match "";'),
    ("ETag and 304", "", 'proxy_set_header If-Modified-Since "";'),
    ("gzip", "", 'proxy_set_header Accept-Encoding "";'),
    ("gzip", "", "proxy_set_header Accept-Encoding gzip;"),
    ("Vary", "", "proxy_hide_header Vary;"),
    ("Vary", "", "add_header Vary Cookie;"),
    ("CORS", "", "proxy_hide_header Access-Control-Allow-Origin;"),
    ("CORS", "", "add_header Access-Control-Allow-Origin *;"),
    ("hub", "", "proxy_hide_header Link;"),
    ("discovery", 'location = / { default_type text/html; return 200 "<html></html>"; }', ""),
    ("discovery", "location = / { return 404; }", ""),
]


class Hub(BaseHTTPRequestHandler):
    """A hub that responds."""

    def do_GET(self) -> None:
        self.send_error(400)

    def do_POST(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def answering(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    with served(server):
        yield f"http://127.0.0.1:{server.server_port}/"


class Late(BaseHTTPRequestHandler):
    """A proxy whose clock is an hour slow."""

    node = ""
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        requested = Request(self.node + self.path, headers=dict(self.headers))
        try:
            reply = urlopen(requested, timeout=20)
        except HTTPError as error:
            reply = error
        with reply:
            body = reply.read()
            self.send_response_only(reply.status)
            kept = [item for item in reply.headers.items() if item[0].lower() != "date"]
            for name, value in (*kept, ("Date", formatdate(time.time() - 3_600, usegmt=True))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Installation:
    """A server with its content, and the port of the proxy in front of it."""

    def __init__(self, folder: Path, content: Content, site_url: str, port: int) -> None:
        self.folder, self.content, self.site_url, self.port = folder, content, site_url, port
        self.environ = {
            "FEEDS_CONTENT_DIR": str(content.folder),
            "FEEDS_INSTANCE_DIR": str(folder / "instance"),
            "FEEDS_URL": site_url,
        }
        self.node = ""

    @contextmanager
    def fronted(self, server: str = "", location: str = "") -> Iterator[None]:
        """Run nginx in front of the server."""
        need("nginx")
        nginx = Nginx(self.folder / "nginx", self.port)
        nginx.write() if not nginx.folder.exists() else None
        (nginx.folder / "nginx.conf").write_text(_MAIN.format(folder=nginx.folder))
        text = FRONT.format(folder=nginx.folder, port=self.port, node=self.node,
                            server=server, location=location)  # fmt: skip
        (nginx.folder / "conf.d" / "front.conf").write_text(text)
        with nginx.running():
            yield

    def doctor(self, *arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
        """Run the command; return its exit code and its findings by check."""
        site = Site(create_app(self.environ))
        done = site.runner.invoke(args=["doctor", "--json", *arguments])
        found = {one["check"]: one for one in json.loads(done.stdout)}
        return done.exit_code, found


@contextmanager
def installed(folder: Path) -> Iterator[Installation]:
    content = Content(folder / "content")
    content.folder.mkdir()
    port = stores.free_port()
    with answering(Hub) as address:
        content.raw("site.yml", f"hubs: ['{address}']\n")
        for number in range(5):
            content.write(f"{number}.md", "Text. " * 200)
        made = Installation(folder, content, f"http://127.0.0.1:{port}", port)
        with serving(content.folder, folder / "instance", FEEDS_URL=made.site_url) as made.node:
            yield made


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installed(tmp_path_factory.mktemp("doctor")) as made:
        yield made


def wrong(found: dict[str, dict[str, Any]]) -> list[str]:
    return [check for check, finding in found.items() if finding["is_right"] is False]


def test_a_correct_proxy_passes_every_check(installation: Installation) -> None:
    with installation.fronted():
        code, found = installation.doctor()

    assert wrong(found) == []
    assert code == 0
    assert len(found) == 18
    assert [check for check, one in found.items() if one["is_right"] is None] == ["TLS"]


@pytest.mark.parametrize(("check", "server", "location"), WRONG)
def test_each_fault_of_a_proxy_fails_its_check(
    installation: Installation, check: str, server: str, location: str
) -> None:
    with installation.fronted(server, location):
        code, found = installation.doctor()

    assert check in wrong(found), found
    assert found[check]["todo"]
    assert code == 1


def test_a_slow_clock_fails_its_check(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Late, "node", installation.node)
    with answering(Late) as late:
        monkeypatch.setattr(installation, "node", late)
        with installation.fronted(location="proxy_pass_header Date;"):
            code, found = installation.doctor()

    assert wrong(found) == ["Date"], found
    assert found["Date"]["found"] in ("3600 s from our clock", "3601 s from our clock")
    assert code == 1


def test_the_table_shows_the_outcome_and_the_remedy_of_each_check(
    installation: Installation,
) -> None:
    site = Site(create_app(installation.environ))
    with installation.fronted(location='proxy_hide_header Vary; add_header X "\x1b[31m";'):
        done = site.runner.invoke(args=["doctor"])

    lines = [line.rstrip() for line in done.output.splitlines()]
    assert done.exit_code == 1
    assert any(line.startswith("ok     reachable") for line in lines)
    place = next(index for index, line in enumerate(lines) if line.startswith("WRONG  Vary"))
    assert lines[place + 1].strip().startswith("→ send Vary: Accept-Encoding")


def test_a_given_address_is_requested_and_compared_with_its_self_link(
    installation: Installation,
) -> None:
    with installation.fronted():
        code, found = installation.doctor(f"http://localhost:{installation.port}")

    assert wrong(found) == ["rel=self", "discovery"]
    assert code == 1


def test_an_address_with_two_slashes_is_requested(installation: Installation) -> None:
    with installation.fronted():
        code, found = installation.doctor(f"http://127.0.0.1:{installation.port}//[x/all.rss")

    assert wrong(found)[0] == "reachable"
    assert code == 1


def test_a_cached_copy_older_than_the_node_fails_its_check(
    installation: Installation,
) -> None:
    keep = """proxy_cache front; proxy_cache_valid 200 1h; proxy_ignore_headers Cache-Control Vary;
              proxy_cache_key "$uri $http_accept_encoding";"""
    with installation.fronted(location=keep):
        _, before = installation.doctor()
        installation.content.write("newer.md", "New.")
        site = Site(create_app(installation.environ))
        assert wait_for(lambda: b"newer.md" in site.get("/all.rss").data)
        code, after = installation.doctor()

    assert before["copy of the proxy"]["is_right"]
    assert wrong(after) == ["copy of the proxy"], after["ETag and 304"]
    assert code == 1


def test_an_address_without_a_server_is_not_reachable(installation: Installation) -> None:
    code, found = installation.doctor(f"http://127.0.0.1:{stores.free_port()}/all.rss")

    assert wrong(found) == ["reachable"]
    assert "ConnectionRefusedError" in found["reachable"]["found"]
    assert code == 1


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example/",
        "a.example",
        "https://u:p@a.example/",
        "https:///x",
        "http://[x",
        "http://a.example:99999/",
    ],
)
def test_an_argument_that_is_no_web_address_is_rejected(
    installation: Installation, url: str
) -> None:
    site = Site(create_app(installation.environ))

    done = site.runner.invoke(args=["doctor", url])

    assert done.exit_code == 2
    assert "is not a web address" in done.output


class Hostile(BaseHTTPRequestHandler):
    """A host that redirects every request to another host."""

    other = ""

    def do_GET(self) -> None:
        if self.path == "/there.rss":
            self.send_response(302)
            self.send_header("Location", f"{self.other}secret")
            self.end_headers()
            return
        body = f'<rss><channel><atom:link rel="self" href="{self.other}"/></channel></rss>'.encode()
        self.send_response(200)
        self.send_header("Link", f'<{self.other}hub>; rel="hub"')
        self.end_headers()
        self.wfile.write(body + b" " * 5_000_000)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Misleading(Hub):
    """A host that redirects to an invalid address."""

    location = ""

    def do_GET(self) -> None:
        self.send_response(301)
        self.send_header("Location", self.location)
        self.end_headers()


@pytest.mark.parametrize(
    "location", ["http://127.0.0.1:99999/x", "http://127.0.0.1:port/x", "http://[x/"]
)
def test_a_redirect_to_an_invalid_address_fails_its_check(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, location: str
) -> None:
    monkeypatch.setattr(Misleading, "location", location)
    with answering(Misleading) as misleading:
        code, found = installation.doctor(f"{misleading}all.rss")

    assert wrong(found)[:2] == ["reachable", "redirects"]
    assert location in found["redirects"]["found"]
    assert code == 1


class Recorder(Hub):
    """A host that no argument names; it records requests."""

    requested: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.requested.append(self.path)
        super().do_GET()


@pytest.mark.parametrize("path", ["there.rss", "here.rss"])
def test_only_the_named_host_is_requested(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    with answering(Recorder) as other, answering(Hostile) as hostile:
        monkeypatch.setattr(Hostile, "other", other)
        code, found = installation.doctor(f"{hostile}{path}")

    assert code == 1
    assert wrong(found)
    assert Recorder.requested == []


def test_a_host_that_sends_nothing_times_out(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feeds.cli.doctor.DEADLINE", 0.3)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        code, found = installation.doctor(f"http://127.0.0.1:{silent.getsockname()[1]}/all.rss")

    assert wrong(found) == ["reachable"]
    assert found["reachable"]["found"].partition(":")[0] in {"TimeoutError", "RemoteDisconnected"}
    assert code == 1


@pytest.fixture(scope="module")
def behind_tls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the findings for each configuration of nginx with TLS, at ports 443 and 80."""
    code = "import runpy; runpy.run_module('tests.cluster.behind_tls', run_name='__main__')"
    found: dict[str, Any] = json.loads(in_a_namespace(code, str(tmp_path_factory.mktemp("tls"))))
    return found


def test_a_valid_certificate_and_a_redirect_of_http_pass(
    behind_tls: dict[str, Any],
) -> None:
    found = behind_tls["findings"]["right"]

    assert wrong(found) == []
    assert found["TLS"]["found"] == "valid; http: 301 text/html https://127.0.0.1/all.rss"
    named = behind_tls["findings"]["named by http"]
    assert wrong(named) == ["rel=self"]
    assert named["redirects"]["found"] == "301 https://127.0.0.1/all.rss"


@pytest.mark.parametrize(
    ("case", "checks", "text"),
    [
        ("of another host", ["reachable", "TLS"], "certificate is not valid for '127.0.0.1'"),
        ("expired", ["reachable", "TLS"], "certificate has expired"),
        ("of an unknown authority", ["reachable", "TLS"], "unable to get local issuer"),
        ("without its chain", ["reachable", "TLS"], "unable to get local issuer"),
        ("without TLS", ["reachable", "TLS"], "TLS: wrong version number"),
        ("old TLS", ["reachable", "TLS"], "TLS: tlsv1 alert protocol version"),
        ("http answers too", ["TLS"], "valid; http: 200 application/rss+xml"),
        ("http leads there for now", ["TLS"], "302 text/html https://127.0.0.1/all.rss"),
        ("http leads to the home page", ["TLS"], "301 text/html https://127.0.0.1/"),
        ("http leads elsewhere", ["TLS"], "301 text/html https://other.example/all.rss"),
        ("a loop", ["reachable", "redirects"], "a loop: 301 https://127.0.0.1/all.rss"),
        ("to and fro", ["reachable", "redirects"], "a loop: 301 https://127.0.0.1/all.rss → 301 h"),
    ],
)
def test_each_fault_of_tls_and_of_its_redirects_fails_its_check(
    behind_tls: dict[str, Any], case: str, checks: list[str], text: str
) -> None:
    found = behind_tls["findings"][case]

    assert wrong(found) == checks
    assert text in found[checks[-1]]["found"]
    assert found[checks[-1]]["todo"]


@pytest.mark.parametrize(
    ("case", "leads"),
    [
        ("back to http", "http://127.0.0.1/secret"),
        ("to another port", "https://127.0.0.1:8443/secret"),
    ],
)
def test_no_redirect_leads_to_another_port_or_back_to_http(
    behind_tls: dict[str, Any], case: str, leads: str
) -> None:
    found = behind_tls["findings"][case]

    assert wrong(found) == ["reachable", "redirects"]
    assert found["redirects"]["found"].startswith(f"301 {leads}, another host, port or scheme")
    assert "/all.rss" in behind_tls["log"]
    assert "secret" not in behind_tls["log"]
