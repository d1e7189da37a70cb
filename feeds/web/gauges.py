"""The gauges of the index, the files and the hubs, for Prometheus."""

from collections.abc import Collection, Iterator
from contextlib import suppress

from feeds.errors import IndexUnavailable, StoreUnavailable
from feeds.metrics import Gauge
from feeds.sync import ContentSync
from feeds.urls import ALL
from feeds.websub import HubState, Outbox


def gauges(sync: ContentSync, outbox: Outbox, hubs: Collection[str]) -> Iterator[Gauge]:
    """Yield the current gauges; those of an unreadable index or outbox are left out."""
    yield Gauge(
        "tributary_index_revision",
        "The revision: moves when visible content changes.",
        {"": sync.shared.revision()},
    )
    yield Gauge(
        "tributary_index_refresh_timestamp_seconds",
        "When the index was last brought up to date.",
        {"": sync.shared.refreshed},
    )
    try:
        found = [*_of_the_index(sync)]
    except IndexUnavailable:
        found = []
    yield Gauge(
        "tributary_index_readable", "Whether the index can be read: 0 or 1.", {"": bool(found)}
    )
    yield from found
    with suppress(StoreUnavailable):
        yield from _of_the_hubs(outbox.states(hubs))


def _of_the_index(sync: ContentSync) -> Iterator[Gauge]:
    with sync.index.snapshot():
        tally, all_articles = sync.index.tally(), sync.index.known_feed(ALL.path)
    served = tally.pop("served")
    yield Gauge("tributary_articles", "Articles served.", {"": served})
    yield Gauge(
        "tributary_files_not_served", "Files refused or ignored, by reason.", tally, "reason"
    )
    if all_articles is None:
        return
    yield Gauge(
        "tributary_last_change_timestamp_seconds",
        "When visible content last changed.",
        {"": all_articles.shown},
    )
    if all_articles.newest is not None:
        yield Gauge(
            "tributary_newest_article_timestamp_seconds",
            "When the newest article was published.",
            {"": all_articles.newest},
        )


def _of_the_hubs(states: Collection[HubState]) -> Iterator[Gauge]:
    yield Gauge(
        "tributary_hub_pending",
        "Addresses that wait to be announced to a hub.",
        {s.hub: s.pending for s in states},
        "hub",
    )
    yield Gauge(
        "tributary_hub_failures",
        "Failures of a hub since its last success.",
        {s.hub: s.failures for s in states},
        "hub",
    )
    yield Gauge(
        "tributary_hub_last_success_timestamp_seconds",
        "When a hub last accepted an announcement.",
        {s.hub: s.last_success for s in states if s.last_success is not None},
        "hub",
    )
    yield Gauge(
        "tributary_hub_next_try_timestamp_seconds",
        "When the next attempt at a hub that failed is due.",
        {s.hub: s.next_try for s in states if s.next_try is not None},
        "hub",
    )
