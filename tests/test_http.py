"""Tests of responses of the real app; numbers in brackets are those of docs/requirements.md."""

import json
import os
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import NOW, SITE_URL, Clock, Content, OpenShared, Site
from tests.document_parsers import ATOM, atom_feed, channel, items, json_feed, links, text
from tests.test_encoded_bodies import DECODERS

TOPICS = """
- name: AI
  aliases: [Machine Minds]
- name: Quiet
  description: Nothing is written about it yet.
- name: Ended
  retired: true
- id: law
  name: Law & Order
"""
PROVIDERS = """
- domain: news.example.com
  name: Example News
  aliases: [old.example.com]
- domain: ended.example.com
  retired: true
"""
SITE = """
title: My Site
moved:
  /category/minds/feed/: topics/machine-minds
  /tag/日本/feed/atom/: all
  /index.php?feed=rss2&cat=3: topics/ai
  /index.php?feed=rss2: all
  /?feed=atom: all
feeds:
  - name: best
    title: The Best
    quality: 5
"""

FORMATS = ("rss", "atom", "json")
STEMS = ["/all", "/topics/ai", "/providers/news.example.com", "/feeds/best", "/all/2026-11"]
EMPTY = ["/topics/quiet", "/feeds/best"]
FEEDS = [f"{stem}.{format}" for stem in STEMS for format in FORMATS]

#: Paths and the statuses of their error responses.
REFUSED = [
    ("/nothing", 404),
    ("/nothing.rss", 404),
    ("/topics/unknown.rss", 404),
    ("/providers/unknown.example.com.json", 404),
    ("/feeds/unknown.atom", 404),
    ("/all/1999-01.rss", 404),
    ("/all/2026-11-2.rss", 404),
    ("/pictures/nothing.png", 404),
    # Guessed addresses that the site does not serve.
    ("/all.xml", 404),
    ("/feeds.rss", 404),
    ("/rss/", 404),
    ("/atom", 404),
    ("/index.rss", 404),
    ("/feed/rss", 404),
    ("/wp-login.php", 404),
    ("/topics/ended.rss", 410),
    ("/topics/ended.json", 410),
    ("/topics/ended/2026-11.atom", 410),
    ("/providers/ended.example.com.atom", 410),
    ("/providers/ended.example.com/somebody.rss", 410),
]

#: Paths of scanners and broken clients.
ODD = [
    "/%00",
    "/all.rss%00",
    "/topics/%00.rss",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/topics/%2e%2e.rss",
    "/topics/..%2f..%2fsite.yml",
    "/topics/ai%2F2026-11.rss?",
    "/\\..\\..\\site.yml",
    "/topics/\\.rss",
    "/%5c.rss",
    "/%",
    "/%zz.rss",
    "/%e0%80%80.rss",
    "/%ff%fe.rss",
    "/topics/%ed%a0%80.rss",
    "/topics/%f0%9f%98%80.rss",
    "/topics/%0a.rss",
    "/topics/ai%0d%0aSet-Cookie:%20a=b.rss",
    "/" + "a" * 100_000,
    "/topics/" + "a/" * 10_000 + ".rss",
    "/topics/" + "%F0%9F%98%80" * 5_000 + ".rss",
    "/all/0000-01.rss",
    "/all/0001-01.rss",
    "/all/9999-12.rss",
    "/all/2026-11-9999.rss",
    "/all/２０２６-11.rss",
    "/pictures/",
    "/pictures/%00.png",
    "/pictures/" + "a" * 5_000 + ".png",
    "/pictures/%2e%2e/site.yml",
    "/pictures/../site.yml",
    "/*",
    "/.",
    "/..",
    "/.well-known/nothing",
    "/;",
    "/topics/ai.rss;x=1",
    "/ all.rss",
]

every_feed = pytest.mark.parametrize("path", FEEDS)


def fill(content: Content) -> None:
    """Write articles, topics that are empty, retired and renamed, and an image."""
    content.raw("topics.yml", TOPICS)
    content.raw("providers.yml", PROVIDERS)
    content.raw("site.yml", SITE)
    content.raw("pictures/cat.png", PNG)
    content.raw("pictures/notes.txt", "not a picture")
    content.raw("pictures/.hidden.png", PNG)
    content.write("a.md", "<p>A body &amp; more. 日本語</p>" * 20)
    content.write("b.md", topics=["AI", "Law & Order"])


