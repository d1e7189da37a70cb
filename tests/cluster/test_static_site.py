"""Tests of a folder that ``flask export`` wrote and nginx serves.

The imported tests are those of the server; here they run against the exported site.
"""

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, run_wsgi_app

from app import create_app
from feeds.export import ENDINGS
from feeds.web.export_paths import paths
from tests import test_http
from tests.cluster.installation import Nginx
from tests.conftest import SITE_URL, Clock, Content, Site
from tests.programs import need
from tests.raw_requests import RawAnswer, request, send_request, spellings
from tests.test_encoded_bodies import DECODERS
from tests.test_http import (  # noqa: F401
    EVERY_KIND,
    REFUSED,
    fill,
    test_a_200_has_the_header_fields_that_clients_need,
    test_a_304_is_open_to_scripts_too,
    test_a_conditional_head_gets_304,
    test_an_alias_is_redirected_permanently_in_one_hop,
    test_an_image_is_served_with_length_and_type,
    test_guessed_addresses_serve_the_main_feed_without_a_redirect,
    test_no_query_changes_the_response,
    test_options_allow_what_other_sites_need,
    test_self_is_the_canonical_address_for_every_requested_alias,
    test_the_body_after_decoding_is_the_same_for_all_codings,
    test_types_are_exact,
)

#: Paths without a file; nginx itself rejects the second, with 400.
LIVE_ONLY = {"/healthz", "/%00%ff.rss"}

#: Header fields of the connection rather than of the response.
CONNECTION = {"date", "server", "connection"}


@dataclass(frozen=True)
class Reply:
    """A response with the interface of Flask's test client."""

    status_code: int
    headers: Headers
    data: bytes

    @property
    def mimetype(self) -> str:
        return self.headers.get("Content-Type", "").partition(";")[0]


@dataclass(frozen=True)
class Client:
    """A client of a real server with the interface of Flask's test client."""

    port: int

    def open(self, path: str, method: str = "GET", **options: Any) -> Reply:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request(method, path, headers=options.get("headers") or {})
            found = connection.getresponse()
            kept = [pair for pair in found.getheaders() if pair[0].lower() not in CONNECTION]
            return Reply(found.status, Headers(kept), found.read())

    def get(self, path: str, **options: Any) -> Reply:
        return self.open(path, **options)

    def head(self, path: str, **options: Any) -> Reply:
        return self.open(path, "HEAD", **options)

    def options(self, path: str, **options: Any) -> Reply:
        return self.open(path, "OPTIONS", **options)


@dataclass(frozen=True)
class StaticSite:
    """The client for the tests, the server that the folder was exported from, and the folder."""

    client: Client
    live: Site
    folder: Path

    def get(self, path: str, **headers: str) -> Reply:
        return self.client.get(path, headers={k.replace("_", "-"): v for k, v in headers.items()})


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StaticSite]:
    """Export the content of the server's tests; serve both by nginx and by the server."""
    need("nginx")
    root = tmp_path_factory.mktemp("static")
    content = Content(root / "content")
    content.folder.mkdir()
    fill(content)
    environ = {
        "FEEDS_CONTENT_DIR": str(content.folder),
        "FEEDS_INSTANCE_DIR": str(root / "instance"),
        "FEEDS_URL": SITE_URL,
    }
    live = Site(create_app(environ, Clock()))
    folder = root / "feeds"
    assert live.runner.invoke(args=["export", str(folder)]).exit_code == 0
    nginx = Nginx(root / "nginx")
    nginx.write(**{"nginx-static": {**nginx.listening, "/srv/feeds": str(folder)}})
    with nginx.running():
        yield StaticSite(Client(nginx.port), live, folder)


@pytest.mark.parametrize(("path", "status"), REFUSED)
def test_an_unknown_feed_is_404_and_a_retired_one_410(
    served: StaticSite, path: str, status: int
) -> None:
    assert served.get(path).status_code == status


@pytest.mark.parametrize(
    ("method", "path", "status"), [kind for kind in EVERY_KIND if kind[1] not in LIVE_ONLY]
)
def test_every_response_is_safe_in_a_browser_and_open_to_scripts(
    served: Any, method: str, path: str, status: int
) -> None:
    test_http.test_every_response_is_safe_in_a_browser_and_open_to_scripts(
        served, method, path, status
    )


def test_nginx_accepts_the_shipped_file_before_the_first_export(tmp_path: Path) -> None:
    nginx = Nginx(tmp_path / "nginx")
    nginx.write(**{"nginx-static": nginx.listening})

    assert "test is successful" in nginx.outcome()


def test_every_document_equals_that_of_the_server(served: StaticSite) -> None:
    """In bytes, and in all header fields but ETag and those that depend on hubs and pages."""
    differing = []
    for path in paths(served.live.web.catalog):
        expected, found = served.live.get(path), served.get(path)
        if (found.status_code, found.data) != (200, expected.data) or shown(found) != shown(
            expected
        ):
            differing.append((path, shown(found).items() ^ shown(expected).items()))

    assert differing == []


def shown(answer: Any) -> dict[str, str]:
    # nginx allows scripts of other sites to read pages, too, which hold no more than feeds.
    ours = {"Date", "ETag", "Link", "Access-Control-Allow-Origin", "Access-Control-Expose-Headers"}
    return {name: value for name, value in answer.headers.items() if name not in ours}


