"""Real servers: processes of their own, on ports of their own."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socketserver import BaseServer
from typing import Any

from tests import waiting
from tests.programs import skip_if_quick
from tests.stores import ended, free_port

ROOT = Path(__file__).parents[1]

#: Seconds in which workers start and end on a busy machine.
PATIENCE = 40


@dataclass(frozen=True)
class Server:
    """A server that was started; it may not respond yet."""

    process: "subprocess.Popen[str]"
    address: str
    #: The number of its workers.
    workers: int = 1

    def wait(self) -> None:
        """Wait until it serves with all its workers."""
        wait_for(f"{self.address}/readyz", self.process)
        if self.workers > 1:
            parent = self.process.pid
            assert waiting.wait_for(lambda: len(ready_workers(parent)) == self.workers, PATIENCE)

    def printed(self) -> str:
        """Return its output after its end; its ``output`` must be a pipe."""
        return self.process.communicate(timeout=30)[0]


#: The process that was started for each address. It is not searched for among all processes, since
#: a worker right after its fork looks like the process that forked it.
_PROCESSES: dict[str, int] = {}


def listener(address: str) -> int:
    """Return the process that was started to serve an address."""
    return _PROCESSES[address]


def workers(parent: int) -> list[int]:
    """Return the worker processes of a server, or of a command.

    The resource tracker of Python is another child, and not one of them.
    """
    return [pid for pid in children(parent) if b"spawn_main" in _proc(pid, "cmdline")]


def replaced(parent: int, before: set[int]) -> bool:
    """Return True if all workers of a server have been replaced, and are loaded."""
    now = set(ready_workers(parent))
    return len(now) == len(before) and not before & (now | set(workers(parent)))


def ready_workers(parent: int) -> list[int]:
    """Return the workers that accept connections: their event loops watch the socket."""
    shared = _listening_sockets()
    return [pid for pid in workers(parent) if _watched(pid) & shared]


def _listening_sockets() -> set[str]:
    lines = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{name}").read_text().splitlines()
    ]
    return {f"socket:[{fields[9]}]" for fields in lines if fields[3] == "0A"}


def _watched(pid: int) -> set[str]:
    """Return the files that the event loop of a process watches."""
    found = set()
    with suppress(OSError):
        for info in Path(f"/proc/{pid}/fdinfo").iterdir():
            for number in re.findall(r"^tfd: *(\d+)", info.read_text(), re.M):
                found.add(os.readlink(f"/proc/{pid}/fd/{number}"))
    return found


def children(parent: int) -> list[int]:
    """Return the children of a process, zombies included."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in pids if _parent(pid) == parent]


def _parent(pid: int) -> int | None:
    # The name of the program is before it, in brackets, and may contain any character.
    fields = _proc(pid, "stat").rpartition(b")")[2].split()
    return int(fields[1]) if fields else None


def is_pending(pid: int, number: signal.Signals) -> bool:
    """Return True if a signal is pending in a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    (pending,) = (line for line in status.splitlines() if line.startswith("ShdPnd:"))
    return bool(int(pending.split()[1], 16) >> (number - 1) & 1)


def is_asleep(pid: int) -> bool:
    """Return True if all threads of a process are stopped by SIGSTOP."""
    threads = (_proc(pid, f"task/{thread}/stat") for thread in os.listdir(f"/proc/{pid}/task"))
    return all(stat.rpartition(b")")[2].split()[:1] == [b"T"] for stat in threads)


def _proc(pid: int, name: str) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/{name}").read_bytes()
    return b""


@contextmanager
def started(
    content: Path,
    instance: Path,
    command: str = "serve",
    output: int | None = None,
    prefix: Sequence[str] = (),
    **environ: str,
) -> Iterator[Server]:
    """Start a server of a content folder, and stop it when the block ends.

    ``output`` receives its output, as the ``stdout`` of Popen. ``prefix`` is a program that
    becomes the server, with its arguments.
    """
    skip_if_quick()
    port = environ.get("PORT") or str(free_port())
    given = {
        "FEEDS_CONTENT_DIR": str(content),
        "FEEDS_INSTANCE_DIR": str(instance),
        "PORT": port,
        "FLASK_RUN_PORT": port,
    }
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen(
        [*prefix, sys.executable, "-m", "flask", "--app", "app", command],
        cwd=ROOT, env=os.environ | given | environ, text=True,
        stdout=output, stderr=output and subprocess.STDOUT,
    ) as process, ended(process):  # fmt: skip
        _PROCESSES[address] = process.pid
        yield Server(process, address, int(environ.get("FEEDS_WORKERS", 1)))


@contextmanager
def served(server: BaseServer) -> Iterator[None]:
    """Run a server of the standard library in a thread until the block ends, or fails.

    If the server is closed and not shut down, its thread uses a core, and the process never ends.
    """
    with server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def serving(content: Path, instance: Path, **environ: str) -> Iterator[str]:
    """Serve a content folder until the block ends; yield the address."""
    with started(content, instance, "serve", None, **environ) as server:
        server.wait()
        yield server.address


def wait_for(address: str, process: "subprocess.Popen[Any]") -> None:
    """Wait until a process responds."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=10).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"no answer at {address}")