@pytest.fixture(scope="module")
def served(open_shared: OpenShared) -> Site:
    """Return a site for all tests that only send requests."""
    return open_shared(fill)


@pytest.fixture
def changing(content: Content, open_site: Callable[..., Site]) -> Site:
    """Return a site for one test, with the same content."""
    fill(content)
    return open_site()


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)


def same(answer: Any) -> tuple[int, dict[str, str], bytes]:
    """Return the parts of a response that a client sees."""
    return answer.status_code, dict(answer.headers), answer.data


def self_link(body: bytes, format: str) -> str:
    read: dict[str, Callable[[], str]] = {
        "rss": lambda: links(channel(body), "self")[0]["href"],
        "atom": lambda: links(atom_feed(body), "self")[0]["href"],
        "json": lambda: json_feed(body)["feed_url"],
    }
    return read[format]()


# Types, lengths, lifetimes.


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/all.rss", "application/rss+xml; charset=utf-8"),
        ("/all.atom", "application/atom+xml; charset=utf-8"),
        ("/all.json", "application/feed+json; charset=utf-8"),
        ("/feeds.json", "application/json; charset=utf-8"),
    ],
)
def test_types_are_exact(served: Site, path: str, expected: str) -> None:
    """[90, 77]"""
    headers = served.get(path).headers

    assert headers.getlist("Content-Type") == [expected]
    assert headers["X-Content-Type-Options"] == "nosniff"


@every_feed
def test_a_200_has_the_header_fields_that_clients_need(served: Site, path: str) -> None:
    """[55, 75]"""
    answer = served.get(path)

    assert answer.status_code == 200
    assert len(answer.data) >= 128
    assert answer.headers["Content-Length"] == str(len(answer.data))
    assert {"ETag", "Last-Modified", "Cache-Control", "Vary"} <= set(answer.headers.keys())
    names = [name.lower() for name, _ in answer.headers]
    assert len(names) == len(set(names)), "no header twice"


@pytest.mark.parametrize(("max_age", "expected"), [("", 900), ("60", 60), ("18000", 18000)])
def test_a_feed_may_be_cached_for_the_configured_time(
    content: Content, open_site: Callable[..., Site], max_age: str, expected: int
) -> None:
    """[62, 63]"""
    content.raw("site.yml", f"limits: {{max_age: {max_age}}}\n" if max_age else "title: T\n")
    content.write("a.md")
    site = open_site()

    headers = [site.get(path).headers for path in ("/all.rss", "/topics/ai.atom", "/feeds.json")]

    lifetime = f"max-age={expected}, stale-while-revalidate={expected}, stale-if-error=86400"
    assert [found["Cache-Control"] for found in headers] == [lifetime] * 3
    assert not any("Expires" in found for found in headers)


# HEAD and OPTIONS.


@pytest.mark.parametrize(
    "path", [*FEEDS, "/feeds.json", "/healthz", "/nothing", "/topics/ended.rss"]
)
@pytest.mark.parametrize("coding", ["identity", "gzip", "br"])
def test_head_has_the_status_and_headers_of_get(served: Site, path: str, coding: str) -> None:
    """[67]"""
    get = served.client.get(path, headers={"Accept-Encoding": coding})

    head = served.client.head(path, headers={"Accept-Encoding": coding})

    assert same(head) == (get.status_code, dict(get.headers), b"")


def test_a_conditional_head_gets_304(served: Site) -> None:
    """[67]"""
    tag = served.get("/all.rss").headers["ETag"]

    head = served.client.head("/all.rss", headers={"If-None-Match": tag})

    assert same(head) == same(served.get("/all.rss", if_none_match=tag))
    assert head.status_code == 304


