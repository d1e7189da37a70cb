"""The cache behind the publisher: any of cachelib's, holding bytes only, never in the way.

A cache that is refused, slow, full or gone costs one short wait in a while and no answer: the
document is rendered instead. cachelib's own serializers are pickle, which runs whatever code
somebody planted, so none of them is used.
"""

import logging
import time
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from cachelib import BaseCache, FileSystemCache, MemcachedCache, RedisCache, SimpleCache

from feeds.errors import SettingsError

log = logging.getLogger(__name__)

_FAILED = "the cache %s failed (%s): going on without for %g s"

#: Documents kept in memory when no other cache is configured.
THRESHOLD = 100

#: Seconds that a document stays in a cache that nobody asks for it.
TIMEOUT = 7 * 86_400

#: Seconds to wait for a cache on the network: a hung Redis was seen to cost 59 s by default.
PATIENCE = 0.1

#: Seconds that a cache which failed is left alone.
PAUSE = 5.0


class Cache(Protocol):
    """Where packed documents are kept, by key."""

    def get(self, key: str) -> bytes | None:
        """The bytes under the key, or None."""

    def set(self, key: str, value: bytes) -> None:
        """Keep the bytes under the key, if possible."""


class GuardedCache:
    """Any of cachelib's caches; one that fails is left alone for a while."""

    def __init__(self, backend: BaseCache, name: str) -> None:
        """Take the cache and the name that the log gives it."""
        self._backend = backend
        self._name = name
        self._closed_until = 0.0

    def get(self, key: str) -> bytes | None:
        """The bytes under the key, or None."""
        found = self._guarded("get", key)
        return found if isinstance(found, bytes) else None

    def set(self, key: str, value: bytes) -> None:
        """Keep the bytes under the key, if possible."""
        self._guarded("set", key, value, TIMEOUT)

    def _guarded(self, method: str, *arguments: Any) -> Any:
        if time.monotonic() < self._closed_until:
            return None
        try:
            return getattr(self._backend, method)(*arguments)
        except Exception:
            # Clients of five stores raise what they like; none of it may reach a reader.
            self._closed_until = time.monotonic() + PAUSE
            log.warning(_FAILED, self._name, type(error).__name__, PAUSE)
            return None


class _Plain:
    """Passes bytes through; takes the place of cachelib's pickling serializers."""

    def dumps(self, value: bytes) -> bytes:
        return value

    def loads(self, value: bytes | None) -> bytes | None:
        return value

    def dump(self, value: bytes, file: Any) -> None:
        # FileSystemCache counts its files in a file of its own, as a number.
        file.write(value if isinstance(value, bytes) else str(value).encode())

    def load(self, file: Any) -> Any:
        value = file.read()
        return int(value) if len(value) < 12 and value.isdigit() else value


def open_cache(url: str) -> Cache:
    """The cache that a URL names; the empty one names memory. Raise SettingsError for any other.

    ``redis://HOST:PORT/DB`` (also ``rediss:``, ``unix:``), ``memcached://HOST:PORT``,
    ``file:///FOLDER``.
    """
    parts = urlsplit(url)
    make = {
        "": _simple,
        "redis": _redis,
        "rediss": _redis,
        "unix": _redis,
        "memcached": _memcached,
        "file": _files,
    }.get(parts.scheme)
    if make is None:
        names = "redis://HOST:PORT/DB, memcached://HOST:PORT or file:///FOLDER"
        raise SettingsError(f"FEEDS_CACHE_URL: write {names}, or leave it out")
    backend = make(url)
    vars(backend)["serializer"] = _Plain()
    # Without user, password and path: a name for the log.
    return GuardedCache(backend, f"{parts.scheme or 'memory'} {parts.hostname or ''}".strip())


def _simple(url: str) -> BaseCache:
    return SimpleCache(threshold=THRESHOLD, default_timeout=TIMEOUT)


def _redis(url: str) -> BaseCache:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    client = redis.Redis.from_url(
        url,
        socket_timeout=PATIENCE,
        socket_connect_timeout=PATIENCE,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )
    return RedisCache(client, key_prefix="tributary:", default_timeout=TIMEOUT)


def _memcached(url: str) -> BaseCache:
    from pymemcache.client.hash import HashClient

    parts = urlsplit(url)
    client = HashClient(
        [(parts.hostname or "127.0.0.1", parts.port or 11211)],
        connect_timeout=PATIENCE,
        timeout=PATIENCE,
        retry_attempts=0,
        use_pooling=True,
    )
    return MemcachedCache(client, key_prefix="tributary:", default_timeout=TIMEOUT)


def _files(url: str) -> BaseCache:
    return FileSystemCache(unquote(urlsplit(url).path), threshold=500, default_timeout=TIMEOUT)
