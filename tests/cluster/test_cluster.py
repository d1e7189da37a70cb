"""Tests of two nodes, Redis and nginx with the shipped files: clients notice no failure of one."""

import hashlib
import json
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from email.utils import formatdate
from http.client import HTTPConnection, HTTPMessage
from urllib.parse import urlsplit, urlunsplit

import pytest

from feeds.subscribers.polls import read_log
from tests.cluster.crowd import Load, all_at_once
from tests.cluster.installation import Cluster, Nginx
from tests.conftest import SITE_URL, Content
from tests.waiting import wait_for

#: Seconds until a response is stale in nginx: one, and another since nginx counts whole seconds.
A_MOMENT = 2.1

#: The values in Redis for a rendered feed: the document and its history; a delta has none.
ONE_RENDERING, ONE_DELTA = 2, 1


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    content = Content(folder / "content")
    for number in range(60):
        content.write(f"{number}.md", "Text. " * 500, topics=["AI", f"Topic {number % 7}"])
    with Cluster(content, folder).running() as running:
        yield running


@dataclass(frozen=True)
class Answer:
    """The response that a client got."""

    status: int
    headers: HTTPMessage
    body: bytes


def get(address: str, **headers: str) -> Answer:
    """GET an address; a header ``if_none_match`` is If-None-Match."""
    parts = urlsplit(address)
    with closing(HTTPConnection(parts.netloc, timeout=10)) as connection:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET", urlunsplit(("", "", *parts[2:])), headers=named)
        found = connection.getresponse()
        return Answer(found.status, found.headers, found.read())


def feeds(cluster: Cluster) -> list[str]:
    """Return the paths of all feeds, in every format."""
    listed = json.loads(get(cluster.nodes[0].url + "/feeds.json").body)["feeds"]
    return [urlsplit(feed[kind]).path for feed in listed for kind in ("rss", "atom", "json")]


def test_nginx_accepts_the_shipped_files(cluster: Cluster) -> None:
    assert "test is successful" in cluster.nginx.outcome()


def test_nginx_accepts_the_shipped_nodes_unchanged(cluster: Cluster) -> None:
    nginx = Nginx(cluster.folder / "as-shipped")
    cache = {"/var/cache/nginx/tributary": str(cluster.folder / "other-cache")}
    nginx.write(**{"nginx-front": nginx.listening | cache, "nginx-nodes": {}})

    assert "test is successful" in nginx.outcome()


def test_both_nodes_give_the_same_bytes_and_tags(cluster: Cluster) -> None:
    answers = [{path: seen(node.url + path) for path in feeds(cluster)} for node in cluster.nodes]

    assert len(answers[0]) > 20
    assert answers[0] == answers[1]


def seen(address: str) -> tuple[str, str]:
    answer = get(address, accept_encoding="gzip")
    return hashlib.sha256(answer.body).hexdigest(), answer.headers["ETag"]


def test_a_change_reaches_clients_of_nginx(cluster: Cluster) -> None:
    before = get(cluster.nginx.url + "/all.rss").body
    cluster.content.write("new.md", title="Seen through nginx")
    cluster.shows("/all.rss", "Seen through nginx")
    time.sleep(A_MOMENT)

    after = get(cluster.nginx.url + "/all.rss").body

    assert b"Seen through nginx" not in before
    assert b"Seen through nginx" in after


def test_a_known_tag_gets_304_from_nginx(cluster: Cluster) -> None:
    address = cluster.nginx.url + "/all.atom"
    tag = get(address, accept_encoding="br").headers["ETag"]

    answer = get(address, accept_encoding="br", if_none_match=tag)

    assert (answer.status, answer.headers["ETag"], answer.body) == (304, tag, b"")


