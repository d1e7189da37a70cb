"""Publishes changed documents to hubs (WebSub, https://www.w3.org/TR/websub/)."""

from feeds.websub.announcer import PAUSE, Announcer
from feeds.websub.outbox import WEBSUB, HubState, Outbox
from feeds.websub.ping import DEADLINE, Reply, delay, ping

__all__ = [
    "DEADLINE",
    "PAUSE",
    "WEBSUB",
    "Announcer",
    "HubState",
    "Outbox",
    "Reply",
    "delay",
    "ping",
]
