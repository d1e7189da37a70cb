"""Within one process: a request of the front alone, and rendering beside bare feedgen."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

from feedgen.feed import FeedGenerator
from werkzeug.test import EnvironBuilder

from bench.site import URL, open_app, web_of
from bench.tables import median, ratio, show, timed
from feeds import formats
from feeds.catalog import Catalog
from feeds.encoded_bodies import CODINGS, Bodies
from feeds.model import Feed, FeedId, Format

#: Calls in one measurement of the front, and measurements.
CALLS, TIMES = 5000, 9


def run(content: Path, instance: Path) -> None:
    """Print both tables; the folder is indexed already."""
    app = open_app(content, instance)
    web_of(app).sync.refresh()
    show("The front alone", ["answer", "microseconds"], _front(app.wsgi_app))
    catalog = web_of(app).catalog
    show("Rendering", ["what", "ms", "of bare feedgen"], _rendering(catalog))


def _front(call: Any) -> list[tuple[str, float]]:
    started: list[Any] = []

    def start(*line_and_headers: Any) -> None:
        started[:] = line_and_headers

    environ = EnvironBuilder(path="/all.rss", base_url=URL).get_environ()
    list(call(environ, start))
    packed = environ | {"HTTP_ACCEPT_ENCODING": "gzip, br"}
    requested = {
        "200": environ,
        "200 gzip": packed,
        "304": packed | {"HTTP_IF_NONE_MATCH": dict(started[1])["ETag"]},
    }
    return [(name, _microseconds(partial(call, each, start))) for name, each in requested.items()]


def _microseconds(call: Callable[[], object]) -> float:
    def calls() -> None:
        for _ in range(CALLS):
            call()

    return median(timed(calls) for _ in range(TIMES)) / CALLS * 1e6


def _rendering(catalog: Catalog) -> list[tuple[str, float, object]]:
    selection = catalog.select(FeedId("all"))
    feed = catalog.feed(selection)
    fifty = _first(feed, 50)
    taken = _turns(
        {
            "bare feedgen, RSS of 50": lambda: _bare(fifty).rss_str(),
            "bare feedgen, Atom of 50": lambda: _bare(fifty).atom_str(),
            **{
                f"ours, {format.value} of 50": partial(formats.render, fifty, format)
                for format in Format
            },
        }
    )
    rss, atom, *_ = taken.values()
    rows: list[tuple[str, float, object]] = [
        (name, median(times) * 1000, ratio(times, bare))
        for (name, times), bare in zip(taken.items(), (rss, atom, rss, atom, rss), strict=True)
    ]
    large = _times(lambda: formats.render(feed, Format.RSS))
    rows.append((f"ours, rss of {len(feed.articles)}", median(large) * 1000, ""))
    body = formats.render(fifty, Format.RSS)
    for coding in CODINGS:
        packed = median(_times(lambda coding=coding: Bodies(body)[coding]))  # type: ignore[misc]
        rows.append((f"{coding} of the RSS of 50", packed * 1000, ""))
    read = median(_times(lambda: catalog.feed(selection))) * 1000
    rows.append((f"reading {len(feed.articles)} from the index", read, ""))
    return rows


def _first(feed: Feed, count: int) -> Feed:
    return replace(feed, articles=feed.articles[:count])


def _turns(functions: Mapping[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Return the processor seconds of each call, measured in turn on a machine with other work."""
    taken: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(TIMES):
        for name, function in functions.items():
            began = process_time()
            function()
            taken[name].append(process_time() - began)
    return taken


def _times(function: Callable[[], object]) -> list[float]:
    return _turns({"": function})[""]


def _bare(feed: Feed) -> FeedGenerator:
    """Return the same data by feedgen as its README shows it, but for what feedgen lacks."""
    found = FeedGenerator()
    found.load_extension("media")
    found.load_extension("dc")
    found.id(feed.uri)
    found.title(feed.title)
    found.link(href=feed.addresses.page)
    found.description(feed.description)
    for article in feed.articles:
        entry = found.add_entry(order="append")
        entry.title(article.title)
        entry.link(href=article.url)
        entry.id(feed.site.uri(article.id))
        entry.guid(feed.site.uri(article.id))
        entry.description(article.excerpt)
        entry.content(article.content, type="CDATA")
        entry.category([{"term": topic} for topic in article.topics])
        entry.dc.dc_creator(list(article.authors or (article.provider.name,)))
        for image in article.images:
            entry.media.content({"url": image.url, "type": image.media_type, "medium": "image"})
    return found
