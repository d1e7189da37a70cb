"""Tests of the documents that a process keeps in memory, within its limit in bytes."""

import sys
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from random import Random

from feeds.cache import open_cache
from feeds.document_memory import DocumentMemory
from feeds.documents import OVERHEAD, DocumentPlan
from feeds.encoded_bodies import CODINGS, IDENTITY
from feeds.errors import UnknownFeed
from feeds.publisher import Publisher
from feeds.web.conditional_requests import Conditions
from feeds.web.document_response import memoized_answer
from tests.programs import skip_if_quick
from tests.publishing import Shop, Store, counted, fail, plan_of, text

#: ETags that clients send.
TAGS = (None, '"key of first"', '"other"')


def room_for(count: int) -> Shop:
    """Return a shop with memory for a number of documents."""
    size = Shop().fetch().size
    return Shop(memory=size * count)


def test_memory_holds_the_most_recently_requested_documents() -> None:
    shop = room_for(3)
    for address in ("a", "b", "c"):
        shop.fetch(address)
    shop.fetch("a")

    shop.fetch("d")

    assert [shop.publisher.hot(a) is not None for a in "abcd"] == [True, False, True, True]


def test_the_fast_path_counts_as_a_request() -> None:
    shop = room_for(3)
    for address in ("a", "b", "c"):
        shop.fetch(address)
    shop.publisher.hot("a")

    shop.fetch("d")

    assert [shop.publisher.hot(a) is not None for a in "abcd"] == [True, False, True, True]


def test_memory_is_bounded_however_many_feeds_there_are() -> None:
    shop = room_for(3)
    for number in range(100):
        shop.fetch(f"feed-{number}")

    assert list(shop.publisher.memory.by_target) == ["feed-97", "feed-98", "feed-99"]
    assert shop.publisher.memory.size == counted(shop.publisher)


def test_a_document_larger_than_the_memory_is_kept_alone() -> None:
    shop = Shop(memory=10)
    shop.fetch("a")

    document = shop.fetch("b")

    assert shop.publisher.hot("a") is None
    assert shop.publisher.hot("b") is document


def test_memory_takes_no_more_than_is_counted_and_holds_no_body_twice() -> None:
    """In all codings, with invented conditions, as `app.py` assembles the publisher."""
    skip_if_quick()
    memory = 4_000_000
    publisher = Publisher(lambda: 1, open_cache(""), DocumentMemory(memory))
    bodies = [text(number, 500_000) for number in range(20)]
    tracemalloc.start()
    try:
        for number, body in enumerate(bodies):
            copied = partial(bytes, bytearray(body))
            plan = DocumentPlan(f"key {number}", 1, 2, 900, (), copied)
            document = publisher.document(f"/{number}", partial(replace, plan))
            for coding in (*CODINGS, IDENTITY) * 8:
                memoized_answer(document, Conditions(coding, f'"{Random().random():080}"'))
        del document, copied, plan
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert len(publisher.memory.by_target) > 3
    assert held <= publisher.memory.size <= memory


def test_small_documents_take_no_more_than_is_counted_either() -> None:
    publisher = Publisher(lambda: 1, open_cache(""), DocumentMemory(1_000_000))
    tracemalloc.start()
    try:
        for number in range(99):
            plan = DocumentPlan(f"{number:032x}", 1, 2, 900, (), partial(bytes, 100))
            address = f"https://feeds.example.org/topics/{number}.rss"
            document = publisher.document(address, partial(replace, plan))
            for turn, coding in enumerate((*CODINGS, IDENTITY) * 16):
                made_up = f"{turn}{number:095}"
                known = f'"{number:032x}"' if turn % 2 else f'"{made_up}"'
                since = None if turn % 8 < 4 else made_up
                memoized_answer(document, Conditions(coding, known, since))
        del document
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert held <= publisher.memory.size <= 1_000_000


def test_a_new_coding_evicts_other_documents() -> None:
    publisher = Publisher(lambda: 1, open_cache(""), DocumentMemory(3 * (OVERHEAD + 6) + 10))
    documents = [publisher.document(a, partial(plan_of, a)) for a in ("/one/a", "/one/b")]
    publisher.hot("/one/a")
    documents.append(publisher.document("/one/c", partial(plan_of, "/one/c")))

    grown = [documents[2].bodies[coding] for coding in CODINGS]

    assert set(publisher.memory.by_target) == {"/one/c", "/one/a"}
    assert publisher.memory.size == counted(publisher)
    assert all(grown)


def test_a_new_coding_of_an_evicted_document_is_not_counted() -> None:
    publisher = Publisher(lambda: 1, open_cache(""), DocumentMemory(OVERHEAD + 10))
    first = publisher.document("a", partial(plan_of, "a"))
    publisher.document("b", partial(plan_of, "b"))
    size = publisher.memory.size

    assert first.bodies["gzip"]

    assert publisher.memory.size == size


def test_the_newest_document_stays_though_all_others_are_used() -> None:
    shop = room_for(3)
    for address in ("a", "b", "c"):
        shop.fetch(address)
        shop.publisher.hot(address)

    shop.fetch("d")

    assert [shop.publisher.hot(a) is not None for a in "abcd"] == [False, True, True, True]


def test_the_counts_are_exact_with_many_threads() -> None:
    """Eight threads, memory for some documents, many addresses, and a changing revision."""
    skip_if_quick()
    shop = Shop(memory=500_000, store=Store(is_shared=False, forgets=True))
    ends = time.monotonic() + 4

    def work(seed: int) -> int:
        random, answered = Random(seed), 0
        while time.monotonic() < ends:
            address = f"/{random.randrange(60)}"
            document = shop.publisher.hot(address)
            if document is None and random.random() < 0.1:
                with suppress(UnknownFeed):
                    shop.publisher.document(address, lambda: fail(UnknownFeed()))
            elif document is None:
                made = partial(plan_of, address, shop.content)
                document = shop.publisher.document(address, made)
            if document is not None:
                conditions = Conditions(random.choice(CODINGS), random.choice(TAGS))
                memoized_answer(document, conditions)
                answered += 1
            if random.random() < 0.01:
                shop.publish(text(random.randrange(10**9), 3_000).decode())
        return answered

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            answered = [each.result(30) for each in [pool.submit(work, n) for n in range(8)]]
    finally:
        sys.setswitchinterval(interval)

    publisher = shop.publisher
    assert min(answered) > 100
    assert publisher.memory.size == counted(publisher)
    assert publisher.memory.size <= 500_000
    kept = {address for addresses in publisher.memory._targets.values() for address in addresses}
    assert kept == set(publisher.memory.by_target)
