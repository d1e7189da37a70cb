"""Tests of deltas (RFC 3229 with the ``feed`` manipulation): items that are new since an ETag."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feeds import formats
from feeds.cache import open_history_cache
from feeds.deltas import DocumentHistory, _name
from feeds.encoded_bodies import CODINGS, IDENTITY
from feeds.model import FeedId, Format
from feeds.urls import ALL, Target
from feeds.web.negotiation import accepts_delta
from tests import stores
from tests.conftest import Clock, Content, Site
from tests.document_parsers import FH, TOMBSTONES, atom_feed, channel, items, json_feed, links
from tests.programs import examples, skip_if_quick
from tests.publishing import counted
from tests.test_encoded_bodies import DECODERS

FORMATS = ["rss", "atom", "json"]

every_format = pytest.mark.parametrize("format", FORMATS)

PATHS = [f"/topics/ai.{format}" for format in FORMATS]


def poll(site: Site, path: str, tag: str | None, method: str = "GET", **headers: str) -> Any:
    """Return the response to a reader that accepts deltas and sends this ETag."""
    condition = {} if tag is None else {"If-None-Match": tag}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return site.client.open(path, method=method, headers={"A-IM": "feed", **condition, **named})


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Yield the URL of a Redis, which outlives the processes of servers."""
    port = stores.free_port()
    with (
        stores.running(port, *stores.redis(port, tmp_path)),
        stores.clients_closed(monkeypatch),
    ):
        yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture
def ten(content: Content, open_site: Callable[..., Site]) -> Site:
    """Return a site with a topic of ten articles, the newest first: 9 to 0."""
    content.raw("site.yml", "hubs: [https://hub.example.net/]\n")
    for number in range(10):
        content.write(f"{number}.md", publishedDateTime=f"2026-11-01T10:0{number}:00Z")
    return open_site()


@pytest.fixture
def changed(ten: Site, content: Content, clock: Clock) -> dict[str, str]:
    """Return the ETags by path from before an article was added, one changed, one withdrawn."""
    tags = {path: ten.get(path).headers["ETag"] for path in PATHS}
    clock.now += 3600
    content.write("new.md", title="New", publishedDateTime="2026-11-20T12:30:00Z")
    content.write("4.md", title="Changed", publishedDateTime="2026-11-01T10:04:00Z")
    content.remove("2.md")
    ten.sync.refresh()
    return tags


def names(body: bytes, format: str) -> list[str]:
    return [item.id.rpartition(":")[2] for item in items(body, format)]


@every_format
def test_only_new_and_changed_items_are_sent(
    ten: Site, changed: dict[str, str], format: str
) -> None:
    """[78]"""
    path = f"/topics/ai.{format}"

    answer = poll(ten, path, changed[path])

    whole = ten.get(path)
    assert answer.status_code == 226
    assert names(answer.data, format) == ["new", "4"]
    expected = [item for item in items(whole.data, format) if item.id.endswith((":new", ":4"))]
    assert items(answer.data, format) == expected


@every_format
@pytest.mark.parametrize("coding", [IDENTITY, *CODINGS])
def test_a_delta_has_the_headers_of_one(
    ten: Site, changed: dict[str, str], format: str, coding: str
) -> None:
    """[78] Its other fields are those of the feed, except caching and length."""
    path = f"/topics/ai.{format}"

    answer = poll(ten, path, changed[path], accept_encoding=coding)

    shown = dict(answer.headers)
    whole = dict(ten.get(path, accept_encoding=coding).headers)
    differing = {"IM", "Delta-Base", "Cache-Control", "Vary", "Content-Length"}
    assert answer.status == "226 IM USED"
    assert {name: shown[name] for name in differing} == {
        "IM": "feed",
        "Delta-Base": changed[path],
        "Cache-Control": "no-store, im",
        "Vary": "Accept-Encoding, A-IM, If-None-Match",
        "Content-Length": str(len(answer.data)),
    }
    assert {k: v for k, v in shown.items() if k not in differing} == {
        k: v for k, v in whole.items() if k not in differing
    }
    assert DECODERS[coding](answer.data) == poll(ten, path, changed[path]).data


