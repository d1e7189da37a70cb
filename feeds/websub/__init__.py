"""Publishes changed documents to hubs (WebSub, https://www.w3.org/TR/websub/)."""

from feeds.websub.announcer import Announcer
from feeds.websub.hub_client import DEADLINE, Reply, ping
from feeds.websub.outbox import WEBSUB, HubState, Outbox
from feeds.websub.retries import PAUSE, retry_delay

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