def test_compressed_files_decode_to_the_plain_ones(served: StaticSite) -> None:
    twins = {
        coding: sorted(served.folder.rglob(f"*{ending}")) for coding, ending in ENDINGS.items()
    }

    for coding, files in twins.items():
        assert len(files) > 40
        for file in files:
            plain = file.with_name(file.name.removesuffix(ENDINGS[coding]))
            assert DECODERS[coding](file.read_bytes()) == plain.read_bytes()
            assert file.stat().st_mtime == plain.stat().st_mtime


@pytest.mark.parametrize("coding", ["identity", "gzip", "br", "zstd"])
def test_a_known_tag_gets_304_in_every_coding(served: StaticSite, coding: str) -> None:
    tag = served.get("/topics/ai.rss", accept_encoding=coding).headers["ETag"]

    answer = served.get("/topics/ai.rss", accept_encoding=coding, if_none_match=tag)
    other = served.get("/topics/ai.rss", accept_encoding=coding, if_none_match='"other"')

    assert (answer.status_code, answer.headers["ETag"], answer.data) == (304, tag, b"")
    assert other.status_code == 200


@pytest.mark.parametrize("path", ["/all.atom", "/topics/ai", "/pictures/cat.png"])
def test_the_date_of_a_file_is_304_and_no_other_is(served: StaticSite, path: str) -> None:
    """A file has a later time than its change, and a new image may be older than the one before."""
    issued = served.get(path).headers["Last-Modified"]
    dates = (issued, "Sat, 01 Jan 2000 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT", "x")

    statuses = [served.get(path, if_modified_since=date).status_code for date in dates]

    assert statuses == [304, 200, 200, 200]


@pytest.mark.parametrize(
    "path",
    ["/.tributary/files", "/.tributary/moved.map", "/topics/ai.html", "/index.html", "/all.rss.gz",
     "/index", "/topics/", "/topics", "/pictures/", "/.tributary/", "/embed/"],
)  # fmt: skip
def test_a_path_that_is_no_address_is_404_though_a_file_has_it(
    served: StaticSite, path: str
) -> None:
    assert served.get(path).status_code == 404
    assert served.live.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/topics/machine-minds%0d%0aX: y", "/topics/machine-minds/%0ax"])
def test_no_address_injects_a_header_field(served: StaticSite, path: str) -> None:
    answer = served.get(path.replace(" ", "%20"))

    assert "X" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/", "/feed", "/all.rss", "/topics/ai", "/embed/topics/ai", "/pictures/cat.png"]
)
def test_no_other_spelling_of_an_address_names_a_file(served: StaticSite, path: str) -> None:
    """A response at another spelling is that of the server, with its content security policy."""
    targets = [each for each in spellings(path) if each.startswith("/")]
    found = {target: send_request(served.client.port, request(target)) for target in targets}

    files = {target: answer for target, answer in found.items() if answer.status == 200}
    others = [target for target, answer in files.items() if _seen(answer) != _live(served, target)]

    assert len(files) > 3
    assert others == []


def _seen(answer: RawAnswer) -> tuple[int, bytes, str | None]:
    return answer.status, answer.body, answer.headers["Content-Security-Policy"]


def _live(served: StaticSite, target: str) -> tuple[int, bytes, str | None]:
    """Request a path from the server, decoded as a WSGI server does."""
    path = unquote_to_bytes(target.partition("#")[0].partition("?")[0].encode("latin-1"))
    environ = EnvironBuilder().get_environ() | {"PATH_INFO": path.decode("latin-1")}
    body, status, headers = run_wsgi_app(served.live.app.wsgi_app, environ, buffered=True)
    return int(status[:3]), b"".join(body), headers.get("Content-Security-Policy")


def test_a_page_that_moved_is_a_redirect_too(served: StaticSite) -> None:
    for path in ("/topics/machine-minds", "/embed/topics/machine-minds"):
        moved = served.get(path)

        assert moved.status_code == 301
        assert moved.headers["Location"] == served.live.get(path).headers["Location"]


@pytest.mark.parametrize(
    "path",
    ["/category/minds/feed/", "/category/minds/feed?x", "/tag/%e6%97%a5%E6%9C%AC/feed/atom/",
     "/index.php?feed=rss2", "/index.php?cat=3&x&feed=rss2", "/index.php?cat=3", "/index.php",
     "/index.php?feed=rss20", "/?feed=atom", "/?x=1&feed=atom"],
)  # fmt: skip
def test_an_old_address_redirects_as_the_server_does(served: StaticSite, path: str) -> None:
    found, expected = served.get(path), served.live.get(path)

    assert found.status_code == expected.status_code
    assert found.headers.get("Location") == expected.headers.get("Location")


@pytest.mark.parametrize(
    "path",
    ["/topics/ai/", "/topics/ai/?x", "/all/2026-11/", "/embed/all/", "/topics/machine-minds/",
     "/topics/machine-minds.rss", "/topics/nothing/", "/nothing/", "/feed/"],
)  # fmt: skip
def test_an_additional_slash_gets_the_response_of_the_server(served: StaticSite, path: str) -> None:
    found, expected = served.get(path), served.live.get(path)

    assert found.status_code == expected.status_code
    assert found.headers.get("Location") == expected.headers.get("Location")


def test_an_error_response_names_the_address_of_all_feeds(served: StaticSite) -> None:
    assert f"{SITE_URL}/\n".encode() in served.get("/topics/nothing").data
    assert f"{SITE_URL}/\n".encode() in served.get("/topics/ended").data


def test_nginx_needs_no_write_to_the_folder(served: StaticSite) -> None:
    modes = {os.stat(file).st_mode & 0o777 for file in served.folder.rglob("*") if file.is_file()}

    assert modes == {0o644}
