"""Runs everything and prints its tables: ``python -m bench``, or some: ``python -m bench http``."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import folder, http, inside, live, pages, sockets
from bench.articles import write_articles

#: How large the folders are.
SIZES = (1_000, 2_000, 10_000, 100_000)

#: ``quick`` leaves the largest out.
QUICK = SIZES[:-1]


def main(wanted: list[str]) -> None:
    """Measure what is wanted, or all."""
    _install(["nginx", "wrk"])
    wanted = wanted or ["http", "sockets", "inside", "pages", "folder", "live"]
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
        if "pages" in wanted:
            pages.run(*folders[SIZES[0]])
        if "live" in wanted:
            live.run(folders)
    print(f"\nAll of this took {time.monotonic() - began:.0f} s.")


def _install(programs: list[str]) -> None:
    """Take from Debian what pip cannot bring, where that is allowed; else say what to do."""
    missing = [program for program in programs if shutil.which(program) is None]
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        sys.exit(f"make bench needs {' and '.join(missing)}: install them, then run it again")
    print(f"Installing {' and '.join(missing)}", flush=True)
    subprocess.run(["apt-get", "update", "-qq"], check=True)
    subprocess.run(["apt-get", "install", "-qq", "--no-install-recommends", *missing], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
