"""What is so now, for Prometheus: of the index, the files and the hubs."""

from collections.abc import Collection, Iterator
from contextlib import suppress

from feeds.errors import IndexUnavailable, StoreUnavailable
from feeds.metrics import Gauge
from feeds.sync import ContentSync
from feeds.urls import ALL
from feeds.websub import HubState, Outbox


def gauges(sync: ContentSync, outbox: Outbox, hubs: Collection[str]) -> Iterator[Gauge]:
    """All that can be told now: of an index or a queue that cannot be read there is less."""
    yield Gauge(
        "tributary_index_revision",
        "The revision: moves when visible content changes.",
        {"": sync.revision.get()},
    )
    yield Gauge(
        "tributary_index_refresh_timestamp_seconds",
        "When the index was last brought up to date.",
        {"": sync.revision.refreshed},
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
        tally, whole = sync.index.tally(), sync.index.feed(ALL.path)
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
        {"": whole.shown},
    )
    if whole.newest is not None:
        yield Gauge(
            "tributary_newest_article_timestamp_seconds",
            "When the newest article was published.",
            {"": whole.newest},
        )


def _of_the_hubs(states: Collection[HubState]) -> Iterator[Gauge]:
    yield Gauge(
        "tributary_hub_pending",
        "Addresses that a hub is still to be told of.",
        {s.hub: s.pending for s in states},
        "hub",
    )
    yield Gauge(
        "tributary_hub_failures",
        "How often a hub failed since it last answered.",
        {s.hub: s.failures for s in states},
        "hub",
    )
    yield Gauge(
        "tributary_hub_last_success_timestamp_seconds",
        "When a hub last took what it was told.",
        {s.hub: s.last_success for s in states if s.last_success is not None},
        "hub",
    )
    yield Gauge(
        "tributary_hub_next_try_timestamp_seconds",
        "When a hub that failed is tried again.",
        {s.hub: s.next_try for s in states if s.next_try is not None},
        "hub",
    )