@pytest.mark.parametrize("path", ["/", "/all.rss", "/feeds.json", "/topics/ended.rss", "/nothing"])
def test_options_allow_what_other_sites_need(served: Site, path: str) -> None:
    """[95]"""
    answer = served.client.options(
        path,
        headers={"Origin": "https://x.example", "Access-Control-Request-Headers": "if-none-match"},
    )

    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, HEAD"
    allowed = answer.headers["Access-Control-Allow-Headers"].split(", ")
    assert sorted(allowed) == ["A-IM", "If-Modified-Since", "If-None-Match"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"])
@pytest.mark.parametrize("path", ["/all.rss", "/feeds.json", "/healthz", "/pictures/cat.png"])
def test_other_methods_are_rejected(served: Site, path: str, method: str) -> None:
    answer = served.client.open(path, method=method, buffered=True)

    assert answer.status_code == 405
    assert {"GET", "HEAD", "OPTIONS"} == set(answer.headers["Allow"].split(", "))


# Codings.


@pytest.mark.parametrize("path", ["/all.rss", "/topics/ai.json", "/feeds/best.atom", "/feeds.json"])
@pytest.mark.parametrize(
    ("accept_encoding", "coding"),
    [
        (None, "identity"),
        ("identity", "identity"),
        ("*", "identity"),
        ("gzip;q=0", "identity"),
        ("gzip", "gzip"),
        ("gzip, deflate, br", "br"),
        ("br;q=0, gzip", "gzip"),
        ("zstd", "zstd"),
    ],
)
def test_the_body_after_decoding_is_the_same_for_all_codings(
    served: Site, path: str, accept_encoding: str | None, coding: str
) -> None:
    """[65, 66]"""
    plain = served.get(path).data
    headers = {"Accept-Encoding": accept_encoding} if accept_encoding else {}

    answer = served.client.get(path, headers=headers)

    assert answer.headers.get("Content-Encoding", "identity") == coding
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert DECODERS[coding](answer.data) == plain
    assert answer.headers["Content-Length"] == str(len(answer.data))


# Header fields and queries without effect.


@every_feed
@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "text/html"},
        {"Accept": "application/json"},
        {"Accept": "application/atom+xml;q=1, */*;q=0"},
        {"Accept": "image/png"},
        {"Accept": ""},
        {"Accept-Language": "ar", "Cookie": "session=1", "Referer": "https://x.example/"},
        {"User-Agent": "curl/8", "DNT": "1", "Range": "bytes=0-1", "If-Range": '"x"'},
        {"User-Agent": "", "Authorization": "Basic eDp5", "If-Match": '"x"'},
        {"X-HTTP-Method-Override": "DELETE", "Upgrade": "h2c", "Cache-Control": "no-cache"},
    ],
)
def test_no_other_header_field_changes_the_response(
    served: Site, path: str, headers: dict[str, str]
) -> None:
    """[68, 71]"""
    plain = served.get(path)

    answer = served.client.get(path, headers=headers)

    assert same(answer) == same(plain)
    assert plain.status_code == 200


@pytest.mark.parametrize("path", [*FEEDS[:6], "/feeds.json", "/feed", "/feed/"])
@pytest.mark.parametrize(
    "query",
    ["_=123", "page=2", "utm_source=x", "null", "", "a=1&a=2", "format=atom", "%00=%ff", "?"],
)
def test_no_query_changes_the_response(served: Site, path: str, query: str) -> None:
    """[69]"""
    plain = served.get(path)

    answer = served.get(f"{path}?{query}")

    assert same(answer) == same(plain)
    assert plain.status_code == 200


def test_queries_render_nothing_anew(changing: Site) -> None:
    for number in range(20):
        changing.get(f"/all.rss?cb={number}")

    assert changing.web.publisher.renderings == 1


INVALID_HOSTS = ["", "a,b", "a,a", ",", "a b", "a b<>\"'", "[::1", "[]", ":80", "a:b", "a:80:80",
                 "a/b", "a@b", "a\\b", "a\0", "http://a", "\xe9.example", "a?b", "a#b"]  # fmt: skip


