"""Runs everything and prints its tables: ``python -m bench``, or some: ``python -m bench http``."""

import os
import shutil
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import folder, http, inside, live, sockets
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
    wanted = wanted or ["http", "sockets", "inside", "folder", "live"]
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
        if "folder" in wanted or "live" in wanted:
            costs = [folder.measure(*where, size) for size, where in folders.items()]
            folder.show_costs(costs)
        if "http" in wanted:
            http.run(folders[SIZES[0]][0], work)
        if "sockets" in wanted:
            sockets.run(folders[SIZES[0]][0], work)
        if "inside" in wanted:
            inside.run(*folders[SIZES[0]])
        if "live" in wanted:
            live.run({size: folders[size] for size in (SIZES[1], sizes[-1])})
    print(f"\nAll of this took {time.monotonic() - began:.0f} s.")


if __name__ == "__main__":
    main(sys.argv[1:])
