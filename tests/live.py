"""The server as a newcomer starts it: a process of its own, on a port of its own."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


@contextmanager
def serving(content: Path, instance: Path, **environ: str) -> Iterator[str]:
    """Serve a content folder until the block ends; give the address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    given = {
        "FEEDS_CONTENT_DIR": str(content),
        "FEEDS_INSTANCE_DIR": str(instance),
        "PORT": str(port),
    }
    command = [sys.executable, "-m", "flask", "--app", "app", "serve"]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | given | environ)
    try:
        wait_for(f"http://127.0.0.1:{port}/readyz", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


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