@every_format
def test_the_next_poll_with_the_tag_of_a_delta_gets_304(
    ten: Site, changed: dict[str, str], format: str
) -> None:
    path = f"/topics/ai.{format}"
    delta = poll(ten, path, changed[path], accept_encoding="gzip")

    answer = poll(ten, path, delta.headers["ETag"], accept_encoding="gzip")

    assert (answer.status_code, answer.data) == (304, b"")
    assert answer.headers["ETag"] == delta.headers["ETag"]
    assert answer.headers["Last-Modified"] == delta.headers["Last-Modified"]


@pytest.mark.parametrize(
    ("spelling", "base"),
    [('W/"TAG"', '"TAG"'), ('w/"TAG"', '"TAG"'), ('"TAG-gzip"', '"TAG-gzip"'),
     ('"TAG;gzip"', '"TAG;gzip"'), ('W/"TAG-br-gzip"', '"TAG-br-gzip"'),
     ('"other", "TAG-zstd"', '"TAG-zstd"'), (f'"{"0" * 32}",W/"TAG"', '"TAG"')],
)  # fmt: skip
def test_every_spelling_of_a_known_tag_gets_a_delta(
    ten: Site, changed: dict[str, str], spelling: str, base: str
) -> None:
    """[58, 78]"""
    tag = changed[PATHS[0]].strip('"')

    answer = poll(ten, PATHS[0], spelling.replace("TAG", tag))

    assert answer.status_code == 226
    assert answer.headers["Delta-Base"] == base.replace("TAG", tag)


@pytest.mark.parametrize(
    "tags",
    [None, "", '"', '"other"', f'"{"0" * 32}"', "TAG", '"TAG-other"', '"TAGgzip"', '"TAG', '"TA"',
     ",".join(f'"{number:032}"' for number in range(4)) + ',"TAG"', '"x",' * 3000 + '"TAG"'],
)  # fmt: skip
def test_an_unknown_tag_gets_the_full_document(
    ten: Site, changed: dict[str, str], tags: str | None
) -> None:
    """[61, 78]"""
    tag = changed[PATHS[0]].strip('"')

    answer = poll(ten, PATHS[0], tags and tags.replace('TA"', tag[:-1] + '"').replace("TAG", tag))

    whole = ten.get(PATHS[0])
    assert (answer.status_code, answer.data) == (200, whole.data)
    assert dict(answer.headers) == dict(whole.headers)


@pytest.mark.parametrize(
    ("a_im", "is_wanted"),
    [("feed", True), ("FEED", True), ("Feed;q=0.5", True), ("vcdiff, feed", True),
     ("gzip;q=0.3,feed;q=0.2 , diffe", True), (" feed ", True), ("feed;q=0", False),
     ("feed; q=0.0", False), ("", False), ("feeds", False), ("*", False), ("vcdiff", False),
     ("feed" + " " * 600, False), (None, False), (",;=", False)],
)  # fmt: skip
def test_clients_that_accept_deltas_get_them(a_im: str | None, is_wanted: bool) -> None:
    assert accepts_delta(a_im) is is_wanted


@every_format
def test_clients_that_accept_no_deltas_get_the_full_document(
    ten: Site, changed: dict[str, str], format: str
) -> None:
    """[65] It varies by its coding only, so that caches store one for all clients."""
    path = f"/topics/ai.{format}"

    answers = [
        ten.get(path, if_none_match=changed[path]),
        ten.get(path, if_none_match=changed[path], a_im="vcdiff"),
    ]

    for answer in answers:
        assert answer.status_code == 200
        assert len(items(answer.data, format)) == 10
        assert answer.headers["Vary"] == "Accept-Encoding"