def test_only_the_last_modified_that_was_sent_gets_304_through_nginx(cluster: Cluster) -> None:
    address = cluster.nginx.url + "/topics/topic-2.atom"
    issued = get(address).headers["Last-Modified"]
    fetched = formatdate(time.time() - 1, usegmt=True)
    cluster.content.write("2.md", title="Later than that", topics=["AI", "Topic 2"])
    cluster.shows("/topics/topic-2.atom", "Later than that")
    time.sleep(A_MOMENT)

    answers = [get(address, if_modified_since=date) for date in (issued, fetched)]
    again = get(address, if_modified_since=answers[0].headers["Last-Modified"])

    assert [answer.status for answer in answers] == [200, 200]
    assert (again.status, again.body) == (304, b"")


def test_no_date_of_an_earlier_document_gets_304_from_nginx_after_a_burst_of_changes(
    cluster: Cluster,
) -> None:
    """The changes within a second are more than Last-Modified can distinguish."""
    path, (node, other) = "/topics/topic-3.rss", cluster.nodes
    # Two nodes see changes at different times, and have dates of their own.
    other.end(signal.SIGTERM)
    try:
        dates = burst(cluster, node.url + path)
        newest = get(node.url + path)
        assert wait_for(lambda: get(cluster.nginx.url + path).body == newest.body)
        by_date = [get(cluster.nginx.url + path, if_modified_since=date) for date in dates]
        by_tag = get(cluster.nginx.url + path, if_none_match=newest.headers["ETag"])
    finally:
        other.start()

    assert {answer.status for answer in by_date} == {200}
    assert {answer.body for answer in by_date} == {newest.body}
    assert by_tag.status == 304


def burst(cluster: Cluster, address: str) -> list[str]:
    """Change an article until no second is left for a later Last-Modified.

    Return the dates of the responses with earlier documents.
    """
    dates: list[str] = []
    for number in range(500):
        title = f"Version {number}".encode()
        cluster.content.write("3.md", title=title.decode(), topics=["AI", "Topic 3"])
        assert wait_for(lambda title=title: title in get(address).body)  # type: ignore[misc]
        headers = get(address).headers
        if headers.get("Last-Modified") in (None, headers["Date"]):
            return dates
        dates.append(headers["Date"])
    raise AssertionError("this machine is too slow for ten changes within a second")


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [("gzip, deflate, br, zstd", "br"), ("gzip, deflate", "gzip"), ("zstd", "zstd"),
     ("gzip;q=1.0,deflate;q=0.6,identity;q=0.3", "gzip"), ("gzip;q=0, br;q=0", None),
     ("identity", None), ("x" * 200, None)],
)  # fmt: skip
def test_each_client_gets_the_coding_that_the_node_would_give(
    cluster: Cluster, accepted: str, coding: str | None
) -> None:
    path = "/topics/topic-3.json"
    through = get(cluster.nginx.url + path, accept_encoding=accepted)
    direct = get(cluster.nodes[0].url + path, accept_encoding=accepted)

    assert through.headers.get("Content-Encoding") == coding
    assert through.body == direct.body


@pytest.mark.parametrize("host", ["evil.example", "feeds.example.org"])
def test_no_host_and_no_query_changes_a_response(cluster: Cluster, host: str) -> None:
    plain = get(cluster.nginx.url + "/topics/topic-4.rss")

    other = get(cluster.nginx.url + "/topics/topic-4.rss?page=2", host=host)

    assert other.body == plain.body
    assert other.headers["X-Cache"] == "HIT"


@pytest.mark.parametrize(
    ("odd", "status"),
    [("/topics//ai.rss", 404), ("/x/../topics/ai.rss", 404), ("/topics/ai.rss/", 301)],
)
def test_a_path_that_only_looks_like_a_feed_changes_no_cached_response(
    cluster: Cluster, odd: str, status: int
) -> None:
    found = get(cluster.nginx.url + odd)

    assert found.status == status
    assert get(cluster.nginx.url + "/topics/ai.rss").status == 200


@pytest.mark.parametrize(
    "path",
    ["/metrics", "/metrics?x", "/metrics/", "/%6detrics", "//metrics", "/./metrics",
     "/x/../metrics", "/METRICS", "/readyz", "/operators/subscribers", "/operators%2Fsubscribers",
     "//operators/subscribers", "/%2F/metrics", "/embed/../operators/subscribers"],
)  # fmt: skip
def test_addresses_for_operators_are_closed_in_nginx(cluster: Cluster, path: str) -> None:
    answer = get(cluster.nginx.url + path, authorization="Bearer token")

    assert answer.status == 404
    assert b"tributary_" not in answer.body
    assert get(cluster.nodes[0].url + "/metrics").status == 200


