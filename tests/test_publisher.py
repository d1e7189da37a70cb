"""Tests of the publisher: documents are rendered once, and stale ones are served meanwhile."""

import logging
import threading
import time
from collections.abc import Hashable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from feeds.documents import Document, DocumentPlan
from feeds.encoded_bodies import IDENTITY, Bodies, seal
from feeds.errors import IndexUnavailable, MovedFeed, NoDelta, OutOfDate, RetiredFeed, UnknownFeed
from feeds.model import FeedId, Format
from feeds.publisher import ATTEMPTS, LOOK, Publisher
from feeds.urls import PathTarget, Target
from feeds.web.embed import Box, Options
from tests.publishing import ADDRESS, Shop, Store, fail

#: Seconds after which a test gives up on a thread.
SOON = 10


@pytest.fixture
def shop() -> Shop:
    return Shop()


@contextmanager
def slow_renderer(shop: Shop) -> Iterator[tuple[threading.Event, Future[Document]]]:
    """Run a thread that renders until the event is set."""
    begun, may_end = threading.Event(), threading.Event()
    body = shop.content.encode()

    def render() -> bytes:
        begun.set()
        assert may_end.wait(SOON)
        return body

    with ThreadPoolExecutor() as pool:
        first = pool.submit(shop.publisher.document, ADDRESS, lambda: shop.plan(render))
        assert begun.wait(SOON)
        try:
            yield may_end, first
        finally:
            may_end.set()


def test_a_document_has_the_body_that_its_plan_renders(shop: Shop) -> None:
    document = shop.fetch()

    assert document.bodies == Bodies(b"first")
    assert (document.key, document.modified, document.max_age) == ("key of first", 1000, 900)


def test_no_plan_is_made_while_the_revision_stays(shop: Shop) -> None:
    shop.fetch()
    shop.content = "changed in secret"

    texts = [shop.text() for _ in range(3)]

    assert texts == ["first"] * 3
    assert shop.plans == 1


def test_a_change_is_served_at_once(shop: Shop) -> None:
    shop.fetch()
    shop.publish("second")

    text = shop.text()

    assert text == "second"
    assert shop.publisher.renderings == 2


def test_a_revision_that_does_not_touch_a_feed_renders_nothing(shop: Shop) -> None:
    shop.fetch()
    shop.revision += 1

    texts = [shop.text(), shop.text()]

    assert texts == ["first", "first"]
    assert shop.publisher.renderings == 1
    assert shop.plans == 2


def test_the_same_document_gets_its_later_time(shop: Shop) -> None:
    shop.fetch()
    shop.modified, shop.revision = 2000, 2

    document = shop.fetch()

    assert document.modified == 2000
    assert shop.publisher.renderings == 1


def test_only_a_current_document_is_hot(shop: Shop) -> None:
    assert shop.publisher.hot(ADDRESS) is None

    document = shop.fetch()
    assert shop.publisher.hot(ADDRESS) is document

    shop.revision += 1
    assert shop.publisher.hot(ADDRESS) is None


def test_many_requests_cause_one_rendering(shop: Shop) -> None:
    barrier = threading.Barrier(50)

    def fetch() -> Document:
        barrier.wait(SOON)
        return shop.publisher.document(ADDRESS, lambda: shop.plan(render))

    def render() -> bytes:
        # Long enough for all the others to arrive.
        threading.Event().wait(0.05)
        return b"first"

    with ThreadPoolExecutor(50) as pool:
        documents = [each.result(SOON) for each in [pool.submit(fetch) for _ in range(50)]]

    assert shop.publisher.renderings == 1
    assert {document.bodies[IDENTITY] for document in documents} == {b"first"}


def test_a_thread_that_missed_the_rendering_does_not_repeat_it() -> None:
    """The delay of the thread makes no difference."""
    shop = Shop(store=Store(is_shared=False, forgets=True))
    looked, may_go_on = threading.Event(), threading.Event()

    def late() -> DocumentPlan:
        looked.set()
        assert may_go_on.wait(SOON)
        return shop.plan()

    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(shop.publisher.document, ADDRESS, late)
        assert looked.wait(SOON)
        first = shop.fetch()
        may_go_on.set()
        second = waiting.result(SOON)

    assert second.bodies is first.bodies
    assert shop.publisher.renderings == 1


def test_while_one_thread_renders_others_get_the_stale_document_at_once(shop: Shop) -> None:
    shop.fetch()
    shop.publish("second")

    with slow_renderer(shop) as (may_end, first):
        meanwhile = shop.text()
        may_end.set()
        rendered = first.result(SOON)

    assert meanwhile == "first"
    assert rendered.bodies[IDENTITY] == b"second"
    assert shop.text() == "second"
    assert shop.publisher.renderings == 2