@every_format
def test_head_gets_the_header_fields_of_get(
    ten: Site, changed: dict[str, str], format: str
) -> None:
    """[67]"""
    path = f"/topics/ai.{format}"

    head = poll(ten, path, changed[path], "HEAD")

    get = poll(ten, path, changed[path])
    assert (head.status_code, head.data) == (226, b"")
    assert dict(head.headers) == dict(get.headers)


def test_atom_lists_recent_withdrawals(
    ten: Site, changed: dict[str, str], content: Content, clock: Clock
) -> None:
    """[14]"""
    path = "/topics/ai.atom"
    between = ten.get(path).headers["ETag"]
    clock.now += 60
    content.remove("7.md")
    ten.sync.refresh()

    assert deleted(poll(ten, path, changed[path]).data) == ["7", "2"]
    assert deleted(poll(ten, path, between).data) == ["7"]
    assert names(poll(ten, path, between).data, "atom") == []


def deleted(body: bytes) -> list[str]:
    found = atom_feed(body).findall(f"{TOMBSTONES}deleted-entry")
    return [str(entry.get("ref")).rpartition(":")[2] for entry in found]


@pytest.mark.parametrize("format", ["rss", "json"])
def test_a_delta_is_empty_if_its_format_cannot_express_a_withdrawal(
    ten: Site, content: Content, format: str
) -> None:
    path = f"/topics/ai.{format}"
    tag = ten.get(path).headers["ETag"]
    content.remove("9.md")
    ten.sync.refresh()

    answer = poll(ten, path, tag)

    assert (answer.status_code, names(answer.data, format)) == (226, [])


def test_a_delta_is_never_marked_complete(ten: Site, changed: dict[str, str]) -> None:
    """RFC 5005, section 2: readers drop items that a complete feed lacks."""
    for path, root in (("/topics/ai.rss", channel), ("/topics/ai.atom", atom_feed)):
        delta = root(poll(ten, path, changed[path]).data)

        assert root(ten.get(path).data).find(f"{FH}complete") is not None
        assert delta.find(f"{FH}complete") is None
        assert links(delta, "self") == links(root(ten.get(path).data), "self")


def test_a_delta_has_the_head_of_the_feed(ten: Site, changed: dict[str, str]) -> None:
    path = "/topics/ai.json"

    delta, whole = json_feed(poll(ten, path, changed[path]).data), json_feed(ten.get(path).data)

    assert delta | {"items": []} == whole | {"items": []}


@every_format
def test_a_delta_that_would_be_nearly_the_whole_feed_is_not_rendered(
    ten: Site, content: Content, format: str
) -> None:
    path = f"/topics/ai.{format}"
    tag = ten.get(path).headers["ETag"]
    for number in range(9):
        content.write(
            f"{number}.md", title="A new and longer title", publishedDateTime="2026-11-02T10:00:00Z"
        )
    ten.sync.refresh()

    answer = poll(ten, path, tag)

    assert (answer.status_code, answer.data) == (200, ten.get(path).data)


def test_archives_have_no_deltas(content: Content, open_site: Callable[..., Site]) -> None:
    content.write("a.md")
    content.write("b.md")
    site = open_site()
    path = "/all/2026-11.atom"
    tag = site.get(path).headers["ETag"]
    content.write("a.md", title="Changed")
    site.sync.refresh()

    assert poll(site, path, tag).status_code == 200
    assert poll(site, path, site.get(path).headers["ETag"]).status_code == 304


def test_if_every_article_changes_the_whole_feed_is_sent(
    ten: Site, content: Content, open_site: Callable[..., Site], shared: str
) -> None:
    """A retired provider disappears from all of its articles, none of which changed itself."""
    before = open_site(FEEDS_CACHE_URL=shared)
    tags = {path: before.get(path).headers["ETag"] for path in PATHS}
    content.raw("providers.yml", "- {domain: news.example.com, retired: true}\n")
    after = open_site(FEEDS_CACHE_URL=shared)

    assert [poll(after, path, tags[path]).status_code for path in PATHS] == [200] * 3


