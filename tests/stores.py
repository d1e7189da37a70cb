"""Real caches for tests: processes of this machine, started and ended here."""

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import need


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def running(
    port: int, *command: str, ended_by: signal.Signals = signal.SIGKILL
) -> Iterator["subprocess.Popen[bytes]"]:
    """A server, from the moment that it listens until the block ends."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait(port)
        yield process
    finally:
        process.send_signal(ended_by)
        process.wait(20)


def redis(port: int, folder: Path) -> tuple[str, ...]:
    """The command of a Redis that keeps nothing."""
    return (need("redis-server"), "--port", str(port), "--save", "", "--dir", str(folder))


def memcached(port: int) -> tuple[str, ...]:
    """The command of a memcached."""
    return (need("memcached"), "-p", str(port), "-U", "0", "-l", "127.0.0.1", "-u", "root")


def wait(port: int) -> None:
    """Wait until something listens."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise TimeoutError(f"nothing listens at {port}")
