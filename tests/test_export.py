"""Tests of the site as files: which are written, which stay, and which are never touched."""

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import msgspec
import pytest
from click.testing import Result

from feeds.errors import ExportError
from feeds.export import ENDINGS
from feeds.managed_directory import opened
from feeds.model import Article
from tests.conftest import SITE_URL, Clock, Content, Site
from tests.live_servers import ROOT
from tests.programs import skip_if_quick

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)

Looks = dict[str, tuple[bytes, int, int]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "exported"


def export(site: Site, folder: Path) -> Result:
    return site.runner.invoke(args=["export", str(folder)])


def looks(folder: Path) -> Looks:
    """Return bytes, time and inode of all files but the list and its lock: a write changes them."""
    return {
        str(path.relative_to(folder)): (
            path.read_bytes(),
            path.stat().st_mtime_ns,
            path.stat().st_ino,
        )
        for path in folder.rglob("*")
        if path.is_file() and path.name not in ("files", "lock")
    }


def test_every_kind_of_address_becomes_a_file(
    content: Content, open_site: Callable[..., Site], folder: Path
) -> None:
    content.raw("site.yml", "menu: [all]\n")
    content.write("a.md", topics=["AI", "日本語"])
    content.raw("pictures/deep/cat.png", PNG)

    result = export(open_site(), folder)

    assert result.exit_code == 0, result.output
    expected = [
        "index.html", "all.rss", "all.atom", "all.json", "all/2026-11.rss", "all/2026-11.html",
        "topics/ai.rss", "topics/ai.html", "topics/ai.opml", "topics/ai/2026-11.json",
        "topics/日本語.atom", "providers/news.example.com.rss", "providers/news.example.com.html",
        "providers/news.example.com/example-news.rss", "feeds.json", "feeds.opml", "sitemap.xml",
        "robots.txt", ".well-known/feeds", ".well-known/feed-menu.json", "embed.html",
        "embed/all.html", "embed/topics/ai.html", "pictures/deep/cat.png",
    ]  # fmt: skip
    assert [name for name in expected if not (folder / name).is_file()] == []


def test_a_file_equals_the_response_to_a_get(content: Content, site: Site, folder: Path) -> None:
    content.write("a.md")
    export(site, folder)

    answer = site.get("/topics/ai.atom")

    file = folder / "topics/ai.atom"
    assert file.read_bytes() == answer.data
    assert file.stat().st_mtime == answer.last_modified.timestamp()
    for coding, ending in ENDINGS.items():
        twin = folder / f"topics/ai.atom{ending}"
        assert twin.read_bytes() == site.get("/topics/ai.atom", accept_encoding=coding).data
        assert twin.stat().st_mtime == file.stat().st_mtime


def test_a_file_has_a_time_after_a_burst_of_changes_though_the_document_has_none(
    content: Content, site: Site, folder: Path, clock: Clock
) -> None:
    for number in range(20):
        content.write("a.md", title=f"Title {number}")
        site.sync.refresh()

    export(site, folder)

    assert site.get("/topics/ai.atom").last_modified is None
    assert (folder / "topics/ai.atom").stat().st_mtime == clock.now


def test_a_second_export_touches_nothing(content: Content, site: Site, folder: Path) -> None:
    content.raw("pictures/cat.png", PNG)
    content.raw("topics.yml", "- name: AI\n  aliases: [One, Two, Three]\n")
    content.write("a.md")
    export(site, folder)
    before = looks(folder)

    result = export(site, folder)

    assert "0 files written, 0 removed" in result.output
    assert looks(folder) == before


def test_redirects_are_written_in_one_order(
    content: Content, open_site: Callable[..., Site], folder: Path
) -> None:
    content.raw("topics.yml", "- name: AI\n  aliases: [c, a, e, b, d, f, h, g]\n")

    export(open_site(), folder)

    moves = (folder / ".tributary/moved.map").read_text().splitlines()
    assert len(moves) == 8
    assert moves == sorted(moves)


def test_another_machine_writes_the_same_bytes(
    content: Content, site: Site, open_site: Callable[..., Site], folder: Path, tmp_path: Path
) -> None:
    content.write("a.md")
    other = open_site(FEEDS_INSTANCE_DIR=str(tmp_path / "another"))

    export(site, folder)
    export(other, tmp_path / "elsewhere")

    times = [
        {name: look[:2] for name, look in looks(place).items()}
        for place in (folder, tmp_path / "elsewhere")
    ]
    assert times[0] == times[1]


def test_only_changed_files_are_written_again(content: Content, site: Site, folder: Path) -> None:
    content.write("a.md", topics=["AI"])
    content.write("b.md", topics=["Law"])
    export(site, folder)
    before = looks(folder)

    content.write("a.md", topics=["AI"], title="Another title")
    export(site, folder)

    after = looks(folder)
    changed = {name for name in after if after[name] != before[name]}
    assert {"all.rss", "topics/ai.rss", "topics/ai.json.gz", "all/2026-11.atom"} <= changed
    assert [name for name in changed if name.startswith("topics/law.rss")] == []
    assert before["all.rss"][1] < after["all.rss"][1]


def test_a_changed_file_has_a_later_time_even_when_the_index_was_lost(
    content: Content, site: Site, open_site: Callable[..., Site], folder: Path, tmp_path: Path
) -> None:
    content.write("a.md")
    export(site, folder)
    os.utime(folder / "all.rss", (2_000_000_000, 2_000_000_000))
    content.write("a.md", title="Another title")

    export(open_site(FEEDS_INSTANCE_DIR=str(tmp_path / "another")), folder)

    assert (folder / "all.rss").stat().st_mtime == 2_000_000_001
    assert (folder / "all.rss.br").stat().st_mtime == 2_000_000_001


def test_files_of_removed_feeds_are_deleted_with_their_folders(
    content: Content, site: Site, open_site: Callable[..., Site], folder: Path
) -> None:
    content.raw("pictures/deep/cat.png", PNG)
    content.raw("topics.yml", "- name: Law\n")
    export(open_site(), folder)
    assert (folder / "topics/law.rss").exists()

    (content.folder / "pictures/deep/cat.png").unlink()
    (content.folder / "topics.yml").unlink()
    export(open_site(), folder)

    assert not (folder / "topics").exists()
    assert not (folder / "pictures").exists()
    assert (folder / "all.rss").exists()


def test_only_files_that_an_export_wrote_are_removed(
    content: Content, site: Site, folder: Path
) -> None:
    export(site, folder)
    theirs = folder / "topics" / "notes.txt"
    theirs.parent.mkdir()
    theirs.write_text("mine")

    export(site, folder)

    assert theirs.read_text() == "mine"


@pytest.mark.parametrize(
    "name",
    [
        "index.html",
        "all.rss.gz",
        "topics",
        "topics/ai.html/theirs",
        "pictures/cat.png",
        ".tributary/site.map",
    ],
)
def test_nothing_is_written_if_a_foreign_file_has_one_of_the_names(
    content: Content, site: Site, folder: Path, name: str
) -> None:
    with opened(folder) as directory:
        directory.finish()
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("mine")
    content.write("a.md")
    content.raw("pictures/cat.png", PNG)
    before = looks(folder)

    result = export(site, folder)

    assert result.exit_code == 1
    where = folder / name.removesuffix("/theirs")
    assert re.search(f"Error: {where} .* no export wrote: |{where} was not written", result.output)
    assert looks(folder) == before


@pytest.mark.parametrize("name", ["index.html", ".git/config", "app.py"])
def test_a_folder_with_files_and_without_an_export_is_rejected(
    site: Site, folder: Path, name: str
) -> None:
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_text("mine")

    result = export(site, folder)

    assert result.exit_code == 1
    message = "is not empty, and no export wrote it: name a new or an empty folder"
    assert f"Error: {folder} {message}" in result.output
    assert [str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()] == [name]


def test_an_empty_folder_is_accepted(site: Site, folder: Path) -> None:
    folder.mkdir()

    assert export(site, folder).exit_code == 0


@pytest.mark.parametrize("name", ["topics", "all", ".tributary", ".tributary/files"])
def test_nothing_is_written_through_a_link(
    content: Content, site: Site, folder: Path, tmp_path: Path, name: str
) -> None:
    content.write("a.md")
    export(site, folder)
    elsewhere = tmp_path / "elsewhere"
    os.rename(folder / name, elsewhere)
    (folder / name).symlink_to(elsewhere)
    content.write("b.md")
    before = looks(elsewhere.parent)

    result = export(site, folder)

    assert result.exit_code == 1
    assert f"Error: {folder / name} is a symbolic link, which an export" in result.output
    after = looks(elsewhere.parent)
    assert {n for n in after if not n.startswith("instance/") and after[n] != before[n]} == set()


def test_nothing_is_removed_through_a_link(
    content: Content, site: Site, folder: Path, tmp_path: Path
) -> None:
    content.write("a.md", topics=["AI"])
    export(site, folder)
    os.rename(folder / "topics", tmp_path / "topics")
    (folder / "topics").symlink_to(tmp_path / "topics")
    content.write("a.md", topics=[])
    before = looks(tmp_path / "topics")

    site.sync.refresh()
    with opened(folder) as directory:
        directory.finish()

    assert looks(tmp_path / "topics") == before
    assert not (folder / "all.rss").exists()


def test_a_link_that_replaced_an_exported_file_becomes_a_file_again(
    content: Content, site: Site, folder: Path, tmp_path: Path
) -> None:
    content.raw("pictures/cat.png", PNG)
    export(site, folder)
    for name in ("all.rss", "pictures/cat.png"):
        os.rename(folder / name, tmp_path / "moved")
        (folder / name).symlink_to(tmp_path / "moved")

    export(site, folder)

    assert [path for path in folder.rglob("*") if path.is_symlink()] == []


def test_nothing_is_written_among_the_articles(content: Content, site: Site) -> None:
    content.write("a.md")
    for folder in (content.folder, content.folder / "public"):
        result = export(site, folder)

        assert result.exit_code == 1
        assert "name a folder outside" in result.output
    assert [path.name for path in content.folder.iterdir()] == ["a.md"]


def test_addresses_of_this_machine_are_reported(
    open_site: Callable[..., Site], site: Site, folder: Path
) -> None:
    assert "set FEEDS_URL" not in export(site, folder).stderr

    local = open_site(FEEDS_URL="")

    assert "begin with http://127.0.0.1:8000: set FEEDS_URL" in export(local, folder).stderr


def test_an_interrupted_export_is_continued(
    content: Content, site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content.write("a.md")
    renamed: list[object] = []
    replace = os.replace

    def failing(source: Path, target: Path) -> None:
        renamed.append(target)
        if len(renamed) > 20:
            raise OSError(28, "No space left on device", str(target))
        replace(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", failing)
        cut = export(site, folder)
    content.write("a.md", title="Another title")
    result = export(site, folder)

    assert cut.exit_code == 1
    assert "No space left on device" in cut.output
    assert result.exit_code == 0, result.output
    assert (folder / "all.rss").read_bytes() == site.get("/all.rss").data
    assert "1 removed" not in result.output
    assert list((folder / ".tributary").glob("new*")) == []


def test_a_list_with_paths_outside_the_folder_is_rejected(site: Site, folder: Path) -> None:
    export(site, folder)
    outside = folder.parent / "outside.txt"
    outside.write_text("mine")
    with (folder / ".tributary/files").open("a") as names:
        names.write("../outside.txt\n")

    result = export(site, folder)

    assert result.exit_code == 1
    assert "is damaged" in result.output
    assert outside.exists()


def test_two_exports_do_not_mix(site: Site, folder: Path) -> None:
    with opened(folder):
        result = export(site, folder)

    assert result.exit_code == 1
    assert "another export writes to" in result.output


def test_only_images_are_copied(content: Content, site: Site, folder: Path) -> None:
    content.raw("pictures/cat.png", PNG)
    content.raw("pictures/notes.txt", "no picture")
    content.raw("pictures/.hidden.png", PNG)
    content.raw("pictures/.git/cat.png", PNG)
    (content.folder / "pictures/link.png").symlink_to("/etc/hostname")

    export(site, folder)

    assert [path.name for path in (folder / "pictures").rglob("*")] == ["cat.png"]


def test_an_image_keeps_its_time_and_is_copied_again_when_it_changes(
    content: Content, site: Site, folder: Path
) -> None:
    source = content.raw("pictures/cat.png", PNG)
    os.utime(source, (1_700_000_000, 1_700_000_000))
    export(site, folder)
    copied = folder / "pictures/cat.png"
    assert copied.stat().st_mtime == 1_700_000_000

    content.raw("pictures/cat.png", PNG + b"more")
    export(site, folder)

    assert copied.read_bytes() == PNG + b"more"


def test_a_name_too_long_for_a_file_is_reported(content: Content, site: Site, folder: Path) -> None:
    content.write("a.md", topics=["日本" * 60])

    result = export(site, folder)

    assert result.exit_code == 0
    assert "left out, no file can have its name: /topics/日本日本" in result.output
    assert (folder / "all.rss").exists()


def test_drafts_and_secrets_are_in_no_file(content: Content, site: Site, folder: Path) -> None:
    content.write("a.md", secured="very-secret")
    content.write("draft.md", published=False, title="Draft title")
    content.write("later.md", publishedDateTime="2031-01-01T00:00:00Z", title="Later title")

    export(site, folder)

    everything = b"".join(look[0] for look in looks(folder).values())
    assert [
        word for word in (b"very-secret", b"Draft title", b"Later title") if word in everything
    ] == []


def test_two_providers_with_one_address_are_reported_and_do_not_stop_an_export(
    content: Content, site: Site, folder: Path
) -> None:
    content.write("a.md", provider={"name": "H", "domain": "h.example"})
    content.write("b.md", provider={"name": "H", "domain": "h.example.rss"})

    checked = site.runner.invoke(args=["check"])
    results = [export(site, folder), export(site, folder)]
    content.remove("b.md")
    results.append(export(site, folder))

    assert checked.exit_code == 1
    assert "b.md:8: provider.domain: bad-url: a host whose name ends like a file" in checked.stdout
    assert [result.exit_code for result in results] == [0, 0, 0]
    assert (folder / "providers/h.example.rss").read_bytes() == site.get(
        "/providers/h.example.rss"
    ).data


def test_an_older_index_with_two_names_of_one_address_is_exported(
    content: Content, open_site: Callable[..., Site], folder: Path, tmp_path: Path
) -> None:
    content.write("a.md", provider={"name": "H", "domain": "h.example"})
    content.write("b.md", provider={"name": "H", "domain": "h.example.org"})
    open_site()
    content.write("b.md", provider={"name": "H", "domain": "h.example.rss"})
    put_into_index(tmp_path / "instance/index.sqlite", "h.example.org", "h.example.rss")

    site = open_site()
    results = [export(site, folder), export(site, folder)]

    assert [result.exit_code for result in results] == [0, 0], results[0].output
    assert "0 files written, 0 removed" in results[1].output
    assert len(site.get("/all.json").json["items"]) == 2
    assert [i["title"] for i in site.get("/providers/h.example.json").json["items"]] == [
        "Title of a.md"
    ]
    assert "h.example.rss/" not in site.get("/feeds.json").text
    assert b"h.example.rss.rss" not in site.get("/all.rss").data


def put_into_index(file: Path, old: str, new: str) -> None:
    """Make an index as it was before two names of one address were rejected."""
    with closing(sqlite3.connect(file)) as index, index:
        query = "SELECT id, body FROM article WHERE feeds LIKE ?"
        [(id, body)] = index.execute(query, (f"%{old}%",)).fetchall()
        article = msgspec.json.decode(body.replace(old.encode(), new.encode()), type=Article)
        shown = msgspec.json.encode(replace(article, quality=0))
        hash = blake2b(shown, digest_size=16).digest()
        sql = "UPDATE article SET body = ?, hash = ?, feeds = replace(feeds, ?, ?) WHERE id = ?"
        index.execute(sql, (msgspec.json.encode(article), hash, old, new, id))
        index.execute("UPDATE membership SET hash = ? WHERE id = ?", (hash, id))
        for table, column in [
            ("membership", "feed"),
            ("spelling", "feed"),
            ("archive", "feed"),
            ("feed", "path"),
        ]:
            index.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (old, new))
        index.execute("UPDATE meta SET value = 'another' WHERE key = 'made-for'")


def test_a_folder_replaces_a_file_of_an_earlier_export(folder: Path) -> None:
    with opened(folder) as directory:
        directory.put("deep/x", b"a file", 0)
        directory.finish()

    with opened(folder) as directory:
        directory.put("deep/x/y", b"in a folder", 0)
        directory.finish()

    assert (folder / "deep/x/y").read_bytes() == b"in a folder"
    assert directory.removed == 1


def test_a_file_replaces_a_folder_of_an_earlier_export(folder: Path) -> None:
    with opened(folder) as directory:
        directory.put("deep/x/y/z", b"in a folder", 0)
        directory.finish()

    with opened(folder) as directory:
        directory.put("deep/x", b"a file", 0)
        directory.finish()

    assert (folder / "deep/x").read_bytes() == b"a file"
    with opened(folder) as directory:
        directory.finish()
    assert sorted(path.name for path in folder.rglob("*")) == [".tributary", "files", "lock"]


def test_a_folder_with_foreign_files_is_not_replaced(folder: Path) -> None:
    with opened(folder) as directory:
        directory.put("x/y", b"in a folder", 0)
        directory.finish()
    (folder / "x/theirs").write_text("mine")

    with pytest.raises(ExportError, match="holds files that no export wrote"), opened(folder) as s:
        s.put("x", b"a file", 0)

    assert (folder / "x/theirs").read_text() == "mine"


def test_a_foreign_file_is_not_replaced_by_a_folder(folder: Path) -> None:
    with opened(folder) as directory:
        directory.finish()
    (folder / "x").write_text("mine")

    with (
        pytest.raises(ExportError, match="x was not written by an export"),
        opened(folder) as directory,
    ):
        directory.put("x/y", b"in a folder", 0)

    assert (folder / "x").read_text() == "mine"


def test_of_a_file_and_a_folder_with_one_name_only_the_first_is_written(folder: Path) -> None:
    with opened(folder) as directory:
        directory.put("x", b"a file", 0)
        directory.put("y/z", b"in a folder", 0)

        assert not directory.has_room("x/y")
        assert not directory.has_room("y")
        assert directory.has_room("y/x")


def test_on_a_disk_without_letter_case_one_of_two_images_is_reported(
    content: Content, site: Site, folder: Path
) -> None:
    content.raw("pictures/cat.png", PNG)
    content.raw("pictures/CAT.png", PNG + b"another")
    # A file system without letter case treats both names as one.
    for name in (".tributary", ".TRIBUTARY"):
        (folder / name).mkdir(parents=True)

    result = export(site, folder)

    assert "left out, no file can have its name: /pictures/cat.png" in result.output
    assert (folder / "pictures/CAT.png").read_bytes() == PNG + b"another"


def test_a_list_that_a_full_disk_truncated_does_not_stop_the_next_export(
    content: Content, site: Site, folder: Path
) -> None:
    content.write("a.md")
    export(site, folder)
    mine = folder / "topics/mine"
    mine.write_text("mine")
    with (folder / ".tributary/files").open("a") as names:
        names.write("topics/mine")

    results = [export(site, folder), export(site, folder)]

    assert [result.exit_code for result in results] == [0, 0]
    assert "0 files written, 0 removed" in results[1].output
    assert mine.read_text() == "mine"


def test_an_export_that_cannot_shorten_its_list_keeps_the_list(
    content: Content, site: Site, folder: Path
) -> None:
    content.write("a.md", topics=["Law"])
    export(site, folder)
    content.remove("a.md")
    content.raw("topics.yml", "- name: Law\n  retired: true\n")
    before = (folder / ".tributary/files").read_text()
    # A folder has the name of the new list, which cannot be written.
    with opened(folder) as directory:
        (folder / ".tributary/new").mkdir()
        with pytest.raises(OSError, match="directory"):
            directory.finish()

    assert (folder / ".tributary/files").read_text() == before


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/providers/old.example", True),
        ("/providers/old.example.rss", True),
        ("/providers/old.example/a-name.atom?x", True),
        ("/embed/providers/old.example?count=3", True),
        ("/providers/old.example.org", False),
        ("/providers/old.example.org.rss", False),
        ("/providers/old.examples", False),
    ],
)
def test_an_alias_redirects_its_own_addresses_alone(
    content: Content, open_site: Callable[..., Site], folder: Path, path: str, expected: bool
) -> None:
    content.raw("providers.yml", "- {domain: new.example, aliases: [old.example]}\n")
    export(open_site(), folder)

    [line] = (folder / ".tributary/moved.map").read_text().splitlines()

    pattern = line.split('"')[1].removeprefix("~").replace("(?<", "(?P<")
    assert (re.match(pattern, path) is not None) == expected


