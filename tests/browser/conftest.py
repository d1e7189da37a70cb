"""Fixtures: a real browser and a real server."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from feeds.subscribers.counting import SUBSCRIBERS, DayCount, Subscribers
from tests.conftest import Content
from tests.live_servers import ROOT, served, serving
from tests.programs import need
from tests.stores import free_port
from tests.web_helpers import TOPICS

#: Arguments of the browser: no requests of its own, and nothing that a container lacks.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

#: The token for the page of operators.
TOKEN = "of-those-who-look"

#: The host of the images of articles; no test requests them.
PICTURES = "https://pictures.example"


def write_content(folder: Path) -> None:
    """Write articles over three months, with own images, images on another host, and none."""
    content = Content(folder)
    content.raw("site.yml", "title: The River Paper\ndescription: News from one river.\n")
    content.raw("topics.yml", TOPICS)
    shutil.copytree(ROOT / "content" / "pictures", folder / "pictures")
    for number in range(24):
        content.write(
            f"{number}.md",
            title=f"Article {number} of the river",
            publishedDateTime=f"2026-{9 + number % 3:02}-{number % 18 + 1:02}T08:00:00Z",
            topics=["River", "Café"] if number % 2 else ["Ferries"],
            images=[
                {
                    "url": "/pictures/ferry-dawn.jpg" if number % 3 else f"{PICTURES}/{number}.jpg",
                    "width": 1200,
                    "height": 675,
                    "title": "A picture",
                }
            ],
            related=[{"title": "More of it", "webUrl": "https://other.example.com/more"}],
        )
    content.write(
        "ar.md",
        title="سفينة جديدة تعبر النهر",
        excerpt="وصلت السفينة الجديدة إلى الميناء صباح اليوم.",
        publishedDateTime="2026-09-02T08:00:00Z",
        topics=[],
        provider={"name": "النهر", "domain": "ar.example"},
        related=[{"title": "مقال آخر", "webUrl": "https://other.example.com/ar"}],
    )


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of a server that runs as in production, over a folder of its own."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "content").mkdir()
    write_content(folder / "content")
    (folder / "instance").mkdir()
    today = int(time.time()) // 86_400
    Subscribers(folder / "instance" / SUBSCRIBERS).merge(
        DayCount(feed, today - ago, (40 - ago) * 3, ago % 7)
        for feed in ("all", "topics/river", "providers/news.example.com")
        for ago in range(30)
    )
    with serving_at_its_address(folder / "content", folder / "instance") as address:
        yield address


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of a server over the sample articles."""
    with serving_at_its_address(ROOT / "content", tmp_path_factory.mktemp("samples")) as address:
        yield address


@contextmanager
def serving_at_its_address(content: Path, instance: Path) -> Iterator[str]:
    """Run a server with its own address as FEEDS_URL, as on a public site."""
    port = str(free_port())
    url = f"http://127.0.0.1:{port}"
    given = {"FEEDS_URL": url, "FEEDS_OPERATOR_TOKEN": TOKEN, "PORT": port}
    with serving(content, instance, **given) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = need("chromium")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield found
        found.close()


@dataclass
class Visit:
    """A page in a browser, with its requests and its errors."""

    page: Page
    server: str
    requested: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        self.page.goto(self.server + path, wait_until="load")
        return self.page


def visit(context: BrowserContext, server: str) -> Visit:
    """Open a new page, in which images on other hosts fail at once."""
    made = Visit(context.new_page(), server)
    context.route(f"{PICTURES}/**", lambda route: route.abort())
    made.page.on("request", lambda request: made.requested.append(request.url))
    made.page.on("pageerror", lambda error: made.complaints.append(str(error)))
    made.page.on("console", partial(_complain, made))
    return made


def _complain(made: Visit, message: Any) -> None:
    if message.type in ("error", "warning") and PICTURES not in message.location["url"]:
        made.complaints.append(message.text)


@pytest.fixture
def desktop(browser: Browser, server: str) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield visit(context, server)
    context.close()


@pytest.fixture
def phone(browser: Browser, server: str) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True)
    yield visit(context, server)
    context.close()


@pytest.fixture
def plain(browser: Browser, server: str) -> Iterator[Visit]:
    """Yield a page of a browser that runs no scripts."""
    context = browser.new_context(java_script_enabled=False)
    yield visit(context, server)
    context.close()


@pytest.fixture
def other_site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """Yield another origin: the folder of its pages, and its address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

    handler = partial(Quiet, directory=str(tmp_path))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    with served(server):
        yield tmp_path, f"http://localhost:{server.server_address[1]}"
