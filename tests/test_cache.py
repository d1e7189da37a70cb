"""Tests of the cache behind the publisher: one contract for every backend."""

import os
import pickle
import signal
import socket
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis as redis_client

from feeds import cache as cache_module
from feeds.cache import Cache, open_cache, open_history_cache
from feeds.encoded_bodies import seal, unseal
from feeds.errors import SettingsError
from tests import stores
from tests.conftest import Content, Site
from tests.waiting import wait_for

KEY = "0123456789abcdef0123456789abcdef"
VALUE = seal(KEY, b"<rss/>" * 100)

#: Every byte, and bytes that could be taken for a number, a pickle or nothing.
VALUES = [b"", b"0", b"12345", b"\x80\x04.", bytes(range(256)), VALUE, os.urandom(700_000)]


@dataclass(frozen=True)
class Store:
    """A cache, and direct access to its backend."""

    url: str
    #: Writes bytes under a key directly, as an attacker with access to the backend.
    plant: Callable[[str, bytes], object]

    def open(self) -> Cache:
        return open_cache(self.url)


class Trap:
    """An object that writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


@pytest.fixture(autouse=True)
def _close(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with stores.clients_closed(monkeypatch):
        yield


@pytest.fixture(scope="module")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    port = stores.free_port()
    with stores.running(port, *stores.redis(port, tmp_path_factory.mktemp("redis"))):
        yield port


@pytest.fixture
def redis(redis_port: int) -> Iterator[Store]:
    with redis_client.Redis(port=redis_port, protocol=2) as client:
        client.flushall()
        yield Store(
            f"redis://127.0.0.1:{redis_port}/0",
            lambda key, data: client.set(f"tributary:{key}", data),
        )


@pytest.fixture(params=["memory", "redis"])
def cache(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Cache:
    """Return each cache; a busy machine may not store two megabytes within PATIENCE."""
    monkeypatch.setattr(cache_module, "PATIENCE", 20)
    if request.param == "memory":
        return open_history_cache(1_000_000)
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Store)
    return found.open()


# The contract.


def test_a_value_that_was_never_stored_is_a_miss(cache: Cache) -> None:
    assert cache.get(KEY) is None


@pytest.mark.parametrize("value", VALUES, ids=lambda value: f"{len(value)} bytes")
def test_bytes_are_returned_unchanged(cache: Cache, value: bytes) -> None:
    cache.set(KEY, value)

    assert cache.get(KEY) == value
    assert cache.get(KEY[::-1]) is None


def test_the_last_bytes_replace_the_earlier_ones(cache: Cache) -> None:
    cache.set(KEY, b"old")
    cache.set(KEY, b"new")

    assert cache.get(KEY) == b"new"


def test_keys_are_independent(cache: Cache) -> None:
    values = {f"{number:032x}": b"%d" % number for number in range(20)}
    for key, value in values.items():
        cache.set(key, value)

    assert {key: cache.get(key) for key in values} == values


def test_a_full_cache_stores_the_next_document(cache: Cache) -> None:
    """The last document is stored, however full the cache is."""
    for number in range(120):
        cache.set(f"{number:032x}", VALUE)

    cache.set(KEY, VALUE)

    assert cache.get(KEY) == VALUE


def test_a_document_of_any_size_raises_no_error(cache: Cache) -> None:
    cache.set(KEY, os.urandom(2_000_000))
    cache.set(KEY[::-1], VALUE)

    assert cache.get(KEY[::-1]) == VALUE


# Values from other processes.


def test_a_value_stored_by_one_process_is_read_by_another(redis: Store) -> None:
    redis.open().set(KEY, VALUE)

    assert redis.open().get(KEY) == VALUE


def test_one_of_two_machines_gets_the_lease_of_a_document(redis: Store) -> None:
    first, second = redis.open(), redis.open()

    assert [first.lease(KEY), second.lease(KEY), second.lease("another")] == [True, False, True]
    assert wait_for(lambda: second.lease(KEY))


def test_a_cache_that_is_not_shared_grants_every_lease() -> None:
    cache = open_cache("")

    assert cache.lease(KEY)
    assert cache.lease(KEY)


def test_a_planted_pickle_is_never_loaded(redis: Store, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    cache = redis.open()
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        planted = pickle.dumps(Trap(trap), protocol)
        redis.plant(KEY, planted)
        assert cache.get(KEY) == planted
        redis.plant(KEY, b"!" + planted)
        assert cache.get(KEY) == b"!" + planted

    assert not trap.exists()
    pickle.loads(planted)
    assert trap.exists(), "the trap works"


@pytest.mark.parametrize(
    "planted",
    [
        b"",
        b"0",
        VALUE[:-1],
        VALUE[:20],
        VALUE[:50] + b"?" + VALUE[51:],
        seal("another key", b"wrong"),
        pickle.dumps(VALUE),
        b"!" + pickle.dumps(VALUE),
    ],
    ids=["empty", "zero", "shorter", "short", "damaged", "swapped", "pickle", "marked pickle"],
)
def test_a_feed_never_shows_a_planted_value(
    content: Content,
    open_site: Callable[..., Site],
    redis: Store,
    planted: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The first machine still holds the lease; the second must not wait for it.
    monkeypatch.setattr("feeds.publisher.LEASE", 0)
    content.write("a.md")
    first = open_site(FEEDS_CACHE_URL=redis.url)
    right = first.get("/all.rss")
    key = right.headers["ETag"].strip('"')
    redis.plant(key, planted)

    second = open_site(FEEDS_CACHE_URL=redis.url)
    found = second.get("/all.rss")

    assert found.status_code == 200
    assert found.data == right.data
    assert second.web.publisher.renderings == 1
    mended = redis.open().get(key)
    assert mended is not None
    assert unseal(key, mended) is not None


def test_a_second_machine_does_not_render_again(
    content: Content, open_site: Callable[..., Site], redis: Store, tmp_path: Path
) -> None:
    content.write("a.md")
    first = open_site(FEEDS_CACHE_URL=redis.url)
    second = open_site(FEEDS_CACHE_URL=redis.url, FEEDS_INSTANCE_DIR=str(tmp_path / "other"))

    bodies = [site.get("/all.atom").data for site in (first, second)]

    assert bodies[0] == bodies[1]
    assert [site.web.publisher.renderings for site in (first, second)] == [1, 0]


def test_without_a_url_no_document_is_stored_twice() -> None:
    cache = open_cache("")

    cache.set(KEY, VALUE)

    assert cache.get(KEY) is None


# Memory.


def test_memory_is_bounded_in_bytes_and_the_least_recently_used_value_is_evicted() -> None:
    values = {f"{number:032x}": os.urandom(1000) for number in range(1000)}
    tracemalloc.start()
    try:
        cache = open_history_cache(50_000)
        cache.set("used", b"again and again")
        for key, value in values.items():
            cache.set(f"{key}:{key}", bytes(bytearray(value)))
            assert cache.get("used")
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    kept = [key for key in values if cache.get(f"{key}:{key}")]
    assert kept == list(values)[-len(kept) :]
    assert 30 < len(kept) < 50
    assert held < 60_000


def test_a_value_larger_than_the_memory_is_not_stored() -> None:
    cache = open_history_cache(2_000)
    cache.set(KEY, bytes(10_000))
    first = cache.get(KEY)

    cache.set(KEY, b"small")
    cache.set(KEY, b"another")

    assert (first, cache.get(KEY)) == (None, b"another")


def test_memory_is_safe_with_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = open_history_cache(20_000)

    def work(number: int) -> None:
        for turn in range(2000):
            cache.set(f"{(number * turn) % 97}", bytes(turn % 900))
            cache.get(f"{turn % 97}")

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
    finally:
        sys.setswitchinterval(interval)

    memory: Any = vars(cache)["_backend"]
    held = sum(cache_module.PLACE + len(value) for value in memory._values.values())
    assert memory._room == 20_000 - held >= 0


# A cache that fails.


@pytest.fixture
def dying(tmp_path: Path) -> Iterator[tuple[str, Callable[[signal.Signals], None]]]:
    """Yield the URL of a Redis, and a function that sends it a signal."""
    port = stores.free_port()
    with stores.running(port, *stores.redis(port, tmp_path)) as process:

        def send(number: signal.Signals) -> None:
            process.send_signal(number)
            # A thread of Redis may respond until it has received the signal.
            if number == signal.SIGSTOP:
                os.waitid(os.P_PID, process.pid, os.WSTOPPED)
            if number == signal.SIGKILL:
                process.wait()

        yield f"redis://127.0.0.1:{port}", send


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL], ids=["hung", "dead"])
def test_feeds_are_served_without_their_cache(
    content: Content,
    open_site: Callable[..., Site],
    dying: tuple[str, Callable[[signal.Signals], None]],
    number: signal.Signals,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """[70] The failure costs one short wait; then the circuit breaker is open."""
    monkeypatch.setattr(cache_module, "PAUSE", 600)
    for name in "abcdef":
        content.write(f"{name}.md", topics=[name])
    url, send = dying
    site = open_site(FEEDS_CACHE_URL=url)
    good = site.get("/topics/a.rss")

    send(number)
    answers = [site.get(f"/topics/{name}.rss") for name in "abcdef"]

    assert [answer.status_code for answer in answers] == [200] * 6
    assert answers[0].data == good.data
    warnings = [r.getMessage() for r in caplog.records if r.name == "feeds.cache"]
    assert len(warnings) == 1
    assert "127.0.0.1" in warnings[0]


def test_a_hung_cache_is_used_once(
    dying: tuple[str, Callable[[signal.Signals], None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_module, "PAUSE", 600)
    url, send = dying
    cache = open_cache(url)
    cache.set(KEY, VALUE)
    send(signal.SIGSTOP)

    # Without PATIENCE this call would hang.
    assert cache.get(KEY) is None
    send(signal.SIGCONT)

    assert [cache.get(KEY) for _ in range(100)] == [None] * 100


def test_a_cache_that_recovers_is_used_again(
    dying: tuple[str, Callable[[signal.Signals], None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_module, "PAUSE", 0.05)
    url, send = dying
    cache = open_cache(url)
    cache.set(KEY, VALUE)
    send(signal.SIGSTOP)
    assert cache.get(KEY) is None

    send(signal.SIGCONT)

    assert wait_for(lambda: cache.get(KEY) == VALUE)


def test_a_missing_cache_does_not_stop_the_start(
    content: Content, open_site: Callable[..., Site]
) -> None:
    content.write("a.md")

    site = open_site(FEEDS_CACHE_URL=f"redis://127.0.0.1:{stores.free_port()}")

    assert site.get("/all.rss").status_code == 200


def test_the_log_does_not_contain_the_password(caplog: pytest.LogCaptureFixture) -> None:
    cache = open_cache(f"redis://user:secret@127.0.0.1:{stores.free_port()}/0")
    cache.get(KEY)

    assert "the cache redis 127.0.0.1 failed (ConnectionError)" in caplog.text
    assert "secret" not in caplog.text


# Configuration.


@pytest.mark.parametrize(
    "url",
    [
        "memory",
        "http://127.0.0.1",
        "pickle:///tmp",
        "/tmp/cache",
        "redis://[::1",
        "redis://127.0.0.1:port",
        "memcached://127.0.0.1:11211",
        "file:///var/cache/tributary",
        "redis://user:secret@host:port",
    ],
)
def test_an_unknown_cache_is_rejected(url: str) -> None:
    with pytest.raises(SettingsError) as error:
        open_cache(url)

    assert str(error.value) == (
        "FEEDS_CACHE_URL: only Redis is supported: write redis://HOST:PORT/DB, "
        "or leave it out to keep documents in memory alone"
    )


@pytest.mark.parametrize("url", ["rediss://cache.example.org:6380/1", "unix:///run/redis.sock"])
def test_opening_a_cache_sends_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    requested: list[object] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: requested.append(args))
    monkeypatch.setattr(socket.socket, "connect", lambda *args: requested.append(args))

    open_cache(url)

    assert requested == []
