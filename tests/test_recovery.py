"""Tests of faults under a running server: it continues to serve, and recovers afterwards."""

import json
import logging
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from app import create_app
from feeds.articles.front_matter import parse
from feeds.index import IndexState, rebuild_if_corrupt
from feeds.locks import LeaderLock, locked
from feeds.sync import ingest
from feeds.sync.content_sync import PATIENCE
from feeds.sync.watcher import Watcher
from tests.conftest import NOW, SITE_URL, Clock, Content, Site
from tests.live_servers import workers
from tests.programs import skip_if_quick
from tests.stores import ended
from tests.waiting import wait_for
from tests.web_helpers import titles

OpenSite = Callable[..., Site]


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    return tmp_path / "instance"


def open_live(content: Path, instance: Path, **environ: str) -> Site:
    skip_if_quick()
    given = {
        "FEEDS_CONTENT_DIR": str(content),
        "FEEDS_INSTANCE_DIR": str(instance),
        "FEEDS_URL": SITE_URL,
    }
    site = Site(create_app(given | environ))
    site.sync.start()
    return site


@pytest.fixture
def live(content: Content, instance: Path) -> Iterator[Site]:
    """Yield the app of a worker, with two articles that were served already."""
    content.write("a.md", title="A")
    content.write("sub/b.md", title="B", topics=["Boats"])
    site = open_live(content.folder, instance)
    assert wait_for(lambda: titles(site) == ["A", "B"])
    # Before the watcher watches the folder, its first scan would find the change.
    content.write("first.md", title="First")
    assert wait_for(lambda: titles(site) == ["A", "B", "First"])
    yield site
    site.sync.stop()


def overwrite(path: Path) -> None:
    """Overwrite a file in place with noise."""
    with open(path, "r+b") as file:
        size = os.fstat(file.fileno()).st_size
        file.write(os.urandom(size))


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "overwritten": overwrite,
    "cut": lambda path: os.truncate(path, 5000),
    "emptied": lambda path: os.truncate(path, 0),
    "removed": lambda path: path.unlink(),
    "text": lambda path: path.write_text("no database " * 1000),
    "log cut": lambda path: os.truncate(f"{path}-wal", 5000),
    "log emptied": lambda path: os.truncate(f"{path}-wal", 0),
    "folder": as_folder,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_index_is_rebuilt_while_documents_are_served(
    content: Content, live: Site, instance: Path, damage: str
) -> None:
    """[70] Served documents stay served, and later articles are served, too."""
    before = live.get("/topics/boats.rss").data

    DAMAGES[damage](instance / "index.sqlite")
    content.write("c.md", title="C")
    seen = [live.get("/topics/boats.rss") for _ in range(50)]

    assert {(answer.status_code, answer.data) for answer in seen} == {(200, before)}
    assert wait_for(lambda: titles(live) == ["A", "B", "C", "First"])
    assert live.get("/topics/boats.rss").data == before
    assert live.get("/healthz").json["articles"] == 4


