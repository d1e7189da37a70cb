"""Tests of the numbers of subscribers: claims of services, single pollers, privacy."""

import os
import sqlite3
import stat
import tracemalloc
from base64 import b64encode
from collections.abc import Callable
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from feeds.metrics.counters import WAITING
from feeds.subscribers.counting import (
    CLAIMS,
    COUNT_DAYS,
    SMALLEST,
    SUBSCRIBERS,
    DayCount,
    FeedPoll,
    Subscribers,
    latest,
)
from feeds.subscribers.polls import PollCounter, read_log
from feeds.subscribers.user_agents import Claim, claim
from tests.conftest import NOW, SITE_URL, Clock, Content, Site
from tests.live_servers import serving
from tests.programs import skip_if_quick
from tests.waiting import wait_for
from tests.web_helpers import texts, tree

TODAY = NOW // 86_400
TOKEN = "correct-horse-battery"
FEEDLY = "Feedly/1.0 (+http://www.feedly.com/fetcher.html; {} subscribers; like FeedFetcher-Google)"
FEEDBIN = "Feedbin feed-id:{} - {} subscribers"

#: User-Agents of readers, with the claim of each.
AGENTS = [
    (FEEDLY.format(16), Claim("feedly", "", 16)),
    ("FeedlyBot/1.0 (http://feedly.com)", None),
    (FEEDBIN.format(1373711, 142), Claim("feedbin", "1373711", 142)),
    ("Mozilla/5.0 (compatible; inoreader.com; 8 subscribers)", Claim("inoreader.com", "", 8)),
    ("Inoreader/1.0 (+http://www.inoreader.com/feed-fetcher; 5 subscribers; )",
     Claim("inoreader", "", 5)),
    ("NewsBlur Feed Fetcher - 12 subscribers - http://www.newsblur.com/site/42/a (Mozilla/5.0)",
     Claim("newsblur feed fetcher", "", 12)),
    ("Mozilla/5.0 (compatible; theoldreader.com; 1 subscribers; feed-id=5361a4f0fea0e7d3)",
     Claim("theoldreader.com", "5361a4f0fea0e7d3", 1)),
    ("Mozilla/5.0 (compatible; BazQux/2.4; +https://bazqux.com/fetcher; 1 subscriber)",
     Claim("bazqux", "", 1)),
    ("Bloglovin/1.0 (http://www.bloglovin.com; 2 subscribers)", Claim("bloglovin", "", 2)),
    ("Netvibes (http://www.netvibes.com/; 3 subscribers; feedId: 77)", Claim("netvibes", "77", 3)),
    ("Feedspot/1.0 (+https://www.feedspot.com/fs/fetcher; 4 subscriber(s))",
     Claim("feedspot", "", 4)),
    ("7 subscribers", Claim("", "", 7)),
    ("Mozilla/5.0 (compatible; Miniflux/2.2.4; +https://miniflux.app)", None),
    ("FreshRSS/1.24.3 (Linux; https://freshrss.org)", None),
    ("newsboat/2.30.1 (Linux x86_64)", None),
    ("feedparser/6.0.11 +https://github.com/kurtmckee/feedparser/", None),
    ("NetNewsWire (RSS Reader; https://netnewswire.com/)", None),
    ("Tiny Tiny RSS/24.03 (https://tt-rss.org/)", None),
    ("Liferea/1.15.6 (Linux; https://lzone.de/liferea/) AppleWebKit (KHTML, like Gecko)", None),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", None),
    ("subscribers", None), ("999999999 subscribers", None), ("x" * 400 + " 5 subscribers", None),
    ("", None),
]  # fmt: skip


@pytest.mark.parametrize(("agent", "expected"), AGENTS)
def test_a_user_agent_claims_a_number_of_subscribers(agent: str, expected: Claim | None) -> None:
    assert claim(agent) == expected


@pytest.fixture
def subscribers(tmp_path: Path) -> Subscribers:
    return Subscribers(tmp_path / SUBSCRIBERS)


def poll(agent: str = "newsboat", address: str = "192.0.2.1", path: str = "/all.rss") -> FeedPoll:
    return FeedPoll("all", path, agent, address)


def counted(subscribers: Subscribers) -> dict[str, tuple[int, int]]:
    """Return the subscribers by services and alone, by feed."""
    return {
        c.feed: (c.by_services, c.alone) for c in latest(subscribers.days(), TODAY + COUNT_DAYS)
    }


