"""Test hosts, run as processes, whose responses depend on the path; see tests/odd_host.py."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import stores
from tests.live_servers import ROOT
from tests.programs import skip_if_quick


@dataclass(frozen=True)
class Host:
    """A host that listens."""

    port: int
    log: Path

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}"

    def requests(self) -> list[str]:
        """Return a line for each request."""
        return self.log.read_text().splitlines()


@contextmanager
def running(module: str, folder: Path) -> Iterator[Host]:
    """Run a module as a host until the block ends; it listens already."""
    skip_if_quick()
    port, log = stores.free_port(), folder / f"{module}.txt"
    command = [sys.executable, "-m", module, str(port)]
    with (
        log.open("ab") as output,
        subprocess.Popen(command, cwd=ROOT, stdout=output) as process,
        stores.ended(process, signal.SIGKILL),
    ):
        stores.wait(port)
        yield Host(port, log)