def test_a_caller_with_a_larger_fallback_waits(shop: Shop) -> None:
    """[78]"""
    whole = shop.fetch("whole")
    shop.fetch()
    shop.publish("second")

    with slow_renderer(shop) as (may_end, _), ThreadPoolExecutor() as pool:
        waiting = pool.submit(shop.publisher.document, ADDRESS, shop.plan, whole)
        with pytest.raises(TimeoutError):
            waiting.result(0.1)
        may_end.set()
        served = waiting.result(SOON)

    assert served.bodies[IDENTITY] == b"second"


def test_a_slow_rendering_does_not_replace_a_newer_document(shop: Shop) -> None:
    with slow_renderer(shop) as (may_end, first):
        shop.publish("second")
        shop.fetch()
        may_end.set()
        first.result(SOON)

    newest = shop.publisher.hot(ADDRESS)
    assert newest is not None
    assert newest.bodies[IDENTITY] == b"second"


def test_a_failed_rendering_raises_in_all_threads_that_wait(shop: Shop) -> None:
    barrier = threading.Barrier(5)

    def fetch() -> Document:
        barrier.wait(SOON)
        return shop.publisher.document(ADDRESS, lambda: shop.plan(render))

    def render() -> bytes:
        threading.Event().wait(0.05)
        raise RuntimeError("no")

    with ThreadPoolExecutor(5) as pool:
        errors = [each.exception(SOON) for each in [pool.submit(fetch) for _ in range(5)]]

    assert [str(error) for error in errors] == ["no"] * 5
    assert shop.text() == "first"