@pytest.mark.parametrize("path", PATHS)
def test_fifty_requests_for_one_delta_cost_one_rendering(
    ten: Site, changed: dict[str, str], path: str
) -> None:
    ten.get(path)
    before = ten.web.publisher.renderings
    barrier = threading.Barrier(50)

    def fetch() -> bytes:
        barrier.wait(10)
        answer = poll(Site(ten.app), path, changed[path])
        assert answer.status_code == 226
        body: bytes = answer.data
        return body

    with ThreadPoolExecutor(50) as pool:
        bodies = {each.result(20) for each in [pool.submit(fetch) for _ in range(50)]}

    assert len(bodies) == 1
    assert ten.web.publisher.renderings - before == 1


def test_invented_tags_take_no_memory(ten: Site, changed: dict[str, str]) -> None:
    ten.get(PATHS[0])
    kept = list(ten.web.publisher.memory.by_target)

    for number in range(100):
        assert poll(ten, PATHS[0], f'"{number:032x}"').status_code == 200

    assert list(ten.web.publisher.memory.by_target) == kept


def test_the_tag_of_another_feed_gets_no_delta(ten: Site, changed: dict[str, str]) -> None:
    """Otherwise a client could have each feed compared with the documents of all others."""
    tags = (changed[PATHS[1]], ten.get("/all.rss").headers["ETag"])

    assert [poll(ten, PATHS[0], tag).status_code for tag in tags] == [200, 200]


@pytest.mark.parametrize(
    "path", ["{}?since={}", "{}%3Fsince={}", "{}%253Fsince={}", "{} since {}", "{}%3fsince%3d{}"]
)
def test_no_address_names_a_delta(ten: Site, changed: dict[str, str], path: str) -> None:
    """No client gets a delta instead of the whole feed."""
    poll(ten, PATHS[0], changed[PATHS[0]])

    answer = ten.get(path.format(PATHS[0], changed[PATHS[0]].strip('"')))

    assert answer.status_code == 404 or len(items(answer.data, "rss")) == 10


def test_deltas_are_evicted_like_any_document(
    content: Content, open_site: Callable[..., Site]
) -> None:
    skip_if_quick()
    for number in range(5):
        content.write(f"{number}.md")
    site = open_site(FEEDS_MEMORY_MB="1")
    tags = [site.get("/all.rss").headers["ETag"]]
    for number in range(80):
        content.write("0.md", title=f"Version {number}")
        site.sync.refresh()
        tags.append(site.get("/all.rss").headers["ETag"])

    statuses = [poll(site, "/all.rss", tag).status_code for tag in tags]

    publisher = site.web.publisher
    assert statuses == [226] * 80 + [304]
    assert len(publisher.memory.by_target) < 80
    assert publisher.memory.size == counted(publisher) <= 1_000_000


def test_the_documents_of_a_day_of_changes_get_deltas(ten: Site, content: Content) -> None:
    """By default, with memory alone; one change every ten minutes."""
    skip_if_quick()
    tags = {path: ten.get(path).headers["ETag"] for path in PATHS}

    for number in range(144):
        content.write("9.md", title=f"Version {number}")
        ten.sync.refresh()
        for path in PATHS:
            ten.get(path)

    for path in PATHS:
        answer = poll(ten, path, tags[path])
        assert answer.status_code == 226
        assert names(answer.data, path.rpartition(".")[2]) == ["9"]


@dataclass
class Recorder:
    """A cache that stores and never evicts."""

    kept: list[bytes]
    is_shared: bool = False

    def get(self, key: str) -> bytes | None:
        return None

    def set(self, key: str, value: bytes) -> None:
        self.kept.append(value)

    def lease(self, key: str, seconds: int = 0) -> bool:
        return True


