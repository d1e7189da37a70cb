"""Tests of pollers that send only a date: none gets 304 after a later change."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from app import create_app
from feeds import web
from feeds.index import shared_state, writer
from feeds.index.modification_times import SLACK
from feeds.sync import refresh
from feeds.web.conditional_requests import MARGIN
from tests.conftest import NOW, SITE_URL, Clock, Content, Site
from tests.live_servers import serving
from tests.waiting import wait_for

PNG = b"\x89PNG\r\n\x1a\n"

#: Feeds, an archive and a guessed address.
FEEDS = ("/all.rss", "/all.atom", "/all.json", "/topics/ai.rss", "/all/2026-11.atom",
         "/providers/news.example.com.json", "/feed")  # fmt: skip
OTHERS = ("/", "/topics/ai", "/all/2026-11", "/embed", "/embed/topics/ai", "/feeds.json",
          "/feeds.opml", "/sitemap.xml", "/topics/ai.opml", "/?q=ai")  # fmt: skip

every_path = pytest.mark.parametrize("path", FEEDS + OTHERS)


@pytest.fixture
def served(content: Content, open_site: Callable[..., Site]) -> Site:
    """Return a site with two articles on AI."""
    content.write("a.md")
    content.write("b.md")
    return open_site()


def fetch(site: Site, path: str, **headers: str) -> Any:
    """GET a path, and read the whole response."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return site.client.get(path, headers=named, buffered=True)


def date(moment: float) -> str:
    return format_datetime(datetime.fromtimestamp(moment, UTC), usegmt=True)


def named(site: Site, path: str, moment: float) -> int:
    """Return the status for a client that sends a time."""
    status: int = fetch(site, path, if_modified_since=date(moment)).status_code
    return status


def echoed(site: Site, path: str, answer: Any) -> int:
    """Return the status for a client that sends the Last-Modified of a response."""
    status: int = fetch(site, path, if_modified_since=answer.headers["Last-Modified"]).status_code
    return status


def change(site: Site, content: Content, title: str = "Another title") -> None:
    content.write("a.md", title=title, topics=["AI", title])
    site.sync.refresh()


@every_path
def test_a_time_before_a_change_never_gets_304_and_a_time_after_it_does(
    content: Content, served: Site, clock: Clock, path: str
) -> None:
    """[60] Every second around the change, as the time at which the client fetched."""
    clock.now += 1000
    served.get(path)
    at = clock.now
    change(served, content)
    shown = served.get(path).last_modified.timestamp()
    clock.now += 100

    statuses = {second: named(served, path, at + second) for second in range(-15, 16)}

    expected = {second: 304 if second > MARGIN else 200 for second in range(-15, 16)}
    # Except the second of Last-Modified: a client that sends it has the document.
    assert statuses == expected | {-SLACK: 304}
    assert shown == at - SLACK


@every_path
def test_the_last_modified_that_was_sent_gets_304_until_the_next_change(
    content: Content, served: Site, clock: Clock, path: str
) -> None:
    """[60]"""
    first = served.get(path)
    before = echoed(served, path, first)
    clock.now += 3600
    later = echoed(served, path, first)
    change(served, content)

    assert (before, later, echoed(served, path, first)) == (304, 304, 200)
    assert echoed(served, path, served.get(path)) == 304