@pytest.mark.parametrize("host", INVALID_HOSTS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST"])
def test_a_request_without_one_valid_host_is_rejected(served: Site, host: str, method: str) -> None:
    """RFC 9112, 3.2. Servers join several hosts by commas; some pass an empty host for none."""
    for path in ("/all.rss", "/topics/ai", "/nothing", "/healthz"):
        usual = served.get(path)

        answer = served.client.open(path, method=method, environ_overrides={"HTTP_HOST": host})

        assert answer.status_code == 400
        assert answer.headers["Connection"] == "close"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert answer.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
        assert (answer.data == b"") == (method == "HEAD")
        assert same(served.get(path)) == same(usual)


@pytest.mark.parametrize("protocol", ["HTTP/1.0", "HTTP/1"])
def test_http_1_0_needs_no_host(served: Site, protocol: str) -> None:
    older = {"SERVER_PROTOCOL": protocol, "HTTP_HOST": ""}

    assert served.client.get("/all.rss", environ_overrides=older).status_code == 200
    more = older | {"HTTP_HOST": "a,b"}
    assert served.client.get("/all.rss", environ_overrides=more).status_code == 400


@pytest.mark.parametrize("path", ["/all.rss", "/topics/ai", "/nothing", "/pictures/cat.png"])
def test_date_follows_the_clock_also_when_it_is_set_back(
    changing: Site, clock: Clock, path: str
) -> None:
    found = []
    for clock.now in (NOW, NOW + 1, NOW - 3600, NOW - 3599):
        answer = changing.client.get(path, buffered=True)
        found += answer.headers.getlist("Date")

    assert found == [
        "Fri, 20 Nov 2026 12:00:00 GMT",
        "Fri, 20 Nov 2026 12:00:01 GMT",
        "Fri, 20 Nov 2026 11:00:00 GMT",
        "Fri, 20 Nov 2026 11:00:01 GMT",
    ]


HOSTILE: list[tuple[dict[str, str], dict[str, str]]] = [
    ({"Host": "evil.example"}, {}),
    ({"Host": "evil.example:99999"}, {}),
    ({"Host": "[2001:db8::1]:8000"}, {}),
    ({"Host": "under_score.example."}, {}),
    ({"X-Forwarded-Host": "evil.example"}, {}),
    ({"X-Forwarded-Proto": "gopher"}, {}),
    ({"X-Forwarded-Prefix": "/evil"}, {}),
    ({"X-Forwarded-Port": "1"}, {}),
    ({"X-Forwarded-For": "127.0.0.1"}, {}),
    ({"X-Original-URL": "/healthz", "X-Rewrite-URL": "/healthz"}, {}),
    ({"Forwarded": "host=evil.example;proto=http;for=127.0.0.1"}, {}),
    ({"X-Script-Name": "/evil"}, {}),
    ({}, {"SCRIPT_NAME": "/evil"}),
    ({}, {"SERVER_NAME": "evil.example", "SERVER_PORT": "1", "wsgi.url_scheme": "gopher"}),
]


@pytest.mark.parametrize(("headers", "environ"), HOSTILE)
def test_a_hostile_host_changes_no_byte(
    served: Site,
    changing: Site,
    headers: dict[str, str],
    environ: dict[str, str],
) -> None:
    """The response stays the same, and so does a document that is cached for other clients."""
    paths = [
        *FEEDS[:6],
        "/feeds.json",
        "/feed",
        "/topics/machine-minds.rss",
        "/nothing",
        "/healthz",
    ]

    hostile = [changing.client.get(p, headers=headers, environ_overrides=environ) for p in paths]

    assert [same(each) for each in hostile] == [same(served.get(path)) for path in paths]
    assert [same(changing.get(path)) for path in paths] == [
        same(served.get(path)) for path in paths
    ]


# Addresses.


@pytest.mark.parametrize(
    ("alias", "path"),
    [
        *((f"/{name}", "/all.rss") for name in ("feed", "feed/", "rss", "feed.xml", "rss.xml")),
        ("/index.xml", "/all.rss"),
        ("/atom.xml", "/all.atom"),
        ("/feed.json", "/all.json"),
    ],
)
def test_guessed_addresses_serve_the_main_feed_without_a_redirect(
    served: Site, alias: str, path: str
) -> None:
    """[89, 81]"""
    assert same(served.get(alias)) == same(served.get(path))
    assert served.get(alias).status_code == 200


@every_feed
def test_self_is_the_canonical_address_for_every_requested_alias(served: Site, path: str) -> None:
    """[81]"""
    body = served.get(f"{path}?utm_source=x", Host="evil.example").data

    assert self_link(body, path.rpartition(".")[2]) == SITE_URL + path


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    ("alias", "path"),
    [
        ("/topics/machine-minds", "/topics/ai"),
        ("/topics/law-order", "/topics/law"),
        ("/providers/old.example.com", "/providers/news.example.com"),
        ("/providers/old.example.com/example-news", "/providers/news.example.com/example-news"),
        ("/topics/machine-minds/2026-11", "/topics/ai/2026-11"),
    ],
)
def test_an_alias_is_redirected_permanently_in_one_hop(
    served: Site, alias: str, path: str, format: str
) -> None:
    """[73]"""
    moved = served.get(f"{alias}.{format}?utm_source=x", Host="evil.example")

    assert moved.status_code == 301
    assert moved.headers["Location"] == f"{SITE_URL}{path}.{format}"
    there = served.get(f"{path}.{format}")
    assert there.status_code == 200
    assert items(there.data, format)[0].id.startswith("tag:")


