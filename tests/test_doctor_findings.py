"""Tests of the findings of `flask doctor`, for responses that no proxy in the tests produces."""

import gzip
import time
from dataclasses import replace
from email.utils import formatdate

import pytest

from feeds.doctor_findings import MAX_BODY, Finding, Hop, Replies, Reply, entity_tag, findings

ADDRESS = "https://feeds.example.org/all.rss"
BODY = (
    '<?xml version="1.0"?><rss><channel><atom:link href="https://feeds.example.org/all.rss"'
    ' rel="self"/><item><atom:link rel="self" href="https://other.example/"/></item></channel></rss>'
)
PAGE = "<html><link rel='alternate' type='application/rss+xml' href='/all.rss'></html>"
NOW = 1_795_176_000.0

HEADERS = {
    "content-type": "application/rss+xml; charset=utf-8",
    "content-encoding": "gzip",
    "etag": '"a-gzip"',
    "vary": "Accept-Encoding",
    "access-control-allow-origin": "*",
    "date": formatdate(NOW, usegmt=True),
}
#: Without a time, since it is in the name of a test: processes that share the tests must agree.
CUT = gzip.compress(b"<rss>" * 99, mtime=0)[:-9]

FEED = Reply(200, HEADERS, gzip.compress(BODY.encode()))
PLAIN = Reply(200, {"etag": '"a"'}, BODY.encode())
RIGHT = Replies(
    requested=ADDRESS,
    address=ADDRESS,
    hops=(),
    leads_away=False,
    packed=FEED,
    plain=PLAIN,
    readers={"Feedly": FEED},
    known={"its ETag": Reply(304)},
    page=Reply(200, {}, PAGE.encode()),
    unencrypted=Reply(301, {"location": ADDRESS}),
    own=replace(PLAIN),
    now=NOW,
)


def finding(check: str, **changes: object) -> Finding:
    replies = replace(RIGHT, **changes)  # type: ignore[arg-type]
    return next(found for found in findings(replies) if found.check == check)


def with_headers(**changes: str) -> Reply:
    headers = {name.replace("_", "-"): value for name, value in changes.items()}
    return replace(FEED, headers={**HEADERS, **headers})


def test_a_correct_feed_passes_every_check() -> None:
    assert [found for found in findings(RIGHT) if found.is_right is False] == []


@pytest.mark.parametrize(
    ("hops", "is_right"),
    [
        ((Hop(301, ADDRESS),), True),
        ((Hop(308, ADDRESS),), True),
        ((Hop(302, ADDRESS),), False),
        ((Hop(301, "https://feeds.example.org/x"), Hop(301, ADDRESS)), False),
        ((Hop(301, ADDRESS), Hop(301, ADDRESS)), False),
    ],
)
def test_one_permanent_redirect_passes(hops: tuple[Hop, ...], is_right: bool) -> None:
    found = finding("redirects", requested="http://feeds.example.org/all.rss", hops=hops)

    assert found.is_right is is_right
    assert all(hop.address in found.found for hop in hops)


@pytest.mark.parametrize(
    ("reply", "is_right"),
    [
        (Reply(301, {"location": ADDRESS}), True),
        (Reply(302, {"location": ADDRESS}), False),
        (Reply(301, {"location": "https://feeds.example.org/"}), False),
        (Reply(200, {}, BODY.encode()), False),
        (Reply(failure="ConnectionRefusedError"), True),
        (None, True),
    ],
)
def test_http_must_redirect_to_the_same_address_with_https(
    reply: Reply | None, is_right: bool
) -> None:
    assert finding("TLS", unencrypted=reply).is_right is is_right


@pytest.mark.parametrize(
    ("failure", "is_right"),
    [("certificate: certificate has expired", False), ("TimeoutError: timed out", None)],
)
def test_a_certificate_is_wrong_only_if_it_was_received(
    failure: str, is_right: bool | None
) -> None:
    replies = Replies(ADDRESS, ADDRESS, (), False, Reply(failure=failure))

    found = {each.check: each for each in findings(replies)}

    assert found["reachable"].is_right is False
    assert found["TLS"].is_right is is_right


def test_a_public_address_without_tls_is_wrong() -> None:
    assert finding("TLS", address="http://feeds.example.org/all.rss").is_right is False