def test_after_a_burst_of_changes_a_response_has_no_date_and_no_earlier_date_gets_304(
    content: Content, served: Site, clock: Clock
) -> None:
    """[56] Last-Modified cannot distinguish changes in one second; nginx would repeat the date."""
    answers: dict[str, list[Any]] = {path: [] for path in FEEDS + OTHERS}
    for number in range(2 * SLACK):
        change(served, content, f"Title {number}")
        for path, found in answers.items():
            found.append(served.get(path))

    for path, found in answers.items():
        unchanged = fetch(served, path, if_none_match=found[-1].headers["ETag"])
        dates = [answer.headers.get("Last-Modified") for answer in found]
        issued = [each for each in dates if each]
        statuses = {fetch(served, path, if_modified_since=each).status_code for each in issued}
        assert (statuses, named(served, path, clock.now)) == ({200}, 200), path
        assert dates == issued + [None] * (2 * SLACK - len(issued)), path
        # The first of all changes made a second article a second one.
        assert SLACK - 2 <= len(issued) < SLACK, path
        assert (unchanged.status_code, unchanged.headers.get("Last-Modified")) == (304, None), path
    clock.now += 60
    assert {named(served, path, clock.now) for path in answers} == {304}
    change(served, content)
    times = {served.get(path).last_modified.timestamp() for path in answers}
    assert times == {clock.now - SLACK}


def test_a_change_is_dated_by_its_commit_rather_than_by_the_begin_of_its_refresh(
    content: Content, served: Site, clock: Clock
) -> None:
    """A new or rebuilt index takes minutes: until then the old document is served."""
    content.write("a.md", title="Another title")
    fetched: list[Any] = []

    def work(done: int, total: int) -> None:
        clock.now += 300
        fetched.append((clock.now, served.get("/all.rss").data))

    served.sync.refresh(progress=work)
    clock.now += 60
    moment, body = fetched[-1]

    assert body != served.get("/all.rss").data
    assert named(served, "/all.rss", moment) == 200
    assert named(served, "/all.rss", clock.now) == 304