@pytest.fixture(scope="module")
def with_accents(open_shared: OpenShared) -> Site:
    def fill_more(content: Content) -> None:
        fill(content)
        content.write("c.md", topics=["Café"], provider={"name": "B", "domain": "bücher.example"})

    return open_shared(fill_more)


@pytest.mark.parametrize(
    ("spelling", "path"),
    [
        ("/topics/ai/", "/topics/ai"),
        ("/topics/AI", "/topics/ai"),
        ("/topics/AI/", "/topics/ai"),
        ("/topics/Law%20%26%20Order.rss", "/topics/law.rss"),
        ("/topics/MACHINE-minds/", "/topics/ai"),
        ("/topics/cafe%CC%81.json", "/topics/caf%C3%A9.json"),
        ("/topics/CAF%C3%89/2026-11.atom", "/topics/caf%C3%A9/2026-11.atom"),
        ("/topics/ai.rss/", "/topics/ai.rss"),
        ("/topics/ai/2026-11/", "/topics/ai/2026-11"),
        ("/topics/AI.opml", "/topics/ai.opml"),
        ("/providers/News.Example.COM.rss", "/providers/news.example.com.rss"),
        ("/providers/www.news.example.com/", "/providers/news.example.com"),
        ("/providers/OLD.example.com.atom", "/providers/news.example.com.atom"),
        (
            "/providers/NEWS.example.com/Example%20News.json",
            "/providers/news.example.com/example-news.json",
        ),
        ("/providers/b%C3%BCcher.example", "/providers/xn--bcher-kva.example"),
        ("/feeds/Best/", "/feeds/best"),
        ("/embed/topics/ai/", "/embed/topics/ai"),
        ("/embed/topics/AI/?count=3", "/embed/topics/ai?count=3"),
    ],
)
def test_another_spelling_is_redirected_permanently_in_one_hop(
    with_accents: Site, spelling: str, path: str
) -> None:
    moved = with_accents.get(spelling)

    assert (moved.status_code, moved.headers["Location"]) == (301, SITE_URL + path)
    assert with_accents.get(path).status_code == 200


@pytest.mark.parametrize(
    ("spelling", "status"),
    [
        ("/topics/UNKNOWN/", 404),
        ("/topics/AI//", 404),
        ("/topics/AI/1999-01.rss", 404),
        ("/topics/AI/2026-11-2", 404),
        ("/topics/" + "A" * 2_000, 404),
        ("/providers/UNKNOWN.example.com.rss", 404),
        ("/FEEDS/best", 404),
        ("/all.rss//", 404),
        ("/topics/ENDED/", 410),
        ("/providers/ended.Example.com.rss", 410),
    ],
)
def test_another_spelling_of_an_unknown_address_is_not_redirected(
    served: Site, spelling: str, status: int
) -> None:
    assert served.get(spelling).status_code == status


@pytest.mark.parametrize(("path", "status"), REFUSED)
def test_an_unknown_feed_is_404_and_a_retired_one_410(served: Site, path: str, status: int) -> None:
    """[74, 89]"""
    answer = served.get(path)

    assert answer.status_code == status
    is_for_programs = path.endswith((".rss", ".atom", ".json", ".xml", ".png"))
    assert answer.mimetype == ("text/plain" if is_for_programs else "text/html")
    assert (f"{SITE_URL}/" if is_for_programs else 'href="/"') in answer.text


def test_a_feed_whose_last_article_is_gone_stays(content: Content, changing: Site) -> None:
    """[74]"""
    content.remove("b.md")
    changing.sync.refresh()

    answer = changing.get("/topics/law.rss")

    assert answer.status_code == 200
    assert items(answer.data, "rss") == []


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("stem", EMPTY)
def test_a_known_feed_without_articles_is_a_valid_document(
    served: Site, stem: str, format: str
) -> None:
    """[53]"""
    answer = served.get(f"{stem}.{format}")

    assert answer.status_code == 200
    assert len(answer.data) >= 128
    assert items(answer.data, format) == []
    assert self_link(answer.data, format) == f"{SITE_URL}{stem}.{format}"


