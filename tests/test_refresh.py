"""Tests of refreshes: from changed files to changed feeds, with a real folder and index."""

import os
import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from app import create_app
from feeds.index import Stamps, printable
from feeds.sync.diff import FolderDiff, compare
from feeds.sync.great_loss import is_great_loss
from tests.conftest import NOW, SITE_URL, Clock, Content, Site
from tests.programs import skip_if_quick

OpenSite = Callable[..., Site]


def titles(site: Site, feed: str = "all") -> list[str]:
    return [item["title"] for item in site.get(f"/{feed}.json").json["items"]]


def etag(site: Site, feed: str = "all") -> str:
    found = site.get(f"/{feed}.json").headers["ETag"]
    assert isinstance(found, str)
    return found


def reason(site: Site, path: str) -> str | None:
    found = {outcome.path: outcome.reason for outcome in site.sync.inspect()}
    return found[path]


@pytest.mark.parametrize(
    ("found", "known", "expected"),
    [
        ({}, {}, FolderDiff((), (), 0)),
        ({"": {"a": "1"}}, {"": {"a": "1"}}, FolderDiff((), (), 0)),
        ({"": {}}, {}, FolderDiff((), (), 0)),
        ({"x": {"a": "1"}}, {}, FolderDiff(("x/a",), (), 1)),
        ({"x": {"a": "2"}}, {"x": {"a": "1"}}, FolderDiff(("x/a",), (), 0)),
        ({}, {"x": {"a": "1"}}, FolderDiff((), ("x/a",), 0)),
        ({"x": {}}, {"x": {"a": "1"}}, FolderDiff((), ("x/a",), 0)),
        ({"": {"b": "1", "c": "1"}}, {"": {"a": "1", "c": "1"}}, FolderDiff(("b",), ("a",), 1)),
        ({"y": {"a": "1"}}, {"x": {"a": "1"}}, FolderDiff(("y/a",), ("x/a",), 1)),
    ],
)
def test_the_difference_names_files_to_read_and_missing_files(
    found: Stamps, known: Stamps, expected: FolderDiff
) -> None:
    assert compare(found, known) == expected


@pytest.mark.parametrize(
    ("gone", "new", "known", "expected"),
    [
        (10, 0, 10, False),
        (11, 0, 55, False),
        (11, 0, 54, True),
        (100, 100, 100, False),
        (100, 50, 100, True),
    ],
)
def test_a_loss_is_great_above_ten_and_a_fifth_unless_as_many_files_are_new(
    gone: int, new: int, known: int, expected: bool
) -> None:
    lost = FolderDiff((), tuple(map(str, range(gone))), new)

    assert is_great_loss(lost, known) is expected


def test_a_new_file_is_in_its_feeds_and_changes_no_other(content: Content, site: Site) -> None:
    content.write("old.md", topics=["Robots"])
    site.sync.refresh()
    before = etag(site, "topics/robots")

    content.write("new.md", title="New", topics=["AI"])
    site.sync.refresh()

    assert titles(site, "topics/ai") == ["New"]
    assert etag(site, "topics/robots") == before


def test_a_changed_file_changes_its_feeds_at_once(content: Content, site: Site) -> None:
    content.write("a.md", title="First")
    site.sync.refresh()

    content.write("a.md", title="Second")
    site.sync.refresh()

    assert titles(site) == ["Second"]


def test_a_removed_file_is_gone_from_every_feed(content: Content, site: Site) -> None:
    content.write("a.md")
    site.sync.refresh()

    content.remove("a.md")
    site.sync.refresh()

    assert titles(site) == titles(site, "topics/ai") == []
    assert titles(site, "providers/news.example.com") == []


def test_an_article_that_leaves_a_topic_leaves_its_feed(content: Content, site: Site) -> None:
    content.write("a.md", topics=["AI", "Robots"])
    site.sync.refresh()

    content.write("a.md", topics=["Robots"])
    site.sync.refresh()

    assert titles(site, "topics/ai") == []
    assert titles(site, "topics/robots") == ["Title of a.md"]


def test_touching_a_file_or_changing_a_key_that_is_not_shown_changes_no_feed(
    content: Content, site: Site
) -> None:
    file = content.write("a.md", secured="old", heat=1, quality=5)
    site.sync.refresh()
    before, revision = etag(site), site.sync.shared.revision()

    os.utime(file, (1, 1))
    site.sync.refresh()
    content.write("a.md", secured="new", heat=99, quality=80)
    site.sync.refresh()

    assert etag(site) == before
    assert site.sync.shared.revision() == revision


