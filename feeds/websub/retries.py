"""The delivery of one announcement to one hub, and when it is tried again.

Machines that share a cache record there what a hub has received, and which of them is sending.
"""

import logging
import random
from collections.abc import Callable
from hashlib import blake2b

from feeds.cache import Cache
from feeds.websub.hub_client import Reply, ping
from feeds.websub.outbox import Delivery, Outbox

log = logging.getLogger(__name__)

#: Seconds from a change to its announcement. In that time further changes join it, other machines
#: detect it, and the cache of nginx, which keeps a response for up to two seconds, expires.
PAUSE = 4.0

#: Seconds that a machine claims a delivery for: longer than DEADLINE allows it to take.
CLAIM = 8

#: Back-off in seconds after the first failure, doubled with each further one up to the maximum.
MIN_DELAY, MAX_DELAY = 10.0, 3600.0


class Deliverer:
    """Makes the deliveries of an outbox, at the times that this hub and this address allow."""

    def __init__(
        self, outbox: Outbox, cache: Cache, clock: Callable[[], float], pause: float
    ) -> None:
        """Take the queue, the cache that joins the machines, and the pause after a change."""
        self._outbox = outbox
        self._cache = cache
        self._clock = clock
        #: Seconds from a change to its announcement.
        self.pause = pause

    def deliver(self, due: Delivery) -> bool:
        """Announce one address to a hub; return True if the hub can take more."""
        started = self._clock()
        if self._cache.is_shared and self._cache.get(_cache_name(due)) == due.key.encode():
            self._outbox.mark_delivered(due)
            return True
        if not self.claim(due, started):
            # Another machine tries it; count that, so that a further change gets its own pause.
            self._outbox.reschedule(due, max(due.tries, 1), started + 1)
            return True
        # Before the request: a process that dies during it, or cannot write to a full disk after
        # it, retries later instead of repeating the request without end.
        if not self._outbox.reschedule(due, due.tries + 1, started + retry_delay(due.tries + 1)):
            # It changed since the batch began; the new change has a delivery of its own.
            return True
        reply = ping(due.hub, due.address)
        if not reply.is_success:
            return self._failed(due, reply)
        self._succeeded(due, started)
        return True

    def claim(self, due: Delivery, now: float) -> bool:
        """Return True if this machine alone may make a delivery for CLAIM seconds.

        A delivery before the end of its pause is repeated after it, with a claim of its own.
        """
        when = "early" if self._is_early(due, now) else "due"
        return self._cache.lease(f"{_cache_name(due)}:{due.key}:{when}", CLAIM)

    def _is_early(self, due: Delivery, now: float) -> bool:
        """Return True during the pause, when caches may still serve the hub an older document."""
        return due.since <= now < due.since + self.pause

    def _succeeded(self, due: Delivery, started: float) -> None:
        self._outbox.succeeded(due.hub, self._clock())
        if self._is_early(due, started):
            self._outbox.reschedule(due, 0, due.since + self.pause)
            return
        if self._cache.is_shared:
            self._cache.set(_cache_name(due), due.key.encode())
        self._outbox.mark_delivered(due)

    def _failed(self, due: Delivery, reply: Reply) -> bool:
        now = self._clock()
        if reply.is_refusal:
            self._outbox.failed(due.hub, reply.error, None)
            level = logging.WARNING if due.tries == 0 else logging.DEBUG
            log.log(level, "hub %s refused %s: %s", due.hub, due.address, reply.error)
            return True
        again = now + max(retry_delay(due.failures + 1), reply.retry_after)
        self._outbox.failed(due.hub, reply.error, again)
        self._outbox.reschedule(due, due.tries, now)
        log.warning("hub %s: %s: retry in %d s", due.hub, reply.error, again - now)
        return False


def retry_delay(failures: int) -> float:
    """Return the back-off after a number of failures, exponential with jitter, in seconds."""
    return min(MAX_DELAY, MIN_DELAY * 2.0 ** min(failures - 1, 20)) * random.uniform(0.5, 1.0)


def _cache_name(due: Delivery) -> str:
    """Return the name in the cache for the key that a hub has received of an address."""
    return f"websub:{blake2b(f'{due.hub} {due.address}'.encode(), digest_size=16).hexdigest()}"
