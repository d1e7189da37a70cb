"""Tests of the commands for editors and operators."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unicodedata import is_normalized

import pytest
from inotify_simple import INotify, flags

from feeds.errors import Reason
from tests.conftest import Content, Site

OpenSite = Callable[..., Site]


def test_check_states_the_outcome_of_every_file(content: Content, site: Site) -> None:
    content.write("good.md")
    content.write("noted.md", images=[{"url": "ftp://x"}])
    content.write("draft.md", published=False)
    content.raw("broken.md", "---\ntitle: [\n---\n")

    result = site.runner.invoke(args=["check"])

    lines = result.stdout.splitlines()
    assert lines[0].startswith("broken.md:3: yaml-syntax: ")
    assert lines[1].startswith("draft.md:11: published: draft: ")
    assert lines[2] == "good.md: served"
    assert lines[3].startswith("noted.md: served: images[0]")
    assert result.stderr == "2 served, 1 rejected, 1 ignored\n"


def test_check_fails_only_when_a_file_is_rejected(content: Content, site: Site) -> None:
    content.write("draft.md", published=False)
    assert site.runner.invoke(args=["check"]).exit_code == 0

    content.raw("broken.md", "no front matter")

    assert site.runner.invoke(args=["check"]).exit_code == 1


def test_check_for_programs_has_one_object_a_file(content: Content, site: Site) -> None:
    content.write("sub/good.md")
    content.write("a.md", published="perhaps")
    content.write("later.md", publishedDateTime="2031-01-01")
    content.raw("notes.txt", "not an article")
    content.raw("site.yml", "title: x")

    found = json.loads(site.runner.invoke(args=["check", "--json"]).stdout)

    assert [(o["file"], o["outcome"], o["reason"], o["key"]) for o in found] == [
        ("a.md", "rejected", "bad-published", "published"),
        ("later.md", "ignored", "embargoed", "publishedDateTime"),
        ("notes.txt", "ignored", "not-an-article", None),
        ("sub/good.md", "served", None, None),
    ]
    keys = {"file", "outcome", "reason", "line", "key", "message", "faults"}
    assert all(set(o) == keys for o in found)
    assert found[0]["line"] == 11
    assert found[0]["message"]


ODD = {
    "caf\u00e9.md".encode(),
    "cafe\u0301.md".encode(),
    "\u212bngstr\u00f6m.md".encode(),
    "\u00c5ngstr\u00f6m.md".encode(),
    "\ud55c.md".encode(),
    "\u1112\u1161\u11ab.md".encode(),
    "\u1112\u1161\ud55c\u11ab.md".encode(),
    "a\u0323\u0307.md".encode(),
    "a\u0307\u0323.md".encode(),
    "\u1ea1\u0307.md".encode(),
    b"line\nbreak.md",
    b"b\xffd.md",
    b"b\xfed.md",
    b"b\x1ad.md",
    b"fold\xe9/a.md",
    b"fold\xe8/a.md",
    b"fold\xe8/notes\xff.txt",
    b"notes\xff.txt",
    b"notes\xfe.txt",
    b"right\xe2\x80\xaeleft.md",
    b"back\\slash.md",
    b"back\\udcff.md",
    b"back\xff.md",
}


@pytest.fixture
def odd_names(content: Content) -> set[bytes]:
    """Write files whose names no terminal can display, or that look like the name of another."""
    for name in ODD:
        content.raw(os.fsdecode(name), "")
    return ODD


def test_check_for_programs_names_every_file_so_that_it_can_be_found_again(
    odd_names: set[bytes], content: Content, site: Site
) -> None:
    found = json.loads(site.runner.invoke(args=["check", "--json"]).stdout)

    named = [os.fsencode(each["file"]) for each in found]
    assert sorted(named) == sorted(odd_names)
    assert all(os.path.lexists(os.path.join(os.fsencode(content.folder), name)) for name in named)


def test_check_prints_names_that_are_printable_and_distinct(
    odd_names: set[bytes], site: Site
) -> None:
    lines = site.runner.invoke(args=["check"]).stdout.splitlines()

    shown = [line.partition(".md")[0].partition(".txt")[0] for line in lines]
    assert len(set(shown)) == len(odd_names)
    assert all(line.isprintable() for line in lines)
    assert all(is_normalized("NFC", line) for line in lines)
    assert {"caf\u00e9", "cafe\\u0301"} < set(shown)
    assert {"line\\nbreak", "b\\udcffd", "b\\udcfed", "b\\x1ad", "back\\\\slash"} < set(shown)


def test_check_proposes_the_right_name_of_a_site_file(content: Content, site: Site) -> None:
    content.raw("Topics.yaml", "- name: x")

    lines = site.runner.invoke(args=["check"]).output

    assert "Topics.yaml: not-an-article: not read: call it topics.yml" in lines


@pytest.fixture
def troubles(content: Content) -> dict[str, str]:
    """Write a file for each fault of a file itself; return the reasons by name."""
    content.write("a.md", id="same")
    content.write("b.md", id="same")
    content.raw("big.md", b"---\ntitle: x\n---\n" + b"x" * (1 << 20))
    content.raw("latin.md", "---\ntitle: caf\xe9\n---\n".encode("latin-1"))
    content.raw(os.fsdecode(b"b\xffd.md"), "")
    content.raw("line\nbreak.md", "")
    os.mkfifo(content.folder / "fifo.md")
    (content.folder / "link.md").symlink_to("/etc/hostname")
    (content.folder / "folder.md").mkdir()
    (content.folder / "loop").symlink_to(content.folder)
    return {
        "a.md": "",
        "b.md": "collision",
        "big.md": "too-large",
        "latin.md": "bad-encoding",
        "b\udcffd.md": "bad-name",
        "line\nbreak.md": "bad-name",
        "fifo.md": "not-a-file",
        "link.md": "outside",
        "loop": "outside",
    }


def test_check_names_the_fault_of_a_file_itself(troubles: dict[str, str], site: Site) -> None:
    found = json.loads(site.runner.invoke(args=["check", "--json"]).stdout)

    assert {o["file"]: o["reason"] or "" for o in found} == troubles


def test_an_error_in_a_file_affects_no_other_file(troubles: dict[str, str], site: Site) -> None:
    site.sync.refresh()

    assert [item["id"] for item in site.get("/all.json").json["items"]] == [
        "tag:tributary.localhost,2026:same"
    ]
    rejected = {reason for reason in troubles.values() if reason}
    assert set(site.get("/healthz").json["not served"]) == rejected


def test_every_reason_states_whether_it_is_intended() -> None:
    deliberate = {reason.value for reason in Reason if reason.is_deliberate}

    assert deliberate == {"draft", "embargoed", "withdrawn", "not-an-article"}


def test_refresh_prints_its_result(content: Content, site: Site) -> None:
    content.write("a.md")
    content.write("b.md", published=False)

    result = site.runner.invoke(args=["refresh"])

    assert "2 files read, 1 articles served" in result.output


def test_feeds_lists_every_feed_with_its_count_and_address(content: Content, site: Site) -> None:
    content.write("a.md")
    site.sync.refresh()

    assert site.runner.invoke(args=["feeds"]).output.splitlines() == [
        "     1  https://feeds.example.org/all.rss",
        "     1  https://feeds.example.org/providers/news.example.com.rss",
        "     1  https://feeds.example.org/topics/ai.rss",
    ]


def test_explain_lists_the_feeds_of_an_article(content: Content, site: Site) -> None:
    file = content.write("a.md")
    site.sync.refresh()

    for path in ("a.md", str(file)):
        assert site.runner.invoke(args=["explain", path]).output.splitlines() == [
            "a.md: served",
            "  https://feeds.example.org/all.rss",
            "  https://feeds.example.org/topics/ai.rss",
            "  https://feeds.example.org/providers/news.example.com.rss",
            "  https://feeds.example.org/providers/news.example.com/example-news.rss",
        ]


def test_explain_states_why_an_article_is_not_served_or_in_its_earlier_version(
    content: Content, site: Site
) -> None:
    content.write("draft.md", published=False)
    content.write("a.md")
    site.sync.refresh()
    content.raw("a.md", "no front matter")
    site.sync.refresh()

    draft = site.runner.invoke(args=["explain", "draft.md"]).output
    broken = site.runner.invoke(args=["explain", "a.md"]).output

    assert "draft: " in draft
    assert "https" not in draft
    assert "no-front-matter" in broken
    assert "its earlier version stays served" in broken
    assert "https://feeds.example.org/all.rss" in broken


def test_explain_finds_a_file_whose_name_has_odd_bytes(odd_names: set[bytes], site: Site) -> None:
    output = site.runner.invoke(args=["explain", os.fsdecode(b"b\xffd.md")]).output

    assert "b\\udcffd.md: bad-name" in output


def test_explain_reports_a_missing_file(site: Site) -> None:
    result = site.runner.invoke(args=["explain", "none.md"])

    assert result.exit_code == 1
    assert "no file none.md" in result.output


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("high-water.md", "news/high-water.md"),
        ("high-water", "news/high-water.md"),
        ("posts/high-water.md", "news/high-water.md"),
        ("news/hihg-water.md", "news/high-water.md"),
        ("\u00fc/cafe.md", "\u00fc/cafe\\u0301.md"),
    ],
)
def test_explain_of_a_missing_file_proposes_the_most_similar_one(
    content: Content, site: Site, path: str, near: str
) -> None:
    content.write("news/high-water.md")
    content.write("news/other.md")
    content.write("\u00fc/cafe\u0301.md")

    result = site.runner.invoke(args=["explain", path])

    assert result.exit_code == 1
    assert result.stderr.endswith(f": did you mean {near}?\n")


def test_explain_fails_only_when_the_file_is_rejected(content: Content, site: Site) -> None:
    content.write("good.md")
    content.write("draft.md", published=False)
    content.raw("broken.md", "no front matter")

    codes = {
        name: site.runner.invoke(args=["explain", f"{name}.md"]).exit_code
        for name in ("good", "draft", "broken")
    }

    assert codes == {"good": 0, "draft": 0, "broken": 1}


def test_explain_opens_one_file_of_many(content: Content, site: Site) -> None:
    """inotify of the folder reports each file that is opened."""
    for number in range(50):
        content.write(f"{number}.md")
        content.write(f"news/{number}.md")
    site.sync.refresh()
    content.write("7.md", published=False)

    with INotify() as opened:
        opened.add_watch(content.folder, flags.OPEN)
        opened.add_watch(content.folder / "news", flags.OPEN)
        result = site.runner.invoke(args=["explain", "7.md"])
        events = opened.read(timeout=0)

    assert "draft: " in result.output
    assert {event.name for event in events if not event.mask & flags.ISDIR} == {"7.md"}


def test_explain_names_the_file_that_has_the_same_id(content: Content, site: Site) -> None:
    content.write("a.md", id="same")
    site.sync.refresh()
    content.write("b.md", id="same")

    printed = site.runner.invoke(args=["explain", "b.md"]).output

    same = "a.md has the same id and was served first: give one of the two another id"
    assert printed == f"b.md:1: id: collision: {same}\n"


def test_of_two_new_files_with_one_id_the_first_by_path_is_named(
    content: Content, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    content.write("a.md", id="same")
    content.write("b.md", id="same")
    same = "a.md has the same id and comes first by path: give one of the two another id"

    checked = site.runner.invoke(args=["check"]).output
    site.sync.refresh()

    assert f"b.md:1: id: collision: {same}\n" in checked
    assert f"b.md:1: id: collision: {same}\n" in caplog.text


@pytest.mark.parametrize(
    "text",
    [
        "---\ntitle: [\n---\n",
        "no front matter",
        b"---\ntitle: caf\xe9\n---\n",
        "---\ntitle: Without a date\n---\n",
        f"---\ntitle: Too large\n---\n{'x' * 1_100_000}",
    ],
)
def test_the_log_names_a_fault_in_the_words_of_check(
    content: Content, site: Site, caplog: pytest.LogCaptureFixture, text: str | bytes
) -> None:
    content.raw("a.md", text)

    site.sync.refresh()

    first = site.runner.invoke(args=["check"]).output.splitlines()[0]
    assert first.startswith("a.md")
    assert caplog.messages[0] == first


HIDDEN = {
    "draft: true": "draft is true: remove the line, or write false, to publish it",
    "published: no": "published is false: remove the line, or write true, to publish it",
    "deleted: true": "deleted is true: remove the line, or write false, to publish it",
    "status: draft": "status is not public: write published, or remove the key",
    "status: ready": "not known to be public: write published, or remove the key",
    "password: hush": "readers need its password: remove the line to publish it",
    "permalink: false": "permalink is false: write an address, or remove the line, to publish it",
    "build: never": "its page is not built, or not listed: write always, or remove the key",
    "expires: 2020-01-01": "write a later date, or remove the line, to publish it",
    "expires: soon": "not an ISO date: write it as 2026-11-20 or 2026-11-20T20:50:00Z",
    "expires: 2026-02-30": "not an ISO date: write it as 2026-11-20 or 2026-11-20T20:50:00Z",
    "expires: 1969-07-20": "not a date from 1970 to 9999: correct the year",
}


@pytest.mark.parametrize("line", HIDDEN)
def test_check_states_how_to_publish_a_hidden_file(content: Content, site: Site, line: str) -> None:
    head = "title: T\ndate: 2024-03-01\nwebUrl: https://news.example/one"
    content.raw("a.md", f"---\n{head}\n{line}\n---\n")

    [printed] = site.runner.invoke(args=["check"]).stdout.splitlines()

    assert printed.endswith(f": {HIDDEN[line]}")


def test_check_states_that_a_bad_date_is_in_the_file_name(content: Content, site: Site) -> None:
    content.write("2026-13-40-news.md", publishedDateTime=None)

    [printed] = site.runner.invoke(args=["check"]).stdout.splitlines()

    message = "the file name begins with 2026-13-40, which is no date: rename it, or add date"
    assert printed == f"2026-13-40-news.md:1: date: bad-date: {message}"


@pytest.mark.parametrize(
    ("path", "printed"),
    [
        ("notes.txt", "notes.txt: not-an-article: only files whose names end in .md"),
        (".hidden.md", ".hidden.md: not-an-article: only files whose names end in .md"),
        ("news", "Error: no file news in "),
        ("site.yml", "site.yml: not-an-article: it describes the site; a fault in it stops"),
        ("public/ads.txt", "public/ads.txt: not-an-article: it is served as it is, at /ads.txt"),
        ("public/all.rss", "public/all.rss: not-an-article: an address of this site, which answ"),
        ("../outside.md", "Error: no file ../outside.md in "),
        ("a.md/b.md", "Error: no file a.md/b.md in "),
    ],
)
def test_explain_reports_a_file_that_is_no_article(
    content: Content, site: Site, path: str, printed: str
) -> None:
    content.raw("notes.txt", "x")
    content.raw(".hidden.md", "x")
    content.raw("site.yml", "title: x")
    content.raw("public/ads.txt", "x")
    content.raw("public/all.rss", "x")
    content.raw("../outside.md", "x")
    content.write("a.md")
    content.write("news/n1.md")

    assert site.runner.invoke(args=["explain", path]).output.startswith(printed)


def test_check_reports_no_file_that_is_served_unchanged(content: Content, site: Site) -> None:
    content.raw("public/ads.txt", "x")
    content.write("a.md")

    assert checked(site) == "a.md: served"


def checked(site: Site) -> str:
    [line] = site.runner.invoke(args=["check"]).stdout.splitlines()
    return line


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("topcis", "topics"),
        ("tags", "topics"),
        ("Image", "images"),
        ("author", "provider.authors"),
        ("exerpt", "excerpt"),
        ("description", "excerpt"),
        ("updated", "updatedDateTime"),
        ("drafft", "draft"),
        ("publised", "published"),
    ],
)
def test_check_proposes_the_known_key_that_is_similar_to_an_unknown_one(
    content: Content, site: Site, key: str, meant: str
) -> None:
    keys: dict[str, Any] = {"topics": None, "excerpt": None, key: "a text to be kept secret"}
    content.write("a.md", **keys)

    line = checked(site)

    assert line == f"a.md: served: {key}: unknown key: did you mean {meant}?"
    assert site.runner.invoke(args=["explain", "a.md"]).output.startswith(f"{line}\n")


@pytest.mark.parametrize(
    "keys",
    [
        {"secured": {"topcis": 1}, "heat": 5, "category": "x", "ampWebUrl": "x"},
        {"secret": 1, "weather": 1, "slug": 1, "tag_line": 1, "x": 1, "layout": 1},
        # The file has the known key, too.
        {"tags": ["AI"], "url": "/a/", "description": "A text"},
    ],
)
def test_check_is_silent_about_other_unknown_keys(
    content: Content, site: Site, keys: dict[str, Any]
) -> None:
    content.write("a.md", **keys)

    assert checked(site) == "a.md: served"


def test_an_unknown_key_and_its_note_reach_neither_feeds_nor_the_index(
    content: Content, site: Site, tmp_path: Path
) -> None:
    content.write("a.md", topics=None)
    site.sync.refresh()
    before = site.get("/all.atom").headers["ETag"]

    content.write("a.md", topics=None, topcis=["AI"])
    site.sync.refresh()

    assert "topcis" in checked(site)
    assert site.get("/all.atom").headers["ETag"] == before
    files = (tmp_path / "instance").glob("index.sqlite*")
    assert not any(b"topcis" in file.read_bytes() for file in files)


def test_check_notes_a_missing_image_of_the_site(content: Content, site: Site) -> None:
    content.raw("pictures/there.png", b"an image")
    content.write(
        "a.md",
        images=[
            {"url": "/pictures/there.png"},
            {"url": "/pictures/nothere.jpg"},
            {"url": "https://img.example/elsewhere.jpg"},
        ],
    )

    note = "images: /pictures/nothere.jpg: no such image: add the file, or correct the address"
    assert checked(site) == f"a.md: served: {note}"
