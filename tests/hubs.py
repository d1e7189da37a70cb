"""Real hubs and subscribers for tests, as processes and sockets of this machine."""

import sqlite3
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests import stores
from tests.hosts import Host, running
from tests.live_servers import ROOT, served
from tests.waiting import wait_for


class TinyHub(Host):
    """A hub whose path selects its fault; see tests/tiny_hub.py."""

    def announced(self, since: int = 0) -> list[str]:
        """Return the addresses announced since a number of requests, sorted."""
        return sorted(line.split()[2] for line in self.requests()[since:])


@contextmanager
def tiny_hub(folder: Path) -> Iterator[TinyHub]:
    """Run a tiny hub until the block ends; it listens already."""
    with running("tests.tiny_hub", folder) as host:
        yield TinyHub(host.port, host.log)


@contextmanager
def real_hub() -> Iterator[str]:
    """Run the hub of Flask-WebSub; yield its address."""
    port = stores.free_port()
    with TemporaryDirectory() as folder:
        command = (sys.executable, str(ROOT / "tests" / "websub_hub.py"), str(port), folder)
        with stores.running(port, *command):
            yield f"http://127.0.0.1:{port}/hub"


@dataclass
class Subscriber:
    """A subscriber with a real callback."""

    port: int
    #: The received documents: Link header field and body.
    got: list[tuple[str, bytes]] = field(default_factory=list)
    verified: list[str] = field(default_factory=list)

    def subscribe(self, hub: str, topic: str) -> None:
        """Subscribe to a topic, and wait until the hub has verified it."""
        form = {"hub.mode": "subscribe", "hub.topic": topic, "hub.callback": self.callback}
        urllib.request.urlopen(hub, urlencode(form).encode(), timeout=10).close()
        assert wait_for(lambda: topic in self.verified)

    def gets(self, count: int) -> bool:
        """Return True if the subscriber gets a number of documents within seconds."""
        return wait_for(lambda: len(self.got) >= count, 20)

    @property
    def callback(self) -> str:
        return f"http://127.0.0.1:{self.port}/callback"


@contextmanager
def subscriber() -> Iterator[Subscriber]:
    """Run a subscriber until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Callback)
    found = Subscriber(server.server_address[1])
    vars(server)["subscriber"] = found
    with served(server):
        yield found


class _Callback(BaseHTTPRequestHandler):
    @property
    def subscriber(self) -> Subscriber:
        found: Subscriber = vars(self.server)["subscriber"]
        return found

    def do_GET(self) -> None:
        """Verify the intent: WebSub, 5.3."""
        query = parse_qs(urlsplit(self.path).query)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(query["hub.challenge"][0].encode())
        self.subscriber.verified.append(query["hub.topic"][0])

    def do_POST(self) -> None:
        """Receive a distribution of content: WebSub, 7."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.subscriber.got.append((self.headers["Link"], body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Print nothing."""


def has_recorded(instance: Path) -> bool:
    """Return True if a server has recorded all documents, so that it will detect a change."""
    try:
        return bool(recorded(instance))
    except sqlite3.Error:
        # The server has not created the database yet.
        return False


def recorded(instance: Path) -> list[tuple[Any, ...]]:
    """Return the documents that a server has recorded, with their keys."""
    return _rows(instance, "SELECT path, month, part, key FROM document")


def pending(instance: Path) -> int:
    """Return the number of announcements that a server has not delivered yet."""
    return int(_rows(instance, "SELECT count(*) FROM announcement")[0][0])


def _rows(instance: Path, sql: str) -> list[tuple[Any, ...]]:
    # Read-only, since opening it otherwise would create it, before the server does.
    file = f"file:{instance}/websub.sqlite?mode=ro"
    with closing(sqlite3.connect(file, uri=True)) as connection:
        return connection.execute(sql).fetchall()
