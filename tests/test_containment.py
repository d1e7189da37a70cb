"""Tests of symbolic links in the content folder: nothing behind one is read, watched or served."""

import ctypes
import os
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from app import create_app
from feeds.errors import ArticleError, SettingsError
from feeds.sync import scan
from feeds.sync.containment import LinkedFolder, entry, open_folder, status
from feeds.sync.folder_events import FolderEvents
from tests.conftest import Content, Site
from tests.namespaces import in_a_namespace
from tests.programs import descriptors
from tests.waiting import wait_for
from tests.web_helpers import titles

OpenSite = Callable[..., Site]

PNG = b"\x89PNG\r\n\x1a\n"


def unserved(site: Site) -> dict[str, int]:
    found: dict[str, int] = site.get("/healthz").json["not served"]
    return found


@pytest.fixture
def outside(content: Content) -> Content:
    folder = content.folder.with_name("outside")
    folder.mkdir()
    return Content(folder)


Start = Callable[[], Site]


@pytest.fixture
def start(followed: Site, content: Content) -> Start:
    """Start the site of a content folder with one article in ``news``, and its watcher."""
    content.write("news/n1.md", title="News")

    def started() -> Site:
        followed.sync.start()
        seen(content, followed, "warm")
        return followed

    return started


@pytest.fixture
def live(start: Start) -> Site:
    return start()


def seen(content: Content, site: Site, name: str) -> None:
    """Write an article and wait until it is served: every earlier change is indexed then."""
    content.write(f"mark-{name}.md", title=f"Mark {name}")
    assert wait_for(lambda: f"Mark {name}" in titles(site))
    content.remove(f"mark-{name}.md")
    assert wait_for(lambda: f"Mark {name}" not in titles(site))


# While the server runs.


def test_files_behind_a_link_to_the_outside_are_never_served(
    content: Content, outside: Content, start: Start
) -> None:
    (content.folder / "linked").symlink_to(outside.folder)
    site = start()
    (content.folder / "linked-later").symlink_to(outside.folder)

    outside.write("secret.md", title="Outside")
    outside.write("deep/secret.md", title="Outside and deep")
    seen(content, site, "after")

    assert titles(site) == ["News"]
    assert unserved(site) == {"outside": 2}


def test_an_edit_is_reported_at_the_real_path_though_a_link_leads_to_the_folder(
    content: Content, start: Start
) -> None:
    """A watch belongs to a folder rather than to a path: the last path would be reported."""
    (content.folder / "aaa").symlink_to("news")
    (content.folder / "today").symlink_to("news")
    live = start()

    content.write("news/n1.md", title="News, edited")
    assert wait_for(lambda: "News, edited" in titles(live))
    assert [item["id"] for item in live.get("/all.json").json["items"]] == [
        "tag:tributary.localhost,2026:news/n1"
    ]
    content.write("news/n1.md", title="News, edited", published=False)
    assert wait_for(lambda: titles(live) == [])


def test_a_link_upwards_causes_no_second_read(
    content: Content, outside: Content, start: Start
) -> None:
    (content.folder / "up").symlink_to("..")
    (content.folder / "news/self").symlink_to(".")
    live = start()

    outside.write("secret.md", title="Outside")
    content.write("news/n2.md", title="More")
    seen(content, live, "after")

    assert titles(live) == ["More", "News"]
    assert unserved(live) == {"outside": 2}


def test_the_articles_of_a_folder_are_gone_while_it_is_a_link(content: Content, live: Site) -> None:
    news, away = content.folder / "news", content.folder.with_name("away")
    os.rename(news, away)
    news.symlink_to(away)
    assert wait_for(lambda: titles(live) == [])

    Content(away).write("n1.md", title="News, written while away")
    seen(content, live, "away")
    assert titles(live) == []

    news.unlink()
    os.rename(away, news)
    assert wait_for(lambda: titles(live) == ["News, written while away"])
    content.write("news/n1.md", title="News, at home")
    assert wait_for(lambda: titles(live) == ["News, at home"])


def test_folders_that_are_moved_replaced_and_created_again_stay_watched(
    content: Content, live: Site
) -> None:
    news = content.folder / "news"
    os.rename(news, content.folder / "moved")
    content.write("moved/n2.md", title="In the moved one")
    assert wait_for(lambda: titles(live) == ["In the moved one", "News"])

    shutil.rmtree(content.folder / "moved")
    content.write("moved/deep/n3.md", title="In the new one")
    assert wait_for(lambda: titles(live) == ["In the new one"])

    # It replaces an empty folder, for which the kernel sends no event.
    news.mkdir()
    os.rename(content.folder / "moved", news)
    content.write("news/deep/n3.md", title="In the replaced one")
    assert wait_for(lambda: titles(live) == ["In the replaced one"])