def test_the_latest_number_of_each_service_is_added_up(subscribers: Subscribers) -> None:
    sent = [FEEDLY.format(10), FEEDBIN.format(1, 5), FEEDBIN.format(2, 7), FEEDBIN.format(1, 6)]

    subscribers.count([poll(agent) for agent in sent], TODAY)
    subscribers.count([poll(FEEDLY.format(12))], TODAY)

    assert counted(subscribers) == {"all": (12 + 6 + 7, 0)}


def test_formats_of_a_feed_add_up_unless_the_service_names_the_feed(
    subscribers: Subscribers,
) -> None:
    for path in ("/all.rss", "/all.atom", "/feed"):
        subscribers.count([poll(FEEDLY.format(3), path=path)], TODAY)
        subscribers.count([poll(FEEDBIN.format(9, 4), path=path)], TODAY)

    assert counted(subscribers) == {"all": (3 * 3 + 4, 0)}


def test_the_claim_of_a_service_that_polls_no_more_expires(subscribers: Subscribers) -> None:
    subscribers.count([poll(FEEDLY.format(10))], TODAY)

    for day in (1, 2, 3):
        subscribers.count([poll(FEEDBIN.format(1, 1))], TODAY + day)

    assert [c.by_services for c in subscribers.days()] == [10, 11, 11, 1]


def test_a_poller_without_a_claim_counts_once_a_day(subscribers: Subscribers) -> None:
    same = [poll(), poll(), poll("newsboat", "192.0.2.2"), poll("FreshRSS")]
    one_network = [poll(address="2001:db8::1"), poll(address="2001:db8::2")]

    subscribers.count(same, TODAY)
    subscribers.count(same + one_network, TODAY)
    subscribers.count(same[:1], TODAY + 1)

    assert [c.alone for c in subscribers.days()] == [4, 1]


def test_a_large_number_of_pollers_without_a_claim_is_estimated(subscribers: Subscribers) -> None:
    for start in range(0, 20_000, 5_000):
        some = [poll(address=f"198.51.{n // 250}.{n % 250}") for n in range(start, start + 5_000)]
        subscribers.count(some, TODAY)

    # Three times the error that one key in a hundred exceeds.
    assert counted(subscribers)["all"][1] == pytest.approx(20_000, rel=0.5)


def test_invented_agents_fill_neither_the_disk_nor_the_list(
    subscribers: Subscribers, tmp_path: Path
) -> None:
    skip_if_quick()

    def flood(start: int) -> None:
        some = [poll(f"Made/{n}", f"2001:db8:{n:x}::1") for n in range(start, start + 20_000)]
        some += [poll(FEEDBIN.format(n, 99_999_999)) for n in range(start, start + 2_000)]
        subscribers.count(some, TODAY)

    flood(0)
    size = (tmp_path / SUBSCRIBERS).stat().st_size
    for start in (20_000, 40_000, 60_000):
        flood(start)

    with closing(sqlite3.connect(tmp_path / SUBSCRIBERS)) as connection:
        assert connection.execute("SELECT count(*) FROM claim").fetchone() == (CLAIMS,)
        assert connection.execute("SELECT count(*) FROM poller").fetchone() == (SMALLEST,)
    assert (tmp_path / SUBSCRIBERS).stat().st_size <= 1.1 * size


def test_no_address_is_in_the_file_and_no_key_survives_its_day(
    subscribers: Subscribers, tmp_path: Path
) -> None:
    file = tmp_path / SUBSCRIBERS
    subscribers.count([poll(address="192.0.2.77")], TODAY)
    with closing(sqlite3.connect(file)) as connection:
        (key,) = connection.execute("SELECT key FROM secret").fetchone()
        (hash,) = connection.execute("SELECT hash FROM poller").fetchone()
    during = file.read_bytes()

    subscribers.count([], TODAY + 1)

    after = file.read_bytes()
    assert b"192.0.2.77" not in during
    assert key in during
    assert key not in after
    assert hash.to_bytes(8) not in after
    digest = blake2b(b"192.0.2.77\0newsboat", key=key, digest_size=8).digest()
    assert int.from_bytes(digest) % 2**63 == hash


def test_old_days_are_deleted(subscribers: Subscribers) -> None:
    for day in range(COUNT_DAYS + 5):
        subscribers.count([poll()], TODAY + day)

    assert len(subscribers.days()) == COUNT_DAYS


def test_a_clock_that_is_set_back_loses_nothing(subscribers: Subscribers) -> None:
    subscribers.count([poll()], TODAY)

    subscribers.count([poll("other")], TODAY - 1)

    assert subscribers.days() == [DayCount("all", TODAY, 0, 2)]


