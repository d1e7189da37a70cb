"""Tests of the report of `flask check` on the folders that site.yml declares."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from feeds.cli.command_setup import Tools
from feeds.http_client import allow_any
from feeds.link_check import LinkResult, check_links
from tests.conftest import Content, Site
from tests.hosts import Host, running
from tests.test_folders import written

OpenSite = Callable[..., Site]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with running("tests.page_host", tmp_path) as found:
        yield found


def declare(content: Content, link: str) -> None:
    content.raw("site.yml", f"folders:\n  - folder: blog\n    link: '{link}'\n"
                "  - folder: none\n    link: https://none.example/{slug}\n")  # fmt: skip


def check(site: Site, *arguments: str) -> tuple[int, list[str]]:
    tools: Tools = site.app.extensions["tributary.tools"]
    site.app.extensions["tributary.tools"] = replace(tools, is_allowed=allow_any)
    result = site.runner.invoke(args=["check", *arguments])
    return result.exit_code, result.stderr.splitlines()


def test_check_ends_with_counts_and_the_newest_links_of_each_folder(
    content: Content, open_site: OpenSite
) -> None:
    declare(content, "https://blog.example/{slug}/")
    for day in range(1, 6):
        content.raw(f"blog/2024-03-0{day}-x{day}.md", written(title="x"))
    content.raw("blog/2024-03-07-a.md", written(title="x", draft=True))
    content.raw("blog/2024-03-07-b.md", written(title="x", expires="2020-01-01"))
    content.raw("blog/2024-03-07-c.md", written(title="x", date="2030-01-01"))
    content.raw("blog/d.md", written(title="x"))
    content.raw("blog/e.png", b"")
    content.write("news/a.md")

    code, lines = check(open_site())

    assert code == 1
    assert lines[1:] == [
        "blog: 5 served, 1 drafts, 1 embargoed, 1 withdrawn, 1 rejected; the newest:",
        "  blog/2024-03-05-x5.md -> https://blog.example/x5/",
        "  blog/2024-03-04-x4.md -> https://blog.example/x4/",
        "  blog/2024-03-03-x3.md -> https://blog.example/x3/",
        "none: 0 served",
    ]


def test_without_declared_folders_check_prints_one_line(
    content: Content, open_site: OpenSite
) -> None:
    content.write("news/a.md")

    assert check(open_site()) == (0, ["1 served, 0 rejected, 0 ignored"])


def test_existing_pages_are_counted(content: Content, open_site: OpenSite, host: Host) -> None:
    declare(content, host.url("status/200.{slug}"))
    for day in range(1, 10):
        content.raw(f"blog/2024-03-0{day}-x{day}.md", written(title="x"))

    code, lines = check(open_site(), "--links", "3")

    assert (code, lines[-1]) == (0, "3 of 3 pages are there")
    assert host.requests() == [f"GET /status/200.x{number}" for number in (9, 6, 3)]


@pytest.mark.parametrize("status", ["404 Not Found", "410 Gone", "500 Internal Server Error"])
def test_a_missing_page_fails_the_check(
    content: Content, open_site: OpenSite, host: Host, status: str
) -> None:
    link = host.url(f"status/{status[:3]}.{{slug}}")
    declare(content, link)
    content.raw("blog/2024-03-05-x.md", written(title="x"))

    code, lines = check(open_site(), "--links", "5")

    assert code == 1
    assert lines[-2:] == [
        f"{link.replace('{slug}', 'x')}: {status}: correct the link in site.yml",
        "0 of 1 pages are there",
    ]


def test_a_host_that_does_not_respond_has_no_pages(host: Host) -> None:
    urls = ["http://127.0.0.1:1/x", host.url("status/301"), host.url("status/299")]

    assert check_links(urls, allow_any) == [
        LinkResult(urls[0], "no answer (ConnectionRefusedError)", is_there=False),
        LinkResult(urls[1], "301 Moved Permanently", is_there=True),
        LinkResult(urls[2], "299", is_there=True),
    ]


def test_private_addresses_are_not_requested(host: Host) -> None:
    found = check_links([host.url("status/200")], lambda address: not address.is_loopback)

    assert [each.answer for each in found] == ["no answer (RequestRefused)"]
    assert host.requests() == []
