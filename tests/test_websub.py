"""Tests of announcements to hubs: which documents, when, how often, after which responses."""

import logging
import os
import signal
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import formatdate
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from feeds import cache, formats
from feeds.cli.command_setup import Tools
from feeds.errors import StoreUnavailable
from feeds.model import Format
from feeds.websub.announcer import Announcer
from feeds.websub.hub_client import Reply, ping
from feeds.websub.outbox import HubState
from feeds.websub.retries import PAUSE, retry_delay
from tests import stores
from tests.conftest import SITE_URL, Clock, Content, Site
from tests.hubs import TinyHub, has_recorded, real_hub, subscriber, tiny_hub
from tests.live_servers import serving, started
from tests.waiting import wait_for

OpenSite = Callable[..., Site]


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[TinyHub]:
    with tiny_hub(tmp_path) as found:
        yield found


@dataclass
class Node:
    """A site that sends announcements to hubs, step by step."""

    site: Site
    content: Content
    clock: Clock

    @property
    def announcer(self) -> Announcer:
        tools: Tools = self.site.app.extensions["tributary.tools"]
        return tools.announcer

    def refresh(self) -> None:
        """Refresh the index, and detect the changed documents."""
        self.site.sync.refresh()
        self.announcer.detect_changes()

    def announce(self, after: float = PAUSE) -> int:
        self.clock.now += after
        return sum(iter(self.announcer.deliver, 0))

    def state(self) -> HubState:
        (found,) = self.announcer.states()
        return found


@pytest.fixture
def node(hub: TinyHub, content: Content, open_site: OpenSite, clock: Clock) -> Node:
    """Return a site with one article and a hub that accepts announcements, after one detection."""
    return a_node(hub.url("status/202"), content, open_site, clock)


def a_node(url: str, content: Content, open_site: OpenSite, clock: Clock, **environ: str) -> Node:
    content.raw("site.yml", f"hubs: [{url}]\n")
    if not list(content.folder.glob("*.md")):
        content.write("a.md")
    node = Node(open_site(**environ), content, clock)
    node.announcer.detect_changes()
    return node


def restarted(node: Node, open_site: OpenSite) -> None:
    """Restart the site, perhaps with other site files; return the changed documents."""
    again = Node(open_site(), node.content, node.clock)
    again.refresh()
    again.announce()


def documents(*paths: str) -> list[str]:
    """Return the addresses of these documents in each format."""
    return sorted(f"{SITE_URL}/{path}.{format}" for path in paths for format in Format)


#: All documents with the article that ``Content.write`` writes.
SHOWING = documents(
    *(
        path + month
        for path in ("all", "topics/ai", "providers/news.example.com",
                     "providers/news.example.com/example-news")
        for month in ("", "/2026-11")
    )
)  # fmt: skip


# The announced documents.


def test_each_document_whose_bytes_changed_is_announced_and_no_other(
    node: Node, hub: TinyHub
) -> None:
    node.content.write("other.md", topics=["Boats"], publishedDateTime="2026-09-01")
    node.refresh()
    node.announce()
    before = len(hub.requests())

    node.content.write("a.md", title="Another title")
    node.refresh()
    node.announce()

    assert hub.announced(since=before) == SHOWING
    assert {line.rpartition(" ")[0] for line in hub.requests()} == {"/status/202 publish"}


@pytest.mark.parametrize("change", [{"secured": "x"}, {"heat": 9}])
def test_invisible_changes_are_not_announced(
    node: Node, hub: TinyHub, change: dict[str, Any]
) -> None:
    node.content.write("a.md", **change)
    node.refresh()

    node.announce()

    assert hub.announced() == []


def test_a_removal_and_the_end_of_an_embargo_are_announced(node: Node, hub: TinyHub) -> None:
    node.content.write("later.md", publishedDateTime="2026-11-20T12:01:00Z", topics=[])
    node.refresh()
    node.announce(after=30)
    held = hub.announced()
    node.clock.now += 30
    node.refresh()
    node.announce()

    assert held == []
    assert f"{SITE_URL}/all.rss" in hub.announced()