def test_a_clock_that_was_far_ahead_keeps_neither_key_nor_day(
    subscribers: Subscribers, tmp_path: Path
) -> None:
    subscribers.count([poll()], TODAY)
    subscribers.count([poll()], TODAY + 10_000)
    subscribers.count([poll("other")], TODAY)

    assert subscribers.days() == [DayCount("all", TODAY, 0, 1)]
    with closing(sqlite3.connect(tmp_path / SUBSCRIBERS)) as connection:
        assert connection.execute("SELECT day FROM secret").fetchall() == [(TODAY,)]


def test_a_damaged_file_is_replaced(subscribers: Subscribers, tmp_path: Path) -> None:
    (tmp_path / SUBSCRIBERS).write_bytes(b"no database" * 1000)
    assert subscribers.days() == []

    subscribers.count([poll()], TODAY)

    assert counted(subscribers) == {"all": (0, 1)}
    assert sorted(os.listdir(tmp_path)) == ["subscribers.damaged", "subscribers.open", SUBSCRIBERS]


def test_a_damaged_file_is_deleted_with_the_key_of_its_day(
    subscribers: Subscribers, tmp_path: Path
) -> None:
    (tmp_path / SUBSCRIBERS).write_bytes(b"no database" * 1000)
    assert subscribers.days() == []
    subscribers.count([poll()], TODAY)

    subscribers.count([], TODAY + 1)

    assert not (tmp_path / "subscribers.damaged").exists()


# Polls of a node.


@pytest.fixture
def polled(content: Content, open_site: Callable[..., Site], tmp_path: Path) -> Site:
    content.write("a.md", topics=["AI", "日本語"])
    return open_site(FEEDS_OPERATOR_TOKEN=TOKEN)


def drain(site: Site, clock: Callable[[], float]) -> dict[str, tuple[int, int]]:
    PollCounter(site.web.publisher.counts, site.web.subscribers, clock).count()
    return counted(site.web.subscribers)


def test_polls_of_feeds_that_exist_are_counted(polled: Site, clock: Clock) -> None:
    for path in ("/all.rss", "/all.rss", "/feed", "/topics/ai.json", "/topics/日本語.rss"):
        polled.get(path, User_Agent="newsboat")
    polled.get("/topics/ai.atom", if_none_match="*", User_Agent=FEEDLY.format(30))
    for path in ("/", "/topics/ai", "/none.rss", "/topics/no.rss", "/all/2026-11.rss", "/metrics"):
        polled.get(path, User_Agent="somebody else")

    assert drain(polled, clock) == {
        "all": (0, 1), "topics/ai": (30, 1), "topics/日本語": (0, 1),
    }  # fmt: skip


def test_forwarded_addresses_are_ignored(polled: Site, clock: Clock) -> None:
    for number in range(5):
        polled.get("/all.rss", X_Forwarded_For=f"192.0.2.{number}", User_Agent="newsboat")

    assert drain(polled, clock) == {"all": (0, 1)}


def test_polls_that_are_not_counted_take_little_memory(polled: Site) -> None:
    counts = polled.web.publisher.counts
    polled.get("/all.rss", User_Agent="x" * 60_000)
    assert [len(agent) for _, agent, _ in counts.polls] == [300]

    for number in range(2 * WAITING):
        counts.polled("/all.rss", str(number), "")

    assert len(counts.polls) == WAITING


def test_a_client_that_polls_without_end_does_not_hide_others(polled: Site, clock: Clock) -> None:
    polled.get("/all.rss", User_Agent="newsboat")
    for _ in range(2 * WAITING):
        polled.web.publisher.counts.polled("/all.rss", "a loop", "192.0.2.1")

    assert drain(polled, clock) == {"all": (0, 2)}


