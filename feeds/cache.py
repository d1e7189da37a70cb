"""The cache behind the publisher: a cachelib backend that holds bytes and is never required.

A cache that is unreachable, slow, full or lost costs one short wait per pause and no response: the
publisher renders the document. The serializers of cachelib are not used: they unpickle, which would
run any code that an attacker stored.
"""

import fcntl
import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from cachelib import BaseCache, FileSystemCache, MemcachedCache, NullCache, RedisCache

from feeds.errors import SettingsError

log = logging.getLogger(__name__)

_FAILED = "the cache %s failed (%s): going on without for %g s"

#: The most files: one half holds documents, the other half their histories.
FILES = 1000

#: The share of the memory of a process that holds histories of documents, most of which have half a
#: kB: with 64 MB, the earlier documents of a day on which hundreds of feeds change several times.
HISTORY_SHARE = 1 / 16

#: An upper bound of the bytes of a value in memory besides itself: its key and its slot.
PLACE = 350

#: The largest value in bytes that memcached accepts by default: 1 MiB with its own overhead.
MEMCACHED_LARGEST = 1_000_000

#: The prefix of our keys in a store that other programs may use too.
PREFIX = "tributary:"

#: Seconds for which an unused document stays in a cache.
TIMEOUT = 7 * 86_400

#: Seconds to wait for a cache on the network: by default a hung Redis cost 59 s.
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

    def __init__(
        self, backend: BaseCache, name: str, largest: float = inf, is_shared: bool = False
    ) -> None:
        """Take the backend, its name in the log, and the largest value in bytes.

        A shared backend grants leases; with any other, every process makes its own documents.
        """
        self._backend = backend
        self._name = name
        self._largest = largest
        self.is_shared = is_shared
        self._closed_until = 0.0

    def get(self, key: str) -> bytes | None:
        """Return the bytes under the key, or None."""
        found = self._guarded("get", key)
        return found if isinstance(found, bytes) else None

    def set(self, key: str, value: bytes) -> None:
        """Store the bytes under the key, if possible."""
        if len(value) <= self._largest:
            self._guarded("set", key, value, TIMEOUT)

    def lease(self, key: str, seconds: int = LEASE) -> bool:
        """Return True if the caller has to make the missing value of a key."""
        if not self.is_shared:
            return True
        # A failing cache returns None: without leases, every process makes its own documents.
        return self._guarded("add", f"{key}:lease", b"1", seconds) is not False

    def _guarded(self, method: str, *arguments: Any) -> Any:
        if time.monotonic() < self._closed_until:
            return None
        try:
            return getattr(self._backend, method)(*arguments)
        except Exception as error:
            # The clients of five stores raise errors of any type; none of them may reach a reader.
            self._closed_until = time.monotonic() + PAUSE
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
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def set(self, key: str, value: bytes, timeout: object = None) -> bool:
        with self._lock:
            old = self._values.pop(key, None)
            self._room += 0 if old is None else PLACE + len(old)
            self._values[key] = value
            self._room -= PLACE + len(value)
            while self._room < 0:
                _, evicted = self._values.popitem(last=False)
                self._room += PLACE + len(evicted)
            return key in self._values


class _BytesSerializer:
    """A serializer that passes bytes through, in place of the pickling ones of cachelib."""

    def dumps(self, value: bytes) -> bytes:
        return value

    def loads(self, value: bytes | None) -> bytes | None:
        return value

    def dump(self, value: bytes, file: IO[bytes]) -> None:
        file.write(value)

    def load(self, file: IO[bytes]) -> bytes:
        return file.read()