@pytest.mark.parametrize("error", [IndexUnavailable("no"), RuntimeError("no"), MemoryError()])
def test_the_last_good_document_is_served_instead_of_an_error(
    shop: Shop, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """[70]"""
    document = shop.fetch()
    shop.revision += 1

    served = shop.publisher.document(ADDRESS, lambda: fail(error))

    assert served is document
    assert "serving what was served before" in caplog.text
    assert caplog.records[0].levelno == logging.ERROR


def test_a_fallback_is_served_instead_of_an_error_or_a_stale_document(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    """[70]"""
    whole = shop.fetch("whole")
    served = shop.publisher.document(ADDRESS, lambda: fail(RuntimeError("no")), fallback=whole)
    shop.fetch()
    shop.revision += 1
    later = shop.publisher.document(ADDRESS, lambda: fail(RuntimeError("no")), fallback=whole)

    assert served is whole
    assert later is whole


def test_a_failure_of_every_request_is_logged_once_in_a_while(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.fetch()
    shop.revision += 1

    for _ in range(100):
        shop.publisher.document(ADDRESS, lambda: fail(IndexUnavailable("no")))

    assert len(caplog.records) == 1


def test_after_a_failure_the_new_document_is_served(shop: Shop) -> None:
    shop.fetch()
    shop.publish("second")
    shop.publisher.document(ADDRESS, lambda: fail(IndexUnavailable("no")))

    assert shop.text() == "second"


@pytest.mark.parametrize("error", [IndexUnavailable("no"), RuntimeError("no")])
def test_without_a_document_the_error_is_raised(shop: Shop, error: Exception) -> None:
    with pytest.raises(type(error)):
        shop.publisher.document(ADDRESS, lambda: fail(error))


@pytest.mark.parametrize(
    "error", [UnknownFeed(), RetiredFeed(), MovedFeed(FeedId("topics/b")), NoDelta()]
)
def test_the_document_of_a_removed_feed_is_dropped(shop: Shop, error: Exception) -> None:
    shop.fetch()
    shop.revision += 1

    with pytest.raises(type(error)):
        shop.publisher.document(ADDRESS, lambda: fail(error))

    shop.revision -= 1
    assert shop.publisher.hot(ADDRESS) is None


def test_unknown_feeds_make_no_entry(shop: Shop) -> None:
    """A million of them must not evict the documents in use."""
    shop.fetch()

    for number in range(1000):
        with pytest.raises(UnknownFeed):
            shop.publisher.document(f"unknown-{number}", lambda: fail(UnknownFeed()))

    assert list(shop.publisher.memory.by_target) == [ADDRESS]
    assert list(shop.store.kept) == ["key of first"]


def test_an_article_that_changes_while_it_is_read_is_selected_again(shop: Shop) -> None:
    def plan() -> DocumentPlan:
        content = "first" if shop.plans == 0 else "second"
        return DocumentPlan(content, 1000, 1010, 900, (), lambda: render(content))

    def render(content: str) -> bytes:
        shop.plans += 1
        if content == "first":
            raise OutOfDate("article")
        return content.encode()

    document = shop.publisher.document(ADDRESS, plan)

    assert document.bodies[IDENTITY] == b"second"


def test_articles_that_always_change_end_in_an_error(shop: Shop) -> None:
    def render() -> bytes:
        raise OutOfDate("article")

    with pytest.raises(IndexUnavailable):
        shop.publisher.document(ADDRESS, lambda: shop.plan(render))

    assert shop.plans == ATTEMPTS


def test_a_cache_hit_saves_a_rendering(shop: Shop) -> None:
    shop.fetch()
    other = Shop(store=shop.store)

    text = other.text()

    assert text == "first"
    assert other.publisher.renderings == 0


@pytest.mark.parametrize(
    "planted",
    [b"", b"not ours", seal("another key", b"wrong"), seal("key of first", b"wrong")[:-1]],
)  # fmt: skip
def test_a_damaged_cache_entry_is_replaced(shop: Shop, planted: bytes) -> None:
    shop.store.kept["key of first"] = planted

    text = shop.text()

    assert text == "first"
    assert shop.store.kept == {"key of first": seal("key of first", b"first")}


def test_a_rendering_by_another_machine_is_awaited(shop: Shop) -> None:
    key = shop.plan().key
    shop.store.leased.add(key)

    with ThreadPoolExecutor() as pool:
        requested = pool.submit(shop.fetch)
        time.sleep(5 * LOOK)
        assert not requested.done()
        shop.store.set(key, seal(key, b"from elsewhere"))
        document = requested.result(SOON)

    assert document.bodies[IDENTITY] == b"from elsewhere"
    assert shop.publisher.renderings == 0


def test_a_machine_that_dies_while_it_renders_is_waited_for_as_long_as_its_lease(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feeds.publisher.LEASE", 10 * LOOK)
    shop.store.leased.add(shop.plan().key)
    begun = time.monotonic()

    text = shop.text()

    assert text == "first"
    assert time.monotonic() - begun >= 10 * LOOK


def test_an_expired_lease_goes_to_a_machine_that_waits(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feeds.publisher.LEASE", 100 * SOON)
    key = shop.plan().key
    shop.store.leased.add(key)

    with ThreadPoolExecutor() as pool:
        requested = pool.submit(shop.fetch)
        time.sleep(2 * LOOK)
        shop.store.leased.clear()
        document = requested.result(SOON)

    assert document.bodies[IDENTITY] == b"first"


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (Target(FeedId("topics/ai"), Format.RSS), "/topics/ai.rss"),
        (Target(FeedId("all"), None), "/"),
        (PathTarget("/feeds.json"), "/feeds.json"),
        (Box(FeedId("topics/ai")), "/embed/topics/ai"),
        (Box(FeedId("topics/ai"), Options(count=3)), "/embed/topics/ai?count=3"),
    ],
)
def test_the_log_names_a_document_that_cannot_be_made_by_its_address(
    shop: Shop, caplog: pytest.LogCaptureFixture, target: Hashable, path: str
) -> None:
    shop.publisher.document(target, shop.plan)
    shop.publish("second")

    shop.publisher.document(target, lambda: fail(RuntimeError("no")))

    assert caplog.messages == [f"{path} cannot be made now: serving what was served before"]


def test_a_document_that_is_served_late_has_changed_for_clients_no_earlier() -> None:
    """Clients may send the time at which they got the document."""
    clock = iter((5000, 7000, 9000))
    shop = Shop()
    shop.publisher = Publisher(lambda: shop.revision, shop.store, clock=lambda: next(clock))
    shop.fetch()
    shop.publish("second")
    for _ in range(2):
        shop.publisher.document(ADDRESS, lambda: fail(IndexUnavailable("no")))

    served = shop.fetch()
    shop.revision += 1
    again = shop.fetch()

    assert served.bodies[IDENTITY] == b"second"
    assert (served.changed, again.changed) == (7000, 7000)


def test_dropping_a_feed_that_was_never_stored_changes_nothing(shop: Shop) -> None:
    shop.fetch()
    size = shop.publisher.memory.size

    with pytest.raises(RetiredFeed):
        shop.publisher.document("another", lambda: fail(RetiredFeed()))

    assert shop.publisher.memory.size == size