@pytest.mark.parametrize("also_gone", [0, 15])
def test_a_large_folder_that_becomes_a_link_is_no_great_loss(
    content: Content, site: Site, tmp_path: Path, also_gone: int
) -> None:
    for number in range(20):
        content.write(f"a/{number}.md", title=f"A {number}")
        content.write(f"b/deep/{number}.md", title=f"B {number}")
    site.sync.refresh()
    for number in range(also_gone):
        content.remove(f"a/{number}.md")
    os.rename(content.folder / "b", tmp_path / "b")
    (content.folder / "b").symlink_to(tmp_path / "b")

    report = site.sync.refresh()

    served = [item["title"] for item in site.get("/all.json").json["items"]]
    assert (report.held, len(served)) == (also_gone, 20)
    assert [title for title in served if title.startswith("B")] == []


def test_a_file_that_becomes_a_link_is_not_read(
    content: Content, outside: Content, live: Site
) -> None:
    secret = outside.write("secret.md", title="Outside")
    (content.folder / "next").symlink_to(secret)
    os.replace(content.folder / "next", content.folder / "news/n1.md")
    assert wait_for(lambda: unserved(live) == {"outside": 1})

    # The served version stays, as of any unusable file.
    assert titles(live) == ["News"]


def test_the_content_folder_itself_may_be_reached_by_links(
    content: Content, tmp_path: Path
) -> None:
    (tmp_path / "real").symlink_to("content")
    (tmp_path / "here").symlink_to(".")
    content.raw("site.yml", "title: By links")
    content.raw("pictures/cat.png", PNG)
    site = Site(
        create_app(
            {
                "FEEDS_CONTENT_DIR": str(tmp_path / "here/real"),
                "FEEDS_INSTANCE_DIR": str(tmp_path / "instance"),
            }
        )
    )
    site.sync.start()

    content.write("a.md", title="A")
    assert wait_for(lambda: titles(site) == ["A"])
    assert site.get("/all.json").json["title"] == "By links"
    assert site.client.get("/pictures/cat.png", buffered=True).data == PNG
    site.sync.stop()


# Watches.


def test_only_real_folders_are_watched(content: Content, outside: Content) -> None:
    """The kernel lists the watches of a process in /proc."""
    (content.folder / "news/deep").mkdir(parents=True)
    (content.folder / ".git/objects").mkdir(parents=True)
    (outside.folder / "deep").mkdir()
    (content.folder / "up").symlink_to("..")
    (content.folder / "linked").symlink_to(outside.folder)

    before = watches()
    events = FolderEvents(content.folder)

    assert watches() - before == len(["", "news", "news/deep"])
    events.close()


def watches() -> int:
    """Return the number of inotify watches of this process."""
    texts = []
    for file in Path("/proc/self/fdinfo").iterdir():
        try:
            texts.append(file.read_text())
        except FileNotFoundError:
            continue
    return sum(text.count("inotify wd:") for text in texts)


def test_a_watch_ends_when_its_folder_is_moved_away(content: Content) -> None:
    (content.folder / "news/deep").mkdir(parents=True)
    before = watches()
    events = FolderEvents(content.folder)

    os.rename(content.folder / "news", content.folder.with_name("away"))
    assert wait_for(lambda: "news" in events.wait(0.1))
    assert watches() - before == 1

    os.rename(content.folder.with_name("away"), content.folder / "back")
    assert wait_for(lambda: "back" in events.wait(0.1))
    assert watches() - before == 3
    (content.folder / "back/deep/a.md").touch()
    assert wait_for(lambda: "back/deep/a.md" in events.wait(0.1))
    events.close()


