"""Tests of conditional requests: when a client gets 304, and when it must not."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds import formats
from feeds.documents import Document
from feeds.encoded_bodies import CODINGS, IDENTITY, Bodies
from feeds.web.conditional_requests import MARGIN, Conditions
from feeds.web.document_response import answer
from tests.conftest import NOW, Clock, Content, Site

MODIFIED = datetime(2026, 11, 1, 10, 0, 0, tzinfo=UTC)
KEY = "0123456789abcdef0123456789abcdef"
#: Seconds between its Last-Modified and its change.
LAG = 10
DOCUMENT = Document(
    KEY, int(MODIFIED.timestamp()), int(MODIFIED.timestamp()) + LAG, 900, (), Bodies(b"<rss/>")
)

SAME = "Sun, 01 Nov 2026 10:00:00 GMT"
#: A time later than Last-Modified, and before the change.
BETWEEN = "Sun, 01 Nov 2026 10:00:01 GMT"
LATER = "Sun, 01 Nov 2026 10:01:00 GMT"
EARLIER = "Sun, 01 Nov 2026 09:59:59 GMT"

#: If-None-Match, If-Modified-Since, and the status. TAG stands for the ETag that was sent.
TABLE = [
    (None, None, 200),
    # [58] Lists, weak comparison, suffixes of proxies.
    ('"TAG"', None, 304),
    ('W/"TAG"', None, 304),
    ('w/"TAG"', None, 304),
    ('"other", "TAG"', None, 304),
    ('"other","TAG","third"', None, 304),
    ('W/"other", W/"TAG"', None, 304),
    ('"a, b", "TAG"', None, 304),
    ("*", None, 304),
    ('"TAG-gzip"', None, 304),
    ('"TAG-br"', None, 304),
    ('"TAG-zstd"', None, 304),
    ('"TAG;gzip"', None, 304),
    ('W/"TAG;gzip"', None, 304),
    ('"TAG-gzip-gzip"', None, 304),
    ('"TAG-br-gzip"', None, 304),
    ('"other", W/"TAG-gzip", "third"', None, 304),
    # [61] Tags that were never sent.
    ('"other"', None, 200),
    ('W/"other"', None, 200),
    ('"TAG-other"', None, 200),
    ('"TAGgzip"', None, 200),
    ('"-gzip"', None, 200),
    ('"TAG', None, 200),
    ('"TA"', None, 200),
    ('""', None, 200),
    ("", None, 200),
    (",", None, 200),
    ("W/", None, 200),
    ('"' * 9, None, 200),
    ('"*"x', None, 200),
    # [59] With a tag, the date is ignored.
    ('"other"', LATER, 200),
    ('"other"', SAME, 200),
    ('"other"', EARLIER, 200),
    ("", LATER, 200),
    (",", LATER, 200),
    ("W/", LATER, 200),
    ('"TAG"', EARLIER, 304),
    ('"TAG"', LATER, 304),
    ('"TAG"', "yesterday", 304),
    ("*", EARLIER, 304),
    # [60] A date alone is compared as a date, with the time of the change.
    (None, SAME, 304),
    (None, BETWEEN, 200),
    (None, LATER, 304),
    (None, EARLIER, 200),
    (None, "Sat, 01 Jan 2000 00:00:00 GMT", 200),
    (None, "Fri, 01 Jan 2100 00:00:00 GMT", 304),
    (None, "Sunday, 01-Nov-26 10:00:00 GMT", 304),
    (None, "Sun Nov  1 10:00:00 2026", 304),
    (None, "Sun, 01 Nov 2026 12:00:00 +0200", 304),
    (None, "Sun, 01 Nov 2026 10:00:00 +0200", 200),
    # A date that cannot be parsed is ignored.
    (None, "", 200),
    (None, "yesterday", 200),
    (None, "0", 200),
    (None, "1793527200", 200),
    (None, "2026-11-01T10:00:00Z", 200),
    (None, "Sun, 31 Nov 2026 10:00:00 GMT", 200),
    (None, "Sun, 01 Nov 99999 10:00:00 GMT", 200),
    (None, "Sun, 01 Nov 2026 10:00:00 +99999999999999999999", 200),
    (None, "Sun, 01 Nov 2026 10:00:00 +9999", 200),
    # Longer than any validator of the server.
    ('"other",' * 2000 + '"TAG"', None, 200),
    ('"' + "-gzip" * 20_000, None, 200),
]


def status(if_none_match: str | None, if_modified_since: str | None) -> int:
    conditions = Conditions(IDENTITY, if_none_match, if_modified_since)
    return answer(DOCUMENT, conditions).status


@pytest.mark.parametrize(("tags", "date", "expected"), TABLE)
def test_conditions_decide(tags: str | None, date: str | None, expected: int) -> None:
    """[58, 59, 60, 61]"""
    assert status(tags.replace("TAG", KEY) if tags is not None else None, date) == expected


#: Tags as clients send them, and True if the tag matches.
_TAGS = st.tuples(
    st.sampled_from(["", "W/"]),
    st.sampled_from([KEY, KEY[::-1], "", "a,b", "*"]),
    st.sampled_from(["", "-gzip", "-br", ";gzip", "-zstd", "-gzip-gzip"]),
).map(lambda parts: ('{}"{}{}"'.format(*parts), parts[1] == KEY))
_LISTS = st.tuples(
    st.lists(_TAGS, min_size=1, max_size=6), st.sampled_from([",", ", ", " , ", ",\t"])
).map(
    lambda found: (
        found[1].join(tag for tag, _ in found[0]),
        any(is_ours for _, is_ours in found[0]),
    )
)
_DATES = (st.integers(-(10**9), 10**9) | st.integers(-30, 30)).map(
    lambda s: (
        format_datetime(MODIFIED + timedelta(seconds=s), usegmt=True),
        s == 0 or s > LAG + MARGIN,
    )
)
_UNREADABLE = st.sampled_from(["", "yesterday", "01/11/2026", "-1"]).map(lambda text: (text, False))


@given(tags=_LISTS, date=st.none() | _DATES | _UNREADABLE)
def test_with_tags_dates_are_ignored(tags: tuple[str, bool], date: tuple[str, bool] | None) -> None:
    """[58, 59]"""
    assert status(tags[0], date and date[0]) == (304 if tags[1] else 200)


@given(date=_DATES | _UNREADABLE)
def test_without_a_tag_the_date_decides(date: tuple[str, bool]) -> None:
    """[60]"""
    assert status(None, date[0]) == (304 if date[1] else 200)


@given(st.text(max_size=40).filter(lambda text: text.strip() != "*"))
def test_no_other_text_matches_a_tag(text: str) -> None:
    """[61]"""
    assert status(text, LATER) == 200


@given(
    st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d+ (Jan|Nov) \d+ \d+:\d+:\d+ ([+-]\d+|GMT|[A-Z]+)")
)
def test_any_text_is_parsed_as_a_date_without_an_error(text: str) -> None:
    assert status(None, text) in (200, 304)


@pytest.mark.parametrize("coding", [IDENTITY, *CODINGS])
def test_each_coding_has_a_tag_of_its_own_that_gets_304(coding: str) -> None:
    """[55, 57] RFC 9110, 8.8.3.3."""
    first = answer(DOCUMENT, Conditions(coding))
    headers = dict(first.headers)

    again = answer(DOCUMENT, Conditions(coding, headers["ETag"], headers["Last-Modified"]))

    assert (again.status, again.body) == (304, b"")
    assert dict(again.headers)["ETag"] == headers["ETag"]


def test_all_codings_have_different_tags() -> None:
    tags = {dict(answer(DOCUMENT, Conditions(c)).headers)["ETag"] for c in (IDENTITY, *CODINGS)}
    assert tags == {f'"{KEY}"', *(f'"{KEY}-{coding}"' for coding in CODINGS)}


# Content that changes, and the response to a poller.

FEEDS = ["/all.rss", "/all.atom", "/all.json", "/topics/ai.rss", "/all/2026-11.atom", "/feeds.json"]

every_feed = pytest.mark.parametrize("path", FEEDS)


def modified(answer: Any) -> datetime:
    found = answer.last_modified
    assert isinstance(found, datetime)
    return found


def poll(site: Site, path: str, last: Any) -> tuple[int, int]:
    """Return the statuses for a poller with the last response: by its ETag, by its date alone."""
    by_tag = site.get(path, if_none_match=last.headers["ETag"])
    by_date = site.get(path, if_modified_since=last.headers["Last-Modified"])
    return by_tag.status_code, by_date.status_code


def add(content: Content) -> None:
    content.write("another.md")


def retitle(content: Content) -> None:
    content.write("a.md", title="Another title")


def rewrite(content: Content) -> None:
    content.write("a.md", "Another body.")


def picture(content: Content) -> None:
    content.write("a.md", images=[{"url": "https://img.example.com/a.jpg"}])


def relate(content: Content) -> None:
    content.write("a.md", related=[{"title": "More", "webUrl": "https://other.example.net/"}])


def remove(content: Content) -> None:
    content.remove("a.md")


def withdraw(content: Content) -> None:
    content.write("a.md", deleted="true")


def unpublish(content: Content) -> None:
    content.write("a.md", published="false")


def secure(content: Content) -> None:
    content.write("a.md", secured={"price": 7})


def heat(content: Content) -> None:
    content.write("a.md", heat=99)


def annotate(content: Content) -> None:
    content.write("a.md", internalNote="not for you")


def touch(content: Content) -> None:
    os.utime(content.folder / "a.md", (NOW, NOW))


def save_again(content: Content) -> None:
    content.write("a.md")


def draft(content: Content) -> None:
    content.write("draft.md", published="false")


def embargo(content: Content) -> None:
    content.write("later.md", publishedDateTime="2027-01-01T00:00:00Z")


def break_another(content: Content) -> None:
    content.raw("broken.md", "no front matter")


VISIBLE = [add, retitle, rewrite, picture, relate, remove, withdraw, unpublish]
HIDDEN = [secure, heat, annotate, touch, save_again, draft, embargo, break_another]


@pytest.fixture
def served(content: Content, open_site: Callable[..., Site]) -> Site:
    """Return a site with two articles on AI."""
    content.write("a.md")
    content.write("b.md")
    return open_site()


@every_feed
def test_an_unchanged_feed_gets_304_without_a_body(served: Site, path: str) -> None:
    """[55]"""
    first = served.get(path)

    again = served.get(path, if_none_match=first.headers["ETag"])

    assert (first.status_code, again.status_code, again.data) == (200, 304, b"")
    for name in ("ETag", "Last-Modified", "Cache-Control", "Vary", "Access-Control-Allow-Origin"):
        assert again.headers[name] == first.headers[name]
    assert not {"Content-Type", "Content-Length", "Content-Encoding"} & set(again.headers.keys())
    assert poll(served, path, first) == (304, 304)


def test_a_304_needs_no_rendering(served: Site) -> None:
    """The only rendering is that of the first response."""
    first = served.get("/all.rss")

    served.get("/all.rss", if_none_match=first.headers["ETag"])

    assert served.web.publisher.renderings == 1


@every_feed
def test_validators_have_their_form(served: Site, path: str, clock: Clock) -> None:
    """[56, 57]"""
    headers = served.get(path).headers

    assert headers["ETag"].isascii()
    assert headers["ETag"].startswith('"')
    assert headers["ETag"].endswith('"')
    assert len(headers["ETag"]) <= 200
    found = datetime.strptime(headers["Last-Modified"], "%a, %d %b %Y %H:%M:%S GMT")
    assert found.replace(tzinfo=UTC).timestamp() <= clock.now


@pytest.mark.parametrize("change", VISIBLE)
def test_each_visible_change_moves_both_validators(
    content: Content, served: Site, change: Callable[[Content], None], clock: Clock
) -> None:
    """[56, 57]"""
    paths = FEEDS[:-1]
    before = {path: served.get(path) for path in paths}
    change(content)
    served.sync.refresh()

    statuses = {path: poll(served, path, before[path]) for path in paths}
    after = {path: served.get(path) for path in paths}

    assert statuses == dict.fromkeys(paths, (200, 200))
    assert not [path for path in paths if after[path].data == before[path].data]
    assert not [p for p in paths if after[p].headers["ETag"] == before[p].headers["ETag"]]
    assert not [path for path in paths if modified(after[path]) <= modified(before[path])]
    assert max(modified(each).timestamp() for each in after.values()) <= clock.now


@pytest.mark.parametrize("change", HIDDEN)
def test_invisible_changes_keep_both_validators(
    content: Content, served: Site, change: Callable[[Content], None]
) -> None:
    """A change that no client can see moves no validator."""
    before = {path: served.get(path) for path in FEEDS}
    change(content)
    served.sync.refresh()

    statuses = {path: poll(served, path, before[path]) for path in FEEDS}
    after = {path: served.get(path) for path in FEEDS}

    assert statuses == dict.fromkeys(FEEDS, (304, 304))
    assert [dict(after[path].headers) for path in FEEDS] == [
        dict(before[path].headers) for path in FEEDS
    ]
    assert [after[path].data for path in FEEDS] == [before[path].data for path in FEEDS]


@pytest.mark.parametrize("path", ["/all.rss", "/topics/ai.json", "/feeds.json"])
def test_changes_within_one_second_have_different_dates(
    content: Content, open_site: Callable[..., Site], served: Site, path: str, clock: Clock
) -> None:
    """[56] Also after a removal, and after a restart."""
    answers = [served.get(path)]
    for number in range(4):
        content.write(f"new-{number}.md")
        served.sync.refresh()
        answers.append(served.get(path))
    content.remove("new-0.md")
    served.sync.refresh()
    answers.append(served.get(path))
    content.remove("new-1.md")
    restarted = open_site()
    answers.append(restarted.get(path))
    content.remove("new-2.md")
    restarted.sync.refresh()
    answers.append(restarted.get(path))

    dates = [modified(each) for each in answers]

    assert all(a < b for a, b in pairwise(dates)), dates
    assert dates[-1].timestamp() <= clock.now
    assert len({each.headers["ETag"] for each in answers}) == len(answers)


def test_many_changes_within_seconds_have_no_date_in_the_future(
    content: Content, served: Site, clock: Clock
) -> None:
    """[56]"""
    dates = []
    for number in range(30):
        content.write("a.md", title=f"Title {number}")
        served.sync.refresh()
        dates += [served.get(path).last_modified for path in FEEDS]

    issued = [found.timestamp() for found in dates if found]
    assert clock.now - 3 < max(issued) < clock.now


def test_a_restart_changes_nothing(served: Site, open_site: Callable[..., Site]) -> None:
    before = [served.get(path) for path in FEEDS]

    restarted = open_site()

    assert [poll(restarted, p, a) for p, a in zip(FEEDS, before, strict=True)] == [(304, 304)] * 6


def test_another_machine_has_the_same_validators(
    served: Site, open_site: Callable[..., Site], tmp_path: object
) -> None:
    before = [served.get(path) for path in FEEDS]

    other = open_site(FEEDS_INSTANCE_DIR=f"{tmp_path}/other")

    assert [poll(other, p, a) for p, a in zip(FEEDS, before, strict=True)] == [(304, 304)] * 6


@pytest.mark.parametrize("path", ["/all.rss", "/topics/ai.atom"])
def test_new_settings_move_both_validators(
    content: Content, served: Site, open_site: Callable[..., Site], path: str
) -> None:
    """[56]"""
    before = served.get(path)
    content.raw("site.yml", "title: Another title\n")

    restarted = open_site()

    assert poll(restarted, path, before) == (200, 200)


def test_a_new_version_of_the_renderer_moves_both_validators(
    served: Site, open_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    """[56] An upgrade may change every body."""
    before = served.get("/all.rss")
    monkeypatch.setattr(formats, "VERSION", formats.VERSION + 1)

    restarted = open_site()

    assert poll(restarted, "/all.rss", before) == (200, 200)


def test_no_date_in_the_future_is_sent(
    content: Content, open_site: Callable[..., Site], clock: Clock
) -> None:
    """[56]"""
    content.write("a.md", updatedDateTime="2026-11-20T12:10:00Z")
    site = open_site()
    before = site.get("/all.rss")
    clock.now += 600
    site.sync.refresh()

    after = site.get("/all.rss")

    assert modified(before).timestamp() < NOW
    assert modified(before) < modified(after)
    assert modified(after).timestamp() <= clock.now


def test_an_embargo_ends_on_time(content: Content, served: Site, clock: Clock) -> None:
    content.write("later.md", publishedDateTime="2026-11-20T12:00:30Z", title="Later")
    served.sync.refresh()
    before = served.get("/all.rss")
    clock.now += 29
    served.sync.refresh()
    early = poll(served, "/all.rss", before)
    clock.now += 1
    served.sync.refresh()

    on_time = poll(served, "/all.rss", before)

    assert early == (304, 304)
    assert on_time == (200, 200)


def test_a_change_moves_only_the_feeds_of_its_article(
    content: Content, open_site: Callable[..., Site]
) -> None:
    """All other feeds keep their validators."""
    law = {"name": "Law Weekly", "domain": "law.example.com"}
    content.write("ai.md", topics=["AI"])
    content.write("law.md", topics=["Law"], provider=law, publishedDateTime="2026-10-01")
    site = open_site()
    touched = ["/all.rss", "/topics/ai.atom", "/providers/news.example.com.json"]
    others = ["/topics/law.rss", "/providers/law.example.com.atom", "/all/2026-10.json"]
    before = {path: site.get(path) for path in touched + others}
    content.write("ai.md", topics=["AI"], title="Another title")
    site.sync.refresh()

    statuses = {path: poll(site, path, before[path]) for path in touched + others}

    assert statuses == dict.fromkeys(touched, (200, 200)) | dict.fromkeys(others, (304, 304))


def test_a_change_below_the_end_of_a_feed_moves_no_tag(
    content: Content, open_site: Callable[..., Site]
) -> None:
    """This document does not show the change."""
    content.raw("site.yml", "limits: {items: 1}\n")
    content.write("new.md")
    content.write("old.md", publishedDateTime="2026-01-01")
    site = open_site()
    before = site.get("/all.rss")
    content.write("old.md", publishedDateTime="2026-01-01", title="Another title")
    site.sync.refresh()

    after = site.get("/all.rss", if_none_match=before.headers["ETag"])

    assert after.status_code == 304