def test_a_file_moved_with_its_id_keeps_its_identity(content: Content, site: Site) -> None:
    content.write("a.md", id="stable")
    site.sync.refresh()
    before = site.get("/all.json").json["items"]

    os.rename(content.folder / "a.md", content.folder / "b.md")
    site.sync.refresh()

    assert site.get("/all.json").json["items"] == before


def test_a_folder_moved_away_removes_its_articles(content: Content, site: Site) -> None:
    content.write("old/deep/a.md", title="Moved")
    site.sync.refresh()

    os.rename(content.folder / "old", content.folder / "new")
    site.sync.refresh(["old", "new"])

    assert [item["id"] for item in site.get("/all.json").json["items"]] == [
        "tag:tributary.localhost,2026:new/deep/a"
    ]


def test_only_the_named_paths_are_compared(content: Content, site: Site) -> None:
    content.write("a.md", title="A")
    content.write("b/b.md", title="B")
    content.write("c/c.md", title="C")

    site.sync.refresh(["a.md", "b", "b/b.md", "gone.md"])

    assert sorted(titles(site)) == ["A", "B"]


def test_a_broken_file_keeps_the_version_that_was_served(
    content: Content, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    content.write("a.md", title="Good")
    site.sync.refresh()
    before = etag(site)

    content.raw("a.md", "---\ntitle: [\n---\n")
    site.sync.refresh()

    assert etag(site) == before
    assert "a.md:3: yaml-syntax" in caplog.text
    assert site.get("/healthz").json["not served"] == {"yaml-syntax": 1}


def test_a_broken_file_keeps_the_version_that_was_served_when_the_settings_change(
    content: Content, site: Site, open_site: OpenSite
) -> None:
    content.write("a.md", title="Good")
    site.sync.refresh()
    content.raw("a.md", "no front matter")
    site.sync.refresh()

    content.raw("site.yml", "title: Another title")

    assert titles(open_site()) == ["Good"]


def test_removing_a_broken_file_removes_its_article(content: Content, site: Site) -> None:
    content.write("a.md")
    site.sync.refresh()
    content.raw("a.md", "no front matter")
    site.sync.refresh()

    content.remove("a.md")
    site.sync.refresh()

    assert titles(site) == []


@pytest.mark.parametrize(
    "change",
    [
        {"published": False},
        {"published": "no, wait"},
        {"deleted": True},
        {"removed": True},
        {"removed": "perhaps"},
        {"publishedDateTime": "2031-01-01"},
    ],
)
def test_a_misspelt_withdrawal_withdraws_the_article(
    content: Content, site: Site, change: dict[str, Any]
) -> None:
    content.write("a.md")
    site.sync.refresh()

    content.write("a.md", **change)
    site.sync.refresh()

    assert titles(site) == []


def test_the_article_served_first_stays_served_and_the_copy_is_named(
    content: Content, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    content.write("m-orig.md", id="tpl", title="Original")
    site.sync.refresh()
    before = etag(site)

    content.write("a-copy.md", id="tpl", title="Copy")
    site.sync.refresh()

    named = "a-copy.md:1: id: collision: m-orig.md has the same id"
    assert (titles(site), etag(site)) == (["Original"], before)
    assert site.get("/healthz").json["not served"] == {"collision": 1}
    assert named in caplog.text
    lines = site.runner.invoke(args=["check"]).stdout.splitlines()
    assert lines[1] == "m-orig.md: served"
    assert lines[0].startswith("a-copy.md:1: id: collision: m-orig.md has the same id")
    explained = site.runner.invoke(args=["explain", "a-copy.md"]).stdout
    assert explained.startswith("a-copy.md:1: id: collision: m-orig.md has the same id")


def test_of_two_files_with_one_id_found_together_every_machine_serves_the_first_by_path(
    content: Content, open_site: OpenSite, tmp_path: Path
) -> None:
    # A scan lists the folder "a" before "a-b", but the paths below "a-b" sort first.
    content.write("a/copy.md", id="tpl", title="Second")
    content.write("a-b/orig.md", id="tpl", title="First")

    sites = [open_site(FEEDS_INSTANCE_DIR=str(tmp_path / name)) for name in ("one", "two")]

    assert [titles(site) for site in sites] == [["First"], ["First"]]
    assert reason(sites[0], "a/copy.md") == "collision"


def test_the_article_that_was_served_first_stays_served_after_a_rebuild(
    content: Content, open_site: OpenSite
) -> None:
    site = open_site()
    content.write("m-orig.md", id="tpl", title="Original")
    site.sync.refresh()
    content.write("a-copy.md", id="tpl", title="Copy")
    site.sync.refresh()

    content.raw("site.yml", "title: Another\n")
    again = open_site()

    assert titles(again) == ["Original"]
    assert reason(again, "a-copy.md") == "collision"


GIVING_UP: dict[str, Callable[[Content], object]] = {
    "removed": lambda content: content.remove("m-orig.md"),
    "withdrawn": lambda content: content.write("m-orig.md", id="tpl", deleted=True),
    "a draft": lambda content: content.write("m-orig.md", id="tpl", published=False),
    "with another id": lambda content: content.write("m-orig.md", id="other", title="Copy"),
}


@pytest.mark.parametrize("give_up", GIVING_UP.values(), ids=GIVING_UP.keys())
def test_the_copy_is_served_when_the_original_has_another_id(
    content: Content, site: Site, give_up: Callable[[Content], object]
) -> None:
    content.write("m-orig.md", id="tpl", title="Original")
    site.sync.refresh()
    content.write("a-copy.md", id="tpl", title="Copy")
    site.sync.refresh()

    give_up(content)
    checked = reason(site, "a-copy.md")
    site.sync.refresh()

    assert (checked, reason(site, "a-copy.md")) == (None, None)
    assert set(titles(site)) == {"Copy"}


def test_a_broken_original_keeps_its_id(content: Content, site: Site) -> None:
    content.write("m-orig.md", id="tpl", title="Original")
    site.sync.refresh()
    content.write("m-orig.md", id="tpl", title="")
    content.write("a-copy.md", id="tpl", title="Copy")

    checked = reason(site, "a-copy.md")
    site.sync.refresh()

    assert (checked, reason(site, "a-copy.md")) == ("collision", "collision")
    assert titles(site) == ["Original"]


def test_an_original_that_is_moved_keeps_its_id_and_no_feed_changes(
    content: Content, site: Site
) -> None:
    content.write("m-orig.md", id="tpl", title="Original")
    site.sync.refresh()
    content.write("a-copy.md", id="tpl", title="Copy")
    site.sync.refresh()
    before = etag(site)

    os.rename(content.folder / "m-orig.md", content.folder / "z-orig.md")
    checked = reason(site, "a-copy.md")
    site.sync.refresh()

    assert (checked, reason(site, "a-copy.md")) == ("collision", "collision")
    assert (titles(site), etag(site)) == (["Original"], before)


def test_an_article_that_moves_while_many_vanish_is_served_from_its_new_place(
    content: Content, site: Site
) -> None:
    for number in range(30):
        content.write(f"old/{number}.md", id=f"article-{number}")
    site.sync.refresh()
    for number in range(20):
        content.remove(f"old/{number}.md")

    content.write("new/7.md", id="article-7", title="Moved")
    report = site.sync.refresh()

    assert report.held
    assert "Moved" in titles(site)


def test_two_files_that_exchange_their_ids_are_both_served(content: Content, site: Site) -> None:
    content.write("a.md", id="one", title="A")
    content.write("b.md", id="two", title="B")
    site.sync.refresh()

    content.write("a.md", id="two", title="A")
    content.write("b.md", id="one", title="B")
    site.sync.refresh()

    ids = {i["title"]: i["id"].rpartition(":")[2] for i in site.get("/all.json").json["items"]}
    assert ids == {"A": "two", "B": "one"}


NFC, NFD = "caf\u00e9", "cafe\u0301"


def test_paths_that_differ_only_in_their_normal_form_are_one_identity(
    content: Content, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    content.write(f"{NFC}.md", title="First")
    site.sync.refresh()

    content.write(f"{NFD}.md", title="Second")
    site.sync.refresh()

    assert titles(site) == ["First"]
    assert reason(site, f"{NFD}.md") == "collision"
    assert f"{NFC}.md is the same path in another Unicode normal form: remove one" in caplog.text


@pytest.mark.parametrize(("old", "new"), [(NFC, NFD), (NFD, NFC)])
def test_a_checkout_that_changes_the_normal_form_of_a_path_changes_no_feed(
    content: Content, site: Site, old: str, new: str
) -> None:
    content.write(f"{old}/{old}.md", title="Menu")
    site.sync.refresh()
    before = etag(site)

    os.rename(content.folder / old, content.folder / new)
    os.rename(content.folder / new / f"{old}.md", content.folder / new / f"{new}.md")
    site.sync.refresh()

    [item] = site.get("/all.json").json["items"]
    explained = site.runner.invoke(args=["explain", f"{old}/{old}.md"]).stdout
    assert item["id"].endswith(":caf%C3%A9/caf%C3%A9")
    assert explained.startswith(printable(f"{new}/{new}.md") + ": served")
    assert etag(site) == before


@pytest.mark.parametrize(
    ("first", "second", "served"),
    [
        ({"id": "tpl"}, {"id": "TPL"}, 2),
        ({"id": "tpl"}, {"id": " tpl "}, 1),
        ({"id": "tpl"}, {"id": "t&#112;l"}, 2),
        ({}, {"id": "a"}, 1),
        ({}, {"id": "A"}, 2),
    ],
    ids=["letter case", "space at the edges", "an entity", "another's path", "nearly a path"],
)
def test_ids_are_equal_when_they_are_the_same_text(
    content: Content, site: Site, first: dict[str, Any], second: dict[str, Any], served: int
) -> None:
    content.write("a.md", **first)
    content.write("b.md", **second)
    site.sync.refresh()

    assert len(titles(site)) == served


def test_the_second_file_with_an_id_is_served_when_the_first_has_another(
    content: Content, site: Site
) -> None:
    content.write("a.md", id="same", title="A")
    content.write("b.md", id="same", title="B")
    site.sync.refresh()

    content.write("a.md", id="other", title="A")
    site.sync.refresh()

    assert sorted(titles(site)) == ["A", "B"]


def test_an_embargo_ends_without_any_file_changing(
    content: Content, site: Site, clock: Clock
) -> None:
    content.write("a.md", publishedDateTime="2026-11-20T12:00:30Z")
    report = site.sync.refresh()
    assert titles(site) == []
    assert report.due == NOW + 30

    clock.now = NOW + 30
    site.sync.refresh([])

    assert titles(site) == ["Title of a.md"]


def test_an_update_in_the_future_is_not_shown_before_its_time(
    content: Content, site: Site, clock: Clock
) -> None:
    content.write("a.md", updatedDateTime="2026-11-20T12:00:30Z")
    site.sync.refresh()
    before = site.get("/all.json").json["items"][0]["date_modified"]

    clock.now = NOW + 30
    site.sync.refresh([])

    assert before == "2026-11-01T10:00:00Z"
    assert site.get("/all.json").json["items"][0]["date_modified"] == "2026-11-20T12:00:30Z"


def test_losing_most_articles_at_once_is_held_back_until_it_is_certain(
    content: Content, site: Site, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    content.write_numbered(30)
    site.sync.refresh()
    content.remove_numbered(20)

    report = site.sync.refresh()
    assert (report.held, len(titles(site))) == (20, 30)
    assert report.due == NOW + 60
    where = f"20 of 30 files are gone from {content.folder}: is it the right folder, and mounted?"
    assert f"{where} Their articles stay for 60 s, or until you confirm the loss" in caplog.text

    clock.now += 61
    site.sync.refresh()
    assert len(titles(site)) == 10


def test_losing_all_articles_waits_for_a_command(
    content: Content, site: Site, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    content.write_numbered(12)
    site.sync.refresh()
    content.remove_numbered(12)
    site.sync.refresh()
    clock.now += 3600

    site.sync.refresh()
    assert len(titles(site)) == 12
    assert site.get("/healthz").json["held"] == 12
    for name in ("check", "refresh"):
        stderr = site.runner.invoke(args=[name]).stderr
        assert "12 files are gone, and their articles stay served for now" in stderr

    command = "`.venv/bin/flask --app app refresh --confirm`, with the settings of this server"
    assert f"Their articles stay until you confirm the loss ({command})" in caplog.text

    assert site.runner.invoke(args=["refresh", "--confirm"]).exit_code == 0
    assert titles(site) == []
    assert site.get("/healthz").json["held"] == 0
    assert "files are gone" not in site.runner.invoke(args=["check"]).stderr


def test_a_new_file_in_an_emptied_folder_lets_the_loss_be_accepted_a_minute_later(
    content: Content, site: Site, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    content.write_numbered(12)
    site.sync.refresh()
    content.remove_numbered(12)
    site.sync.refresh()
    clock.now += 3600
    caplog.clear()

    content.write("new.md", title="New")
    reports = [site.sync.refresh(["new.md"])]
    clock.now += 59
    reports.append(site.sync.refresh())
    served = titles(site)
    clock.now += 1
    reports.append(site.sync.refresh())

    assert [report.held for report in reports] == [12, 12, 0]
    assert caplog.text.count("Their articles stay for 60 s, or until you confirm the loss") == 1
    assert (len(served), titles(site)) == (13, ["New"])


def test_new_files_in_the_place_of_all_others_are_no_empty_folder(
    content: Content, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    content.write_numbered(34)
    site.sync.refresh()
    content.remove_numbered(34)
    content.write("new.md")

    site.sync.refresh()

    assert "34 of 34 files are gone from" in caplog.text
    assert "Their articles stay for 60 s, or until you confirm the loss" in caplog.text


def test_a_draft_by_its_new_path_is_withdrawn_though_a_great_loss_is_held(
    content: Content, site: Site
) -> None:
    for number in range(40):
        content.write(f"a/{number}.md", title=f"Title {number}")
    site.sync.refresh()
    for number in range(20):
        content.remove(f"a/{number}.md")
    (content.folder / "drafts").mkdir()
    os.rename(content.folder / "a/31.md", content.folder / "drafts/another-name.md")
    # A checkout moves a file so: another file has the same name.
    content.write("drafts/32.md")
    content.remove("a/32.md")
    content.write("a/_33.md")
    content.remove("a/33.md")

    report = site.sync.refresh()

    gone = {f"Title {number}" for number in range(40)} - set(titles(site))
    assert (report.held, gone) == (20, {"Title 31", "Title 32", "Title 33"})


def test_a_file_that_becomes_a_draft_while_a_loss_is_held_is_withdrawn(
    content: Content, site: Site
) -> None:
    for number in range(40):
        content.write(f"a/{number}.md", title=f"Title {number}")
    site.sync.refresh()
    for number in range(20):
        content.remove(f"a/{number}.md")
    site.sync.refresh()

    content.write("drafts/7.md")
    report = site.sync.refresh(["drafts/7.md"])

    assert (report.held, len(titles(site))) == (19, 39)
    assert "Title 7" not in titles(site)


def test_one_draft_withdraws_only_one_of_two_files_of_its_name(
    content: Content, site: Site
) -> None:
    for number in range(20):
        content.write(f"{number}/index.md")
    site.sync.refresh()
    for number in range(20):
        content.remove(f"{number}/index.md")
    content.write("drafts/index.md")

    site.sync.refresh()

    assert len(titles(site)) == 20


def test_a_loss_ends_when_the_files_are_restored(
    content: Content, site: Site, clock: Clock
) -> None:
    files = [content.write(f"{number}.md") for number in range(12)]
    site.sync.refresh()
    away = content.folder.with_name("away")
    os.rename(content.folder, away)
    content.folder.mkdir()
    site.sync.refresh()

    content.folder.rmdir()
    os.rename(away, content.folder)
    report = site.sync.refresh()

    assert (report.held, report.due) == (0, None)
    assert len(titles(site)) == len(files)


def test_a_folder_that_vanished_changes_nothing(content: Content, site: Site) -> None:
    content.write("a.md")
    site.sync.refresh()
    os.rename(content.folder, content.folder.with_name("away"))

    with pytest.raises(FileNotFoundError):
        site.sync.refresh()

    assert titles(site) == ["Title of a.md"]


def test_hidden_files_and_folders_are_ignored(content: Content, site: Site) -> None:
    content.write(".hidden.md")
    content.write(".git/a.md")

    site.sync.refresh()
    site.sync.refresh([".git/a.md", ".git", ".hidden.md"])

    assert titles(site) == []


def test_nothing_secret_is_in_the_index(content: Content, site: Site, tmp_path: Path) -> None:
    content.write("a.md", secured="TOPSECRET", unknown="TOPSECRET")
    content.write("draft.md", published=False, title="TOPSECRET")
    content.write("later.md", publishedDateTime="2031-01-01", title="TOPSECRET")
    content.write("broken.md", publishedDateTime="TOPSECRET")

    site.sync.refresh()

    kept = b"".join(file.read_bytes() for file in (tmp_path / "instance").iterdir())
    assert b"TOPSECRET" not in kept


def test_a_refresh_that_fails_changes_nothing(
    content: Content, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    content.write("a.md", title="Before")
    site.sync.refresh()
    content.write("a.md", title="After")
    monkeypatch.setattr("feeds.index.writer.IndexWriter.finish", _disk_full)

    with pytest.raises(sqlite3.OperationalError):
        site.sync.refresh()

    assert titles(site) == ["Before"]


def _disk_full(self: object) -> None:
    raise sqlite3.OperationalError("database or disk is full")


def test_many_files_are_read_in_several_processes_with_the_same_result(
    content: Content, open_site: OpenSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skip_if_quick()
    for number in range(40):
        content.write(f"{number}.md", title=f"Article {number}")
    seen: list[tuple[int, int]] = []
    one = open_site()

    monkeypatch.setattr("feeds.sync.ingest.MANY", 10)
    other = open_site(FEEDS_INSTANCE_DIR=str(tmp_path / "other"))
    content.raw("site.yml", "title: New settings, so everything is read again")
    third = open_site(FEEDS_INSTANCE_DIR=str(tmp_path / "other"))
    third.sync.refresh(progress=lambda done, total: seen.append((done, total)))

    assert etag(one) == etag(other)
    assert len(titles(third)) == 40


def test_an_index_of_another_content_folder_is_rebuilt_from_nothing(
    content: Content, open_site: OpenSite, clock: Clock, tmp_path: Path
) -> None:
    """So do the two commands of README: first the sample articles, then one's own."""
    for number in range(30):
        content.write(f"{number}.md", topics=["AI", "Sample"], publishedDateTime="2026-10-01")
    before = open_site()
    assert before.get("/topics/sample.atom").status_code == 200
    times = {path: modified(before, path) for path in ("/all.rss", "/topics/ai.atom")}
    other = Content(tmp_path / "other")
    other.write("mine.md", title="Mine")
    other.raw("0.md", "---\ntitle: [broken\n---\n")
    clock.now += 5

    after = open_site(FEEDS_CONTENT_DIR=str(other.folder))
    fresh = open_site(
        FEEDS_CONTENT_DIR=str(other.folder), FEEDS_INSTANCE_DIR=str(tmp_path / "fresh")
    )

    paths = ("/all.rss", "/all.atom", "/all.json", "/topics/ai.atom", "/all/2026-11.atom")
    assert [after.get(p).data for p in paths] == [fresh.get(p).data for p in paths]
    assert b"Mine" in after.get("/all.rss").data
    assert [after.get(p).status_code for p in ("/topics/sample.atom", "/all/2026-10.rss")] == [
        404
    ] * 2
    assert [feed["name"] for feed in after.get("/feeds.json").json["feeds"]] == [
        feed["name"] for feed in fresh.get("/feeds.json").json["feeds"]
    ]
    assert {path: modified(after, path) > time for path, time in times.items()} == dict.fromkeys(
        times, True
    )
    assert after.sync.refresh().held == 0


def test_a_link_that_leads_to_another_folder_is_the_same_content_folder(
    content: Content, open_site: OpenSite, tmp_path: Path
) -> None:
    link = tmp_path / "current"
    link.symlink_to(content.folder)
    content.write("one.md")
    content.write("two.md")
    open_site(FEEDS_CONTENT_DIR=str(link))
    release = Content(tmp_path / "release")
    release.write("one.md")
    link.unlink()
    link.symlink_to(release.folder)

    after = open_site(FEEDS_CONTENT_DIR=str(link))

    assert after.get("/all.atom").text.count("deleted-entry ref=") == 1


def test_a_command_lists_the_feeds_of_its_own_content_folder(
    content: Content, open_site: OpenSite, tmp_path: Path
) -> None:
    content.write("one.md", topics=["Sample"])
    open_site()
    other = Content(tmp_path / "other")
    other.write("mine.md", topics=["Mine"])
    environ = {
        "FEEDS_CONTENT_DIR": str(other.folder),
        "FEEDS_INSTANCE_DIR": str(tmp_path / "instance"),
        "FEEDS_URL": SITE_URL,
    }

    listed = create_app(environ).test_cli_runner().invoke(args=["feeds"]).stdout

    assert f"{SITE_URL}/topics/mine.rss" in listed
    assert "sample" not in listed


def modified(site: Site, path: str) -> datetime:
    found = site.get(path).last_modified
    assert isinstance(found, datetime)
    return found