def test_an_empty_feed_has_title_link_and_description(served: Site) -> None:
    """[53]"""
    rss = channel(served.get("/topics/quiet.rss").data)
    atom = atom_feed(served.get("/topics/quiet.atom").data)
    document = json_feed(served.get("/topics/quiet.json").data)

    assert (
        text(rss, "title") == text(atom, f"{ATOM}title") == document["title"] == "Quiet — My Site"
    )
    assert text(rss, "link") == document["home_page_url"] == f"{SITE_URL}/topics/quiet"
    assert text(rss, "description") == document["description"] == "Nothing is written about it yet."


# Odd requests.


@pytest.mark.parametrize("path", ODD, ids=lambda path: path[:30])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST"])
def test_odd_paths_are_rejected_without_side_effects(served: Site, path: str, method: str) -> None:
    answer = served.client.open(path, method=method, buffered=True)

    assert 200 <= answer.status_code < 500
    assert answer.status_code in {"GET": {404, 200}, "HEAD": {404, 200}}.get(
        method, {204, 404, 405}
    )
    assert "site.yml" not in answer.text
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept-Encoding": "gzip," * 20_000},
        {"If-None-Match": '"a",' * 25_000},
        {"If-Modified-Since": "1" * 100_000},
        {"Cookie": "a=b;" * 25_000},
        {"X-Anything": "x" * 100_000},
        {"Content-Length": "-1"},
        {"Content-Length": "many"},
        {"Content-Type": "multipart/form-data"},
        {"Range": "bytes=9-1"},
    ],
    ids=lambda headers: next(iter(headers)),
)
@pytest.mark.parametrize("path", ["/all.rss", "/healthz", "/nothing.rss"])
def test_odd_header_fields_cause_no_error(served: Site, headers: dict[str, str], path: str) -> None:
    answer = served.client.get(path, headers=headers)

    assert answer.status_code == served.get(path).status_code


EVERY_KIND = [
    ("GET", "/all.rss", 200),
    ("GET", "/feeds.json", 200),
    ("OPTIONS", "/all.rss", 204),
    ("GET", "/topics/machine-minds.rss", 301),
    ("GET", "/category/minds/feed/", 301),
    ("GET", "/topics/unknown.rss", 404),
    ("GET", "/%00%ff.rss", 404),
    ("POST", "/all.rss", 405),
    ("GET", "/topics/ended.rss", 410),
]


@pytest.mark.parametrize(("method", "path", "status"), EVERY_KIND)
def test_every_response_is_safe_in_a_browser_and_open_to_scripts(
    served: Site, method: str, path: str, status: int
) -> None:
    """[95, 71, 77]"""
    answer = served.client.open(path, method=method, buffered=True)

    assert answer.status_code == status
    assert answer.headers.getlist("X-Content-Type-Options") == ["nosniff"]
    assert answer.headers.getlist("Content-Security-Policy") == ["default-src 'none'; sandbox"]
    assert answer.headers.getlist("Referrer-Policy") == ["strict-origin-when-cross-origin"]
    assert answer.headers.getlist("Access-Control-Allow-Origin") == ["*"]
    exposed = answer.headers["Access-Control-Expose-Headers"]
    assert exposed == "ETag, Last-Modified, Link, Retry-After"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/healthz", "/pictures/cat.png"])
def test_responses_without_a_feed_are_safe_in_a_browser_and_closed_to_scripts(
    served: Site, path: str
) -> None:
    """[95]"""
    headers = served.client.get(path, buffered=True).headers

    assert headers.getlist("X-Content-Type-Options") == ["nosniff"]
    assert headers.getlist("Content-Security-Policy") == ["default-src 'none'; sandbox"]
    assert headers.getlist("Referrer-Policy") == ["strict-origin-when-cross-origin"]
    assert "Access-Control-Allow-Origin" not in headers


def test_a_304_is_open_to_scripts_too(served: Site) -> None:
    """[95]"""
    tag = served.get("/all.rss").headers["ETag"]

    headers = served.get("/all.rss", if_none_match=tag, Origin="https://x.example").headers

    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Access-Control-Expose-Headers"] == "ETag, Last-Modified, Link, Retry-After"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_no_feed_holds_a_stylesheet_or_a_script(content: Content, changing: Site) -> None:
    """[96]"""
    content.write("a.md", "<script>alert(1)</script><p onclick='x()'>Text</p>", title="<script>")
    changing.sync.refresh()

    bodies = [changing.get(path).data for path in FEEDS]

    live = re.compile(rb"xml-stylesheet|<script|&lt;script&gt;alert|onclick|alert\(1\)")
    assert [live.findall(body) for body in bodies] == [[]] * len(FEEDS)