def test_lost_events_cause_a_scan(content: Content) -> None:
    events = FolderEvents(content.folder)
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    names = [str(content.folder / f"{number}.md") for number in range(2)]

    for number in range(most // 2):
        os.close(os.open(names[number % 2], os.O_CREAT | os.O_WRONLY))
        os.unlink(names[number % 2])

    assert wait_for(lambda: bool(events.wait(0)) and events.are_lost)
    events.close()


def test_a_folder_that_is_mounted_at_a_second_path_is_read_at_both(tmp_path: Path) -> None:
    """A bind mount is no link: the kernel shows one folder at two paths."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()

    printed = in_a_namespace(_SEEN, str(tmp_path))

    assert printed.split() == ["one/a.md", "two/a.md"]


_SEEN = """
import subprocess, sys
from pathlib import Path
from feeds.sync.folder_events import FolderEvents
root = Path(sys.argv[1])
subprocess.run(["mount", "--bind", root / "one", root / "two"], check=True)
events = FolderEvents(root)
(root / "one/a.md").touch()
print(*sorted(events.wait(10)))
"""


# Paths.


def test_a_path_leads_through_no_link_and_not_upwards(content: Content, outside: Content) -> None:
    content.write("news/n1.md")
    outside.write("secret.md")
    (content.folder / "today").symlink_to("news")
    (content.folder / "news/out").symlink_to(outside.folder)
    (content.folder / "up").symlink_to("..")

    for path in ("today/n1.md", "news/out/secret.md", "up/outside/secret.md"):
        for opened in (status, open_entry, open_folder):
            with pytest.raises(LinkedFolder):
                opened(content.folder, path)
    for path in (
        "../outside/secret.md",
        "news/../../outside/secret.md",
        "/etc/passwd",
        "news//n1.md",
        "news/./n1.md",
        "a\0.md",
        "\ud800.md",
    ):
        for opened in (status, open_entry, open_folder):
            with pytest.raises(FileNotFoundError):
                opened(content.folder, path)
    with pytest.raises(LinkedFolder):
        open_folder(content.folder, "today")


def open_entry(root: Path, path: str) -> int:
    with entry(root, path) as found:
        return found.open()


def test_a_folder_swapped_for_a_link_at_any_moment_leaks_nothing(
    content: Content, outside: Content
) -> None:
    """Two threads: one swaps a folder and a link with one system call each, the other reads."""
    content.raw("news/n1.md", "inside")
    outside.raw("n1.md", "outside")
    outside.raw("only-outside.md", "outside")
    news, link = content.folder / "news", content.folder / ".link"
    link.symlink_to(outside.folder)
    over = threading.Event()
    swaps = 0

    def swap() -> None:
        nonlocal swaps
        while not over.is_set():
            exchange(news, link)
            swaps += 1

    swapping = threading.Thread(target=swap)
    swapping.start()
    seen, listed = set(), set()
    for _ in range(5_000):
        with suppress(FileNotFoundError, NotADirectoryError):
            seen.add(scan.read(content.folder, "news/n1.md"))
        listed |= {folder.prefix + n for folder in scan.walk(content.folder) for n in folder.stamps}
    over.set()
    swapping.join()

    assert swaps > 100
    assert seen == {b"inside"}
    assert listed == {"news", "news/n1.md"}


def exchange(one: Path, other: Path) -> None:
    """Exchange two names atomically."""
    done = ctypes.CDLL(None, use_errno=True).renameat2(
        AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE
    )
    assert done == 0, os.strerror(ctypes.get_errno())


AT_FDCWD, RENAME_EXCHANGE = -100, 2


def test_reading_a_link_raises_the_error_for_links(content: Content) -> None:
    (content.folder / "link.md").symlink_to("a.md")

    with pytest.raises(ArticleError, match="a symbolic link, which is not followed: put the file"):
        scan.read(content.folder, "link.md")


# Commands, images and the files of the site.


def test_check_names_each_link_once_and_nothing_behind_it(
    content: Content, outside: Content, site: Site
) -> None:
    content.write("news/n1.md")
    outside.write("secret.md")
    content.raw("pictures/cat.png", PNG)
    (content.folder / "today").symlink_to("news")
    (content.folder / "linked").symlink_to(outside.folder)
    (content.folder / "pictures/more").symlink_to(outside.folder)
    (content.folder / "pictures/dog.png").symlink_to("cat.png")
    (content.folder / ".hidden").symlink_to(outside.folder)

    result = site.runner.invoke(args=["check"])

    link = "outside: a symbolic link, which is not followed: put the file or folder itself in its"
    assert result.stdout.splitlines() == [
        ".hidden: not-an-article: "
        "only files whose names end in .md, and do not begin with a dot, are articles; "
        ".markdown and .mdx below a folder of site.yml",
        f"linked: {link} place",
        "news/n1.md: served",
        f"pictures/dog.png: {link} place",
        f"pictures/more: {link} place",
        f"today: {link} place",
    ]
    assert result.exit_code == 1


def test_a_refresh_logs_a_link_once(
    content: Content, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    (content.folder / "today").symlink_to("news")

    site.sync.refresh()
    site.sync.refresh()

    assert caplog.text.count("today: outside: a symbolic link") == 1


def test_explain_names_the_folder_of_a_path_that_is_a_link(content: Content, site: Site) -> None:
    content.write("news/n1.md")
    (content.folder / "today").symlink_to("news")

    printed = [
        site.runner.invoke(args=["explain", path]).output for path in ("today/n1.md", "today")
    ]

    assert printed == [
        "today/n1.md: outside: behind today, a symbolic link, which is not followed\n",
        "today: outside: a symbolic link, which is not followed: "
        "put the file or folder itself in its place\n",
    ]


def test_a_refresh_of_given_paths_reads_nothing_behind_a_link(content: Content, site: Site) -> None:
    content.write("news/n1.md", title="News")
    (content.folder / "today").symlink_to("news")

    site.sync.refresh(["today/n1.md", "today/", "today"])

    assert titles(site) == []
    assert unserved(site) == {"outside": 1}


@pytest.fixture
def linked_images(content: Content, outside: Content) -> list[str]:
    """Return the names of images behind links."""
    content.raw("pictures/cat.png", PNG)
    content.raw("pictures/real/cat.png", PNG)
    outside.raw("secret.png", b"secret")
    folder = content.folder / "pictures"
    (folder / "outside").symlink_to(outside.folder)
    (folder / "inside").symlink_to("real")
    (folder / "dog.png").symlink_to("cat.png")
    return ["outside/secret.png", "inside/cat.png", "dog.png"]


def test_no_image_behind_a_link_is_served_measured_or_exported(
    content: Content, linked_images: list[str], open_site: OpenSite, tmp_path: Path
) -> None:
    images = [{"url": f"/pictures/{name}"} for name in [*linked_images, "real/cat.png"]]
    content.write("a.md", images=images)
    site = open_site()

    answers = [site.client.get(f"/pictures/{name}", buffered=True) for name in linked_images]
    lengths = [image.get("size_in_bytes") for image in attachments(site)]
    site.runner.invoke(args=["export", str(tmp_path / "site")])

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert lengths == [None, None, None, len(PNG)]
    exported = tmp_path / "site/pictures"
    files = (path for path in exported.rglob("*") if path.is_file())
    assert sorted(str(path.relative_to(exported)) for path in files) == ["cat.png", "real/cat.png"]


def attachments(site: Site) -> list[dict[str, object]]:
    found: list[dict[str, object]] = site.get("/all.json").json["items"][0]["attachments"]
    return found


def test_no_image_is_served_when_their_folder_is_a_link(content: Content, outside: Content) -> None:
    outside.raw("secret.png", b"secret")
    (content.folder / "pictures").symlink_to(outside.folder)
    site = Site(create_app({"FEEDS_CONTENT_DIR": str(content.folder),
                            "FEEDS_INSTANCE_DIR": str(outside.folder / "instance")}))  # fmt: skip

    assert site.client.get("/pictures/secret.png", buffered=True).status_code == 404


def test_a_file_that_cannot_be_opened_is_not_missing(content: Content, site: Site) -> None:
    content.raw("pictures/cat.png", PNG)
    content.raw("public/key.txt", "key")
    paths = "/pictures/cat.png", "/key.txt"

    def requested() -> list[int]:
        return [site.client.get(path, buffered=True).status_code for path in paths]

    # One request before, so that all modules are loaded.
    served = requested()
    with descriptors(0):
        refused = requested()
    long = site.client.get(f"/pictures/{'x' * 300}.png").status_code

    assert (served, refused, requested(), long) == ([200, 200], [503, 503], [200, 200], 404)


def test_an_image_is_served_in_ranges_and_conditionally(content: Content, site: Site) -> None:
    content.raw("pictures/cat.png", PNG)

    whole = site.client.get("/pictures/cat.png", buffered=True)
    part = site.client.get("/pictures/cat.png", headers={"Range": "bytes=1-3"}, buffered=True)
    beyond = site.client.get("/pictures/cat.png", headers={"Range": "bytes=99-"}, buffered=True)
    since = {"If-Modified-Since": whole.headers["Last-Modified"]}
    again = site.client.get("/pictures/cat.png", headers=since, buffered=True)

    assert (whole.status_code, whole.data) == (200, PNG)
    assert (part.status_code, part.data) == (206, PNG[1:4])
    assert part.headers["Content-Range"] == f"bytes 1-3/{len(PNG)}"
    assert beyond.status_code == 416
    assert again.status_code == 304


@pytest.mark.parametrize("name", ["site.yml", "topics.yml", "providers.yml"])
def test_a_file_of_the_site_that_is_a_link_stops_the_start(
    content: Content, outside: Content, tmp_path: Path, name: str
) -> None:
    (content.folder / name).symlink_to(outside.raw(name, ""))

    with pytest.raises(SettingsError) as error:
        create_app(
            {
                "FEEDS_CONTENT_DIR": str(content.folder),
                "FEEDS_INSTANCE_DIR": str(tmp_path / "instance"),
            }
        )

    link = "a symbolic link, which is not followed: put the file or folder itself in its place"
    assert str(error.value) == f"{name}: {link}"
