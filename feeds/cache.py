"""The cache behind the publisher: a cachelib backend that holds bytes and is never required.

A cache that is unreachable, slow, full or lost costs one short wait per pause and no response: the
publisher renders the document.
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

from cachelib import BaseCache, NullCache, RedisCache
from cachelib.serializers import RedisSerializer

from feeds.errors import SettingsError

log = logging.getLogger(__name__)

_FAILED = "the cache %s failed (%s): going on without for %g s"

#: The share of the memory of a process that holds histories of documents, most of which have half a
#: kB: with 64 MB, the earlier documents of a day on which hundreds of feeds change several times.
HISTORY_SHARE = 1 / 16

#: An upper bound of the bytes of a value in memory besides itself: its key and its slot.
PLACE = 350

#: The prefix of our keys in a Redis that other programs may use too.
PREFIX = "tributary:"

#: Seconds for which an unused document stays in a cache.
TIMEOUT = 7 * 86_400

#: Seconds to wait for Redis: by default a hung one cost 59 s.
PATIENCE = 0.1

#: Seconds for which a failed cache is not used.
PAUSE = 5.0

#: Seconds for which a process holds the lease of a document that all machines wait for: Redis
#: counts whole seconds, and a rendering takes a tenth of one.
LEASE = 2


class Cache(Protocol):
    """A store of packed documents, by key."""

    @property
    def is_shared(self) -> bool:
        """Return True if other machines may read the same store."""

    def get(self, key: str) -> bytes | None:
        """Return the bytes under the key, or None."""

    def set(self, key: str, value: bytes) -> None:
        """Store the bytes under the key, if possible."""

    def lease(self, key: str, seconds: int = LEASE) -> bool:
        """Return True if the caller has to make the missing value of a key.

        Return False while another process holds the lease, for so many seconds at most.
        """


class GuardedCache:
    """A cachelib backend with a circuit breaker: after a failure it is not used for a while."""

    def __init__(self, backend: BaseCache, name: str, is_shared: bool = False) -> None:
        """Take the backend and its name in the log.

        A shared backend grants leases; with any other, every process makes its own documents.
        """
        self._backend = backend
        self._name = name
        self.is_shared = is_shared
        self._paused_until = 0.0

    def get(self, key: str) -> bytes | None:
        """Return the bytes under the key, or None."""
        found = self._guarded(self._backend.get, key)
        return found if isinstance(found, bytes) else None

    def set(self, key: str, value: bytes) -> None:
        """Store the bytes under the key, if possible."""
        self._guarded(self._backend.set, key, value, TIMEOUT)

    def lease(self, key: str, seconds: int = LEASE) -> bool:
        """Return True if the caller has to make the missing value of a key."""
        if not self.is_shared:
            return True
        # A failing cache returns None: without leases, every process makes its own documents.
        return self._guarded(self._backend.add, f"{key}:lease", b"1", seconds) is not False

    def _guarded(self, operation: Callable[..., Any], *arguments: Any) -> Any:
        if time.monotonic() < self._paused_until:
            return None
        try:
            return operation(*arguments)
        except Exception as error:
            # The client raises errors of many types; none of them may reach a reader.
            self._paused_until = time.monotonic() + PAUSE
            log.warning(_FAILED, self._name, type(error).__name__, PAUSE)
            return None


class _Memory(BaseCache):
    """An LRU cache in memory with a limit in bytes."""

    def __init__(self, memory: int) -> None:
        super().__init__()
        self._room = memory
        self._values: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes | None:
        """Return the bytes under the key, or None; they are the most recently used then."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def set(self, key: str, value: bytes, timeout: object = None) -> bool:
        """Store the bytes until room is short; return False if they alone are too large."""
        with self._lock:
            old = self._values.pop(key, None)
            self._room += 0 if old is None else PLACE + len(old)
            self._values[key] = value
            self._room -= PLACE + len(value)
            while self._room < 0:
                _, evicted = self._values.popitem(last=False)
                self._room += PLACE + len(evicted)
            return key in self._values


class _BytesSerializer(RedisSerializer):
    """Passes bytes through: that of cachelib unpickles, and so runs what an attacker stored."""

    def dumps(self, value: bytes, protocol: int = 0) -> bytes:
        return value

    def loads(self, value: bytes | None) -> bytes | None:
        return value


class _Redis(RedisCache):
    serializer = _BytesSerializer()


def open_cache(url: str) -> Cache:
    """Open the cache of a URL: ``redis://HOST:PORT/DB``, also ``rediss:`` or ``unix:``.

    Raise SettingsError for any other. The empty URL opens a cache that stores nothing: the
    publisher keeps documents in memory already, and a second copy took 92 MB where 1 was allowed.
    """
    if not url:
        return GuardedCache(NullCache(), "none")
    try:
        client = _redis_client(url)
    except ValueError:
        advice = "write redis://HOST:PORT/DB, or leave it out to keep documents in memory alone"
        raise SettingsError(f"FEEDS_CACHE_URL: only Redis is supported: {advice}") from None
    cache = _Redis(client, key_prefix=PREFIX, default_timeout=TIMEOUT)
    # The name is logged, so it must not hold user, password or path.
    return GuardedCache(cache, f"redis {urlsplit(url).hostname or ''}".strip(), is_shared=True)


def open_history_cache(memory: int) -> Cache:
    """Open the cache of a process for histories; documents, fewer and larger, are kept apart."""
    return GuardedCache(_Memory(memory), "memory")


def _redis_client(url: str) -> Any:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return redis.Redis.from_url(
        url,
        socket_timeout=PATIENCE,
        socket_connect_timeout=PATIENCE,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )
