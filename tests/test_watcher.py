"""Tests of the watcher while the server runs, with real events, processes and kills."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread, Timer

import pytest

from app import create_app
from feeds.sync.folder_events import STEP, FolderEvents
from feeds.sync.site_file_changes import SiteFiles
from tests.conftest import SITE_URL, Content, Site
from tests.namespaces import in_a_namespace
from tests.programs import skip_if_quick
from tests.stores import ended
from tests.waiting import wait_for
from tests.web_helpers import titles


@pytest.fixture
def live(followed: Site, content: Content) -> Site:
    """Return the app of a worker on the real clock, with its watcher."""
    followed.sync.start()
    # Before the watcher watches the folder, its first scan would find the change.
    content.write("first.md", title="First")
    assert wait_for(lambda: titles(followed) == ["First"])
    return followed


def test_edits_of_files_are_indexed_soon(content: Content, live: Site) -> None:
    content.write("a.md", title="Renamed into place")
    assert wait_for(lambda: titles(live) == ["First", "Renamed into place"])

    with open(content.folder / "a.md", "a") as file:
        file.write("\n\nAn afterthought.\n")
    assert wait_for(lambda: "afterthought" in live.get("/all.json").text)

    os.rename(content.folder / "a.md", content.folder / "b.md")
    assert wait_for(lambda: "2026:b" in live.get("/all.json").text)

    content.remove("b.md")
    assert wait_for(lambda: titles(live) == ["First"])


def test_new_and_removed_folders_are_indexed_soon(content: Content, live: Site) -> None:
    content.write("new/deep/a.md", title="Deep")
    assert wait_for(lambda: titles(live) == ["Deep", "First"])

    os.rename(content.folder / "new", content.folder.with_name("away"))
    assert wait_for(lambda: titles(live) == ["First"])

    os.rename(content.folder.with_name("away"), content.folder / "back")
    assert wait_for(lambda: titles(live) == ["Deep", "First"])


def test_a_file_written_in_two_halves_is_read_when_it_is_complete(
    content: Content,
    live: Site,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A busy machine may delay the writer between the halves, but not that long.
    monkeypatch.setattr("feeds.sync.ingest.STILL", 1.5)
    whole = content.write("a.md", "The end.", title="Whole").read_text()
    assert wait_for(lambda: titles(live) == ["First", "Whole"])

    with open(content.folder / "a.md", "w") as file:
        file.write(whole[:40])
        file.flush()
        time.sleep(0.1)
        file.write(whole[40:].replace("The end.", "Another end."))

    assert wait_for(lambda: "Another end." in live.get("/all.json").text)
    assert "no-front-matter" not in caplog.text


def test_an_embargo_ends_on_time_without_any_event(content: Content, live: Site) -> None:
    due = int(time.time()) + 2
    content.write("a.md", title="Now", publishedDateTime=time.strftime(ISO, time.gmtime(due)))

    assert wait_for(lambda: "Now" in titles(live))
    assert time.time() >= due


ISO = "%Y-%m-%dT%H:%M:%SZ"


def test_changes_between_the_first_scan_and_the_first_event_are_not_missed(
    content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written_before(root: Path) -> FolderEvents:
        content.write("b.md", title="B")
        return FolderEvents(root)

    monkeypatch.setattr("feeds.sync.watcher.FolderEvents", written_before)
    content.write("a.md", title="A")
    site = Site(
        create_app(
            {
                "FEEDS_CONTENT_DIR": str(content.folder),
                "FEEDS_INSTANCE_DIR": str(tmp_path / "instance"),
            }
        )
    )
    site.sync.start()

    assert wait_for(lambda: titles(site) == ["A", "B"])
    site.sync.stop()


@pytest.mark.parametrize("name", ["site.yml", "topics.yml", "providers.yml"])
def test_a_changed_file_of_the_site_is_logged_once_as_needing_a_restart(
    content: Content, live: Site, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    content.raw(name, "# One\n")
    content.write("one.md", title="One")
    assert wait_for(lambda: "One" in titles(live))
    content.raw(name, "# Two\n")
    content.write("two.md", title="Two")
    assert wait_for(lambda: "Two" in titles(live))

    printed = [r.getMessage() for r in caplog.records if r.name == "feeds.sync.site_file_changes"]
    assert printed == [f"{name} changed: restart to apply"]


def test_a_file_of_the_site_with_the_same_text_needs_no_restart(
    content: Content, caplog: pytest.LogCaptureFixture
) -> None:
    content.raw("site.yml", "title: x\n")
    files = SiteFiles(content.folder)

    content.raw("site.yml", "title: x\n")
    content.raw("elsewhere/topics.yml", "- name: none of the site's\n")
    for paths in ({"site.yml", "elsewhere/topics.yml"}, {""}):
        files.log_changes(paths)

    assert caplog.records == []


def test_many_simultaneous_changes_cause_few_refreshes(content: Content, live: Site) -> None:
    before = live.sync.shared.revision()
    elsewhere = Content(content.folder.with_name("elsewhere"))
    files = [elsewhere.write(f"{number}.md", title=f"Article {number}") for number in range(300)]
    (content.folder / "many").mkdir()

    for file in files:
        os.rename(file, content.folder / "many" / file.name)

    assert wait_for(lambda: live.get("/healthz").json["articles"] == 301)
    assert live.sync.shared.revision() - before <= 15


@pytest.fixture
def events(content: Content) -> Iterator[FolderEvents]:
    skip_if_quick()
    events = FolderEvents(content.folder)
    yield events
    events.close()


def test_a_file_that_is_renamed_into_place_is_reported_at_once(
    content: Content, events: FolderEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feeds.sync.folder_events.STEP", 10)
    beside = content.folder / "a.md.new"
    beside.write_text("Whole.")
    os.replace(beside, content.folder / "a.md")

    began = time.monotonic()
    found = events.wait(1)

    assert found == {"a.md", "a.md.new"}
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("kind", ["written", "deleted", "moved away"])
def test_a_change_that_may_continue_is_reported_with_its_end(
    content: Content, kind: str, tmp_path: Path
) -> None:
    skip_if_quick()
    for name in ("a.md", "b.md"):
        (content.folder / name).write_text("One half.")
    with closing(FolderEvents(content.folder)) as events:
        begin: dict[str, Callable[[Path], object]] = {
            "written": lambda path: path.write_text("Another half."),
            "deleted": Path.unlink,
            "moved away": lambda path: path.rename(tmp_path / "elsewhere"),
        }
        begin[kind](content.folder / "a.md")
        end = Timer(STEP / 2, lambda: (content.folder / "b.md").write_text("Its end."))
        end.start()
        found = events.wait(1)
        end.join()

    assert found == {"a.md", "b.md"}


def test_consecutive_renames_are_reported_in_few_sets(
    content: Content, events: FolderEvents
) -> None:
    def rename_many() -> None:
        for number in range(300):
            beside = content.folder / f".{number}"
            beside.write_text("Whole.")
            os.replace(beside, content.folder / f"{number}.md")

    renaming = Thread(target=rename_many)
    renaming.start()
    found: set[str] = set()
    sets = 0
    while len(found) < 300:
        found |= events.wait(1)
        sets += 1
    renaming.join()

    assert sets <= 5


def test_another_process_takes_over_when_the_one_that_watches_is_killed(
    content: Content, tmp_path: Path
) -> None:
    skip_if_quick()
    environ = {
        "FEEDS_CONTENT_DIR": str(content.folder),
        "FEEDS_INSTANCE_DIR": str(tmp_path / "instance"),
        "FEEDS_URL": SITE_URL,
    }
    content.write("a.md", title="A")
    code = """if True:
        import time
        from app import create_app
        create_app().extensions["tributary"].sync.start()
        time.sleep(60)
    """
    with (
        subprocess.Popen([sys.executable, "-c", code], env=os.environ | environ) as first,
        ended(first, signal.SIGKILL),
    ):
        site = Site(create_app(environ))
        # The first process watches the folder once its changes are served.
        assert wait_for(lambda: site.get("/readyz").status_code == 200, 40)
        site.sync.start()
        content.write("b.md", title="B")
        assert wait_for(lambda: titles(site) == ["A", "B"])

    content.write("c.md", title="C")

    assert wait_for(lambda: titles(site) == ["A", "B", "C"])
    site.sync.stop()


@pytest.mark.parametrize("limit", ["max_inotify_instances", "max_inotify_watches"])
def test_events_are_used_again_when_the_kernel_has_free_watches(
    content: Content, tmp_path: Path, limit: str
) -> None:
    """The limit is a real one: that of a user namespace, which affects no other program."""
    (content.folder / "news").mkdir()

    printed = in_a_namespace(
        _WITHOUT_EVENTS, str(content.folder), str(tmp_path / "instance"), limit
    )

    assert printed.splitlines() == ["polled", "watches: 2", "by events"]


_WITHOUT_EVENTS = """
import logging, sys
from pathlib import Path
from app import create_app
from feeds.sync import watcher
from tests.conftest import Content, Site
from tests.waiting import wait_for