def test_subscribers_are_counted_by_the_log_of_nginx(cluster: Cluster) -> None:
    for agent in ('A "reader"', 'A "reader"', "Feedbin feed-id:1 - 30 subscribers"):
        get(cluster.nginx.url + "/topics/topic-5.rss", user_agent=agent)
    with (cluster.nginx.folder / "access.log").open() as lines:
        counts = read_log(lines, SITE_URL, int(time.time()) // 86_400)

    assert [(c.by_services, c.alone) for c in counts if c.feed == "topics/topic-5"] == [(30, 1)]


def test_500_clients_at_a_cold_feed_of_two_nodes_make_one_rendering(cluster: Cluster) -> None:
    cluster.content.write("cold.md", title="Cold", topics=["Cold"])
    cluster.shows("/feeds.json", "/topics/cold.rss")
    before = cluster.stored()

    answers = all_at_once([node.url + "/topics/cold.rss" for node in cluster.nodes] * 250)

    assert {status for status, _ in answers} == {200}
    assert cluster.stored() - before == ONE_RENDERING


def test_500_clients_of_nginx_at_a_cold_feed_make_one_rendering(cluster: Cluster) -> None:
    cluster.content.write("colder.md", title="Colder", topics=["Colder"])
    cluster.shows("/feeds.json", "/topics/colder.rss")
    before = cluster.stored()

    answers = all_at_once([cluster.nginx.url + "/topics/colder.rss"] * 500)

    assert {status for status, _ in answers} == {200}
    assert cluster.stored() - before == ONE_RENDERING


def test_500_clients_of_nginx_at_a_changed_feed_make_one_rendering(cluster: Cluster) -> None:
    get(cluster.nginx.url + "/topics/ai.atom")
    cluster.content.write("warm.md", title="Warm", topics=["AI", "Warm"])
    # A request for this feed would render it: the list of feeds shows the change, too.
    cluster.shows("/feeds.json", "/topics/warm.rss")
    time.sleep(A_MOMENT)
    before = cluster.stored()

    answers = all_at_once([cluster.nginx.url + "/topics/ai.atom"] * 500)

    assert {status for status, _ in answers} == {200}
    assert cluster.stored() - before == ONE_RENDERING


@pytest.fixture
def old_tag(cluster: Cluster, request: pytest.FixtureRequest) -> str:
    """Return the ETag of the main feed, served by both nodes, before an article was added."""
    for node in cluster.nodes:
        get(node.url + "/all.rss")
    tag = get(cluster.nginx.url + "/all.rss").headers["ETag"]
    title = f"Added for {request.node.name}"
    cluster.content.write(f"{request.node.name}.md", title=title)
    cluster.shows("/all.rss", title)
    return tag


def test_only_clients_that_accept_deltas_get_them_through_nginx(
    cluster: Cluster, old_tag: str
) -> None:
    """[78]"""
    address = cluster.nginx.url + "/all.rss"
    time.sleep(A_MOMENT)

    deltas = [get(address, if_none_match=old_tag, a_im="Feed;q=0.5, vcdiff") for _ in range(3)]
    others = [get(address), get(address, if_none_match=old_tag), get(address, a_im="feed")]

    assert [(delta.status, delta.body.count(b"<item>")) for delta in deltas] == [(226, 1)] * 3
    assert {other.status for other in others} == {200}
    assert len({other.body for other in others}) == 1
    assert all(len(other.body) > 10 * len(deltas[0].body) for other in others)
    again = get(address, if_none_match=deltas[0].headers["ETag"], a_im="feed")
    assert (again.status, again.body) == (304, b"")


def test_a_client_without_a_document_gets_the_full_one_while_nginx_requests_a_delta(
    cluster: Cluster, old_tag: str
) -> None:
    """nginx revalidates with the ETag of its cached response; with A-IM it would get a delta."""
    time.sleep(A_MOMENT)

    answer = get(cluster.nginx.url + "/all.rss", a_im="feed")

    assert (answer.status, answer.headers["X-Cache"]) == (200, "EXPIRED")
    assert answer.body == get(cluster.nodes[0].url + "/all.rss").body


def test_a_delta_is_the_same_from_nginx_and_from_a_node(cluster: Cluster, old_tag: str) -> None:
    requested = {"if_none_match": old_tag, "a_im": "feed", "accept_encoding": "gzip"}

    through = get(cluster.nginx.url + "/all.rss", **requested)
    direct = [get(node.url + "/all.rss", **requested) for node in cluster.nodes]

    assert {(answer.status, answer.body) for answer in (through, *direct)} == {(226, through.body)}
    # Each node dates a change by the moment of its own refresh.
    assert _own_headers(through) in [_own_headers(answer) for answer in direct]


def _own_headers(answer: Answer) -> dict[str, str]:
    """Return the header fields by lower-case name, without those that each hop sets."""
    hop = {"date", "server", "connection"}
    found = {name.lower(): value for name, value in answer.headers.items()}
    return {name: value for name, value in found.items() if name not in hop}


def test_500_clients_of_deltas_cause_one_rendering(cluster: Cluster, old_tag: str) -> None:
    before = cluster.stored()

    answers = all_at_once(
        [node.url + "/all.rss" for node in cluster.nodes] * 250,
        f"If-None-Match: {old_tag}",
        "A-IM: feed",
    )

    assert {status for status, _ in answers} == {226}
    assert cluster.stored() - before == ONE_DELTA


@pytest.mark.parametrize("dying", [0, 1])
def test_the_death_of_a_node_loses_no_request(cluster: Cluster, dying: int) -> None:
    node = cluster.nodes[dying]
    load = Load([cluster.nginx.url + path for path in feeds(cluster)])

    with load.running():
        assert load.continues()
        node.end(signal.SIGKILL)
        assert load.continues()
        node.start()
        assert load.continues()

    assert set(load.statuses) == {200}


def test_a_rolling_restart_loses_no_request(cluster: Cluster) -> None:
    load = Load([cluster.nginx.url + path for path in feeds(cluster)])

    with load.running():
        for node in cluster.nodes:
            node.end(signal.SIGTERM)
            node.start()
            # nginx sends no request to a node within two seconds after a failure.
            time.sleep(2.2)

    assert set(load.statuses) == {200}
    assert load.statuses.total() > 100


def test_with_all_nodes_down_nginx_serves_its_cache(cluster: Cluster) -> None:
    before = get(cluster.nginx.url + "/all.rss").body
    for node in cluster.nodes:
        node.end(signal.SIGKILL)
    time.sleep(A_MOMENT)

    stale = get(cluster.nginx.url + "/all.rss")
    polled = get(cluster.nginx.url + "/all.rss", if_none_match='"x"', a_im="feed")
    refused = get(cluster.nginx.url + "/never-asked-for.rss")
    for node in cluster.nodes:
        node.start()
    # nginx sends no request to a failed node within `fail_timeout`.
    assert wait_for(lambda: get(cluster.nginx.url + "/nope").status == 404)

    assert (stale.status, stale.body, stale.headers["X-Cache"]) == (200, before, "STALE")
    assert (polled.status, polled.body) == (200, before)
    assert (refused.status, refused.headers["Retry-After"]) == (503, "10")


def test_the_death_of_redis_loses_no_request(cluster: Cluster) -> None:
    load = Load([cluster.nginx.url + path for path in feeds(cluster)])

    with load.running():
        assert load.continues()
        cluster.kill_redis()
        cluster.content.write("later.md", title="Without Redis", topics=["AI"])
        cluster.shows("/topics/ai.rss", "Without Redis")
        assert load.continues()
        time.sleep(A_MOMENT)

    assert set(load.statuses) == {200}
    assert b"Without Redis" in get(cluster.nginx.url + "/topics/ai.rss").body
