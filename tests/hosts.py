"""Hosts for tests that are as their paths say: processes of this machine, see tests/odd_host.py."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import stores
from tests.live import ROOT


@dataclass(frozen=True)
class Host:
    """One that listens."""

    port: int
    log: Path

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}"

    def requests(self) -> list[str]:
        """A line for each request."""
        return self.log.read_text().splitlines()


@contextmanager
def running(module: str, folder: Path) -> Iterator[Host]:
    """The host of a module, from the moment that it listens until the block ends."""
    port, log = stores.free_port(), folder / f"{module}.txt"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, str(port)], cwd=ROOT, stdout=output
        )
    try:
        stores.wait(port)
        yield Host(port, log)
    finally:
        process.kill()
        process.wait()
