"""Addresses for operators: whether this node lives, and what it counted. No secret is in any."""

from collections.abc import Iterator

from flask import Response
from flask.typing import ResponseReturnValue

from feeds.counting import CONTENT_TYPE, Gauge, exposition
from feeds.errors import IndexUnavailable
from feeds.library import Library
from feeds.urls import ALL
from feeds.web.responses import web
from feeds.web.routes import routes

#: What is true now is not true later.
_NOT_KEPT = {"Cache-Control": "no-store"}


@routes.get("/healthz")
def health() -> ResponseReturnValue:
    """Whether the server can answer from its index, and what became of the files."""
    tally = web().library.index.tally()
    served = tally.pop("served")
    return {"status": "ok", "articles": served, "not served": tally}, _NOT_KEPT


@routes.get("/metrics")
def metrics() -> Response:
    """All that is counted, for Prometheus: of all workers of this node."""
    web().counts.tell()
    text = exposition(web().counts.read(), _gauges(web().library))
    return Response(text, content_type=CONTENT_TYPE, headers=_NOT_KEPT)


def _gauges(library: Library) -> Iterator[Gauge]:
    """What is so now. Who keeps something else for operators adds its gauges here."""
    yield Gauge(
        "tributary_index_revision",
        "The revision: moves when visible content changes.",
        {"": library.revision.get()},
    )
    yield Gauge(
        "tributary_index_refresh_timestamp_seconds",
        "When the index was last brought up to date.",
        {"": library.revision.refreshed},
    )
    try:
        found = [*_of_the_index(library)]
    except IndexUnavailable:
        found = []
    yield Gauge(
        "tributary_index_readable", "Whether the index can be read: 0 or 1.", {"": bool(found)}
    )
    yield from found


def _of_the_index(library: Library) -> Iterator[Gauge]:
    with library.index.snapshot():
        tally, whole = library.index.tally(), library.index.feed(ALL.path)
    served = tally.pop("served")
    yield Gauge("tributary_articles", "Articles served.", {"": served})
    yield Gauge(
        "tributary_files_not_served", "Files refused or ignored, by reason.", tally, "reason"
    )
    if whole is None:
        return
    yield Gauge(
        "tributary_last_change_timestamp_seconds",
        "When visible content last changed.",
        {"": whole.modified},
    )
    if whole.newest is not None:
        yield Gauge(
            "tributary_newest_article_timestamp_seconds",
            "When the newest article was published.",
            {"": whole.newest},
        )