lines = []
logging.getLogger().addHandler(logging.StreamHandler(sys.stderr))
logging.getLogger().setLevel(logging.INFO)
logging.getLogger("feeds.sync.watcher").addFilter(lambda r: lines.append(r.getMessage()) or True)
limit = Path("/proc/sys/user", sys.argv[3])
least = {"max_inotify_watches": "1", "max_inotify_instances": "0"}
limit.write_text(least[limit.name])
watcher.POLL, watcher.RETRY = 0.05, 0.5
content = Content(Path(sys.argv[1]))
site = Site(create_app({"FEEDS_CONTENT_DIR": sys.argv[1], "FEEDS_INSTANCE_DIR": sys.argv[2]}))
titles = lambda: {item["title"] for item in site.get("/all.json").json["items"]}
site.sync.start()
content.write("news/a.md", title="A")
assert wait_for(lambda: "A" in titles())
assert wait_for(lambda: any("no file events" in line for line in lines)), lines
print("polled")

limit.write_text("100")
assert wait_for(lambda: "file events work again" in lines), lines
fds = Path("/proc/self/fdinfo").iterdir()
print("watches:", sum(fd.read_text().count("inotify wd:") for fd in fds if fd.exists()))
# Nobody would see by polling now what is written next.
watcher.POLL = watcher.RESCAN = 3600
content.write("news/b.md", title="B")
assert wait_for(lambda: "B" in titles())
print("by events")
site.sync.stop()
"""