def test_histories_are_small_and_the_oldest_are_evicted_first(ten: Site) -> None:
    history = DocumentHistory(b"way", open_history_cache(50_000))
    target = Target(ALL, Format.RSS)
    selection = ten.web.catalog.select(ALL)

    kept: list[bytes] = []
    history.share(target, "oldest", selection)
    for number in range(200):
        history.share(target, f"{number}", selection)
    DocumentHistory(b"way", Recorder(kept)).share(target, "key", selection)

    assert [len(history) for history in kept] == [28 + 8 * 10]
    assert [history.items_of(target, key) is None for key in ("oldest", "90", "110", "199")] == [
        True, True, False, False,
    ]  # fmt: skip


def test_a_process_needs_no_redis_for_the_histories_of_its_own_documents(
    content: Content, open_site: Callable[..., Site], tmp_path: Path
) -> None:
    """A Redis that hung for a tenth of a second was seen to cost many clients whole feeds."""
    for number in range(5):
        content.write(f"{number}.md")
    port = stores.free_port()
    with stores.running(port, *stores.redis(port, tmp_path)):
        # The first renders it, the second gets it from Redis.
        sites = [
            open_site(
                FEEDS_CACHE_URL=f"redis://127.0.0.1:{port}/0",
                FEEDS_INSTANCE_DIR=str(tmp_path / name),
            )
            for name in ("first", "second")
        ]
        tags = {site.get("/all.rss").headers["ETag"] for site in sites}
    content.write("new.md")
    for site in sites:
        site.sync.refresh()

    (tag,) = tags
    answers = [poll(site, "/all.rss", tag) for site in sites]

    assert [site.web.publisher.renderings for site in sites] == [3, 2]
    assert [answer.status_code for answer in answers] == [226, 226]
    assert answers[0].data == answers[1].data


def test_histories_last_as_long_as_the_shared_cache(
    content: Content, open_site: Callable[..., Site], shared: str
) -> None:
    """Also for a process that never served the documents, of this machine or another."""
    for number in range(5):
        content.write(f"{number}.md")
    before = open_site(FEEDS_CACHE_URL=shared)
    tag = before.get("/all.rss").headers["ETag"]
    content.write("new.md")
    after = open_site(FEEDS_CACHE_URL=shared, FEEDS_INSTANCE_DIR=str(content.folder.parent / "b"))

    before.sync.refresh()

    answers = [poll(site, "/all.rss", tag) for site in (after, before)]

    assert answers[0].status_code == 226
    assert names(answers[0].data, "rss") == ["new"]
    assert answers[1].data == answers[0].data
    # Each of the first document, the second and the delta is rendered by one of them.
    assert [site.web.publisher.renderings for site in (before, after)] == [1, 2]


@pytest.mark.parametrize("damage", [b"", b"x", b"tributary-1\0" + bytes(16) + bytes(80)])
def test_a_damaged_history_counts_as_none(
    content: Content, open_site: Callable[..., Site], tmp_path: Path, damage: bytes
) -> None:
    for number in range(5):
        content.write(f"{number}.md")
    site = open_site()
    tag = site.get("/all.rss").headers["ETag"]
    content.write("new.md")
    site.sync.refresh()
    assert poll(site, "/all.rss", tag).status_code == 226

    name = _name(Target(ALL, Format.RSS), tag.strip('"'))
    assert site.web.history.local.get(name)
    site.web.history.local.set(name, damage)
    site.web.publisher.memory.by_target.clear()

    assert poll(site, "/all.rss", tag).status_code == 200


