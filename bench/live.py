"""A running server: the time to its first response and of a save, and the memory of a worker."""

import os
import subprocess
import time
from pathlib import Path

from bench.folder import rewrite
from bench.load import get
from bench.servers import serving
from bench.site import open_app, resident, web_of
from bench.tables import median, show

#: Saves that are timed.
SAVES = 15

#: Seconds between polls: what a save takes to show is known to this.
POLL = 0.002


def run(folders: dict[int, tuple[Path, Path]]) -> None:
    """Measure each folder."""
    for where in folders.values():
        web_of(open_app(*where)).sync.refresh()
    head = ["articles", "first answer after s", "from os.replace to the poll, ms", "slowest"]
    head += ["memory of a worker MB"]
    show(
        "A server whose index is fresh",
        head,
        [_row(count, *where) for count, where in folders.items()],
    )


def _row(count: int, content: Path, instance: Path) -> tuple[str, float, float, float, float]:
    began = time.perf_counter()
    with serving("ours", content, instance) as port:
        url = f"http://127.0.0.1:{port}/all.rss"
        get(url)
        started = time.perf_counter() - began
        get(f"http://127.0.0.1:{port}/feeds.json")
        # The first look at the whole folder is over by then.
        time.sleep(3)
        waits = [_wait(url, content, number) * 1000 for number in range(SAVES)]
        return f"{count:,}", started, median(waits), max(waits), _memory(port)


def _wait(url: str, content: Path, number: int) -> float:
    mark = f"Saved {time.monotonic_ns()}"
    rewrite(content, number, mark)
    began = time.perf_counter()
    while mark.encode() not in get(url):
        if time.perf_counter() - began > 20:
            raise TimeoutError(mark)
        time.sleep(POLL)
    waited = time.perf_counter() - began
    # So that the next save does not begin within the wait of this one.
    time.sleep(0.3)
    return waited


def _memory(port: int) -> float:
    """Megabytes of the largest process that has this port in its environment."""
    found = subprocess.run(["pgrep", "-f", "flask serve"], capture_output=True, text=True)
    ours = [int(pid) for pid in found.stdout.split() if _has_port(int(pid), port)]
    # The one that was started first only watches.
    workers = [pid for pid in ours if pid != min(ours)] or ours
    return max(map(resident, workers))


def _has_port(pid: int, port: int) -> bool:
    try:
        environ = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return f"PORT={port}".encode() in environ.split(b"\0") and pid != os.getpid()
