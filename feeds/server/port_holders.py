"""Which processes hold a port, as far as the kernel shows: on Linux, those of the same user."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def orphaned_workers(port: int) -> list[int]:
    """Return the workers that listen at a port though the process that started them is dead.

    They go on answering without it. Empty when any other process listens there, too: the first
    process of a server keeps the sockets of its workers open.
    """
    sockets = set(_listening_sockets(port))
    holders = [each for each in Path("/proc").glob("[0-9]*") if sockets & set(_open_files(each))]
    return sorted(int(each.name) for each in holders) if all(map(_is_worker, holders)) else []


def _listening_sockets(port: int) -> Iterator[str]:
    for name in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in Path(f"/proc/net/{name}").read_text().splitlines():
                fields = line.split()
                if fields[1].endswith(f":{port:04X}") and fields[3] == "0A":
                    yield f"socket:[{fields[9]}]"


def _open_files(process: Path) -> Iterator[str]:
    with suppress(OSError):
        for file in (process / "fd").iterdir():
            with suppress(OSError):
                yield os.readlink(file)


def _is_worker(process: Path) -> bool:
    with suppress(OSError):
        return b"multiprocessing.spawn" in (process / "cmdline").read_bytes()
    return False
