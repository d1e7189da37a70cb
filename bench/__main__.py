"""Runs everything and prints its tables: ``python -m bench``, or some: ``python -m bench http``."""

import os
import shutil
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import folder, history, http, inside, live, replay, sockets
from bench.articles import write_articles

#: How large the folders are; the second and the last are served too.
SIZES = (1_000, 2_000, 10_000, 100_000)

#: ``quick`` leaves the largest out.
QUICK = SIZES[:-1]


def main(wanted: list[str]) -> None:
    """Measure what is wanted, or all."""
    missing = [program for program in ("nginx", "wrk") if shutil.which(program) is None]
    if missing:
        sys.exit(f"missing: {' '.join(missing)}: install them first (apt install nginx-light wrk)")
    sizes = QUICK if "quick" in wanted else SIZES
    began = time.monotonic()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    print(f"{os.cpu_count()} cores, {memory:.0f} GiB of memory, Python {sys.version.split()[0]}")
    with TemporaryDirectory(prefix="bench-") as name:
        work = Path(name)
        # nginx started by root reads as nobody.
        work.chmod(0o755)
        folders = {size: (work / f"content-{size}", work / f"instance-{size}") for size in sizes}
        for size, (content, _) in folders.items():
            write_articles(content, size)
        for name, step in _steps(folders, work).items():
            if name in wanted or not set(wanted) - {"quick"}:
                step()
    print(f"\nAll of this took {time.monotonic() - began:.0f} s.")


def _steps(folders: dict[int, tuple[Path, Path]], work: Path) -> dict[str, Callable[[], None]]:
    """All that is measured, in an order in which each finds what it needs."""
    content, instance = folders[SIZES[0]]
    two = {size: folders[size] for size in (SIZES[1], max(folders))}
    return {
        "folder": partial(folder.run, folders),
        "http": partial(http.run, content, work),
        "sockets": partial(sockets.run, content, work),
        "inside": partial(inside.run, content, instance),
        "replay": partial(replay.run, content, work),
        "history": partial(history.run, two),
        "live": partial(live.run, two),
    }


if __name__ == "__main__":
    main(sys.argv[1:])
