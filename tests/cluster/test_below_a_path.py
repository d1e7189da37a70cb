"""Tests of sites below a path, with the lines for nginx in docs/operations.md."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from signal import SIGTERM

import pytest

from app import create_app
from tests.cluster.installation import Nginx, Node
from tests.conftest import Content, Site
from tests.crawling import Crawl, requested
from tests.live_servers import ROOT
from tests.test_below_a_path import write_pictures

OPERATIONS = (ROOT / "docs/operations.md").read_text()


def lines_of(heading: str) -> str:
    """Return the lines for nginx below a heading."""
    section = OPERATIONS.split(f"\n## {heading}\n")[1]
    return section.split("```nginx\n")[1].split("```")[0]


#: Starts the server behind the host, on a port; takes the address of the site.
Behind = Callable[[ExitStack, Content, Path, str], int]


def node(stack: ExitStack, content: Content, folder: Path, site: str) -> int:
    started = Node(content.folder, folder / "instance", "", site)
    started.start()
    stack.callback(started.end, SIGTERM)
    return started.port


def files(stack: ExitStack, content: Content, folder: Path, site: str) -> int:
    """Serve the exported site by nginx alone."""
    exported = folder / "feeds"
    environ = {
        "FEEDS_CONTENT_DIR": str(content.folder),
        "FEEDS_INSTANCE_DIR": str(folder / "instance"),
        "FEEDS_URL": site,
    }
    done = Site(create_app(environ)).runner.invoke(args=["export", str(exported)])
    assert done.exit_code == 0, done.output
    nginx = Nginx(folder / "static")
    nginx.write(**{"nginx-static": {**nginx.listening, "/srv/feeds": str(exported)}})
    stack.enter_context(nginx.running())
    return nginx.port


@pytest.mark.parametrize("behind", [node, files])
def test_every_address_that_the_site_names_is_served_behind_nginx(
    behind: Behind, content: Content, tmp_path: Path
) -> None:
    write_pictures(content)
    host = Nginx(tmp_path / "host")
    site = f"{host.url}/news"
    with ExitStack() as stack:
        port = behind(stack, content, tmp_path, site)
        host.write()
        lines = lines_of("Below a path of a host").replace("127.0.0.1:8000", f"127.0.0.1:{port}")
        server = f"server {{ listen 127.0.0.1:{host.port}; {lines} }}"
        (host.folder / "conf.d/host.conf").write_text(server)
        stack.enter_context(host.running())

        crawl = Crawl(site, requested).run()
        lists = [
            requested(f"{host.url}/.well-known/{name}") for name in ("feeds", "feed-menu.json")
        ]

    assert crawl.outside == set()
    assert crawl.refused == {}
    assert len(crawl.found) > 100
    assert [reply.status for reply in lists] == [200, 200]


def test_the_lines_for_a_small_site_serve_all_but_the_pages_for_operators(
    content: Content, tmp_path: Path
) -> None:
    write_pictures(content)
    host = Nginx(tmp_path / "host")
    with ExitStack() as stack:
        port = node(stack, content, tmp_path, host.url)
        host.write()
        lines = lines_of("A small site").replace("127.0.0.1:8000", f"127.0.0.1:{port}")
        lines = lines.replace("listen 80", f"listen 127.0.0.1:{host.port}")
        (host.folder / "conf.d/feeds.conf").write_text(lines)
        stack.enter_context(host.running())

        crawl = Crawl(host.url, requested).run()
        private = [requested(f"{host.url}/{name}") for name in ("metrics", "operators/subscribers")]

    assert crawl.outside == set()
    assert crawl.refused == {}
    assert len(crawl.found) > 100
    assert [reply.status for reply in private] == [404, 404]