class _Files(FileSystemCache):
    """A FileSystemCache that keeps its bounds if files are lost, damaged or unreadable."""

    # cachelib stores the number of files in a file, which becomes wrong when two processes write
    # and stops all writing once damaged. Counting takes 0.2 ms, once per rendering.
    @property
    def _file_count(self) -> int:
        return len(list(self._list_dir()))

    def _update_count(self, delta: int | None = None, value: int | None = None) -> None:
        pass

    # cachelib retries for 16 s if it has no permission to open a file.
    def _run_safely(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return fn(*args, **kwargs)

    def set(self, *args: Any, **kwargs: Any) -> bool:
        with self._locked(fcntl.LOCK_SH) as is_locked:
            is_kept = is_locked and super().set(*args, **kwargs)
        if not is_kept:
            self.sweep()
        return is_kept

    def sweep(self) -> None:
        """Remove unfinished files, which a full disk or a killed process leaves.

        Nothing is removed while any process or thread writes a file.
        """
        with self._locked(fcntl.LOCK_EX) as is_locked:
            if is_locked:
                for unfinished in Path(self._path).glob(f"*{self._fs_transaction_suffix}"):
                    unfinished.unlink(missing_ok=True)

    @contextmanager
    def _locked(self, operation: int) -> Iterator[bool]:
        """Hold the lock of the folder, or yield False if another process holds it.

        The lock is never waited for: a process suspended during a sweep must not block responses.
        """
        # The folder itself is locked: cachelib would treat a lock file in it as a document.
        folder = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            try:
                fcntl.flock(folder, operation | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            except OSError:
                # On a file system without locks, files are written but never removed.
                yield operation == fcntl.LOCK_SH
            else:
                yield True
        finally:
            # Closing releases the lock, and so does the end of the process.
            os.close(folder)


def open_cache(url: str) -> Cache:
    """Open the cache of a URL; the empty URL opens one that stores nothing.

    Raise SettingsError for any URL that is not listed here. There is no cache in memory: the
    publisher keeps documents in memory already, and a second copy took 92 MB where 1 was allowed.

    ``redis://HOST:PORT/DB`` (also ``rediss:``, ``unix:``), ``memcached://HOST:PORT``,
    ``file:///FOLDER``.
    """
    if not url:
        return _guarded(NullCache(), "none")
    try:
        parts = urlsplit(url)
        return _OPENERS[parts.scheme](url, parts)
    except (KeyError, ValueError):
        forms = "redis://HOST:PORT/DB, memcached://HOST:PORT or file:///FOLDER"
        raise SettingsError(f"FEEDS_CACHE_URL: write {forms}, or leave it out") from None
    except OSError as error:
        message = f"FEEDS_CACHE_URL: {error.strerror}: name a folder that can be written"
        raise SettingsError(message) from None


def open_history_cache(memory: int) -> Cache:
    """Open the cache of a process for histories; documents, fewer and larger, are kept apart."""
    return _guarded(_Memory(memory), "memory")


def _redis(url: str, parts: SplitResult) -> Cache:
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
    cache = RedisCache(client, key_prefix=PREFIX, default_timeout=TIMEOUT)
    return _guarded(cache, f"redis {parts.hostname or ''}", is_shared=True)


def _memcached(url: str, parts: SplitResult) -> Cache:
    from pymemcache.client.base import PooledClient

    client = PooledClient(
        (parts.hostname or "127.0.0.1", parts.port or 11211),
        connect_timeout=PATIENCE,
        timeout=PATIENCE,
        default_noreply=False,
    )
    cache = MemcachedCache(client, key_prefix=PREFIX, default_timeout=TIMEOUT)
    return _guarded(cache, f"memcached {parts.hostname or ''}", MEMCACHED_LARGEST, is_shared=True)


def _files(url: str, parts: SplitResult) -> Cache:
    folder = unquote(parts.path)
    if parts.netloc or not folder.startswith("/"):
        raise ValueError("not the path of a folder of this machine")
    cache = _Files(folder, threshold=FILES, default_timeout=TIMEOUT)
    cache.sweep()
    return _guarded(cache, "files")


def _guarded(backend: BaseCache, name: str, largest: float = inf, is_shared: bool = False) -> Cache:
    vars(backend)["serializer"] = _BytesSerializer()
    # The name is logged, so it must not hold user, password or path.
    return GuardedCache(backend, name.strip(), largest, is_shared)


_OPENERS: Mapping[str, Callable[[str, SplitResult], Cache]] = {
    "redis": _redis,
    "rediss": _redis,
    "unix": _redis,
    "memcached": _memcached,
    "file": _files,
}