@pytest.mark.parametrize("name", ["caf\u00e9.png", "cafe\u0301.png"])
def test_an_image_is_the_same_in_every_normal_form(
    content: Content, site: Site, folder: Path, name: str
) -> None:
    content.raw(f"pictures/{name}", PNG)
    content.write("a.md", images=[{"url": "/pictures/caf%C3%A9.png", "width": 900, "height": 600}])
    site.sync.refresh()

    export(site, folder)

    [item] = site.get("/all.json").json["items"]
    assert item["attachments"][0]["size_in_bytes"] == len(PNG)
    for address in ("/pictures/caf%C3%A9.png", "/pictures/cafe%CC%81.png"):
        with site.get(address) as answer:
            assert (answer.status_code, answer.data) == (200, PNG)
    assert [path.name for path in (folder / "pictures").iterdir()] == ["caf\u00e9.png"]


#: Runs an export as ``flask export`` does, with the app of servers.
EXPORT = """
import sys, threading
from app import app
result = app.test_cli_runner().invoke(args=["export", sys.argv[1]])
sync = app.extensions["tributary"].sync
print(result.exit_code, [t.name for t in threading.enumerate()], sync.ownership.is_held)
"""


def test_an_export_starts_nothing_and_claims_nothing(
    content: Content, open_site: Callable[..., Site], folder: Path, tmp_path: Path
) -> None:
    skip_if_quick()
    content.write("one.md")
    content.raw("site.yml", "hubs: [https://hub.example.org/]\n")
    given = {
        "FEEDS_CONTENT_DIR": str(content.folder),
        "FEEDS_INSTANCE_DIR": str(tmp_path / "instance"),
        "FEEDS_URL": SITE_URL,
    }

    done = subprocess.run(
        [sys.executable, "-c", EXPORT, str(folder)],
        cwd=ROOT, env=os.environ | given, check=True, capture_output=True, text=True,
    )  # fmt: skip

    assert done.stdout == "0 ['MainThread'] False\n"
    assert not (tmp_path / "instance" / "owner").exists()
    assert (folder / "all.rss").read_bytes() == open_site().get("/all.rss").data
