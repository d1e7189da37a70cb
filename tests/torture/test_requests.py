"""Stress tests of malicious requests: hosts, header fields, paths, queries, methods."""

import io
import itertools
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Content, Site
from tests.torture.conftest import Figure, scaled

PATHS = (
    "/", "/all.rss", "/all.atom", "/all.json", "/topics/ai", "/topics/ai.rss", "/feeds.json",
    "/feeds.opml", "/nothing.rss", "/nothing", "/feed", "/healthz", "/all/2026-11.rss",
)  # fmt: skip

#: Header fields in their WSGI form by which a client forges the address of the server.
LIES: list[dict[str, str]] = [
    {"HTTP_HOST": "evil.example"},
    {"HTTP_HOST": "evil.example:99999"},
    {"HTTP_HOST": "[2001:db8::1]:80"},
    {"HTTP_HOST": "-_.'$(x)'"},
    {"HTTP_X_FORWARDED_HOST": "evil.example"},
    {"HTTP_X_FORWARDED_PROTO": "javascript"},
    {"HTTP_X_FORWARDED_PREFIX": "/evil"},
    {"HTTP_X_FORWARDED_FOR": "'; DROP TABLE"},
    {"HTTP_FORWARDED": "host=evil.example;proto=ftp"},
    {"HTTP_X_ORIGINAL_URL": "/evil"},
    {"HTTP_X_REWRITE_URL": "/evil"},
    {"SCRIPT_NAME": "/evil"},
    {"SERVER_NAME": "evil.example"},
    {"wsgi.url_scheme": "evil"},
    {"HTTP_ACCEPT": "text/html"},
    {"HTTP_ACCEPT": "\x00;q=nan"},
    {"HTTP_ACCEPT_LANGUAGE": "x" * 10_000},
    {"HTTP_COOKIE": "session=" + "x" * 100_000},
    {"HTTP_USER_AGENT": "\xff\xfe"},
    {"HTTP_RANGE": "bytes=0-1,5-,-1"},
    {"HTTP_IF_MATCH": '"x"'},
    {"HTTP_IF_UNMODIFIED_SINCE": "Sat, 01 Jan 2000 00:00:00 GMT"},
    {"HTTP_IF_RANGE": '"x"'},
    {"HTTP_EXPECT": "200-ok"},
    {"HTTP_CONTENT_LENGTH": "-1"},
    {"CONTENT_LENGTH": "99999999999"},
    {"CONTENT_TYPE": "multipart/form-data"},
    {"HTTP_TRANSFER_ENCODING": "chunked"},
    {"HTTP_ORIGIN": "https://evil.example"},
    {"HTTP_IF_MODIFIED_SINCE": "Fri, 31 Dec 9999999999 25:61:61 +99999999999999999999"},
    {"HTTP_IF_NONE_MATCH": '"' * 9_000},
    {"HTTP_ACCEPT_ENCODING": "gzip;q=1e999, br;q=-1, *;q=nan"},
    {"HTTP_ACCEPT_ENCODING": "identity;q=0, *;q=0"},
]

ODD = ("/\x00", "/all.rss\x00", "/%00", "/..", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd",
       "/topics/..", "/topics/../all.rss", "/topics/%2e%2e.rss", "/topics/a\\b.rss", "/topics/.rss",
       "/topics//.rss", "//all.rss", "//evil.example/", "///", "/topics/" + "a" * 60_000 + ".rss",
       "/" + "a/" * 5_000, "/topics/\xff\xfe.rss", "/topics/\xed\xa0\x80.rss", "/pictures/",
       "/pictures/../site.yml", "/pictures/..%2fsite.yml", "/pictures/%2e%2e/a.md",
       "/pictures/\x00", "/static/../app.py", "/static/%2e%2e/routes.py", "/all/9999-12.rss",
       "/all/0000-00.rss",
       "/all/2026-11-99999999999.rss", "/feeds/.rss", "/providers/./.rss", "/embed/", "/embed/..",
       "/embed/topics/%00", "/oembed", "/search", "/.git/config", "/.env", "/site.yml",
       "/content/site.yml", "/instance/index.sqlite", "/a.md", "/all.rss/", "/all.RSS", "/ALL.rss",
       "/topics/\u202e".encode().decode("latin-1"), "/healthz/", "/metrics/..")  # fmt: skip

METHODS = ("POST", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND", "G\x00T", "x" * 1_000)


@pytest.fixture
def attacked(content: Content, site: Site) -> Site:
    for number in range(12):
        content.write(f"{number}.md", title=f"Article {number}", secured="TOPSECRET")
    site.sync.refresh()
    return site


def call(
    site: Site, path: str, method: str = "GET", **lies: Any
) -> tuple[int, dict[str, str], bytes]:
    """Call the app as a WSGI server does that rejects nothing."""
    environ = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": "", "SCRIPT_NAME": "",
        "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "a", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
    } | lies  # fmt: skip
    started: list[Any] = []

    def start_response(*answer: Any) -> Any:
        started.append(answer)

    body = site.app.wsgi_app(environ, start_response)
    whole = b"".join(body)
    getattr(body, "close", int)()
    status, headers = started[0][:2]
    return int(status.split()[0]), {name.lower(): value for name, value in headers}, whole