def test_a_delta_that_cannot_be_made_is_no_error(
    ten: Site, changed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """[70] The client gets the whole feed."""
    whole = ten.get(PATHS[0])
    monkeypatch.setattr(formats, "render", lambda feed, format: 1 / 0)

    answer = poll(ten, PATHS[0], changed[PATHS[0]])

    assert (answer.status_code, answer.data) == (200, whole.data)


def test_an_old_delta_is_not_served_when_the_whole_feed_is_newer(
    ten: Site, changed: dict[str, str], content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its articles may have been withdrawn."""
    delta = poll(ten, PATHS[0], changed[PATHS[0]])
    content.remove("new.md")
    ten.sync.refresh()
    ten.get(PATHS[0])
    monkeypatch.setattr(formats, "render", lambda feed, format: 1 / 0)

    answer = poll(ten, PATHS[0], changed[PATHS[0]])

    assert b"<title>New</title>" in delta.data
    assert answer.status_code == 200
    assert b"<title>New</title>" not in answer.data


@dataclass
class Follower:
    """A reader that has applied every delta that it got."""

    path: str
    format: str
    tag: str | None = None
    #: Items by id.
    known: dict[str, Any] = field(default_factory=dict)

    def poll(self, site: Site) -> None:
        answer = poll(site, self.path, self.tag)
        self.tag = answer.headers["ETag"]
        if answer.status_code == 200:
            self.known.clear()
        if answer.status_code != 304:
            self.known |= {item.id: item for item in items(answer.data, self.format)}
            for entry in withdrawn(answer.data, self.format):
                self.known.pop(entry, None)


def withdrawn(body: bytes, format: str) -> list[str]:
    if format != "atom":
        return []
    return [str(e.get("ref")) for e in atom_feed(body).findall(f"{TOMBSTONES}deleted-entry")]


#: Edits of numbered articles, and polls; more articles than the feed holds.
EDITS = st.lists(
    st.tuples(st.sampled_from(["write", "write", "remove", "poll"]), st.integers(0, 11)),
    max_size=25,
)


@every_format
def test_deltas_applied_in_order_give_the_feed(
    content: Content, open_site: Callable[..., Site], clock: Clock, format: str
) -> None:
    """After any edits the reader has every article of the feed, and besides only older ones.

    RSS and JSON Feed cannot express a withdrawal: there a reader keeps the article.
    """
    content.raw("site.yml", "limits: {items: 6}\n")
    site = open_site()
    path = f"/all.{format}"

    @settings(max_examples=examples(30), suppress_health_check=list(HealthCheck))
    @given(EDITS)
    def follow(edits: list[tuple[str, int]]) -> None:
        follower = Follower(path, format)
        for version, (edit, number) in enumerate(edits):
            clock.now += 1
            match edit:
                case "write":
                    month = f"2026-{1 + number % 10:02}-{1 + number:02}T10:00:00Z"
                    content.write(f"{number}.md", title=f"V {version}", publishedDateTime=month)
                case "remove":
                    (content.folder / f"{number}.md").unlink(missing_ok=True)
                case "poll":
                    follower.poll(site)
            site.sync.refresh(is_confirmed=True)
        follower.poll(site)
        feed = {item.id: item for item in items(site.get(path).data, format)}
        assert {id: follower.known[id] for id in feed} == feed
        if format == "atom":
            served = {item.id for item in all_of(site)}
            assert set(follower.known) <= served

    follow()


def all_of(site: Site) -> list[Any]:
    """Return every article in the archives of the feed."""
    months = site.web.catalog.months(site.web.catalog.feed_infos()[0].id)
    return [
        item for month in months for item in items(site.get(f"/all/{month.name}.atom").data, "atom")
    ]


def test_a_delta_is_the_same_bytes_whenever_it_is_rendered(
    ten: Site, changed: dict[str, str], open_site: Callable[..., Site]
) -> None:
    first = poll(ten, PATHS[1], changed[PATHS[1]]).data
    again = open_site()
    again.web.history.local.set(*trace_of(ten, changed[PATHS[1]]))

    assert poll(again, PATHS[1], changed[PATHS[1]]).data == first
    assert again.web.publisher.renderings == 2


def trace_of(site: Site, tag: str) -> tuple[str, bytes]:
    name = _name(Target(FeedId("topics/ai"), Format.ATOM), tag.strip('"'))
    return name, site.web.history.local.get(name) or b""
