"""Real Redis servers for tests, run as processes of this machine."""

import atexit
import signal
import socket
import subprocess
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from feeds import cache
from tests.programs import need, skip_if_quick

#: The sockets that reserve ports; the oldest is closed, long after its test.
_KEPT: deque[socket.socket] = deque()
_MOST_KEPT = 200


@atexit.register
def _let_go() -> None:
    for keeper in _KEPT:
        keeper.close()


def free_port() -> int:
    """Return a port that no other process gets before its server.

    A bound socket that does not listen reserves it: the kernel does not assign it to a process that
    binds any port, and a server may still bind it with SO_REUSEADDR, as all of these do.
    """
    keeper = socket.socket()
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    keeper.bind(("127.0.0.1", 0))
    _KEPT.append(keeper)
    if len(_KEPT) > _MOST_KEPT:
        _KEPT.popleft().close()
    port: int = keeper.getsockname()[1]
    return port


@contextmanager
def ended(process: "subprocess.Popen[Any]", by: signal.Signals = signal.SIGTERM) -> Iterator[None]:
    """End a process when the block ends; kill it if it does not end."""
    try:
        yield
    finally:
        process.send_signal(by)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


@contextmanager
def running(
    port: int, *command: str, ended_by: signal.Signals = signal.SIGKILL
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a server until the block ends; it listens already."""
    skip_if_quick()
    with (
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process,
        ended(process, ended_by),
    ):
        wait(port)
        yield process


def redis(port: int, folder: Path) -> tuple[str, ...]:
    """Return the command of a Redis without persistence."""
    return (need("redis-server"), "--port", str(port), "--save", "", "--dir", str(folder))


@contextmanager
def clients_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close the connections that caches open within the block; a server keeps its own open."""
    opened: list[Any] = []
    connect = cache._redis_client

    def watched(url: str) -> Any:
        opened.append(connect(url))
        return opened[-1]

    monkeypatch.setattr(cache, "_redis_client", watched)
    yield
    for client in opened:
        client.close()


def wait(port: int) -> None:
    """Wait until a server listens."""
    until = time.monotonic() + 40
    while time.monotonic() < until:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise TimeoutError(f"nothing listens at {port}")
