"""An installation from the files in deploy/, as processes of this machine."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis

from tests import stores
from tests.conftest import SITE_URL, Content
from tests.live_servers import ROOT, wait_for
from tests.programs import need

DEPLOY = ROOT / "deploy"

_MAIN = """
daemon off;
user root;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 1;
events {{ worker_connections 4096; }}
http {{
    access_log {folder}/access.log combined;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/conf.d/*.conf;
}}
"""


@dataclass
class Nginx:
    """A real nginx with configurations from deploy/."""

    folder: Path
    port: int = field(default_factory=stores.free_port)

    def write(self, **files: Mapping[str, str]) -> None:
        """Write shipped files by name, each with the replacements for this machine."""
        (self.folder / "conf.d").mkdir(parents=True)
        (self.folder / "nginx.conf").write_text(_MAIN.format(folder=self.folder))
        for name, places in files.items():
            text = (DEPLOY / f"{name}.conf").read_text()
            for shipped, here in places.items():
                assert shipped in text, f"{name} has no {shipped!r}"
                text = text.replace(shipped, here)
            (self.folder / "conf.d" / f"{name}.conf").write_text(text)

    @property
    def listening(self) -> dict[str, str]:
        """Return the replacements of the listen directives of the shipped files."""
        here = f"listen 127.0.0.1:{self.port} default_server;"
        return {"listen 80 default_server;": here, "listen [::]:80 default_server;": ""}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self, *arguments: str) -> tuple[str, ...]:
        main = str(self.folder / "nginx.conf")
        return (need("nginx"), "-p", str(self.folder), "-c", main, *arguments)

    def outcome(self) -> str:
        """Return the output of nginx -t."""
        done = subprocess.run(self.command("-t"), capture_output=True, text=True, timeout=20)
        return done.stderr

    @contextmanager
    def running(self) -> Iterator[None]:
        with stores.running(self.port, *self.command(), ended_by=signal.SIGTERM):
            yield


@dataclass
class Node:
    """A machine with a shared content folder and an instance folder of its own."""

    content: Path
    instance: Path
    cache_url: str
    #: The address that readers use.
    site_url: str = SITE_URL
    port: int = field(default_factory=stores.free_port)
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        given = {
            "FEEDS_CONTENT_DIR": str(self.content),
            "FEEDS_INSTANCE_DIR": str(self.instance),
            "FEEDS_CACHE_URL": self.cache_url,
            "FEEDS_URL": self.site_url,
            "PORT": str(self.port),
        }
        command = [sys.executable, "-m", "flask", "--app", "app", "serve"]
        # All processes of a session can be killed at once, like those of a machine.
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | given, start_new_session=True
        )
        wait_for(f"{self.url}/readyz", self._process)

    def end(self, number: signal.Signals) -> None:
        """Stop the node by SIGTERM, or kill it."""
        assert self._process is not None
        if number is signal.SIGKILL:
            os.killpg(self._process.pid, number)
        else:
            self._process.send_signal(number)
        self._process.wait(20)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None


@dataclass
class Cluster:
    """Two nodes that share a content folder and a Redis, and nginx in front."""

    content: Content
    folder: Path
    redis_port: int = field(default_factory=stores.free_port)
    nodes: list[Node] = field(default_factory=list)
    nginx: Nginx = field(init=False)
    _redis: "subprocess.Popen[bytes] | None" = None

    def __post_init__(self) -> None:
        url = f"redis://127.0.0.1:{self.redis_port}/0"
        self.nodes = [
            Node(self.content.folder, self.folder / f"node-{number}", url) for number in (1, 2)
        ]
        self.nginx = Nginx(self.folder / "nginx")
        cache = {"/var/cache/nginx/tributary": str(self.folder / "cache")}
        places = {
            f"10.20.0.1{number}:8000": f"127.0.0.1:{node.port}"
            for number, node in enumerate(self.nodes, 1)
        }
        front = self.nginx.listening | cache
        self.nginx.write(**{"nginx-front": front, "nginx-nodes": places})

    @contextmanager
    def running(self) -> Iterator["Cluster"]:
        need("nginx")
        with ExitStack() as stack:
            stack.enter_context(self.redis())
            stack.callback(self._stop)
            for node in self.nodes:
                node.start()
            stack.enter_context(self.nginx.running())
            yield self

    def kill_redis(self) -> None:
        """Kill Redis by SIGKILL."""
        assert self._redis is not None
        self._redis.kill()
        self._redis.wait()

    @contextmanager
    def redis(self) -> Iterator[None]:
        """Start Redis with the shipped settings, for this machine alone."""
        command = (
            need("redis-server"), str(DEPLOY / "redis.conf"), "--port", str(self.redis_port),
            "--bind", "127.0.0.1", "--dir", str(self.folder),
        )  # fmt: skip
        with stores.running(self.redis_port, *command) as self._redis:
            yield

    def stored(self) -> int:
        """Return the number of documents and histories that Redis has stored since its start."""
        with redis.Redis(port=self.redis_port, protocol=2) as client:
            counts = client.info("commandstats")
        return int(counts.get("cmdstat_set", {}).get("calls", 0))

    def shows(self, path: str, text: str) -> None:
        """Wait until both nodes show a text."""
        for node in self.nodes:
            end = time.monotonic() + 10
            while text not in _text(node.url + path):
                assert time.monotonic() < end, f"{node.url} does not show {text}"
                time.sleep(0.05)

    def _stop(self) -> None:
        for node in self.nodes:
            if node.is_running:
                node.end(signal.SIGTERM)


def _text(address: str) -> str:
    with urllib.request.urlopen(address, timeout=20) as answer:
        found: bytes = answer.read()
    return found.decode()