def is_guarded(headers: dict[str, str]) -> bool:
    """Return True if a response has the default header fields, and none that was injected."""
    text = "".join(itertools.chain(*headers.items()))
    return (
        headers.get("x-content-type-options") == "nosniff"
        and "default-src 'none'" in headers.get("content-security-policy", "")
        and "referrer-policy" in headers
        and "set-cookie" not in headers
        and not set(text) & set("\r\n\0")
    )


def test_no_forged_header_field_changes_a_byte(attacked: Site, figure: Figure) -> None:
    different = []
    for path in PATHS:
        for lie in LIES:
            # The forged request is first, so that its response would be the one that is cached.
            status, headers, body = call(attacked, path, **lie)
            truth = call(attacked, path)
            assert is_guarded(headers), (path, lie)
            assert b"evil" not in body
            assert "evil" not in str(headers)
            is_unchanged = status == 304 and not body
            if not is_unchanged and (status, body) != (truth[0], truth[2]):
                different.append((path, lie, status))

    figure(f"hosts and headers: {len(PATHS) * len(LIES)} lies, {len(different)} answers changed")
    assert different == []


def test_odd_paths_and_methods_are_rejected_and_disclose_nothing(
    attacked: Site, figure: Figure
) -> None:
    answers = {path: call(attacked, path) for path in ODD}
    answers |= {
        f"{method} {path}": call(attacked, path, method) for method in METHODS for path in PATHS
    }

    bad = {what: status for what, (status, _, _) in answers.items() if not 200 <= status < 500}
    leaked = [
        what for what, (_, _, body) in answers.items() if b"TOPSECRET" in body or b"root:" in body
    ]
    unguarded = [what for what, (_, headers, _) in answers.items() if not is_guarded(headers)]
    figure(f"odd paths and methods: {len(answers)} requests, {len(bad)} errors of ours")
    assert (bad, leaked, unguarded) == ({}, [], [])


HEADERS = (
    "HTTP_ACCEPT", "HTTP_ACCEPT_ENCODING", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE",
    "HTTP_HOST", "HTTP_USER_AGENT", "HTTP_COOKIE", "HTTP_RANGE",
)  # fmt: skip
ANY = st.text(st.characters(max_codepoint=255), max_size=60)


def test_no_request_causes_a_server_error(attacked: Site, figure: Figure) -> None:
    count = 0

    @given(
        path=st.sampled_from(["/", "/topics/", "/providers/", "/all", "/embed/", "/pictures/"])
        .flatmap(lambda start: ANY.map(lambda rest: start + rest)),
        ending=st.sampled_from(["", ".rss", ".atom", ".json", ".opml", "/", "/2026-11.rss"]),
        query=ANY,
        method=st.sampled_from(["GET", "HEAD", "OPTIONS", "POST"]) | ANY,
        headers=st.dictionaries(
            st.sampled_from(HEADERS), ANY, max_size=4),
    )  # fmt: skip
    @settings(
        max_examples=scaled(200, 10_000), database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def fetch(path: str, ending: str, query: str, method: str, headers: dict[str, str]) -> None:
        nonlocal count
        count += 1
        status, fields, body = call(
            attacked, path + ending, method or "GET", QUERY_STRING=query, **headers
        )
        assert 200 <= status < 500
        assert is_guarded(fields)
        assert b"TOPSECRET" not in body

    fetch()
    figure(f"any request: {count} requests, 0 errors of ours")


def test_only_feeds_and_lists_may_be_read_by_scripts_of_other_sites(attacked: Site) -> None:
    """[95]"""
    open_ = {path for path in PATHS if "access-control-allow-origin" in call(attacked, path)[1]}

    assert open_ == {
        "/all.rss", "/all.atom", "/all.json", "/topics/ai.rss", "/feeds.json", "/feeds.opml",
        "/nothing.rss", "/feed", "/all/2026-11.rss",
    }  # fmt: skip
    assert "access-control-allow-origin" in call(attacked, "/all.rss", "OPTIONS")[1]
    assert "access-control-allow-origin" in call(attacked, "/all.rss", "POST")[1]


def test_no_address_reads_a_file_outside_its_folder(attacked: Site, content: Content) -> None:
    (content.folder / "pictures").mkdir()
    secret = Path(content.folder, "pictures", "link.png")
    secret.symlink_to("/etc/passwd")

    status, _, body = call(attacked, "/pictures/link.png")

    assert b"root:" not in body
    assert status == 404
