"""Run all benchmarks, or those that are named: ``python -m bench http``."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import custom, disturbed, folder, history, http, inside, live, pages, replay
from bench.articles import write_articles

#: The sizes of the folders, in articles.
SIZES = (1_000, 2_000, 10_000, 100_000)

#: ``quick`` leaves the largest out.
QUICK = SIZES[:-1]


def main(wanted: list[str]) -> None:
    """Run the wanted parts, or all."""
    _install(["nginx", "wrk"])
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
        for part, step in _steps(folders, work).items():
            if part in wanted or not set(wanted) - {"quick"}:
                step()
    print(f"\nAll of this took {time.monotonic() - began:.0f} s.")


def _steps(folders: dict[int, tuple[Path, Path]], work: Path) -> dict[str, Callable[[], None]]:
    """Return all parts by name; each needs what those before it leave behind."""
    content, instance = folders[SIZES[0]]
    two = {size: folders[size] for size in (SIZES[1], max(folders))}
    return {
        "folder": partial(folder.run, folders),
        "custom": partial(custom.run, two),
        "http": partial(http.run, content, work),
        "disturbed": partial(disturbed.run, content, folders[max(folders)][0], work),
        "inside": partial(inside.run, content, instance),
        "replay": partial(replay.run, content, work),
        "history": partial(history.run, two),
        "pages": partial(pages.run, *folders[SIZES[2]]),
        "live": partial(live.run, folders),
    }


def _install(programs: list[str]) -> None:
    """Install the programs that pip does not have from Debian, or exit with the reason."""
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
