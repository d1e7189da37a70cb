"""Publishes changed documents to hubs (WebSub, https://www.w3.org/TR/websub/)."""

from feeds.websub.announcer import Announcer
from feeds.websub.delivery import PAUSE, retry_delay
from feeds.websub.outbox import WEBSUB, HubState, Outbox
from feeds.websub.ping import DEADLINE, Reply, ping

__all__ = [
    "DEADLINE",
    "PAUSE",
    "WEBSUB",
    "Announcer",
    "HubState",
    "Outbox",
    "Reply",
    "ping",
    "retry_delay",
]