def test_the_first_detection_announces_nothing(node: Node, hub: TinyHub) -> None:
    node.announce()

    assert hub.announced() == []


def test_a_restart_without_changes_announces_nothing(
    node: Node, hub: TinyHub, open_site: OpenSite
) -> None:
    restarted(node, open_site)

    assert hub.announced() == []


def test_changes_while_no_server_ran_are_announced(
    node: Node, hub: TinyHub, open_site: OpenSite
) -> None:
    node.content.write("a.md", title="Another title")

    restarted(node, open_site)

    assert hub.announced() == SHOWING


def test_a_rebuilt_index_changes_no_bytes_and_announces_nothing(
    node: Node, hub: TinyHub, open_site: OpenSite, tmp_path: Path
) -> None:
    (tmp_path / "instance" / "index.sqlite").unlink()
    node.clock.now += 1000

    restarted(node, open_site)

    assert hub.announced() == []


def test_another_title_of_the_site_changes_every_document(
    node: Node, hub: TinyHub, open_site: OpenSite
) -> None:
    node.content.raw("topics.yml", "- {id: empty, name: Empty}\n")
    restarted(node, open_site)
    before = len(hub.requests())

    node.content.raw("site.yml", f"title: Other\nhubs: [{hub.url('status/202')}]\n")
    restarted(node, open_site)

    assert hub.announced(since=before) == sorted([*SHOWING, *documents("topics/empty")])


def test_a_retired_feed_is_not_announced_and_one_that_returns_is(
    node: Node, hub: TinyHub, open_site: OpenSite
) -> None:
    node.content.raw("topics.yml", "- {id: ai, name: AI, retired: true}\n")
    restarted(node, open_site)
    announced = hub.announced()

    node.content.raw("topics.yml", "- {id: ai, name: AI}\n")
    restarted(node, open_site)

    assert not [address for address in announced if "/topics/" in address]
    assert [a for a in hub.announced() if "/topics/" in a] == documents(
        "topics/ai", "topics/ai/2026-11"
    )


def test_every_changed_document_has_other_bytes(node: Node, hub: TinyHub) -> None:
    """The announced documents are those whose ETag changed."""
    for month in range(1, 10):
        node.content.write(f"{month}.md", publishedDateTime=f"2026-0{month}-01", topics=["Boats"])
    node.refresh()
    node.announce()
    paths = [f"{SITE_URL}/{path}.{format}" for path in everything(node) for format in Format]
    before, count = tags(node, paths), len(hub.requests())

    node.content.remove("5.md")
    node.content.write("3.md", publishedDateTime="2026-03-02", topics=["Boats", "AI"])
    node.refresh()
    node.announce()

    announced = set(hub.announced(since=count))
    after = tags(node, sorted({*paths, *announced}))
    assert announced == {path for path in after if after[path] != before.get(path)}