def test_a_challenge_page_with_status_200_is_no_feed() -> None:
    page = Reply(200, {"content-type": "text/html"}, b"<html>Checking your browser")

    found = finding("as Feedly", readers={"Feedly": page})

    assert found.is_right is False
    assert "a page instead of the feed" in found.found


@pytest.mark.parametrize(
    ("date", "age", "is_right"),
    [(NOW, "", True), (NOW - 29, "", True), (NOW - 31, "", False), (NOW + 600, "", False),
     (NOW - 600, "600", True), (NOW - 600, "x", False)],
)  # fmt: skip
def test_the_date_of_a_cached_response_is_as_old_as_its_age(
    date: float, age: str, is_right: bool
) -> None:
    reply = with_headers(date=formatdate(date, usegmt=True), age=age)

    assert finding("Date", packed=reply).is_right is is_right


@pytest.mark.parametrize("date", ["", "soon", "Mon, 01 Jan 99999 00:00:00 GMT"])
def test_an_invalid_date_is_wrong(date: str) -> None:
    assert finding("Date", packed=with_headers(date=date)).is_right is False


@pytest.mark.parametrize(
    "body",
    [b"{", b'{"version": ', b"[1]", b'{"feed_url": 1}', b"",
     b'{"version": "x", "feed_url": "https://x.example/"}',
     b'{"version":' + b"[" * 200_000,
     b"<rss><link rel='alternate' type='application/rss+xml' href='http://[x/'>",
     b"<rss>", b"<feed><link rel=self", b"\xff\xfe" * 1000],
)  # fmt: skip
def test_any_body_has_findings(body: bytes) -> None:
    reply = Reply(200, HEADERS | {"content-encoding": ""}, body)

    found = findings(replace(RIGHT, packed=reply, plain=reply, page=reply))

    assert [one for one in found if one.is_right is False]


def test_a_json_feed_names_itself() -> None:
    body = f'{{"version": "https://jsonfeed.org/version/1.1", "feed_url": "{ADDRESS}"}}'
    reply = Reply(200, HEADERS | {"content-encoding": ""}, body.encode())

    assert finding("rel=self", packed=reply).is_right is True


def test_no_more_is_decompressed_than_a_feed_may_have() -> None:
    reply = Reply(200, HEADERS, gzip.compress(b"<rss>" + b" " * 50_000_000))

    assert len(reply.text) == MAX_BODY


@pytest.mark.parametrize("body", [b"", b"no gzip", CUT], ids=["empty", "plain", "cut"])
def test_a_body_that_cannot_be_decompressed_is_no_feed(body: bytes) -> None:
    assert not Reply(200, HEADERS, body).is_feed


@pytest.mark.parametrize(
    "tag", ['"a"', 'W/"a"', '"a-gzip"', 'W/"a-br-gzip"', '"a;gzip"', '"a-zstd"']
)
def test_a_tag_is_compared_without_suffixes_of_proxies(tag: str) -> None:
    assert entity_tag(tag) == "a"


def test_a_long_tag_is_wrong() -> None:
    tag = f'"{"a" * 199}"'

    found = finding("ETag and 304", packed=with_headers(etag=tag))

    assert found.is_right is False
    assert found.found == "an ETag of 201 characters"
    assert entity_tag(tag) == tag


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, HEADERS | {"content-encoding": ""}, b"<rss>" + b"<link" * 60_000),
        Reply(200, HEADERS | {"content-encoding": ""}, b"<rss><link " + b"a" * 300_000 + b">"),
        with_headers(etag='"' + "-gzip" * 10_000),
        with_headers(link="<" * 60_000),
    ],
    ids=["tags", "attributes", "ETag", "Link"],
)
def test_a_response_that_repeats_itself_takes_no_time(reply: Reply) -> None:
    began = time.monotonic()

    findings(replace(RIGHT, packed=reply, page=reply))

    assert time.monotonic() - began < 2


def test_a_hub_that_only_the_feed_names_is_wrong_and_one_that_fails_is_too() -> None:
    hub = "https://hub.example.org/"
    named = with_headers(link=f'<{hub}>; rel="hub", <{ADDRESS}>; rel="self"')

    assert finding("hub", packed=named).is_right is False
    assert finding("hub", packed=named, hubs={hub: Reply(400)}).is_right is True
    assert finding("hub", packed=named, hubs={hub: Reply(502)}).is_right is False
    assert finding("hub", packed=named, hubs={hub: Reply(failure="x")}).is_right is False
