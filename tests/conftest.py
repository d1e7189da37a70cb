"""Fixtures: a real content folder, a real index and the real app."""

import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from hypothesis import HealthCheck, settings

from app import create_app
from feeds.sync import ContentSync
from feeds.web.flask_response import Web
from tests.programs import examples, skip_if_quick

# A busy machine must not fail a test.
settings.register_profile(
    "any machine",
    deadline=None,
    max_examples=examples(100),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("any machine")

#: 2026-11-20T12:00:00Z
NOW = 1_795_176_000

SITE_URL = "https://feeds.example.org"

#: A folder in memory, on Linux.
MEMORY = Path("/dev/shm")

#: Bytes that must be free in it.
ROOM = 1_000_000_000

#: Real content beside the checkout; see `corpus`.
SHARED = Path(__file__).parents[2] / "shared"


def pytest_configure(config: pytest.Config) -> None:
    """Choose the folder of temporary files, before the first test."""
    if os.environ.get("QUICK"):
        # On a disk, file operations take a third of the time of the quick tests.
        if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
            tempfile.tempdir = str(MEMORY)
    elif os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        # Compiling our code takes a fifth of the start of each process that a test starts.
        compiled = tempfile.TemporaryDirectory(prefix="compiled-")
        config.add_cleanup(compiled.cleanup)
        os.environ["PYTHONPYCACHEPREFIX"] = compiled.name


@pytest.fixture(scope="module", autouse=True)
def _module_collected() -> Iterator[None]:
    """Report unclosed resources of the fixtures of a module in that module."""
    # Objects that exist already are not examined again, which takes 0.2 s: only later ones can
    # be left open.
    gc.freeze()
    yield
    gc.collect()


@pytest.fixture(autouse=True)
def _collected(request: pytest.FixtureRequest) -> Iterator[None]:
    """Report unclosed resources of a test in that test rather than in a later one."""
    yield
    # A collection after each test takes a third of the time of the quick ones.
    if os.environ.get("QUICK"):
        return
    # pytest holds the fixtures until the test is over, which is too late.
    # None after Ctrl-C: pytest has dropped them already.
    (vars(request.node).get("funcargs") or {}).clear()
    gc.collect()


@dataclass
class Clock:
    """A clock that tests set."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now


@dataclass
class Content:
    """A content folder that tests write."""

    folder: Path

    def write(self, path: str, body: str = "", **front_matter: Any) -> Path:
        """Write a valid article with other values for some keys; None leaves a key out."""
        default = {
            "title": f"Title of {path}",
            "excerpt": "A short summary of what happened.",
            "publishedDateTime": "2026-11-01T10:00:00Z",
            "webUrl": f"https://news.example.com/{path}",
            "provider": {"name": "Example News", "domain": "news.example.com"},
            "topics": ["AI"],
        }
        keys = {k: v for k, v in (default | front_matter).items() if v is not None}
        # The dumper in Python takes 2 ms an article.
        front = yaml.dump(keys, Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False)
        return self.raw(path, f"---\n{front}---\n{body}")

    def raw(self, path: str, text: str | bytes) -> Path:
        """Write a file atomically: whole, then renamed into its place."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        written = target.with_name(f".{target.name}.new")
        written.write_bytes(text.encode() if isinstance(text, str) else text)
        os.replace(written, target)
        return target

    def remove(self, path: str) -> None:
        (self.folder / path).unlink()

    def write_numbered(self, count: int) -> None:
        """Write a number of valid articles: ``0.md`` and so on."""
        for number in range(count):
            self.write(f"{number}.md")

    def remove_numbered(self, count: int) -> None:
        """Remove the first of these, as many as given."""
        for number in range(count):
            self.remove(f"{number}.md")


@dataclass
class Site:
    """The app over a content folder, as in one process of a server."""

    app: Flask
    client: FlaskClient = field(init=False)
    runner: FlaskCliRunner = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.app.test_client()
        self.runner = self.app.test_cli_runner()

    @property
    def web(self) -> Web:
        found = self.app.extensions["tributary"]
        assert isinstance(found, Web)
        return found

    @property
    def sync(self) -> ContentSync:
        return self.web.sync

    def get(self, path: str, **headers: str) -> Any:
        """GET a path; a header ``if_none_match`` is If-None-Match."""
        return self.client.get(path, headers={k.replace("_", "-"): v for k, v in headers.items()})


@pytest.fixture
def clock() -> Clock:
    return Clock()


def content_in(folder: Path) -> Content:
    """Make a content folder in a folder."""
    content = Content(folder / "content")
    content.folder.mkdir()
    return content


def opened(folder: Path, clock: Clock, **environ: str) -> Site:
    """Open the site over the content folder in a folder, with its index up to date."""
    given = {
        "FEEDS_CONTENT_DIR": str(folder / "content"),
        "FEEDS_INSTANCE_DIR": str(folder / "instance"),
        "FEEDS_URL": SITE_URL,
    }
    site = Site(create_app(given | environ, clock))
    site.sync.refresh()
    return site


@pytest.fixture
def content(tmp_path: Path) -> Content:
    return content_in(tmp_path)


@pytest.fixture(params=["events", "poll"])
def followed(
    request: pytest.FixtureRequest,
    content: Content,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Site]:
    """Yield a site on the real clock; once started, it follows its folder, by each means."""
    skip_if_quick()
    monkeypatch.setattr("feeds.sync.watcher.POLL", 0.2)
    environ = {
        "FEEDS_CONTENT_DIR": str(content.folder),
        "FEEDS_INSTANCE_DIR": str(tmp_path / "instance"),
        "FEEDS_URL": SITE_URL,
        "FEEDS_WATCH": request.param,
    }
    site = Site(create_app(environ))
    yield site
    site.sync.stop()


@pytest.fixture
def open_site(content: Content, tmp_path: Path, clock: Clock) -> Callable[..., Site]:
    """Open the site over ``content``, with its index up to date; another environment if given."""
    return partial(opened, tmp_path, clock)


#: Opens a site over the content that a function writes.
OpenShared = Callable[[Callable[[Content], object]], Site]


@pytest.fixture(scope="module")
def open_shared(tmp_path_factory: pytest.TempPathFactory) -> OpenShared:
    """Return a function that opens a site for all tests of a module, in 20 ms; they only read."""

    def open(fill: Callable[[Content], object]) -> Site:
        folder = tmp_path_factory.mktemp("shared")
        fill(content_in(folder))
        return opened(folder, Clock())

    return open


@pytest.fixture
def site(open_site: Callable[..., Site]) -> Site:
    """Return a site over the empty content folder of the test."""
    return open_site()


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Return the folder of hundreds of real articles; without it, skip the test."""
    folder = SHARED / "corpus" / "power-apps"
    if not folder.is_dir():
        pytest.skip("no real articles beside this checkout")
    return folder


@pytest.fixture(scope="session")
def seed() -> Path:
    """Return the path of one real article."""
    file = SHARED / "seed" / "article.md"
    if not file.is_file():
        pytest.skip("no real articles beside this checkout")
    return file