def test_a_month_that_needs_another_part_changes_the_month_before(
    hub: TinyHub, content: Content, open_site: OpenSite, clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(formats, "MAX_BYTES", formats.FRAME + 30_000)
    content.write("may.md", "Text. " * 3000, publishedDateTime="2026-05-01")
    content.write("april.md", publishedDateTime="2026-04-01")
    content.write("march.md", publishedDateTime="2026-03-01")
    content.write("june.md", publishedDateTime="2026-06-01")
    node = a_node(hub.url("status/202"), content, open_site, clock)
    content.remove("april.md")
    node.refresh()
    node.announce()
    count = len(hub.requests())

    content.write("may-too.md", "Text. " * 3000, publishedDateTime="2026-05-02")
    node.refresh()
    node.announce()

    announced = hub.announced(since=count)
    # April keeps only a document with links to its neighbours.
    names = ("2026-03", "2026-04", "2026-05-1", "2026-05")
    months = {f"{SITE_URL}/all/{name}.rss" for name in names}
    assert {address for address in announced if "/all/" in address and ".rss" in address} == months


def test_a_change_undone_before_it_was_detected_is_not_announced(node: Node, hub: TinyHub) -> None:
    node.content.write("a.md", title="Another title")
    node.site.sync.refresh()
    node.content.write("a.md")

    node.refresh()
    node.announce()

    assert hub.announced() == []


def everything(node: Node) -> list[str]:
    index = node.site.sync.index
    feeds = [feed.path for feed in index.known_feeds()]
    return [*feeds, *(f"{path}/{month.name}" for path in feeds for month in index.months(path))]


def tags(node: Node, addresses: list[str]) -> dict[str, str]:
    answers = {a: node.site.get(a.removeprefix(SITE_URL)) for a in addresses}
    return {address: answer.headers["ETag"] for address, answer in answers.items()}


# When and how often.


def test_a_change_is_announced_after_its_pause(node: Node, hub: TinyHub) -> None:
    node.content.write("a.md", title="Another title")
    node.refresh()
    node.announce(after=PAUSE - 0.1)
    early = hub.announced()

    node.announce(after=0.1)
    node.announce()

    assert early == []
    assert hub.announced() == SHOWING
    assert node.state() == HubState(hub.url("status/202"), last_success=node.clock.now - PAUSE)


def test_fast_successive_changes_are_announced_once(node: Node, hub: TinyHub) -> None:
    for number in range(5):
        node.content.write("a.md", title=f"Title {number}")
        node.refresh()

    node.announce()

    assert hub.announced() == SHOWING


def test_a_change_while_another_waits_is_announced_again_after_its_own_pause(
    node: Node, hub: TinyHub
) -> None:
    node.content.write("a.md", title="First")
    node.refresh()
    node.clock.now += PAUSE - 1
    node.content.write("a.md", title="Second")
    node.refresh()

    node.announce(after=1)
    node.announce(after=PAUSE - 1)
    node.announce()

    assert hub.announced() == sorted(2 * SHOWING)


def test_the_queue_survives_a_killed_process(node: Node, hub: TinyHub, open_site: OpenSite) -> None:
    node.content.write("a.md", title="Another title")
    child = os.fork()
    if child == 0:
        node.refresh()
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)

    Node(open_site(), node.content, node.clock).announce()

    assert hub.announced() == SHOWING


# Hubs that fail.


@pytest.mark.parametrize(
    ("path", "reply"),
    [
        ("status/200", Reply(200, "answered 200")),
        ("status/204", Reply(204, "answered 204")),
        ("elsewhere/", Reply(307, "answered 307")),
        ("later/120", Reply(503, "answered 503", 120)),
        ("later/soon", Reply(503, "answered 503")),
        ("later/99999999999", Reply(503, "answered 503", 86_400)),
        ("later/Sun, 06 Nov 1994 08:49:37 GMT", Reply(503, "answered 503")),
        ("garbage/", Reply(None, "no answer (BadStatusLine)")),
    ],
)
def test_the_response_of_a_hub_is_recorded_verbatim(hub: TinyHub, path: str, reply: Reply) -> None:
    assert ping(hub.url(path.replace(" ", "%20")), "http://x/") == reply


def test_the_retry_after_of_a_hub_may_be_a_date(hub: TinyHub) -> None:
    moment = formatdate(time.time() + 100, usegmt=True).replace(" ", "%20")

    reply = ping(hub.url(f"later/{moment}"), "http://x/")

    assert 90 < reply.retry_after <= 100