# Hubs.


@pytest.mark.parametrize("path", ["/all.rss", "/topics/ai.atom", "/all.json"])
def test_a_hub_is_named_when_there_is_one(
    content: Content, open_site: Callable[..., Site], path: str
) -> None:
    """[82]"""
    content.raw("site.yml", "hubs: [https://hub.example.org/, https://hub.example.net/]\n")
    content.write("a.md")
    site = open_site()

    answer = site.get(path)

    assert answer.headers.getlist("Link") == [
        '<https://hub.example.org/>; rel="hub", <https://hub.example.net/>; rel="hub", '
        f'<{SITE_URL}{path}>; rel="self"'
    ]
    assert b"https://hub.example.org/" in answer.data
    again = site.get(path, if_none_match=answer.headers["ETag"])
    assert (again.status_code, again.headers["Link"]) == (304, answer.headers["Link"])


@every_feed
def test_no_hub_is_named_when_there_is_none(served: Site, path: str) -> None:
    """[82]"""
    answer = served.get(path)

    assert "Link" not in answer.headers
    assert b'"hub' not in answer.data


# When the index fails.


def break_index(site: Site) -> None:
    """Overwrite the index, as a failing disk does."""
    path = site.sync.index.path
    path.unlink()
    path.write_bytes(b"not an index" * 1000)
    site.sync.shared.publish(site.sync.shared.revision() + 1, 0)


def test_the_last_good_feed_is_served_when_the_index_is_broken(changing: Site) -> None:
    """[70]"""
    before = [changing.get(path) for path in FEEDS]
    break_index(changing)

    after = [changing.get(path) for path in FEEDS]
    again = [
        changing.get(path, if_none_match=answer.headers["ETag"])
        for path, answer in zip(FEEDS, before, strict=True)
    ]

    assert [same(answer) for answer in after] == [same(answer) for answer in before]
    assert [answer.status_code for answer in again] == [304] * len(FEEDS)


def test_a_feed_that_was_never_served_gets_503_with_retry_after(changing: Site) -> None:
    """[72]"""
    break_index(changing)

    answers = [changing.get(path) for path in ("/all.rss", "/feeds.json")]

    assert [answer.status_code for answer in answers] == [503] * 2
    assert [answer.headers["Retry-After"] for answer in answers] == ["60"] * 2


# Images.


def test_an_image_is_served_with_length_and_type(served: Site) -> None:
    answer = served.client.get("/pictures/cat.png", buffered=True)

    assert (answer.status_code, answer.data) == (200, PNG)
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Content-Length"] == str(len(PNG))
    assert answer.headers["Cache-Control"] == "max-age=86400"
    assert "Expires" not in answer.headers
    headers = {"If-None-Match": answer.headers["ETag"]}
    again = served.client.get("/pictures/cat.png", headers=headers, buffered=True)
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "ranges",
    ["items=0-9", "seconds=1-2", "bytes=0-9,20-29", "bytes=0-0,-1", "bytes=999-,0-1", "bytes=9-1",
     "bytes=a-b", "bytes=-", "bytes=", "bytes", "0-9", "=", "bytes=1-2-3", "bytes 0-9", ""],
)  # fmt: skip
def test_a_range_in_another_unit_than_bytes_gets_the_whole_image(
    served: Site, ranges: str, method: str
) -> None:
    """RFC 9110, 14.2: "An origin server MUST ignore a Range header field that contains a range
    unit it does not understand"; it may ignore any other.
    """
    whole = served.client.open("/pictures/cat.png", method=method, buffered=True)

    answer = served.client.open(
        "/pictures/cat.png", method=method, headers={"Range": ranges}, buffered=True
    )

    assert same(answer) == same(whole)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("ranges", "part"), [("bytes=0-9", PNG[:10]), ("bytes=60-", PNG[60:]), ("BYTES=-5", PNG[-5:])]
)
def test_one_range_of_bytes_gets_a_part_of_an_image(served: Site, ranges: str, part: bytes) -> None:
    answer = served.client.get("/pictures/cat.png", headers={"Range": ranges}, buffered=True)

    assert (answer.status_code, answer.data) == (206, part)
    assert answer.headers["Content-Range"].startswith("bytes ")
    assert answer.headers["Content-Length"] == str(len(part))


