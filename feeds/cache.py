"""The cache behind the publisher: any of cachelib's, holding bytes only, never in the way.

A cache that is refused, slow, full or gone costs one short wait in a while and no answer: the
document is rendered instead. cachelib's own serializers are pickle, which runs whatever code
somebody planted, so none of them is used.
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

#: Files kept: half of them are documents, the other half their traces.
FILES = 1000

#: The part of a process's memory for documents that is for traces, which have half a kB as a rule:
#: of 64 MB the earlier documents of a day when hundreds of feeds change several times.
TRACES = 1 / 16

#: Bytes that a value in memory takes beside itself, at most: its key and its place.
PLACE = 350

#: Bytes that memcached keeps under a key unless it is told otherwise: 1 MiB with all it adds.
MEMCACHED_LARGEST = 1_000_000

#: Of the names of our entries in a store that others may use too.
PREFIX = "tributary:"

#: Seconds that a document stays in a cache that nobody asks for it.
TIMEOUT = 7 * 86_400

#: Seconds to wait for a cache on the network: a hung Redis was seen to cost 59 s by default.
PATIENCE = 0.1

#: Seconds that a cache which failed is left alone.
PAUSE = 5.0

#: Seconds that one process has to make a document that all machines wait for: Redis counts whole
#: ones, and a rendering takes a tenth of one.
LEASE = 2


class Cache(Protocol):
    """Where packed documents are kept, by key."""

    @property
    def is_shared(self) -> bool:
        """Whether other machines may see what is kept."""

    def get(self, key: str) -> bytes | None:
        """The bytes under the key, or None."""

    def set(self, key: str, value: bytes) -> None:
        """Keep the bytes under the key, if possible."""

    def lease(self, key: str, seconds: int = LEASE) -> bool:
        """Whether it is for us to make what is missing under a key.

        False when somebody else was told so less than so many seconds ago.
        """


class GuardedCache:
    """Any of cachelib's caches; one that fails is left alone for a while."""

    def __init__(
        self, backend: BaseCache, name: str, largest: float = inf, is_shared: bool = False
    ) -> None:
        """Take the cache, the name that the log gives it, and how many bytes a value may have.

        A shared one is asked who makes a document; in any other everybody makes their own.
        """
        self._backend = backend
        self._name = name
        self._largest = largest
        self.is_shared = is_shared
        self._closed_until = 0.0

    def get(self, key: str) -> bytes | None:
        """The bytes under the key, or None."""
        found = self._guarded("get", key)
        return found if isinstance(found, bytes) else None

    def set(self, key: str, value: bytes) -> None:
        """Keep the bytes under the key, if possible."""
        if len(value) <= self._largest:
            self._guarded("set", key, value, TIMEOUT)

    def lease(self, key: str, seconds: int = LEASE) -> bool:
        """Whether it is for us to make what is missing under a key."""
        if not self.is_shared:
            return True
        # A cache that fails says None: who cannot ask does it.
        return self._guarded("add", f"{key}:lease", b"1", seconds) is not False

    def _guarded(self, method: str, *arguments: Any) -> Any:
        if time.monotonic() < self._closed_until:
            return None
        try:
            return getattr(self._backend, method)(*arguments)
        except Exception as error:
            # Clients of five stores raise what they like; none of it may reach a reader.
            self._closed_until = time.monotonic() + PAUSE
            log.warning(_FAILED, self._name, type(error).__name__, PAUSE)
            return None


class _Memory(BaseCache):
    """Values in memory within a bound in bytes; the one used least recently leaves first."""

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
                _, last = self._values.popitem(last=False)
                self._room += PLACE + len(last)
            return key in self._values


class _Plain:
    """Passes bytes through; takes the place of cachelib's pickling serializers."""

    def dumps(self, value: bytes) -> bytes:
        return value

    def loads(self, value: bytes | None) -> bytes | None:
        return value

    def dump(self, value: bytes, file: IO[bytes]) -> None:
        file.write(value)

    def load(self, file: IO[bytes]) -> bytes:
        return file.read()


class _Files(FileSystemCache):
    """cachelib's, made to keep its bounds when files are lost, damaged or not to be read."""

    # cachelib keeps the number of files in a file, which falls behind when two processes write
    # and, damaged, stops all writing. Looking takes 0.2 ms, once a rendering.
    @property
    def _file_count(self) -> int:
        return len(list(self._list_dir()))

    def _update_count(self, delta: int | None = None, value: int | None = None) -> None:
        pass

    # cachelib tries again for 16 s when a file may not be opened.
    def _run_safely(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return fn(*args, **kwargs)

    def set(self, *args: Any, **kwargs: Any) -> bool:
        with self._locked(fcntl.LOCK_SH) as is_locked:
            is_kept = is_locked and super().set(*args, **kwargs)
        if not is_kept:
            self.sweep()
        return is_kept

    def sweep(self) -> None:
        """Remove files begun and never finished: a full disk, or a process killed, leaves them.

        Nothing is removed while a process, or another thread of this one, writes a file.
        """
        with self._locked(fcntl.LOCK_EX) as is_locked:
            if is_locked:
                for unfinished in Path(self._path).glob(f"*{self._fs_transaction_suffix}"):
                    unfinished.unlink(missing_ok=True)

    @contextmanager
    def _locked(self, operation: int) -> Iterator[bool]:
        """Hold the folder's lock; False when another process keeps it from us.

        Nobody waits for it: a process that was stopped while it sweeps must not stop answers.
        """
        # The folder itself: a file in it would be taken for a document.
        folder = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            try:
                fcntl.flock(folder, operation | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            except OSError:
                # A file system without locks: files are written, and none is removed.
                yield operation == fcntl.LOCK_SH
            else:
                yield True
        finally:
            # Ends the lock, and so does the end of the process.
            os.close(folder)


def open_cache(url: str) -> Cache:
    """The cache that a URL names; the empty one keeps nothing. Raise SettingsError for any other.

    Documents are in memory already, where the publisher keeps them: the same bytes in a second
    place were seen to take 92 MB where 1 was allowed.

    ``redis://HOST:PORT/DB`` (also ``rediss:``, ``unix:``), ``memcached://HOST:PORT``,
    ``file:///FOLDER``.
    """
    if not url:
        return _guarded(NullCache(), "none")
    try:
        parts = urlsplit(url)
        return _OPENERS[parts.scheme](url, parts)
    except (KeyError, ValueError):
        names = "redis://HOST:PORT/DB, memcached://HOST:PORT or file:///FOLDER"
        raise SettingsError(f"FEEDS_CACHE_URL: write {names}, or leave it out") from None
    except OSError as error:
        message = f"FEEDS_CACHE_URL: {error.strerror}: name a folder that can be written"
        raise SettingsError(message) from None


def open_history_cache(memory: int) -> Cache:
    """Where each process keeps traces: so many bytes, apart from documents, few and large."""
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
    vars(backend)["serializer"] = _Plain()
    # The name is for the log: without user, password and path.
    return GuardedCache(backend, name.strip(), largest, is_shared)


_OPENERS: Mapping[str, Callable[[str, SplitResult], Cache]] = {
    "redis": _redis,
    "rediss": _redis,
    "unix": _redis,
    "memcached": _memcached,
    "file": _files,
}
