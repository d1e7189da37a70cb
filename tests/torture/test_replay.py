"""Stress test: hundreds of random edits while pollers read; feeds equal those of a fresh index.

A real server with two workers serves them over real sockets. After each pause the feeds are
compared with those of a fresh index of the same folder:

- the JSON feeds, byte for byte, whenever no file is broken (they contain neither withdrawals nor
  the time of the last one);
- the items of every format at any time, with the earlier versions of broken files, which this test
  keeps, since a fresh index lacks them.
"""

import os
import random
import shutil
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app import create_app
from tests.conftest import SHARED, SITE_URL, Content, Site
from tests.document_parsers import Item, items
from tests.live_servers import listener, serving, workers
from tests.torture.conftest import Figure, copy_articles, scaled
from tests.torture.polling import polled
from tests.waiting import wait_for

#: A word in every text that must not be served.
HIDDEN = "HIDDEN"
TOPICS = ("AI", "Boats", "Food", "C++")
FEEDS = ("all", "topics/ai", "topics/boats", "topics/food", "topics/c-plus-plus")
PATHS = [f"/{feed}.{format}" for feed in FEEDS for format in ("rss", "atom", "json")]


@dataclass
class Editor:
    """An editor that changes files in every way that editors do."""

    content: Content
    chance: random.Random
    edits: int = 0
    #: The broken files by name, each with the last version that was served.
    broken: dict[str, bytes] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return sorted(str(f.relative_to(self.content.folder)) for f in self.files())

    def files(self) -> Iterator[Path]:
        yield from self.content.folder.glob("edited/**/*.md")

    def edit(self) -> None:
        self.edits += 1
        self.chance.choice(
            [self.write, self.write, self.write, self.remove, self.move, self.hide, self.embargo,
             self.break_, self.repair, self.touch, self.halves, self.withdraw, self.folder,
             self.burst]
        )()  # fmt: skip

    def any(self) -> str:
        return self.chance.choice(self.names or ["edited/first.md"])

    def write(self, path: str = "", **changes: object) -> None:
        path = path or self.chance.choice([self.any(), f"edited/{self.edits}.md"])
        self.broken.pop(path, None)
        keys = {
            "title": f"Edit {self.edits} of {path}",
            "topics": self.chance.sample(TOPICS, self.chance.randrange(3)),
            "publishedDateTime": f"2026-{self.chance.randrange(1, 11):02}-01T10:00:00Z",
            "secured": HIDDEN,
        }
        self.content.write(path, f"Body {self.edits} " * 50, **(keys | changes))

    def remove(self) -> None:
        path = self.any()
        self.broken.pop(path, None)
        (self.content.folder / path).unlink(missing_ok=True)

    def move(self) -> None:
        path = self.any()
        if path not in self.broken and (self.content.folder / path).exists():
            (self.content.folder / path).rename(self.content.folder / f"edited/m{self.edits}.md")

    def hide(self) -> None:
        self.write(published=False, title=f"{HIDDEN} draft")

    def withdraw(self) -> None:
        self.write(self.any(), deleted=True, title=f"{HIDDEN} withdrawn")

    def embargo(self) -> None:
        later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86_400))
        self.write(publishedDateTime=later, title=f"{HIDDEN} embargoed")

    def break_(self) -> None:
        path = self.any()
        file = self.content.folder / path
        if path not in self.broken and file.exists() and HIDDEN + " " not in file.read_text():
            self.broken[path] = file.read_bytes()
            self.content.raw(path, f"---\ntitle: [ {HIDDEN} {self.edits}\n---\n")

    def repair(self) -> None:
        for path in list(self.broken)[:2]:
            self.write(path)

    def touch(self) -> None:
        file = self.content.folder / self.any()
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.exists():
            file.touch()

    def halves(self) -> None:
        """Write a file in place with a pause, as writers do that do not rename."""
        path = f"edited/h{self.edits}.md"
        self.write(path)
        whole = (self.content.folder / path).read_bytes()
        with open(self.content.folder / path, "wb", buffering=0) as file:
            file.write(whole[: len(whole) // 2])
            time.sleep(0.02)
            file.write(whole[len(whole) // 2 :])

    def folder(self) -> None:
        for number in range(3):
            self.write(f"edited/f{self.edits}/{number}.md")

    def burst(self) -> None:
        """Change many files at once, as a checkout of another version does."""
        for number in range(40):
            self.write(f"edited/burst/{number}.md")


@pytest.fixture
def editor(content: Content) -> Editor:
    real = SHARED / "corpus" / "power-apps" / "_news"
    if real.is_dir():
        copy_articles(real, content.folder / "real")
    found = Editor(content, random.Random(7))
    for number in range(20):
        found.write(f"edited/{number}.md")
    return found


def fresh(editor: Editor, folder: Path, with_broken: bool) -> Site:
    """Return the documents of a fresh index of the folder."""
    shutil.rmtree(folder, ignore_errors=True)
    copy = folder / "content"
    shutil.copytree(editor.content.folder, copy)
    for path, text in editor.broken.items():
        if with_broken:
            (copy / path).write_bytes(text)
    environ = {
        "FEEDS_CONTENT_DIR": str(copy),
        "FEEDS_INSTANCE_DIR": str(folder / "instance"),
        "FEEDS_URL": SITE_URL,
    }
    site = Site(create_app(environ))
    site.sync.refresh()
    return site


def get(address: str, path: str) -> bytes:
    try:
        with urllib.request.urlopen(address + path, timeout=10) as answer:
            body: bytes = answer.read()
            return body
    except urllib.error.HTTPError as error:
        return str(error.code).encode()


def is_settled(address: str, wanted: Site) -> Callable[[], bool]:
    """Return True if every feed equals that of a fresh index, in every worker that responds."""
    expected = {path: listed(wanted.get(path).data, path) for path in PATHS}

    def look() -> bool:
        return all(listed(get(address, path), path) == expected[path] for path in PATHS * 2)

    return look


def listed(document: bytes, path: str) -> list[Item]:
    return items(document, path.rpartition(".")[2]) if len(document) > 3 else []


def test_served_documents_equal_those_of_a_fresh_index(
    editor: Editor, tmp_path: Path, figure: Figure
) -> None:
    rounds, same_bytes, slowest = scaled(5, 60), 0, 0.0
    with (
        serving(
            editor.content.folder, tmp_path / "instance", FEEDS_WORKERS="2", FEEDS_URL=SITE_URL
        ) as address,
        polled(address, PATHS, 16, pause=0.05) as seen,
    ):
        assert wait_for(is_settled(address, fresh(editor, tmp_path / "fresh", True)))
        for _ in range(rounds):
            for _ in range(12):
                editor.edit()
                time.sleep(editor.chance.choice([0, 0, 0.05]))
            wanted = fresh(editor, tmp_path / "fresh", True)
            started = time.monotonic()
            assert wait_for(is_settled(address, wanted), 20)
            slowest = max(slowest, time.monotonic() - started)
            while editor.broken:
                editor.repair()
            bare = fresh(editor, tmp_path / "fresh", False)
            assert wait_for(is_settled(address, bare), 20)
            bodies = {p: (get(address, p), bare.get(p).data) for p in PATHS if p.endswith("json")}
            assert [p for p, (ours, theirs) in bodies.items() if ours != theirs] == []
            same_bytes += len(bodies)

    torn = [b for b in seen.bodies.values() if HIDDEN.encode() in b]
    unread = {poll.digest: poll.path for poll in seen.polls if poll.status == 200}
    for digest, path in unread.items():
        listed(seen.bodies[digest], path)
    failed = [p for p in seen.failed() if getattr(p, "status", 0) != 404]
    figure(
        f"replay: {editor.edits} edits in {rounds} rounds, {len(seen.polls)} polls of "
        f"{len(unread)} documents, {len(failed)} failed, 0 torn, {len(torn)} with a draft, "
        f"{same_bytes} documents byte for byte as fresh, settled within {slowest:.1f} s"
    )
    assert failed == []
    assert torn == []


def test_a_server_whose_first_process_is_killed_still_serves_new_saves(
    content: Content, tmp_path: Path
) -> None:
    """One of its workers becomes the leader."""
    content.write("a.md", title="A")
    with serving(content.folder, tmp_path / "instance", FEEDS_WORKERS="2") as address:
        for _ in range(20):
            get(address, "/all.json")
        first = listener(address)
        orphans = workers(first)
        os.kill(first, signal.SIGKILL)
        content.write("b.md", title="B")
        is_shown = wait_for(lambda: b'"B"' in get(address, "/all.json"))
        for worker in orphans:
            os.kill(worker, signal.SIGKILL)

    assert is_shown