@pytest.fixture
def far_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set a time zone nine hours east of Greenwich."""
    with monkeypatch.context() as changed:
        changed.setenv("TZ", "EAST-9")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    "form",
    ["%a, %d %b %Y %H:%M:%S GMT", "%a, %d %b %Y %H:%M:%S -0000", "%A, %d-%b-%y %H:%M:%S GMT",
     "%a %b %d %H:%M:%S %Y", "%a, %d %b %Y %H:%M:%S", "%a, %d %b %Y %H:%M:%S UT"],
)  # fmt: skip
def test_a_moment_without_a_zone_is_in_utc(hub: TinyHub, far_zone: None, form: str) -> None:
    moment = time.strftime(form, time.gmtime(time.time() + 100)).replace(" ", "%20")

    reply = ping(hub.url(f"later/{moment}"), "http://x/")

    assert 90 < reply.retry_after <= 100


@pytest.mark.parametrize("path", ["silence/", "drip/"])
def test_a_slow_hub_takes_no_more_than_the_deadline(hub: TinyHub, path: str) -> None:
    begun = time.monotonic()

    reply = ping(hub.url(path), "http://x/", deadline=0.5)

    assert reply.status is None
    assert time.monotonic() - begun < 1.5


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://nowhere.invalid/", "ftp://x/"])
def test_an_unreachable_hub_raises_no_error(url: str) -> None:
    assert ping(url, "http://x/").status is None


def test_no_redirect_is_followed(hub: TinyHub) -> None:
    ping(hub.url("elsewhere/"), "http://x/")

    assert hub.requests() == ["/elsewhere/ publish http://x/"]


def test_a_failing_hub_is_retried_with_growing_pauses_until_it_responds(
    hub: TinyHub, content: Content, open_site: OpenSite, clock: Clock, tmp_path: Path
) -> None:
    status = tmp_path / "status"
    status.write_text("503")
    node = a_node(hub.url(f"file{status}"), content, open_site, clock)
    content.write("a.md", title="Another title")
    node.refresh()

    attempts = [node.announce() for _ in range(30)]
    failed, then = node.state(), clock.now
    status.write_text("202")
    node.clock.now += 3600
    node.announce()
    node.announce(after=3600)

    assert 3 <= sum(attempts) <= 6
    assert (failed.pending, failed.failures) == (len(SHOWING), sum(attempts))
    assert (failed.last_error, failed.last_success) == ("answered 503", None)
    assert failed.next_try is not None
    assert failed.next_try > then
    assert sorted(set(hub.announced())) == SHOWING
    assert (node.state().pending, node.state().failures) == (0, 0)


def test_the_retry_after_of_a_hub_is_respected(
    hub: TinyHub, content: Content, open_site: OpenSite, clock: Clock
) -> None:
    node = a_node(hub.url("later/1000"), content, open_site, clock)
    content.write("a.md", title="Another title")
    node.refresh()
    node.announce()

    announced = [node.announce(after=990), node.announce(after=20)]

    assert announced == [0, 1]


def test_an_address_that_a_hub_rejects_delays_no_other(
    hub: TinyHub, content: Content, open_site: OpenSite, clock: Clock
) -> None:
    node = a_node(hub.url("status/404"), content, open_site, clock)
    content.write("a.md", title="Another title")
    node.refresh()

    announced = [node.announce(), node.announce(), node.announce(after=20)]

    assert announced == [len(SHOWING), 0, len(SHOWING)]
    assert node.state().pending == len(SHOWING)


def test_a_hub_that_hangs_delays_no_other(
    hub: TinyHub, content: Content, open_site: OpenSite, clock: Clock
) -> None:
    good = hub.url("status/202")
    node = a_node(f"{hub.url('garbage/')}, {good}", content, open_site, clock)
    content.write("a.md", title="Another title")
    node.refresh()

    node.announce()

    assert [line for line in hub.requests() if line.startswith("/garbage")] != SHOWING
    assert [state.pending for state in node.announcer.states()] == [len(SHOWING), 0]


def test_a_hub_gets_announcements_while_another_hangs(
    hub: TinyHub, content: Content, open_site: OpenSite, clock: Clock, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Announcements of earlier changes, and of those meanwhile."""
    monkeypatch.setattr("feeds.websub.retries.ping", partial(ping, deadline=60))
    (tmp_path / "silent").mkdir()
    with tiny_hub(tmp_path / "silent") as silent:
        hubs = f"{silent.url('silence/')}, {hub.url('status/202')}"
        node = a_node(hubs, content, open_site, clock)
        node.announcer.start()
        for title in ("First", "Second"):
            content.write("a.md", title=title)
            node.site.sync.refresh()
            assert wait_for(lambda: node.announcer.states()[1].pending > 0)
            clock.now += PAUSE
            assert wait_for(lambda: node.announcer.states()[1].pending == 0)
        hanging = node.announcer.states()[0]
    node.announcer.stop()

    assert hub.announced() == sorted(2 * SHOWING)
    # It got one request, and has neither responded nor failed.
    assert len(silent.requests()) == 1
    assert (hanging.pending, hanging.failures) == (len(SHOWING), 0)
    # Its end is a failure, after which no change is lost.
    assert node.announcer.states()[0].failures == 1
    assert node.announcer.states()[0].pending == len(SHOWING)