@pytest.mark.parametrize("ranges", ["bytes=999-", "bytes=67-99"])
def test_an_unsatisfiable_range_is_rejected_with_the_whole_length(
    served: Site, ranges: str
) -> None:
    """RFC 9110, 15.5.17: the response "SHOULD generate a Content-Range header field"."""
    answer = served.client.get("/pictures/cat.png", headers={"Range": ranges}, buffered=True)

    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(PNG)}"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("since", ["Mon, 01 Jan 2024 00:00:00 +" + "9" * 20, "x", "", "9" * 5000])
@pytest.mark.parametrize("name", ["If-Modified-Since", "If-Unmodified-Since", "If-Range"])
@pytest.mark.parametrize("path", ["/pictures/cat.png", "/all.rss", "/"])
def test_an_invalid_date_is_ignored(served: Site, path: str, name: str, since: str) -> None:
    for headers in ({name: since}, {name: since, "Range": "bytes=0-9"}):
        answer = served.client.get(path, headers=headers, buffered=True)

        assert answer.status_code in (200, 206)


@pytest.fixture(scope="module")
def with_odd_pictures(open_shared: OpenShared) -> Site:
    def fill_more(content: Content) -> None:
        fill(content)
        folder = content.folder / "pictures"
        (folder / "link.png").symlink_to(content.raw("../secret.png", b"secret"))
        (folder / "folder.png").mkdir()
        os.mkfifo(folder / "pipe.png")

    return open_shared(fill_more)


@pytest.mark.parametrize(
    "path",
    [
        "notes.txt",
        ".hidden.png",
        "%2ehidden.png",
        ".git/cat.png",
        "../a.md",
        "%2e%2e/a.md",
        "..%2fa.md",
        "..%5ca.md",
        "../pictures/cat.png",
        "/etc/passwd",
        "link.png",
        "pipe.png",
        "folder.png",
    ],
)
def test_only_images_are_served_from_their_folder(with_odd_pictures: Site, path: str) -> None:
    answer = with_odd_pictures.client.get(f"/pictures/{path}", buffered=True)

    assert answer.status_code == 404


# Lists and health.


def test_the_directory_describes_every_feed(served: Site) -> None:
    found = json.loads(served.get("/feeds.json").data)

    assert found["title"] == "My Site"
    assert {feed["rss"].removeprefix(SITE_URL) for feed in found["feeds"]} == {
        "/all.rss",
        "/feeds/best.rss",
        "/topics/ai.rss",
        "/topics/law.rss",
        "/topics/quiet.rss",
        "/providers/news.example.com.rss",
    }
    assert next(feed for feed in found["feeds"] if feed["name"] == "AI") == {
        "kind": "topics",
        "name": "AI",
        "title": "AI — My Site",
        "description": "Articles about AI",
        "page": f"{SITE_URL}/topics/ai",
        "rss": f"{SITE_URL}/topics/ai.rss",
        "atom": f"{SITE_URL}/topics/ai.atom",
        "json": f"{SITE_URL}/topics/ai.json",
        "parent": None,
        "articles": 2,
        "weekly": 2.0,
        "newest": "2026-11-01T10:00:00Z",
        "modified": "2026-11-01T10:00:00Z",
    }


def test_every_address_of_the_directory_is_served(served: Site) -> None:
    found = json.loads(served.get("/feeds.json").data)

    answers = {
        feed[format]: served.get(feed[format].removeprefix(SITE_URL)).status_code
        for feed in found["feeds"]
        for format in FORMATS
    }

    assert answers == dict.fromkeys(answers, 200)
    assert len(answers) == 18


def test_health_counts_served_files_and_the_reasons_of_the_others(
    content: Content, changing: Site
) -> None:
    content.write("draft.md", published="false")
    content.raw("broken.md", "no front matter")
    changing.sync.refresh()

    answer = changing.get("/healthz")

    assert answer.json == {
        "status": "ok",
        "index": "ready",
        "articles": 2,
        "held": 0,
        "not served": {"draft": 1, "no-front-matter": 1},
    }
    assert answer.headers["Cache-Control"] == "no-store"
