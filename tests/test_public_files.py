"""Tests of the public files at the root of the site: served unchanged, and nothing beside them."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from feeds.sync.public_files import MAX_PUBLIC
from tests.cluster.installation import Nginx
from tests.cluster.test_static_site import Client, StaticSite
from tests.conftest import SITE_URL, Content, OpenShared, Site
from tests.programs import need

KEY = "0f2b1c.txt"

#: Files, each with its media type.
SERVED = [
    (KEY, "text/plain; charset=utf-8"),
    (".well-known/security.txt", "text/plain; charset=utf-8"),
    (".well-known/nostr.json", "application/json"),
    ("license.xml", "text/xml; charset=utf-8"),
    ("favicon.ico", "image/vnd.microsoft.icon"),
    ("about/team.html", "text/html; charset=utf-8"),
    ("apple-app-site-association", "application/octet-stream"),
    ("old/feed.rss", "application/octet-stream"),
    # Its bytes are no text, and no header field names a coding.
    ("notes.txt.gz", "application/octet-stream"),
]

#: Files that are never served, each with the report of `flask check`.
REFUSED = [
    ("robots.txt", "an address of this site"),
    ("index.html", "an address of this site"),
    ("feed.xml", "an address of this site"),
    ("topics/ai.html", "an address of this site"),
    ("topics/new/page.html", "an address of this site"),
    ("all.rss.gz", "an address of this site"),
    (".well-known/feeds", "an address of this site"),
    ("draft.md", "an article"),
    ("a b.txt", "not a plain name"),
    ("a%2fb.txt", "not a plain name"),
    ('a"b.txt', "not a plain name"),
    ("é.txt", "not a plain name"),
]


def get(site: Site, path: str, **headers: str) -> Any:
    """GET a path, and close the file of the response."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return site.client.get(path, headers=given, buffered=True)


def fill(content: Content) -> None:
    outside = content.folder.parent
    content.write("a.md")
    for name, _ in SERVED:
        content.raw(f"public/{name}", f"<p>{name}</p>")
    for name, _ in REFUSED:
        content.raw(f"public/{name}", f"---\nsecured: UNSERVED\n---\nUNSERVED {name}")
    content.raw("public/.htpasswd", "UNSERVED")
    content.raw("public/.git/config", "UNSERVED")
    (outside / "outside.txt").write_text("UNSERVED")
    (outside / "outside").mkdir()
    (outside / "outside" / "deep.txt").write_text("UNSERVED")
    (content.folder / "public" / "link.txt").symlink_to(outside / "outside.txt")
    (content.folder / "public" / "linked").symlink_to(outside / "outside")
    os.mkfifo(content.folder / "public" / "pipe.txt")
    with (content.folder / "public" / "large.txt").open("wb") as file:
        file.truncate(MAX_PUBLIC + 1)


@pytest.fixture(scope="module")
def public(open_shared: OpenShared) -> Site:
    """Return a site for all tests that only send requests."""
    return open_shared(fill)


@pytest.mark.parametrize(("name", "media_type"), SERVED)
def test_a_public_file_is_served_unchanged(public: Site, name: str, media_type: str) -> None:
    answer = get(public, f"/{name}")

    assert (answer.status_code, answer.content_type) == (200, media_type)
    assert answer.get_data(True) == f"<p>{name}</p>"
    assert answer.headers["Cache-Control"] == "max-age=900"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    (policy,) = answer.headers.getlist("Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ")
    assert policy.endswith("; sandbox")
    again = get(public, f"/{name}", if_none_match=answer.headers["ETag"])
    dated = get(public, f"/{name}", if_modified_since=answer.headers["Last-Modified"])
    assert (again.status_code, again.data) == (304, b"")
    assert dated.status_code == 304


@pytest.mark.parametrize(
    "path",
    ["draft.md", "a%20b.txt", "a%252fb.txt", "a%22b.txt", "%C3%A9.txt", ".htpasswd", ".git/config",
     "link.txt", "linked/deep.txt", "pipe.txt", "large.txt", "nothing.txt", "about", "about/",
     ".well-known", "0f2b1c.txt/", "../a.md", "%2e%2e/a.md", "about/../0f2b1c.txt",
     "about//team.html", "topics/new/page.html", "index.html", "x" * 600, "%00.txt"],
)  # fmt: skip
def test_nothing_else_is_served(public: Site, path: str) -> None:
    answer = get(public, f"/{path}")

    assert answer.status_code == 404
    assert b"UNSERVED" not in answer.data


@pytest.mark.parametrize("path", ["/robots.txt", "/feed.xml", "/.well-known/feeds"])
def test_a_public_file_replaces_no_address_of_the_site(public: Site, path: str) -> None:
    answer = get(public, path)

    assert answer.status_code == 200
    assert b"UNSERVED" not in answer.data


def test_a_changed_public_file_is_served_at_once(
    content: Content, open_site: Callable[..., Site]
) -> None:
    content.raw(f"public/{KEY}", "first")
    site = open_site()
    assert get(site, f"/{KEY}").data == b"first"

    content.raw(f"public/{KEY}", "changed")

    assert get(site, f"/{KEY}").data == b"changed"
    content.remove(f"public/{KEY}")
    assert get(site, f"/{KEY}").status_code == 404


def test_check_names_each_public_file_that_is_not_served(public: Site) -> None:
    output = public.runner.invoke(args=["check"]).output

    for name, reason in REFUSED:
        assert f"public/{name}: not served: {reason}" in output
    for name in ("link.txt", "large.txt", "pipe.txt"):
        assert f"public/{name}: not served: a link, over 10000000 bytes, or unreadable" in output
    assert [name for name, _ in SERVED if f"public/{name}: not served" in output] == []


def test_a_public_folder_that_is_a_link_serves_nothing(
    content: Content, open_site: Callable[..., Site], tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / KEY).write_text("UNSERVED")
    (content.folder / "public").symlink_to(tmp_path / "elsewhere")

    assert get(open_site(), f"/{KEY}").status_code == 404


@pytest.fixture
def exported(public: Site, tmp_path: Path) -> Iterator[StaticSite]:
    need("nginx")
    folder = tmp_path / "feeds"
    done = public.runner.invoke(args=["export", str(folder)])
    assert done.exit_code == 0, done.output
    nginx = Nginx(tmp_path / "nginx")
    nginx.write(**{"nginx-static": {**nginx.listening, "/srv/feeds": str(folder)}})
    with nginx.running():
        yield StaticSite(Client(nginx.port), public, folder)


def test_an_export_has_the_public_files_and_nginx_serves_them_as_the_server_does(
    exported: StaticSite,
) -> None:
    for name, _ in SERVED:
        found, expected = exported.get(f"/{name}"), get(exported.live, f"/{name}")

        assert (exported.folder / name).read_bytes() == expected.data == found.data
        assert found.status_code == 200
        for header in ("Content-Security-Policy", "X-Content-Type-Options"):
            assert found.headers[header] == expected.headers[header]
        assert found.mimetype == expected.mimetype
        assert "Content-Encoding" not in found.headers
        again = exported.get(f"/{name}", if_none_match=found.headers["ETag"])
        assert again.status_code == 304

    assert exported.get("/robots.txt").data == get(exported.live, "/robots.txt").data
    assert exported.get("/topics/ai.html").status_code == 404
    assert exported.get("/link.txt").status_code == 404
    files = [file for file in exported.folder.rglob("*") if file.is_file()]
    assert [file for file in files if b"UNSERVED" in file.read_bytes()] == []
    assert f"{SITE_URL}/" in exported.get("/nothing.txt").data.decode()
