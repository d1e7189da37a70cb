"""Tests of the fast path: its responses equal those of Flask."""

import tracemalloc
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder, run_wsgi_app

from feeds.cache import open_cache
from feeds.document_memory import DocumentMemory
from feeds.documents import DocumentPlan
from feeds.model import Format
from feeds.publisher import Publisher
from feeds.urls import ALL, PathTarget, Target, Urls
from feeds.web import fast_path, with_fast_path
from feeds.web.document_response import MEMOIZED
from feeds.web.fast_path import target_of
from tests.conftest import SITE_URL, Clock, Content, Site, content_in, opened
from tests.programs import skip_if_quick

ADDRESSES = ("/all.rss", "/all.json", "/topics/ai.atom", "/topics/日本語.rss", "/feeds.json",
             "/providers/news.example.com.rss", "/all/2026-11.rss")  # fmt: skip
GUESSED = ("/feed", "/rss", "/feed/", "/feed.xml", "/rss.xml", "/index.xml", "/atom.xml",
           "/feed.json")  # fmt: skip
PAGES = ("/", "/topics/ai", "/all/2026-11", "/embed", "/embed/topics/ai", "/feeds.opml")
STRANGE = ("", "//all.rss", "/all.rss/", "/ALL.rss", "/none.rss", "/topics/no.rss", "/healthz",
           "/all%2Erss", "/all.rss?x", "/topics/%E6%97%A5%E6%9C%AC%E8%AA%9E.rss", "/a\0.rss",
           "/topics/\udcff.rss", "all.rss", ".evil/all.rss")  # fmt: skip
CODINGS = ("gzip", "br", "zstd", "identity", "gzip, br", "gzip;q=0", "GZIP;q=0.5, br;q=0.1", "*",
           "x-gzip", "gzip;q=abc", ",,", "br;q=1, gzip;q=1", "identity;q=0", "")  # fmt: skip
DATES = ("Sat, 01 Jan 2000 00:00:00 GMT", "Sat, 01 Jan 2050 00:00:00 GMT", "yesterday", "0", "")
METHODS = ("GET", "HEAD", "POST", "OPTIONS", "PUT", "get", "BREW")
HOSTS = ("feeds.example.org", "evil.example", "a..b", "x\0", "", "[::1")

#: Status, headers and body.
Answer = tuple[str, list[tuple[str, str]], bytes]


@dataclass(frozen=True)
class Both:
    """The same site twice: with its documents in memory, and with a fast path that finds none."""

    hot: Site
    cold: Site
    #: The ETags of current and of earlier documents.
    tags: tuple[str, ...]
    dates: tuple[str, ...]


def open_both(folder: Path) -> Both:
    content = content_in(folder)
    content.write("one.md", topics=["AI", "日本語"])
    content.write("two.md", "A longer body.", topics=["AI", "日本語"])
    content.write("three.md", "A body.", topics=["AI", "日本語"])
    clock = Clock()
    hot = opened(folder, clock)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Publisher, "hot", lambda self, target: None)
        cold = opened(folder, clock)
    old, _ = (tuple(site.get(path).headers["ETag"] for path in ADDRESSES) for site in (hot, cold))
    content.write("three.md", "Another body.", topics=["AI", "日本語"])
    hot.sync.refresh()
    answers = [hot.get(path) for path in ADDRESSES + PAGES]
    tags = tuple(answer.headers["ETag"] for answer in answers)
    dates = tuple(answer.headers["Last-Modified"] for answer in answers)
    return Both(hot, cold, tags + old, dates)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    """Return the sites for all tests that only send requests."""
    return open_both(tmp_path_factory.mktemp("both"))


@pytest.fixture
def changing(tmp_path: Path) -> Both:
    """Return sites for one test, with the same content."""
    return open_both(tmp_path)


