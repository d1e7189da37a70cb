"""Mixes and searches: the time to select each in a small and in a large folder."""

from functools import partial
from pathlib import Path

from bench.articles import PROVIDERS, TOPICS
from bench.site import open_app, web_of
from bench.tables import median, show, timed
from feeds.mixes import Mix, read_terms
from feeds.model import FeedId
from feeds.searches import Search
from feeds.slugs import slug

#: Measurements of each.
TIMES = 9

_SLUGS = tuple(map(slug, TOPICS))

MIXES = {
    "a topic": _SLUGS[0],
    "any of eight topics": ",".join(_SLUGS[:8]),
    "four, with two, without two": (
        f"{','.join(_SLUGS[:4])},+{_SLUGS[4]},+{PROVIDERS[0]},-{_SLUGS[5]},-{_SLUGS[6]}"
    ),
    "seven providers, with a topic": f"{','.join(PROVIDERS[:7])},+{_SLUGS[0]}",
    "two providers at once: nothing": f"+{PROVIDERS[0]},+{PROVIDERS[1]}",
    "four topics, without themselves: nothing": (
        ",".join((*_SLUGS[:4], *(f"-{name}" for name in _SLUGS[:4])))
    ),
}

SEARCHES = {
    "a word": "after",
    "three words": "climate change policy",
    "eight words of every second article": "after against app area bank billion board year",
    "a word that nothing has": "zanzibar",
    "a common word and one that nothing has": "after zanzibar",
}


def run(folders: dict[int, tuple[Path, Path]]) -> None:
    """Select every mix and search in each folder, which is indexed already, and print the table."""
    paths = {
        **{f"mix: {name}": Mix.of(read_terms(terms)).path for name, terms in MIXES.items()},
        **{f"search: {name}": Search.of(text).path for name, text in SEARCHES.items()},
    }
    found = {size: _milliseconds(*where, paths) for size, where in folders.items()}
    head = ["selecting", *(f"ms of {size:,}" for size in folders)]
    show(
        "Mixes and searches",
        head,
        [(name, *(found[size][name] for size in folders)) for name in paths],
    )


def _milliseconds(content: Path, instance: Path, paths: dict[str, str]) -> dict[str, float]:
    web = web_of(open_app(content, instance))
    web.sync.refresh()
    selects = {name: partial(web.catalog.select, FeedId(path)) for name, path in paths.items()}
    return {
        name: median(timed(select) for _ in range(TIMES)) * 1000 for name, select in selects.items()
    }
