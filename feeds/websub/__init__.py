"""Publishes changed documents to hubs (WebSub, https://www.w3.org/TR/websub/)."""

from feeds.websub.announcer import PAUSE, Announcer
from feeds.websub.outbox import WEBSUB, HubState, Outbox
from feeds.websub.ping import DEADLINE, Reply, delay, ping
from feeds.websub.report import described

__all__ = [
    "DEADLINE",
    "PAUSE",
    "WEBSUB",
    "Announcer",
    "HubState",
    "Outbox",
    "Reply",
    "delay",
    "described",
    "ping",
]