def fetch(site: Site, path: str, query: str = "", method: str = "GET", **environ: str) -> Answer:
    """Return the response of a WSGI server to a request."""
    request = EnvironBuilder(method=method, query_string=query).get_environ()
    request["PATH_INFO"] = path.encode("utf-8", "surrogateescape").decode("latin-1")
    body, status, headers = run_wsgi_app(site.app.wsgi_app, request | environ)
    return status, list(headers), b"".join(body)


def tags(known: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Generate values of If-None-Match: right, old, changed by proxies, a list, or invalid."""
    right = st.sampled_from(known)
    marked = st.builds(lambda tag, end: f'{tag[:-1]}{end}"', right, st.sampled_from(
        ("-gzip", "-br", ";gzip", "-gzip-gzip", "-")))  # fmt: skip
    one = (
        right | marked | right.map("W/{}".format) | st.sampled_from(('"old"', "*", "old", '"', ""))
    )
    return one | st.lists(one, max_size=3).map(", ".join) | st.text('"W/*, -;a', max_size=9)


def requests(both: Both) -> st.SearchStrategy[dict[str, str]]:
    return st.fixed_dictionaries(
        {"path": st.sampled_from(ADDRESSES + GUESSED + PAGES + STRANGE)},
        optional={
            "query": st.sampled_from(("cb=1", "%", "a" * 999, "q=ai", "count=3&theme=dark")),
            "method": st.sampled_from(METHODS),
            "HTTP_ACCEPT_ENCODING": st.sampled_from(CODINGS)
            | st.text("gzipbr;q=01.,* ", max_size=9),
            "HTTP_IF_NONE_MATCH": tags(both.tags),
            "HTTP_A_IM": st.sampled_from(("feed", "Feed;q=0.3, vcdiff", "vcdiff", "feed;q=0", "")),
            "HTTP_IF_MODIFIED_SINCE": st.sampled_from(both.dates + DATES),
            "HTTP_ACCEPT": st.sampled_from(("text/html", "application/json")),
            "HTTP_HOST": st.sampled_from(HOSTS),
            "HTTP_X_FORWARDED_HOST": st.just("evil.example"),
            "HTTP_RANGE": st.just("bytes=0-9"),
            "SCRIPT_NAME": st.sampled_from(("", "/evil")),
            "wsgi.url_scheme": st.sampled_from(("http", "https")),
        },
    )


def test_every_request_gets_the_same_response_from_the_fast_path_and_from_flask(both: Both) -> None:
    skip_if_quick()

    @settings(max_examples=400, suppress_health_check=list(HealthCheck))
    @given(requests(both))
    def same(request: dict[str, str]) -> None:
        assert fetch(both.hot, **request) == fetch(both.cold, **request)

    same()


def test_an_earlier_document_gets_a_delta_though_the_new_one_is_in_memory(both: Both) -> None:
    """[78]"""
    requested = {"HTTP_A_IM": "feed", "HTTP_IF_NONE_MATCH": both.tags[-len(ADDRESSES)]}

    deltas = [fetch(site, "/all.rss", **requested) for site in (both.hot, both.cold)]

    assert deltas[0] == deltas[1]
    assert deltas[0][0] == "226 IM USED"
    assert deltas[0][2].count(b"<item>") == 1


@pytest.mark.parametrize("path", ADDRESSES + GUESSED + PAGES)
def test_an_address_has_the_target_under_which_its_document_is_stored(
    both: Both, path: str
) -> None:
    both.hot.get(path)
    as_wsgi_has_it = path.encode().decode("latin-1")

    assert target_of(as_wsgi_has_it) in both.hot.web.publisher.memory.by_target


def test_guessed_addresses_share_the_targets_of_the_main_feed(changing: Both) -> None:
    kept = _sizes(changing.hot)[0]

    for path in GUESSED:
        changing.hot.get(path)

    assert _sizes(changing.hot)[0] == kept + len(["/all.atom"])


@pytest.mark.parametrize("path", ADDRESSES + GUESSED)
@pytest.mark.parametrize("query", ["", "cb=1"])
def test_a_document_in_memory_is_served_before_flask(
    both: Both, monkeypatch: pytest.MonkeyPatch, path: str, query: str
) -> None:
    first = fetch(both.hot, path)
    monkeypatch.setattr(both.hot.app, "full_dispatch_request", lambda: 1 / 0)

    assert fetch(both.hot, path, query) == first
    assert first[0] == "200 OK"


def test_invented_requests_take_no_memory(changing: Both) -> None:
    kept = _sizes(changing.hot)

    for number in range(3 * MEMOIZED):
        fetch(changing.hot, f"/topics/{number}.rss")
        fetch(changing.hot, f"/unknown/{number}")
        fetch(changing.hot, "/all.rss", query=f"cb={number}")
        fetch(changing.hot, "/all.rss", HTTP_IF_NONE_MATCH=f'"{number}"')
        fetch(changing.hot, "/all.rss", HTTP_IF_NONE_MATCH=f'"{number:999}"')

    addresses, remembered = _sizes(changing.hot)
    assert addresses == kept[0]
    assert remembered <= MEMOIZED


def test_invented_paths_take_a_bounded_part_of_memory(both: Both) -> None:
    skip_if_quick()
    front = with_fast_path(_refuse, both.hot.web.publisher, both.hot.web.catalog.urls)

    tracemalloc.start()
    try:
        for number in range(5_000):
            _is_hot(front, f"/topics/{number:0190}.rss")
            _is_hot(front, f"/topics/{number:09999}.rss")
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert held < 3_000_000


def test_the_paths_that_are_remembered_are_bounded(
    changing: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fast_path, "MAX_PATHS", 3)
    answers = {path: fetch(changing.hot, path) for path in ADDRESSES + GUESSED}

    for _ in range(2):
        assert {path: fetch(changing.hot, path) for path in answers} == answers


def _sizes(site: Site) -> tuple[int, int]:
    """Return the number of documents in memory, and the most responses memoized with one."""
    documents = [hot.document for hot in site.web.publisher.memory.by_target.values()]
    return len(documents), max(len(document.memo) for document in documents)


def test_a_change_is_in_the_next_response(changing: Both, tmp_path: Path) -> None:
    before = fetch(changing.hot, "/all.rss")

    Content(tmp_path / "content").write("four.md", title="Brand new")
    changing.hot.sync.refresh()

    after = fetch(changing.hot, "/all.rss")
    assert b"Brand new" in after[2]
    assert b"Brand new" not in before[2]


def test_an_unchanged_feed_keeps_its_responses_when_another_changes(
    changing: Both, tmp_path: Path
) -> None:
    before = fetch(changing.hot, "/topics/日本語.rss")

    Content(tmp_path / "content").write("four.md", title="Elsewhere")
    changing.hot.sync.refresh()

    assert fetch(changing.hot, "/topics/日本語.rss") == before


def test_the_least_recently_used_documents_are_evicted_first() -> None:
    publisher = Publisher(lambda: 1, open_cache(""), DocumentMemory(200_000))
    urls = Urls(SITE_URL)
    ask_front = partial(_is_hot, with_fast_path(_refuse, publisher, urls))
    for format in Format:
        publisher.document(Target(ALL, format), partial(_plan_of_target, format))

    assert ask_front("/all.rss")
    publisher.document(PathTarget("/other.json"), partial(_plan_of_target, "other"))

    assert [ask_front(f"/all.{format}") for format in Format] == [True, False, True]


def _plan_of_target(name: str) -> DocumentPlan:
    # 52 kB by the publisher's count.
    body = Random(name).randbytes(32_000)
    return DocumentPlan(name, 1, 2, 60, (("Content-Type", "text/plain"),), lambda: body)


def _refuse(environ: Any, start_response: Any) -> Iterable[bytes]:
    start_response("404 NOT FOUND", [])
    return []


def _is_hot(call: Any, path: str) -> bool:
    environ = EnvironBuilder(path=path).get_environ()
    return run_wsgi_app(call, environ)[1] == "200 OK"
