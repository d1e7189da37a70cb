"""Servers to measure, each started on 127.0.0.1 for as long as a measurement takes."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

ROOT = Path(__file__).parents[1]

#: Other servers that can start ``app:app``, measured where they are installed.
OTHERS = ("granian", "gunicorn")


def installed() -> list[str]:
    """Return the names of all servers that are installed here and can serve ``app:app``."""
    return ["ours", *(name for name in OTHERS if find_spec(name))]


def environment(
    content: Path, instance: Path, port: int, workers: int = 1, **more: str
) -> dict[str, str]:
    """Return the environment of a server of ours."""
    return (
        os.environ
        | more
        | {
            "FEEDS_CONTENT_DIR": str(content),
            "FEEDS_INSTANCE_DIR": str(instance),
            "FEEDS_URL": "https://feeds.example.org",
            "FEEDS_WORKERS": str(workers),
            "PORT": str(port),
            "PYTHONPATH": str(ROOT),
        }
    )


@contextmanager
def serving(
    name: str, content: Path, instance: Path, workers: int = 1, **more: str
) -> Iterator[int]:
    """Serve a content folder by one of the servers; yield its port."""
    port = free_port()
    commands = {
        "ours": ["-m", "flask", "serve"],
        "granian": _granian(port, workers),
        "gunicorn": _gunicorn("gthread", "app:app", port, workers),
        "naive": _gunicorn("sync", "bench.naive:app", port, workers),
    }
    environ = environment(content, instance, port, workers, **more)
    with running([sys.executable, *commands[name]], environ):
        wait_for(port)
        # The naive app has no index to wait for: it answers 404.
        while not _is_ready(port):
            time.sleep(0.01)
        yield port


def _is_ready(port: int) -> bool:
    client = HTTPConnection("127.0.0.1", port, timeout=60)
    with closing(client):
        client.request("GET", "/readyz")
        return client.getresponse().status != 503


def _granian(port: int, workers: int) -> list[str]:
    # One thread for Python: two and four answered a third less.
    threads = ["--blocking-threads", "1", "--runtime-mode", "st", "--no-ws"]
    bound = ["--port", str(port), "--workers", str(workers), "--log-level", "error"]
    return ["-m", "granian", "--interface", "wsgi", *threads, *bound, "app:app"]


def _gunicorn(kind: str, app: str, port: int, workers: int) -> list[str]:
    threads = ["--threads", "4"] if kind == "gthread" else []
    bound = ["-b", f"127.0.0.1:{port}", "-w", str(workers), "--log-level", "error"]
    return ["-m", "gunicorn", "-k", kind, *threads, *bound, app]


@contextmanager
def nginx(folder: Path, workers: int = 1, kept_open: str = "off") -> Iterator[int]:
    """Serve a folder of files, with their ``.gz`` beside them, by nginx; yield its port."""
    port, place = free_port(), Path(mkdtemp(prefix="nginx-"))
    config = place / "nginx.conf"
    given = {"place": place, "folder": folder, "port": port, "workers": workers}
    config.write_text(_NGINX.format(**given, kept_open=kept_open))
    with running(["nginx", "-c", str(config), "-p", str(place)]):
        wait_for(port)
        yield port


@contextmanager
def front(node: int, workers: int = 1) -> Iterator[int]:
    """Put nginx in front of a node, with its cache, as deploy/ has it; yield its port."""
    port, place = free_port(), Path(mkdtemp(prefix="front-"))
    # Its workers run as another user, which owns the cache.
    place.chmod(0o755)
    changes = (
        ("/var/cache/nginx/tributary", f"{place}/cache"),
        ("listen 80 default_server;", f"listen 127.0.0.1:{port} reuseport backlog=4096;"),
        ("listen [::]:80 default_server;", ""),
        ("server 10.20.0.11:8000 max_fails=2 fail_timeout=2s;", f"server 127.0.0.1:{node};"),
        ("server 10.20.0.12:8000 max_fails=2 fail_timeout=2s;", ""),
    )
    shipped = "".join(
        (ROOT / "deploy" / name).read_text() for name in ("nginx-nodes.conf", "nginx-front.conf")
    )
    for given, here in changes:
        if given not in shipped:
            raise ValueError(f"deploy/ has no {given!r} any more")
        shipped = shipped.replace(given, here)
    config = place / "nginx.conf"
    config.write_text(_FRONT.format(place=place, workers=workers) + shipped + "}\n")
    with running(["nginx", "-c", str(config), "-p", str(place)]):
        wait_for(port)
        yield port


@contextmanager
def running(
    command: Sequence[str], environ: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in a process group of its own, and end the whole group afterwards."""
    process = subprocess.Popen(
        command,
        env=environ,
        cwd=ROOT,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process of the bench and its children."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(5)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def free_port() -> int:
    """Return a port at which no process listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def wait_for(port: int, patience: float = 30) -> None:
    """Wait until a process listens at a port."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"no process listens at port {port}")


_FRONT = """
daemon off; worker_processes {workers}; pid {place}/pid; error_log {place}/errors;
events {{ worker_connections 4096; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
    client_body_temp_path {place}/a; proxy_temp_path {place}/b; fastcgi_temp_path {place}/c;
    uwsgi_temp_path {place}/d; scgi_temp_path {place}/e;
"""

_NGINX = """
daemon off; worker_processes {workers}; pid {place}/pid; error_log {place}/errors;
events {{ worker_connections 4096; }}
http {{
    access_log off; sendfile on; tcp_nopush on; open_file_cache {kept_open};
    keepalive_requests 1000000; gzip_static on; etag on;
    client_body_temp_path {place}/a; proxy_temp_path {place}/b; fastcgi_temp_path {place}/c;
    uwsgi_temp_path {place}/d; scgi_temp_path {place}/e;
    types {{ application/rss+xml rss; }}
    server {{ listen 127.0.0.1:{port} reuseport backlog=4096; root {folder}; }}
}}
"""
