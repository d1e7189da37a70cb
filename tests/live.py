"""The server as a newcomer starts it: a process of its own, on a port of its own."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.stores import free_port

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Server:
    """A server that was started, whether or not it answers yet."""

    process: "subprocess.Popen[str]"
    address: str

    def wait(self) -> None:
        """Wait until it serves."""
        wait_for(f"{self.address}/readyz", self.process)

    def said(self) -> str:
        """All that it printed, once it has ended; only of one whose ``output`` is a pipe."""
        return self.process.communicate(timeout=30)[0]


@contextmanager
def started(
    content: Path,
    instance: Path,
    command: str = "serve",
    output: int | None = None,
    **environ: str,
) -> Iterator[Server]:
    """Start a server of a content folder, and stop it when the block ends.

    ``output`` takes all that it prints, as Popen's ``stdout`` does.
    """
    port = environ.get("PORT") or str(free_port())
    given = {
        "FEEDS_CONTENT_DIR": str(content),
        "FEEDS_INSTANCE_DIR": str(instance),
        "PORT": port,
        "FLASK_RUN_PORT": port,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "app", command],
        cwd=ROOT, env=os.environ | given | environ, text=True,
        stdout=output, stderr=output and subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield Server(process, f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def serving(content: Path, instance: Path, **environ: str) -> Iterator[str]:
    """Serve a content folder until the block ends; give the address."""
    with started(content, instance, "serve", None, **environ) as server:
        server.wait()
        yield server.address


def wait_for(address: str, process: "subprocess.Popen[Any]") -> None:
    """Wait until a process answers."""
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"no answer at {address}")
