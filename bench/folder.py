"""The size of the folder: its cost for the first index, a start, a scan and a change."""

import os
import resource
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

import yaml

from bench import search_index
from bench.articles import article, path_of
from bench.search_index import SearchCosts
from bench.site import open_app, web_of
from bench.tables import median, show, timed
from feeds.model import FeedId

#: Articles that the YAML alone is read of, to compare: all would take as long as ours.
SAMPLE = 1000

#: Measurements of each quick one.
TIMES = 9


@dataclass(frozen=True)
class Costs:
    """The costs of a folder, in seconds if not noted otherwise."""

    articles: int
    cold: float
    #: Reading the bytes and yaml.CBaseLoader, in one process.
    yaml: float
    #: Seconds that all processes computed for the cold index, and YAML alone.
    computed: float
    yaml_computed: float
    #: With the examination of the index.
    opened: float
    scan: float
    walk: float
    selected: float
    changed: float
    #: Megabytes of the whole process after all this.
    memory: float
    #: The share of it for mixes and searches.
    search: SearchCosts


def run(folders: dict[int, tuple[Path, Path]]) -> None:
    """Measure each folder and print the tables."""
    found = [measure(*where, size) for size, where in folders.items()]
    show_costs(found)
    show_search_costs(found)


def measure(content: Path, instance: Path, count: int) -> Costs:
    """Build the index of a folder, then run what a server runs on it."""
    yaml_alone, yaml_computed = _yaml_alone(content, count)
    web = web_of(open_app(content, instance))
    before = _computed()
    cold = timed(lambda: web.sync.refresh())
    computed = _computed() - before
    opened = timed(lambda: web_of(open_app(content, instance)).sync.examine())
    return Costs(
        articles=count,
        cold=cold,
        yaml=yaml_alone,
        computed=computed,
        yaml_computed=yaml_computed,
        opened=opened,
        scan=median(timed(lambda: web.sync.refresh()) for _ in range(3)),
        walk=median(timed(lambda: _walk(str(content))) for _ in range(3)),
        selected=median(timed(lambda: web.catalog.select(_FEED).fingerprint) for _ in range(TIMES)),
        changed=median(_change(web.sync.refresh, content, number) for number in range(TIMES)),
        memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        search=search_index.measure(web.sync.index.path),
    )


#: One of 200 topics: full at 10,000 articles, with hundreds more at 100,000.
_FEED = FeedId("topics/after-global")


def show_costs(found: list[Costs]) -> None:
    """Print the table of sizes."""
    head = [
        "articles",
        "cold index s",
        "of YAML alone",
        "computing, of YAML",
        "opening it s",
        "scan s",
        "of scandir+stat",
    ]
    head += ["select ms", "one change ms", "memory MB"]
    rows = [
        (
            f"{cost.articles:,}",
            cost.cold,
            cost.cold / cost.yaml,
            cost.computed / cost.yaml_computed,
            cost.opened,
            cost.scan,
            cost.scan / cost.walk,
            cost.selected * 1000,
            cost.changed * 1000,
            cost.memory,
        )
        for cost in found
    ]
    show("Size of the folder", head, rows)


def show_search_costs(found: list[Costs]) -> None:
    """Print the share of mixes and searches."""
    head = ["articles", "index MB", "of it %", "tokens s", "writing them s", "of computing %"]
    head += ["of one change ms"]
    rows = [
        (
            f"{cost.articles:,}",
            cost.search.index,
            cost.search.table / cost.search.index * 100,
            cost.search.made,
            cost.search.written,
            (cost.search.made + cost.search.written) / cost.computed * 100,
            cost.search.changed * 1000,
        )
        for cost in found
    ]
    show("What mixes and searches have of that", head, rows)


def _computed() -> float:
    """Return the processor seconds of this process and of its children."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _yaml_alone(content: Path, count: int) -> tuple[float, float]:
    """Return elapsed and processor seconds to read and parse all articles, from a sample."""
    step = max(1, count // SAMPLE)
    numbers = range(0, count, step)
    began, computed = perf_counter(), process_time()
    for number in numbers:
        text = (content / path_of(number)).read_bytes().decode()
        yaml.load(text.split("\n---\n")[0][4:], Loader=yaml.CBaseLoader)
    share = count / len(numbers)
    return (perf_counter() - began) * share, (process_time() - computed) * share


def _walk(folder: str) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _walk(entry.path)
            else:
                entry.stat(follow_symlinks=False)


def _change(refresh: object, content: Path, number: int) -> float:
    rewrite(content, number, f"Changed {perf_counter()}")
    return timed(lambda: refresh([path_of(number)]))  # type: ignore[operator]


def rewrite(content: Path, number: int, title: str) -> None:
    """Change the title of an article as editors do: write another file, then rename it."""
    target = content / path_of(number)
    written = target.with_name(f".{target.name}.new")
    written.write_text(article(number, title))
    os.replace(written, target)