def test_a_change_during_a_delivery_is_announced_after_its_pause(
    node: Node, hub: TinyHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub may have fetched the old document, and the rest of a batch is outdated."""

    meanwhile_at_the_first(monkeypatch, node, "Second")
    node.content.write("a.md", title="First")
    node.refresh()

    node.announce()
    early = hub.announced()
    node.announce()

    assert early == SHOWING
    assert hub.announced() == sorted(2 * SHOWING)
    assert node.state().pending == 0


def test_a_change_that_is_undone_during_a_delivery_is_announced_again(
    node: Node, hub: TinyHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub may have fetched the document of the moment between."""
    meanwhile_at_the_first(monkeypatch, node, "Second", "First")
    node.content.write("a.md", title="First")
    node.refresh()

    node.announce()
    node.announce()

    assert hub.announced() == sorted(2 * SHOWING)
    assert node.state().pending == 0


def meanwhile_at_the_first(monkeypatch: pytest.MonkeyPatch, node: Node, *titles: str) -> None:
    """Change the article during the first announcement, and detect each change."""
    waiting = list(titles)

    def ping_and_change(hub: str, address: str) -> Reply:
        while waiting:
            node.content.write("a.md", title=waiting.pop(0))
            node.refresh()
        return ping(hub, address)

    monkeypatch.setattr("feeds.websub.retries.ping", ping_and_change)


def test_a_hub_that_is_no_longer_configured_is_removed(
    node: Node, hub: TinyHub, open_site: OpenSite
) -> None:
    node.content.write("a.md", title="Another title")
    node.refresh()
    node.content.raw("site.yml", f"hubs: [{hub.url('status/204')}]\n")

    again = Node(open_site(), node.content, node.clock)
    again.announcer.start()
    assert wait_for(lambda: again.state().pending > 0)
    node.clock.now += PAUSE
    assert wait_for(lambda: again.state().pending == 0)
    again.announcer.stop()

    assert {line.split()[0] for line in hub.requests()} == {"/status/204"}
    assert node.state().pending == 0


def test_pauses_grow_and_have_jitter() -> None:
    waits = [[retry_delay(failures) for _ in range(50)] for failures in (1, 2, 9, 5000)]

    assert [5 <= min(wait) < max(wait) <= 10 for wait in waits[:1]] == [True]
    assert 10 <= min(waits[1]) < max(waits[1]) <= 20
    assert all(1280 <= min(wait) < max(wait) <= 3600 for wait in waits[2:])


def test_a_clock_that_is_set_back_delays_nothing(node: Node, hub: TinyHub) -> None:
    node.content.write("a.md", title="Another title")
    node.refresh()

    node.announce(after=-200_000)

    assert hub.announced() == SHOWING


# The thread.


def test_one_of_several_processes_announces(node: Node, hub: TinyHub, open_site: OpenSite) -> None:
    other = Node(open_site(), node.content, node.clock)
    announcers = [node.announcer, other.announcer]
    for announcer in announcers:
        announcer.start()
        announcer.start()

    node.content.write("a.md", title="Another title")
    node.site.sync.refresh()
    assert wait_for(lambda: node.state().pending > 0)
    node.clock.now += PAUSE
    assert wait_for(lambda: node.state().pending == 0)
    for announcer in announcers:
        announcer.stop()

    assert hub.announced() == SHOWING
    assert not [t for t in threading.enumerate() if t.name == "announcer"]


def test_a_site_without_hubs_has_no_thread(site: Site) -> None:
    tools: Tools = site.app.extensions["tributary.tools"]

    tools.announcer.start()
    tools.announcer.stop()

    assert not [t for t in threading.enumerate() if t.name == "announcer"]


def test_a_forked_child_has_a_thread_of_its_own(node: Node) -> None:
    node.announcer.start()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        node.announcer.start()
        alive = [t.name for t in threading.enumerate()]
        os.write(write, b"1" if "announcer" in alive else b"0")
        os._exit(0)
    os.waitpid(child, 0)
    node.announcer.stop()

    assert os.read(read, 1) == b"1"


def test_a_damaged_queue_is_replaced(
    node: Node, hub: TinyHub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    node.announcer.start()
    path = tmp_path / "instance" / "websub.sqlite"

    path.write_bytes(b"not a database at all" * 500)

    assert wait_for(lambda: has_recorded(path.parent))
    node.announcer.stop()
    assert [r for r in caplog.records if "websub.sqlite is damaged" in r.message]
    assert hub.announced() == []


def test_a_failing_detection_is_logged_once_and_ends_nothing(
    node: Node, hub: TinyHub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "instance" / "websub.sqlite"
    kept = path.read_bytes()
    path.unlink()
    path.mkdir()
    node.content.write("a.md", title="Another title")
    node.site.sync.refresh()
    with caplog.at_level(logging.ERROR):
        node.announcer.start()
        assert wait_for(lambda: "cannot be announced to hubs now" in caplog.text)
        time.sleep(1.2)

    path.rmdir()
    path.write_bytes(kept)
    assert wait_for(lambda: node.state().pending > 0)
    node.clock.now += PAUSE
    assert wait_for(lambda: node.state().pending == 0)
    node.announcer.stop()

    assert caplog.text.count("cannot be announced to hubs now") == 1
    assert hub.announced() == SHOWING


def test_a_failing_delivery_is_logged_once_and_ends_nothing(
    node: Node, hub: TinyHub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """On a full disk the queue can be read, but no retry can be written."""
    failed: list[object] = []

    def full(*arguments: object) -> bool:
        failed.append(arguments)
        raise StoreUnavailable("database or disk is full")

    node.content.write("a.md", title="Another title")
    node.refresh()
    node.clock.now += PAUSE
    with monkeypatch.context() as disk, caplog.at_level(logging.ERROR):
        disk.setattr(node.site.web.outbox, "reschedule", full)
        node.announcer.start()
        assert wait_for(lambda: len(failed) > 2)

    assert wait_for(lambda: node.state().pending == 0)
    node.announcer.stop()

    assert caplog.text.count("cannot be announced to hubs now") == 1
    assert hub.announced() == SHOWING


# Several machines.


@pytest.fixture
def redis_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return the URL of a Redis for which nodes wait, also on a busy machine."""
    monkeypatch.setattr(cache, "PATIENCE", 20)
    port = stores.free_port()
    with (
        stores.running(port, *stores.redis(port, tmp_path)),
        stores.clients_closed(monkeypatch),
    ):
        yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture
def two_nodes(
    hub: TinyHub, content: Content, open_site: OpenSite, clock: Clock, tmp_path: Path,
    redis_url: str,
) -> list[Node]:  # fmt: skip
    return [
        a_node(
            hub.url("status/202"), content, open_site, clock,
            FEEDS_INSTANCE_DIR=str(tmp_path / name), FEEDS_CACHE_URL=redis_url,
        )
        for name in ("first", "second")
    ]  # fmt: skip


def test_one_of_two_machines_announces(
    two_nodes: list[Node], hub: TinyHub, content: Content
) -> None:
    content.write("a.md", title="Another title")
    for node in two_nodes:
        node.refresh()

    counts = [node.announce() for node in two_nodes]

    assert counts == [len(SHOWING)] * 2
    assert hub.announced() == SHOWING
    assert [node.state().pending for node in two_nodes] == [0, 0]


def test_each_change_back_and_forth_is_announced(
    two_nodes: list[Node], hub: TinyHub, content: Content
) -> None:
    for title in ("B", "C", "B"):
        content.write("a.md", title=title)
        for node in two_nodes:
            node.refresh()
        for node in two_nodes:
            assert wait_for(partial(has_announced_all, node), 15)

    assert hub.announced() == sorted(3 * SHOWING)


def has_announced_all(node: Node) -> bool:
    node.announce()
    return node.state().pending == 0


def test_a_slow_machine_delays_the_other_only_for_a_moment(
    two_nodes: list[Node], hub: TinyHub, content: Content
) -> None:
    content.write("a.md", title="Another title")
    for node in two_nodes:
        node.refresh()
        node.clock.now += PAUSE
    queue = two_nodes[0].site.web.outbox
    waiting = queue.due(hub.url("status/202"), two_nodes[0].clock.now, 99)
    now = two_nodes[0].clock.now
    claimed = [two_nodes[0].announcer.deliverer.claim(due, now) for due in waiting]

    two_nodes[1].announce(after=0)

    assert claimed == [True] * len(SHOWING)
    assert hub.announced() == []
    assert two_nodes[1].state().pending == len(SHOWING)


def test_a_change_during_an_announcement_by_another_machine_waits_its_whole_pause(
    two_nodes: list[Node], hub: TinyHub, content: Content
) -> None:
    content.write("a.md", title="Another title")
    for node in two_nodes:
        node.refresh()
        node.clock.now += PAUSE
    first, second = two_nodes
    for due in first.site.web.outbox.due(hub.url("status/202"), first.clock.now, 99):
        first.announcer.deliverer.claim(due, first.clock.now)
    second.announce(after=0)

    content.write("a.md", title="One more title")
    second.refresh()
    second.announce(after=PAUSE - 0.1)
    early = hub.announced()
    second.announce(after=0.1)

    assert early == []
    assert hub.announced() == SHOWING


def test_an_early_announcement_is_repeated_after_its_pause(
    two_nodes: list[Node], hub: TinyHub, content: Content
) -> None:
    """The claim of the first delivery does not prevent the second."""
    node, _ = two_nodes
    content.write("a.md", title="Another title")
    node.refresh()
    node.clock.now += PAUSE - 1
    content.write("a.md", title="One more title")
    node.refresh()

    node.announce(after=1)
    early = hub.announced()
    node.announce(after=PAUSE - 1)

    assert early == SHOWING
    assert hub.announced() == sorted(2 * SHOWING)
    assert node.state().pending == 0


# The command.


def test_announce_sends_the_queue_and_shows_the_state_of_each_hub(
    node: Node, hub: TinyHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node.announcer.deliverer, "pause", 0)
    node.content.write("a.md", title="Another title")

    printed = node.site.runner.invoke(args=["announce"]).stdout

    assert hub.announced() == SHOWING
    url = hub.url("status/202")
    assert printed.splitlines()[-1] == f"{url}: 0 pending, last success 2026-11-20T12:00:00Z"


def test_announce_expedites_announcements_that_a_hub_missed(
    hub: TinyHub, content: Content, open_site: OpenSite, clock: Clock, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    status = tmp_path / "status"
    status.write_text("500")
    url = hub.url(f"file{status}")
    node = a_node(url, content, open_site, clock)
    monkeypatch.setattr(node.announcer.deliverer, "pause", 0)
    content.write("a.md", title="Another title")
    node.refresh()
    node.announce()
    shown = node.site.runner.invoke(args=["announce", "--status"]).stdout
    status.write_text("202")

    node.site.runner.invoke(args=["announce"])

    assert shown.startswith(f"{url}: {len(SHOWING)} pending, last success never, 1 failed since")
    assert "the last: answered 500, next try 2026-11-20T12:00:" in shown
    assert node.state().pending == 0


def test_announce_leaves_deliveries_to_a_running_server(node: Node, hub: TinyHub) -> None:
    turn = node.site.web.outbox.leader_lock()
    assert turn.try_acquire()
    node.content.write("a.md", title="Another title")

    node.site.runner.invoke(args=["announce"])
    turn.release()

    assert hub.announced() == []


def test_announce_without_hubs_reports_that_there_are_none(site: Site, tmp_path: Path) -> None:
    printed = [site.runner.invoke(args=["announce", *more]).stdout for more in ((), ("--status",))]

    assert [lines.splitlines()[-1] for lines in printed] == ["site.yml names no hubs"] * 2
    assert not (tmp_path / "instance" / "websub.sqlite").exists()


def test_announce_reports_an_unreadable_queue(node: Node, tmp_path: Path) -> None:
    path = tmp_path / "instance" / "websub.sqlite"
    path.unlink()
    path.mkdir()

    result = node.site.runner.invoke(args=["announce", "--status"])

    assert (result.exit_code, result.stderr.split(":")[1]) == (1, " websub.sqlite")


# A real hub, real servers, a real subscriber.


def test_a_change_reaches_a_subscriber_of_a_real_hub(content: Content, tmp_path: Path) -> None:
    content.write("a.md", title="As it was")
    with real_hub() as hub, subscriber() as reader:
        content.raw("site.yml", f"hubs: [{hub}]\n")
        with serving(content.folder, tmp_path / "instance", FEEDS_WORKERS="2") as address:
            topic = f"{address}/topics/ai.atom"
            reader.subscribe(hub, topic)
            assert wait_for(lambda: has_recorded(tmp_path / "instance"))
            content.write("a.md", title="As it is now")

            assert reader.gets(1)
            content.write("a.md", title="As it is later")
            assert reader.gets(2)

    # The first change was delivered once: the next delivery is that of the next change.
    (link, body), (_, next_body) = reader.got
    assert b"As it is now" in body
    assert b"As it was" not in body
    assert b"As it is later" in next_body
    assert link == f'<{hub}>; rel="hub", <{topic}>; rel="self"'


def test_flask_serve_refreshes_before_the_first_request(
    content: Content, hub: TinyHub, tmp_path: Path
) -> None:
    content.raw("site.yml", f"hubs: [{hub.url('status/202')}]\n")

    with started(content.folder, tmp_path / "instance"):
        assert wait_for(lambda: has_recorded(tmp_path / "instance"), 20)


def test_any_wsgi_server_announces_from_its_first_request_on(
    content: Content, hub: TinyHub, tmp_path: Path
) -> None:
    content.write("a.md")
    content.raw("site.yml", f"hubs: [{hub.url('status/202')}]\n")

    with started(content.folder, tmp_path / "instance", "run") as server:
        assert wait_for(lambda: answers(f"{server.address}/all.rss"), 20)
        assert wait_for(lambda: has_recorded(tmp_path / "instance"))
        content.write("a.md", title="Another title")

        assert wait_for(lambda: len(hub.requests()) == len(SHOWING), 20)


def answers(address: str) -> bool:
    try:
        urllib.request.urlopen(address, timeout=20).close()
    except OSError:
        return False
    return True
