"""The server as a newcomer starts it: a process of its own, on a port of its own."""

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
    """A server that was started, whether or not it answers yet."""

    process: "subprocess.Popen[str]"
    address: str
    #: How many processes it has to answer.
    workers: int = 1

    def wait(self) -> None:
        """Wait until it serves with all its workers."""
        wait_for(f"{self.address}/readyz", self.process)
        if self.workers > 1:
            parent = self.process.pid
            assert waiting.wait_for(lambda: len(ready_workers(parent)) == self.workers, PATIENCE)

    def printed(self) -> str:
        """All that it printed, once it has ended; only of one whose ``output`` is a pipe."""
        return self.process.communicate(timeout=30)[0]


#: The process that was started for each address. Never searched for among all processes: a worker
#: that has been forked but has not become itself yet looks like the process that forked it.
_PROCESSES: dict[str, int] = {}


def listener(address: str) -> int:
    """Return the process that was started to serve an address."""
    return _PROCESSES[address]


def workers(parent: int) -> list[int]:
    """Return the processes that a server, or a command, spawned to work for it.

    Python's own resource tracker is a child of it too, but not one of them.
    """
    return [pid for pid in children(parent) if b"spawn_main" in _proc(pid, "cmdline")]


def replaced(parent: int, before: set[int]) -> bool:
    """Return whether all workers of a server are others than before, and loaded."""
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
    """Return the children of a process, with those that have ended but are not waited for yet."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in pids if _parent(pid) == parent]


def _parent(pid: int) -> int | None:
    # The name of the program comes before it, in brackets, and may hold anything.
    fields = _proc(pid, "stat").rpartition(b")")[2].split()
    return int(fields[1]) if fields else None


def is_pending(pid: int, number: signal.Signals) -> bool:
    """Whether a process keeps a signal that it was sent, and does not hear it."""
    status = Path(f"/proc/{pid}/status").read_text()
    (pending,) = (line for line in status.splitlines() if line.startswith("ShdPnd:"))
    return bool(int(pending.split()[1], 16) >> (number - 1) & 1)


def is_asleep(pid: int) -> bool:
    """Whether a process obeys a SIGSTOP: all its threads do."""
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

    ``output`` takes all that it prints, as Popen's ``stdout`` does. ``prefix`` is a program that
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
    """Let a server of the standard library answer in a thread until the block ends, or fails.

    A thread whose server is closed and not shut down would use a core, and the process never end.
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
    """Serve a content folder until the block ends; give the address."""
    with started(content, instance, "serve", None, **environ) as server:
        server.wait()
        yield server.address


def wait_for(address: str, process: "subprocess.Popen[Any]") -> None:
    """Wait until a process answers."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=10).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"no answer at {address}")