def test_polls_that_cannot_be_stored_are_lost_and_logged_once(
    polled: Site, tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    counter = PollCounter(polled.web.publisher.counts, polled.web.subscribers, clock)
    in_the_way = tmp_path / "instance" / SUBSCRIBERS
    in_the_way.mkdir()
    for _ in range(3):
        polled.get("/all.rss")
        counter.count()
    in_the_way.rmdir()
    polled.get("/all.rss")
    counter.count()
    counter.count()

    assert counted(polled.web.subscribers) == {"all": (0, 1)}
    assert len([r for r in caplog.records if "not counted now" in r.getMessage()]) == 1


def test_a_server_counts_its_pollers(content: Content, tmp_path: Path) -> None:
    content.write("a.md")
    found = Subscribers(tmp_path / "instance" / SUBSCRIBERS)
    with serving(content.folder, tmp_path / "instance") as address:
        for agent in ("newsboat", "newsboat", "FreshRSS", FEEDLY.format(7)):
            requested = Request(f"{address}/topics/ai.rss", headers={"User-Agent": agent})
            urlopen(requested, timeout=20).close()

        assert wait_for(lambda: counted(found) == {"topics/ai": (7, 2)})

        urlopen(f"{address}/all.rss", timeout=20).close()

    assert counted(found)["all"] == (0, 1)


# Logs of a proxy.

LINE = '{} - - [{}:10:00:00 +0000] "GET {} HTTP/1.1" {} 512 "-" "{}"\n'
LOG = [
    LINE.format("192.0.2.1", "20/Nov/2026", "/all.rss?x=1", 200, "newsboat"),
    LINE.format("192.0.2.2", "20/Nov/2026", "/all.atom", 304, "newsboat"),
    LINE.format("192.0.2.2", "20/Nov/2026", "/feed", 304, "newsboat"),
    LINE.format("203.0.113.9", "20/Nov/2026", "/topics/%E6%97%A5.rss", 304, FEEDLY.format(40)),
    LINE.format("192.0.2.3", "20/Nov/2026", "/none.rss", 404, "newsboat"),
    LINE.format("192.0.2.3", "20/Nov/2026", "/topics/ai", 200, "newsboat"),
    LINE.format("192.0.2.3", "20/Abc/2026", "/all.rss", 200, "newsboat"),
    LINE.format("192.0.2.3", "99/Nov/2026", "/all.rss", 200, "newsboat"),
    "what is this\n",
    LINE.format("192.0.2.1", "21/Nov/2026", "/all.rss", 200, "newsboat"),
]


def test_a_log_is_counted_by_its_own_days() -> None:
    assert read_log(LOG, SITE_URL, 20_778) == [
        DayCount("all", 20_777, 0, 2),
        DayCount("all", 20_778, 0, 1),
        DayCount("topics/日", 20_777, 40, 0),
    ]


def test_a_site_below_a_path_is_found_in_the_log() -> None:
    line = LINE.format("192.0.2.1", "20/Nov/2026", "/news/all.rss", 200, "newsboat")

    assert read_log([line, *LOG], f"{SITE_URL}/news", 20_778) == [DayCount("all", 20_777, 0, 1)]


def test_a_line_with_a_future_date_is_ignored() -> None:
    wrong = LINE.format("192.0.2.9", "20/Nov/9999", "/all.rss", 200, "newsboat")

    assert read_log([wrong, *LOG], SITE_URL, 20_778) == read_log(LOG, SITE_URL, 20_778)


def test_a_log_with_a_hostile_line_takes_little_time_and_memory(
    polled: Site, tmp_path: Path
) -> None:
    """The line has 20 MB and many dates, from each of which a careless pattern would search."""
    log = tmp_path / "access.log"
    log.write_bytes(b"1 [20/Nov/2026:" * 1_400_000 + b"\n\0\xff\n" + LOG[0].encode())

    tracemalloc.start()
    done = polled.runner.invoke(args=["subscribers", "--read", str(log)])
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert done.stdout.split()[:3] == ["1", "0", "1"]
    assert most < 10_000_000


def test_a_log_read_twice_counts_once(polled: Site, tmp_path: Path) -> None:
    (tmp_path / "access.log").write_text("".join(LOG))
    for _ in range(2):
        done = polled.runner.invoke(args=["subscribers", "--read", str(tmp_path / "access.log")])

    assert done.stderr.split() == ["all", "services", "alone", "day", "page"]
    assert done.stdout.splitlines() == [
        f"     40      40       0  2026-11-20  {SITE_URL}/topics/%E6%97%A5",
        f"      2       0       2  2026-11-20  {SITE_URL}/",
    ]


def test_yesterday_counts_until_today_has_more_or_is_over() -> None:
    days = [DayCount("a", TODAY - 3, 90, 0), DayCount("a", TODAY - 1, 9, 9)]
    today = [
        DayCount("a", TODAY, 1, 0),
        DayCount("b", TODAY - 2, 50, 0),
        DayCount("b", TODAY, 2, 0),
    ]

    assert latest(days + today, TODAY) == [days[1], today[2]]
    assert latest(days + today, TODAY + 1) == [today[2], today[0]]
    assert latest([*days, DayCount("a", TODAY, 9, 10)], TODAY)[0].total == 19


def test_a_log_without_a_poll_is_reported(polled: Site, tmp_path: Path) -> None:
    (tmp_path / "access.json").write_text('{"request": "GET /all.rss"}\n')

    done = polled.runner.invoke(args=["subscribers", "--read", str(tmp_path / "access.json")])

    assert done.stderr.startswith("this log has no poll of a feed: is it in the combined format?")


def test_the_command_reports_that_there_are_no_polls(polled: Site) -> None:
    assert polled.runner.invoke(args=["subscribers"]).stderr == "no polls yet\n"


# The page.


def page_of(site: Site, **headers: str) -> tuple[int, str]:
    answer = site.get("/operators/subscribers", **headers)
    return answer.status_code, answer.text


def basic(password: str) -> str:
    return "Basic " + b64encode(f"me:{password}".encode()).decode()


def test_without_a_token_there_is_no_page(site: Site) -> None:
    status, text = page_of(site, Authorization="Bearer ")

    assert status == 404
    assert (status, text) == page_of(site, Authorization=basic(""))


@pytest.mark.parametrize(
    "sent",
    ["", "Bearer", "Bearer ", "Bearer wrong", basic(""), basic("wrong"), basic("pässword"),
     "Basic !", f"Digest {TOKEN}", TOKEN, f"Bearer {TOKEN}x", 'Bearer a="b"'],
)  # fmt: skip
def test_without_the_right_token_the_page_shows_nothing(polled: Site, sent: str) -> None:
    answer = polled.get("/operators/subscribers", Authorization=sent)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")
    assert answer.headers["Cache-Control"] == "no-store"
    assert polled.get(f"/operators/subscribers?token={TOKEN}").status_code == 401


@pytest.mark.parametrize("sent", [f"Bearer {TOKEN}", basic(TOKEN)])
def test_with_the_token_each_feed_has_its_count_and_plot(
    polled: Site, clock: Clock, sent: str
) -> None:
    polled.web.subscribers.merge([
        DayCount("topics/ai", TODAY - 60, 900, 0), DayCount("topics/ai", TODAY - 1, 30, 10),
        DayCount("topics/ai", TODAY, 15, 5), DayCount("all", TODAY - 50, 2, 1),
    ])  # fmt: skip
    answer = polled.get("/operators/subscribers", Authorization=sent)

    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert answer.content_type == "text/html; charset=utf-8"
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in answer.headers
    polled.client.environ_base["HTTP_AUTHORIZATION"] = sent
    page = tree(polled, "/operators/subscribers")
    assert texts(page, ".subscribers h2") == ["topics/ai", "all"]
    assert texts(page, ".subscribers strong") == ["40 subscribers", "3 subscribers"]
    assert texts(page, "tbody th") == ["20 November 2026", "19 November 2026"]
    assert texts(page, "tbody td") == ["20", "40"]
    assert page.cssselect(".bars")[0].get("d") == "M281 48v-48.0h8v48.0zM291 48v-24.0h8v24.0z"
    assert texts(page, "svg title")[0] == "Subscribers of topics/ai, the last 30 days"
    assert page.cssselect("script, [style]") == []


def test_a_page_without_counts_states_that_there_are_none(polled: Site) -> None:
    status, text = page_of(polled, Authorization=f"Bearer {TOKEN}")

    assert status == 200
    assert "No reader has polled this server directly yet." in text


def test_a_page_of_very_many_feeds_is_bounded(polled: Site) -> None:
    polled.web.subscribers.merge(DayCount(f"topics/{n}", TODAY, n, 0) for n in range(250))

    _, text = page_of(polled, Authorization=f"Bearer {TOKEN}")

    assert text.count("<svg") == 200
    assert "50 feeds with fewer subscribers" in text


def test_no_response_contains_the_token(polled: Site) -> None:
    assert TOKEN not in repr(polled.web)
    assert TOKEN not in polled.get("/metrics").text
    assert TOKEN not in page_of(polled, Authorization=f"Bearer {TOKEN}")[1]


def test_only_the_owner_may_read_the_file_of_subscribers(
    polled: Site, tmp_path: Path, clock: Clock
) -> None:
    polled.get("/all.rss")
    drain(polled, clock)

    mode = (tmp_path / "instance" / SUBSCRIBERS).stat().st_mode

    assert stat.S_IMODE(mode) == 0o600