def test_a_change_whose_process_died_is_dated_when_another_publishes_its_revision(
    content: Content, served: Site, open_site: Callable[..., Site], clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    content.write("a.md", title="Another title")
    with monkeypatch.context() as patched:
        patched.setattr(served.sync.shared, "publish", lambda value, now: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            served.sync.refresh()
    clock.now += 60
    fetched = clock.now

    again = open_site()

    assert named(again, "/all.rss", fetched) == 200
    clock.now += 60
    assert named(again, "/all.rss", clock.now) == 304


def test_a_full_disk_dates_no_change_too_early_and_hides_none(
    content: Content, served: Site, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(connection: Any, moment: int) -> None:
        connection.execute("SELECT no_room_on_the_disk()")

    with monkeypatch.context() as patched:
        patched.setattr(shared_state, "date_changes", full)
        change(served, content)
    seen = b"Another title" in served.get("/all.rss").data
    clock.now += 60

    assert seen
    assert named(served, "/all.rss", clock.now) == 200
    change(served, content, "A third title")
    clock.now += 60
    assert named(served, "/all.rss", clock.now) == 304


def test_a_clock_that_was_set_back_makes_no_change_older_than_what_was_served(
    content: Content, served: Site, clock: Clock
) -> None:
    fetched = clock.now
    clock.now -= 3600
    change(served, content)

    assert named(served, "/all.rss", fetched) == 200


@pytest.mark.parametrize("path", ["/all.rss", "/topics/ai", "/feeds.opml"])
def test_a_rebuilt_index_repeats_no_date_of_the_lost_one(
    content: Content, served: Site, open_site: Callable[..., Site], tmp_path: Path, clock: Clock,
    path: str,
) -> None:  # fmt: skip
    """No date in the articles shows what was removed."""
    content.write("a.md", topics=["AI", "Robots"])
    served.sync.refresh()
    before = served.get(path)
    (tmp_path / "instance" / "index.sqlite").unlink()
    content.remove("a.md")

    again = open_site()
    after = again.get(path)

    assert after.data != before.data
    assert after.last_modified > before.last_modified
    assert echoed(again, path, before) == 200
    assert named(again, path, clock.now) == 200
    assert echoed(again, path, after) == 304


def test_the_first_article_of_a_declared_topic_has_no_earlier_date(
    content: Content, open_site: Callable[..., Site], clock: Clock
) -> None:
    content.raw("topics.yml", "- name: AI\n")
    site = open_site()
    before = site.get("/topics/ai.rss")
    fetched = clock.now
    content.write("old.md", publishedDateTime="2019-01-01")
    site.sync.refresh()

    after = site.get("/topics/ai.rss")

    assert after.last_modified > before.last_modified
    assert (echoed(site, "/topics/ai.rss", before), named(site, "/topics/ai.rss", fetched)) == (
        200, 200,
    )  # fmt: skip


@pytest.mark.parametrize("path", ["/all.rss", "/", "/feeds.json", "/robots.txt"])
def test_settings_change_the_dates_of_a_site_without_articles(
    content: Content, site: Site, open_site: Callable[..., Site], clock: Clock, path: str
) -> None:
    before, fetched = site.get(path), clock.now
    content.raw("site.yml", f"title: Another title\nurl: {SITE_URL}/another\n")

    again = open_site(FEEDS_URL="")

    assert again.get(path).last_modified > before.last_modified
    assert (echoed(again, path, before), named(again, path, fetched)) == (200, 200)


@pytest.fixture
def rebuilding(
    content: Content, served: Site, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    """Yield a site with other settings, while the index is rebuilt for them."""
    content.raw("site.yml", "title: Another title\n")
    environ = {
        "FEEDS_CONTENT_DIR": str(content.folder),
        "FEEDS_INSTANCE_DIR": str(tmp_path / "instance"),
        "FEEDS_URL": SITE_URL,
    }
    again = Site(create_app(environ, clock))
    may_go_on, clear = threading.Event(), writer.clear

    def wait_and_clear(connection: Any, now: int) -> None:
        may_go_on.wait(20)
        clear(connection, now)

    monkeypatch.setattr(refresh, "clear", wait_and_clear)
    again.sync.start(patience=0)
    try:
        yield again
    finally:
        may_go_on.set()
        again.sync.stop()


@pytest.mark.parametrize("path", ["/all.rss", "/all/2026-11.json", "/topics/ai", "/feeds.json"])
def test_other_settings_have_another_date_while_the_index_is_rebuilt(
    served: Site, request: pytest.FixtureRequest, clock: Clock, path: str
) -> None:
    before, fetched = served.get(path), clock.now
    again: Site = request.getfixturevalue("rebuilding")

    assert wait_for(lambda: again.get(path).status_code == 200)
    after = again.get(path)

    assert after.data != before.data
    assert after.last_modified > before.last_modified
    assert (echoed(again, path, before), named(again, path, fetched)) == (200, 200)


def test_pages_of_another_version_have_another_date_and_feeds_keep_theirs(
    served: Site, open_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upgrade may change every page, and no feed."""
    paths = ("/all.rss", "/topics/ai.atom", "/topics/ai", "/feeds.opml", "/embed")
    before = {path: served.get(path) for path in paths}
    monkeypatch.setattr("app.pages_version", lambda _: "another")
    monkeypatch.setattr(web.document_plans, "version", lambda _: "another")

    again = open_site()

    statuses = {path: echoed(again, path, before[path]) for path in paths}
    assert statuses == dict.fromkeys(paths[:2], 304) | dict.fromkeys(paths[2:], 200)
    assert [echoed(again, path, again.get(path)) for path in paths] == [304] * len(paths)


def test_the_style_sheet_always_matches_its_name(served: Site) -> None:
    path = f"/static/{web.assets.NAMES['style.css']}"
    first = served.get(path)

    assert (echoed(served, path, first), named(served, path, NOW)) == (304, 304)


# Images: files of the owner, dated only by their modification time.


@pytest.fixture
def cat(content: Content, served: Site) -> Path:
    picture = content.raw("pictures/cat.png", PNG)
    os.utime(picture, (NOW, NOW))
    return picture


def test_an_image_replaced_by_an_older_one_gets_no_304(
    served: Site, content: Content, cat: Path
) -> None:
    """``cp -p`` replaces a file and keeps the time of the older one."""
    before = fetch(served, "/pictures/cat.png")
    with_range = {"range": "bytes=0-3", "if_range": date(NOW)}
    part = fetch(served, "/pictures/cat.png", **with_range)
    os.utime(content.raw("pictures/cat.png", PNG + b"older"), (NOW - 3600, NOW - 3600))

    statuses = [named(served, "/pictures/cat.png", NOW + later) for later in (-3600, 0, 60)]
    whole = fetch(served, "/pictures/cat.png", **with_range)

    assert echoed(served, "/pictures/cat.png", before) == 200
    assert statuses == [304, 200, 200]
    assert (part.status_code, part.data) == (206, PNG[:4])
    assert (whole.status_code, whole.data) == (200, PNG + b"older")


def test_an_image_with_a_matching_etag_gets_304_despite_any_date(served: Site, cat: Path) -> None:
    tag = fetch(served, "/pictures/cat.png").headers["ETag"]
    unreadable = fetch(served, "/pictures/cat.png", if_modified_since="yesterday")

    answer = fetch(served, "/pictures/cat.png", if_none_match=tag, if_modified_since=date(NOW + 60))

    assert (answer.status_code, unreadable.status_code) == (304, 200)


# A real server, polled by the time of the last response, as by "curl -z".


class Poller:
    """A client with its last document, which sends the time of its last response."""

    def __init__(self, server: str, path: str) -> None:
        self._host = urlsplit(server).netloc
        self._path = path
        self._since = {"If-Modified-Since": date(0)}
        self.body = b""
        self.status = 0

    def poll(self) -> None:
        with closing(HTTPConnection(self._host, timeout=10)) as connection:
            connection.request("GET", self._path, headers=self._since)
            answer = connection.getresponse()
            self.status, body = answer.status, answer.read()
            self.body = self.body if self.status == 304 else body
            # curl sends the time of the file that it wrote, which is this or a little later.
            self._since = {"If-Modified-Since": answer.headers["Date"]}

    def is_unchanged(self) -> bool:
        self.poll()
        return self.status == 304

    def has(self, text: bytes) -> bool:
        self.poll()
        return text in self.body


@contextmanager
def polling(pollers: list[Poller]) -> Iterator[None]:
    """Let each client poll without a pause, until the block ends."""
    is_over = threading.Event()

    def work(poller: Poller) -> None:
        while not is_over.is_set():
            poller.poll()

    with ThreadPoolExecutor(len(pollers)) as pool:
        work_of_all = [pool.submit(work, poller) for poller in pollers]
        try:
            yield
        finally:
            is_over.set()
        for each in work_of_all:
            each.result()


def test_a_poller_by_time_alone_gets_the_last_change_from_a_real_server(
    content: Content, tmp_path: Path
) -> None:
    """Changes happen during its polls, as fast as the server shows them."""
    content.write("a.md", title="Version 0")
    with serving(content.folder, tmp_path / "instance", FEEDS_WORKERS="2") as server:
        pollers = [Poller(server, path) for path in ("/all.rss", "/topics/ai", "/feeds.json")]
        for last in (b"Version 9", b"Version 19", b"Version 29"):
            with polling(pollers):
                for number in range(int(last[8:]) - 8, int(last[8:]) + 1):
                    title = f"Version {number}"
                    content.write("a.md", title=title, topics=["AI", title])
                    assert wait_for(lambda title=title: shows(server, title))  # type: ignore[misc]

            # The other worker reads the revision up to 5 ms later; a wrong 304 would last.
            assert wait_for(lambda last=last: all(p.has(last) for p in pollers))  # type: ignore[misc]

        # Afterwards it gets 304.
        assert wait_for(lambda: all(poller.is_unchanged() for poller in pollers))


def shows(server: str, text: str) -> bool:
    with urlopen(f"{server}/all.rss", timeout=10) as answer:
        return text.encode() in answer.read()