def test_a_new_index_is_created_without_an_examination(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feeds.index.integrity.check_tokens", lambda connection: 1 / 0)

    rebuild_if_corrupt(tmp_path / "index.sqlite")

    assert (tmp_path / "index.sqlite").is_file()


def test_a_worker_with_nothing_in_memory_waits_for_the_rebuild_of_a_damaged_index(
    live: Site, content: Content, instance: Path
) -> None:
    """[70] The other workers serve their last documents meanwhile."""
    new = open_live(content.folder, instance)
    answers: list[int] = []
    request = threading.Thread(target=lambda: answers.append(new.get("/all.json").status_code))

    with locked(instance / "index.lock"):
        overwrite(instance / "index.sqlite")
        request.start()
        assert wait_for(lambda: live.sync.shared.is_suspect)
        assert answers == []
    request.join(20)

    assert answers == [200]
    new.sync.stop()


def test_a_worker_waits_once_for_an_index_that_is_not_rebuilt(
    live: Site, content: Content, instance: Path
) -> None:
    new = open_live(content.folder, instance)

    with locked(instance / "index.lock"):
        overwrite(instance / "index.sqlite")
        first = new.get("/all.json")
        began = time.monotonic()
        second = new.get("/all.json")

    assert (first.status_code, second.status_code) == (503, 503)
    assert time.monotonic() - began < PATIENCE
    assert wait_for(lambda: new.get("/all.json").status_code == 200)
    new.sync.stop()


def test_a_database_of_another_program_is_not_changed_while_documents_are_served(
    content: Content, live: Site, instance: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The database replaced the index; after it is moved away, a new index is built."""
    path = instance / "index.sqlite"
    before = live.get("/topics/boats.rss").data
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE article (id INTEGER)")
    foreign = path.read_bytes()

    content.write("c.md", title="C")

    assert wait_for(lambda: f"{path}: has the tables of another program" in caplog.text)
    assert live.get("/topics/boats.rss").data == before
    assert path.read_bytes() == foreign
    path.unlink()
    assert wait_for(lambda: titles(live) == ["A", "B", "C", "First"])


def change_index(instance: Path, sql: str) -> None:
    """Execute a statement on the index while no server uses it."""
    with closing(sqlite3.connect(instance / "index.sqlite")) as connection:
        connection.execute(sql)
        connection.commit()


def test_a_letter_changed_in_the_index_is_never_served(
    content: Content, live: Site, instance: Path
) -> None:
    """No check of SQLite detects the change."""
    live.sync.stop()
    change_index(instance, "UPDATE article SET body = replace(body, '\"A\"', '\"X\"')")
    other = open_live(content.folder, instance)

    assert wait_for(lambda: other.get("/all.json").status_code == 200)
    assert titles(other) == ["A", "B", "First"]
    other.sync.stop()


def contradict(instance: Path) -> None:
    """Cause a damage that neither checks of SQLite nor requests of other feeds detect."""
    change_index(instance, "UPDATE membership SET hash = x'00' WHERE feed = 'topics/boats'")


def test_an_index_that_contradicts_itself_is_rebuilt_before_it_is_served(
    content: Content, live: Site, instance: Path, caplog: pytest.LogCaptureFixture
) -> None:
    live.sync.stop()
    contradict(instance)

    other = open_live(content.folder, instance)

    assert wait_for(lambda: other.get("/readyz").status_code == 200)
    assert titles(other, "topics/boats") == ["B"]
    assert "the index is damaged" in caplog.text
    other.sync.stop()


def test_a_damaged_table_of_tokens_is_rebuilt_before_it_is_served(
    content: Content, live: Site, instance: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A query of the table returns wrong results without an error."""
    live.sync.stop()
    change_index(instance, "UPDATE found_data SET block = zeroblob(50) WHERE id > 10")

    other = open_live(content.folder, instance)

    assert wait_for(lambda: other.get("/readyz").status_code == 200)
    assert "the index is damaged" in caplog.text
    assert titles(other, "search/first") == ["First"]
    assert titles(other, "mix/boats") == ["B"]
    other.sync.stop()


def test_an_index_that_contradicts_itself_is_not_served_though_the_folder_is_gone(
    content: Content,
    live: Site,
    instance: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    live.sync.stop()
    contradict(instance)
    environ = {"FEEDS_CONTENT_DIR": str(content.folder), "FEEDS_INSTANCE_DIR": str(instance)}
    other = Site(create_app(environ | {"FEEDS_URL": SITE_URL}))
    os.rename(content.folder, content.folder.with_name("away"))

    other.sync.start(patience=0)

    assert wait_for(lambda: "keeping up with the content folder failed" in caplog.text)
    assert "the index is damaged" in caplog.text
    assert other.get("/healthz").json["index"] == "unavailable"
    other.sync.stop()


@pytest.mark.parametrize("command", ["feeds", "refresh"])
def test_an_index_that_contradicts_itself_is_rebuilt_by_every_command(
    content: Content, live: Site, instance: Path, command: str, caplog: pytest.LogCaptureFixture
) -> None:
    live.sync.stop()
    contradict(instance)
    environ = {"FEEDS_CONTENT_DIR": str(content.folder), "FEEDS_INSTANCE_DIR": str(instance)}

    Site(create_app(environ | {"FEEDS_URL": SITE_URL})).runner.invoke(args=[command])

    assert "the index is damaged" in caplog.text


def test_a_command_leaves_the_examination_to_the_server_of_the_index(
    content: Content, live: Site, instance: Path, caplog: pytest.LogCaptureFixture
) -> None:
    contradict(instance)
    environ = {"FEEDS_CONTENT_DIR": str(content.folder), "FEEDS_INSTANCE_DIR": str(instance)}

    result = Site(create_app(environ | {"FEEDS_URL": SITE_URL})).runner.invoke(args=["feeds"])

    assert "/topics/boats.rss" in result.output
    assert "the index is damaged" not in caplog.text


def test_a_command_succeeds_though_the_index_cannot_be_examined(
    content: Content,
    open_site: OpenSite,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    content.write("a.md", topics=["Boats"])
    again = open_site()

    def fail(path: Path) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("feeds.sync.index_state_transitions.rebuild_if_corrupt", fail)
    monkeypatch.setattr(again.sync.lifecycle, "_is_examined", False)

    result = again.runner.invoke(args=["feeds"])

    assert "/topics/boats.rss" in result.output
    assert "the index cannot be examined" in caplog.text


def test_an_index_that_is_being_built_does_not_count_as_empty(
    content: Content, instance: Path
) -> None:
    content.write("a.md")
    environ = {"FEEDS_CONTENT_DIR": str(content.folder), "FEEDS_INSTANCE_DIR": str(instance)}
    site = Site(create_app(environ))

    answer = site.get("/all.rss")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert site.sync.state is IndexState.MISSING


def test_a_state_file_that_is_truncated_ends_no_process(
    content: Content, live: Site, instance: Path
) -> None:
    os.truncate(instance / "index.state", 0)
    content.write("c.md", title="C")

    assert wait_for(lambda: titles(live) == ["A", "B", "C", "First"])


def test_processes_agree_again_when_the_state_file_was_replaced(
    content: Content, live: Site, instance: Path
) -> None:
    other = open_live(content.folder, instance)
    assert titles(other) == ["A", "B", "First"]

    (instance / "index.state").unlink()
    content.write("c.md", title="C")

    assert wait_for(lambda: titles(live) == titles(other) == ["A", "B", "C", "First"])
    content.write("d.md", title="D")
    assert wait_for(lambda: titles(live) == titles(other) == ["A", "B", "C", "D", "First"])
    other.sync.stop()


def test_the_instance_folder_may_be_removed_while_it_is_used(
    content: Content, live: Site, instance: Path
) -> None:
    before = live.get("/all.rss").data

    shutil.rmtree(instance)
    assert live.get("/all.rss").data == before
    content.write("c.md", title="C")

    assert wait_for(lambda: titles(live) == ["A", "B", "C", "First"])
    assert (instance / "index.sqlite").exists()


def test_a_folder_that_replaces_the_content_folder_is_watched(content: Content, live: Site) -> None:
    """A mount or a new checkout replaces the folder in this way."""
    shutil.copytree(content.folder, content.folder.with_name("copy"))
    os.rename(content.folder, content.folder.with_name("old"))
    os.rename(content.folder.with_name("copy"), content.folder)
    time.sleep(0.5)
    content.write("c.md", title="C")

    assert wait_for(lambda: titles(live) == ["A", "B", "C", "First"])


def test_a_link_that_is_moved_to_the_next_version_is_followed(
    tmp_path: Path, instance: Path
) -> None:
    one, two = Content(tmp_path / "one"), Content(tmp_path / "two")
    one.write("a.md", title="One")
    two.write("a.md", title="Two")
    link = tmp_path / "current"
    link.symlink_to("one")
    site = open_live(link, instance)
    assert wait_for(lambda: titles(site) == ["One"])

    (tmp_path / "next").symlink_to("two")
    os.replace(tmp_path / "next", link)

    assert wait_for(lambda: titles(site) == ["Two"])
    two.write("b.md", title="Three")
    assert wait_for(lambda: titles(site) == ["Three", "Two"])
    site.sync.stop()


def test_without_file_events_the_folder_is_scanned(
    content: Content, instance: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise OSError("OS file watch limit reached")

    monkeypatch.setattr("feeds.sync.watcher.FolderEvents", fail)
    site = open_live(content.folder, instance)
    content.write("a.md", title="A")

    assert wait_for(lambda: titles(site) == ["A"])
    content.write("b.md", title="B")
    assert wait_for(lambda: titles(site) == ["A", "B"])
    site.sync.stop()


def test_a_server_starts_and_responds_though_its_content_folder_is_gone(
    content: Content, instance: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content.write("a.md", title="A")
    first = open_live(content.folder, instance)
    first.sync.stop()
    site = Site(create_app({
        "FEEDS_CONTENT_DIR": str(content.folder), "FEEDS_INSTANCE_DIR": str(instance),
        "FEEDS_URL": "https://another.example.org",
    }))  # fmt: skip
    away = content.folder.with_name("away")
    os.rename(content.folder, away)

    site.sync.start()

    assert titles(site) == ["A"]
    time.sleep(2.5)
    printed = [r.getMessage() for r in caplog.records if "keeping up" in r.getMessage()]
    os.rename(away, content.folder)
    content.write("b.md", title="B")
    assert wait_for(lambda: titles(site) == ["A", "B"])
    assert len(printed) == 1
    site.sync.stop()


def test_a_revision_that_was_committed_and_never_published_is_detected(
    content: Content, live: Site, instance: Path
) -> None:
    """The command was killed between commit and publication, and no event follows."""
    for number in range(20):
        content.write(f"many/{number}.md", title=f"Many {number}")
    assert wait_for(lambda: len(titles(live)) == 23)
    for file in (content.folder / "many").iterdir():
        file.unlink()
    (content.folder / "many").rmdir()
    assert wait_for(lambda: live.sync.held > 0)
    code = """if True:
        import os, signal
        from app import create_app
        from feeds.index import SharedState
        app = create_app()
        SharedState.publish = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
        app.extensions["tributary"].sync.refresh(is_confirmed=True)
    """
    environ = {
        "FEEDS_CONTENT_DIR": str(content.folder),
        "FEEDS_INSTANCE_DIR": str(instance),
        "FEEDS_URL": SITE_URL,
    }

    killed = subprocess.run([sys.executable, "-c", code], env=os.environ | environ)

    assert killed.returncode == -signal.SIGKILL
    assert wait_for(lambda: titles(live) == ["A", "B", "First"])


def test_a_killed_refresh_leaves_no_process_behind(content: Content, instance: Path) -> None:
    skip_if_quick()
    content.write_numbered(1200)
    environ = {
        "FEEDS_CONTENT_DIR": str(content.folder),
        "FEEDS_INSTANCE_DIR": str(instance),
        "FEEDS_URL": SITE_URL,
    }
    command = [sys.executable, "-m", "flask", "refresh"]
    with (
        subprocess.Popen(command, env=os.environ | environ, stdout=subprocess.DEVNULL) as refresh,
        ended(refresh, signal.SIGKILL),
    ):
        assert wait_for(lambda: len(workers(refresh.pid)) == os.cpu_count())
        readers = workers(refresh.pid)

    assert wait_for(lambda: not any(Path(f"/proc/{reader}").exists() for reader in readers))


def test_a_file_that_vanishes_while_its_folder_is_listed_affects_no_other(
    content: Content, site: Site
) -> None:
    for number in range(30):
        content.write(f"sub/{number}.md")
    site.sync.refresh()
    stopped = threading.Event()

    def churn() -> None:
        while not stopped.is_set():
            for number in range(20):
                (content.folder / f"sub/x{number}.md").write_text("half")
            for number in range(20):
                (content.folder / f"sub/x{number}.md").unlink()

    thread = threading.Thread(target=churn)
    thread.start()
    counts = set()
    for _ in range(300):
        counts.add(sum(len(f.stamps) for f in walked(content) if f.path == "sub") >= 30)
    stopped.set()
    thread.join()

    assert counts == {True}


def walked(content: Content) -> list[Any]:
    from feeds.sync import scan

    return list(scan.walk(content.folder))


@pytest.fixture
def nobody() -> Iterator[Path]:
    """Yield a folder, with the permissions of the user nobody, since root may read everything."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    umask = os.umask(0o022)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    yield folder
    if is_root:
        os.seteuid(0)
    os.umask(umask)
    subprocess.run(["chmod", "-R", "u+rwX", folder], check=True)
    shutil.rmtree(folder)


def open_at(folder: Path, clock: Clock) -> tuple[Content, Site]:
    content = Content(folder / "content")
    content.folder.mkdir()
    content.write("a.md", title="A")
    content.write("sub/b.md", title="B")
    environ = {
        "FEEDS_CONTENT_DIR": str(content.folder),
        "FEEDS_INSTANCE_DIR": str(folder / "instance"),
        "FEEDS_URL": SITE_URL,
    }
    site = Site(create_app(environ, clock))
    site.sync.refresh()
    return content, site


@pytest.mark.parametrize("rights", [0o000, 0o400, 0o100])
def test_a_folder_without_permissions_keeps_its_articles_and_is_named(
    nobody: Path, clock: Clock, caplog: pytest.LogCaptureFixture, rights: int
) -> None:
    content, site = open_at(nobody, clock)

    (content.folder / "sub").chmod(rights)
    content.write("c.md", title="C")
    site.sync.refresh()
    site.sync.refresh(["sub/b.md", "sub"])
    site.sync.refresh()

    assert titles(site) == ["A", "B", "C"]
    assert caplog.text.count("sub/: unreadable") == 1
    assert site.get("/healthz").json["not served"] == {"unreadable": 1}
    checked = json.loads(site.runner.invoke(args=["check", "--json"]).stdout)
    assert {e["file"]: e["reason"] for e in checked}["sub/"] == "unreadable"

    (content.folder / "sub").chmod(0o755)
    site.sync.refresh()
    assert site.get("/healthz").json["not served"] == {}


def test_a_file_is_read_again_when_its_permissions_are_corrected(
    nobody: Path, clock: Clock
) -> None:
    content, site = open_at(nobody, clock)
    content.write("a.md", title="Changed").chmod(0)
    site.sync.refresh()
    assert titles(site) == ["A", "B"]

    (content.folder / "a.md").chmod(0o644)
    site.sync.refresh()

    assert titles(site) == ["B", "Changed"]


def test_an_edit_that_keeps_size_and_time_is_indexed(content: Content, site: Site) -> None:
    file = content.write("a.md", title="Cat")
    os.utime(file, (1, 1))
    site.sync.refresh()

    text = file.read_text().replace("Cat", "Dog")
    file.write_text(text)
    os.utime(file, (1, 1))
    site.sync.refresh()

    assert titles(site) == ["Dog"]


def test_a_file_that_replaces_the_content_folder_is_no_loss(content: Content, site: Site) -> None:
    content.write("a.md", title="A")
    site.sync.refresh()
    shutil.rmtree(content.folder)
    content.folder.write_text("not a folder")

    with pytest.raises(NotADirectoryError):
        site.sync.refresh()

    assert titles(site) == ["A"]


def test_a_great_loss_is_held_back_also_when_the_settings_change(
    content: Content, site: Site, open_site: OpenSite
) -> None:
    content.write_numbered(30)
    site.sync.refresh()
    content.remove_numbered(25)
    content.raw("site.yml", "title: Another title")

    other = open_site()

    assert len(titles(other)) == 30
    other.sync.refresh(is_confirmed=True)
    assert len(titles(other)) == 5


def test_a_loss_is_held_back_again_after_one_that_was_accepted(
    content: Content, site: Site, clock: Clock
) -> None:
    for number in range(60):
        content.write(f"{number:02}.md")
    site.sync.refresh()
    for number in range(20):
        content.remove(f"{number:02}.md")
    site.sync.refresh()
    clock.now += 61
    report = site.sync.refresh([f"{number:02}.md" for number in range(20)])
    assert (report.gone, report.held) == (20, 0)

    for number in range(20, 40):
        content.remove(f"{number:02}.md")
    report = site.sync.refresh()

    assert (report.held, len(titles(site))) == (20, 40)


def test_a_loss_stays_reported_while_other_files_change(
    content: Content, site: Site, clock: Clock
) -> None:
    content.write_numbered(30)
    site.sync.refresh()
    content.remove_numbered(20)
    site.sync.refresh()

    content.write("new.md")
    report = site.sync.refresh(["new.md"])

    assert (report.held, report.due) == (20, NOW + 60)


def test_a_loss_that_needs_a_command_is_not_due(content: Content, site: Site, clock: Clock) -> None:
    """Otherwise the whole folder would be scanned four times a second."""
    content.write_numbered(12)
    site.sync.refresh()
    content.remove_numbered(12)
    site.sync.refresh()
    clock.now += 61

    report = site.sync.refresh()

    assert (report.held, report.due) == (12, None)


def test_an_embargoed_file_that_is_gone_when_it_is_due_is_read_later(
    content: Content, site: Site, clock: Clock
) -> None:
    content.write("a.md", title="A", publishedDateTime="2026-11-20T12:00:30Z")
    site.sync.refresh()
    os.rename(content.folder / "a.md", content.folder.with_name("a.md"))
    clock.now = NOW + 31
    report = site.sync.refresh([])
    assert report.due == NOW + 91

    os.rename(content.folder.with_name("a.md"), content.folder / "a.md")
    clock.now = NOW + 91
    site.sync.refresh([])

    assert titles(site) == ["A"]


def test_an_embargo_applies_again_when_the_clock_is_set_back(
    content: Content, site: Site, clock: Clock
) -> None:
    content.write("a.md", title="A", publishedDateTime="2026-11-20T12:00:00Z")
    site.sync.refresh()
    assert titles(site) == ["A"]

    clock.now = NOW - 3600
    report = site.sync.refresh([])
    assert (titles(site), report.due) == ([], NOW)

    clock.now = NOW
    site.sync.refresh([])
    assert titles(site) == ["A"]


def test_settings_changed_while_files_broke_keep_the_versions_that_were_served(
    content: Content, site: Site, open_site: OpenSite
) -> None:
    content.write("a.md", title="A")
    site.sync.refresh()
    content.raw("a.md", "broken while nobody looked")
    content.raw("site.yml", "title: Another title")

    assert titles(open_site()) == ["A"]


@pytest.mark.parametrize("change", ["removed", "withdrawn"])
def test_changed_settings_announce_articles_removed_meanwhile(
    content: Content, site: Site, open_site: OpenSite, change: str
) -> None:
    """[14]"""
    content.write("a.md", title="A", topics=["Boats"])
    content.write("b.md", title="B", topics=["Boats"])
    site.sync.refresh()
    content.write("a.md", deleted=True)
    if_removed = [content.folder / "a.md"] * (change == "removed")
    for file in if_removed:
        file.unlink()
    content.raw("site.yml", "title: Another title")

    after = open_site().get("/topics/boats.atom").text

    assert after.count("deleted-entry") == 1
    assert "<title>B</title>" in after or "B</title>" in after


def test_an_article_that_takes_another_id_is_announced_as_withdrawn(
    content: Content, site: Site
) -> None:
    content.write("a.md", id="one")
    site.sync.refresh()

    content.write("a.md", id="two")
    site.sync.refresh()

    assert 'ref="tag:tributary.localhost,2026:one"' in site.get("/all.atom").text


def test_a_file_that_stays_broken_is_named_once(
    content: Content, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    file = content.raw("a.md", "no front matter")
    site.sync.refresh()
    os.utime(file, (5, 5))
    site.sync.refresh()
    content.raw("a.md", "still no front matter")
    site.sync.refresh()

    assert caplog.text.count("a.md:1: no-front-matter") == 1


def test_several_refreshes_at_once_all_succeed(
    content: Content, live: Site, instance: Path
) -> None:
    for number in range(100):
        content.write(f"many/{number}.md", title=f"Many {number}")
    environ = os.environ | {
        "FEEDS_CONTENT_DIR": str(content.folder),
        "FEEDS_INSTANCE_DIR": str(instance),
        "FEEDS_URL": SITE_URL,
    }
    command = [sys.executable, "-m", "flask", "--app", "app", "refresh"]
    root = Path(__file__).parents[1]

    with ExitStack() as stack:
        started = [
            stack.enter_context(subprocess.Popen(command, env=environ, cwd=root)) for _ in range(3)
        ]

    assert [process.returncode for process in started] == [0, 0, 0]
    assert wait_for(lambda: live.get("/healthz").json["articles"] == 103)


def test_a_watcher_logs_an_error_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feeds.sync.watcher.PAUSE", 0.01)
    monkeypatch.setattr("feeds.sync.watcher.POLL", 0.01)
    tries = []

    class Broken:
        def refresh(self, below: object = ()) -> Any:
            tries.append(below)
            raise OSError("no space left on device")

        def log_site_changes(self, paths: object) -> None:
            pass

        def reopen(self) -> None:
            pass

        def self_heal(self) -> bool:
            return False

        def examine(self) -> None:
            pass

        def mark_verified(self) -> None:
            pass

    watcher = Watcher(tmp_path, LeaderLock(tmp_path / "lock"), Broken(), time.time, poll=True)
    watcher.start()
    assert wait_for(lambda: len(tries) >= 4)
    watcher.stop()
    watcher.join()

    assert [record.levelno for record in caplog.records].count(logging.ERROR) == 1


def test_a_file_that_causes_an_internal_error_is_skipped_alone(
    content: Content, site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    content.write("a.md", title="A")
    content.write("b.md", title="B")
    site.sync.refresh()

    def fail(text: bytes, path: str, context: Any) -> Any:
        if path == "a.md":
            raise KeyError("TOPSECRET")
        return parse(text, path, context)

    monkeypatch.setattr(ingest, "parse", fail)
    content.write("a.md", title="Changed")
    content.write("b.md", title="New")
    site.sync.refresh()

    assert titles(site) == ["A", "New"]
    assert "a.md: fault: a fault of ours (KeyError at test_recovery.py:" in caplog.text
    assert "TOPSECRET" not in caplog.text


def test_a_draft_that_causes_an_internal_error_is_withdrawn(
    content: Content, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    content.write("a.md", title="A")
    content.write("b.md", title="B")
    site.sync.refresh()

    def fail(text: bytes, path: str, context: Any) -> Any:
        raise KeyError

    monkeypatch.setattr(ingest, "parse", fail)
    content.write("a.md", title="A", draft=True)
    content.write("b.md", title="B", draft=False)
    site.sync.refresh()

    assert titles(site) == ["B"]
