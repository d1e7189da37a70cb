"""Tests of the faults of a file: `flask check` reports all of them at once."""

import json
from time import process_time
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from feeds.articles.all_faults import MAX_FAULTS, faults
from feeds.articles.front_matter import Context, parse
from feeds.articles.publication import KEYS
from feeds.errors import ArticleError
from tests.conftest import NOW, Content, Site
from tests.programs import skip_if_quick
from tests.test_front_matter import CASES, HOSTILE, expectation, names

CONTEXT = Context("https://site.example", lambda url: None, NOW)

Found = list[tuple[int | None, str | None, str]]


def of(text: str | bytes, path: str = "a.md") -> Found:
    whole = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return [(each.line, each.key, str(each.reason)) for each in faults(whole, path, CONTEXT)]


DATE, URL = "date: 2024-03-01\n", "webUrl: https://news.example/one\n"


@pytest.mark.parametrize(
    ("front_matter", "expected"),
    [
        (
            "date: soon\nwebUrl: ftp://x\n",
            [
                (2, "date", "bad-date"),
                (1, "title", "missing-field"),
                (3, "webUrl", "bad-url"),
            ],
        ),
        ("", [(2, None, "not-a-mapping")]),
        (
            "x: y\n",
            [
                (1, "publishedDateTime", "missing-field"),
                (1, "title", "missing-field"),
                (1, "webUrl", "missing-field"),
            ],
        ),
        (
            "publishedDateTime: x\nupdatedDateTime: y\ntitle:\noriginalUrl: z\nquality: high\n",
            [
                (2, "publishedDateTime", "bad-date"),
                (3, "updatedDateTime", "bad-date"),
                (4, "title", "empty-title"),
                (5, "originalUrl", "bad-url"),
                (6, "quality", "bad-type"),
            ],
        ),
        (
            f"title: x\n{DATE}{URL}images:\n- url: [1]\n- 2\n- url: /a.jpg\n  width: [3]\n"
            "topics: [a, [b], c, {name: [d]}]\nprovider: {name: [e], authors: f}\n",
            [
                (10, "topics[1]", "bad-type"),
                (10, "topics[3].name", "bad-type"),
                (6, "images[0].url", "bad-type"),
                (7, "images[1]", "bad-type"),
                (9, "images[2].width", "bad-type"),
                (11, "provider.authors", "bad-type"),
                (11, "provider.name", "bad-type"),
            ],
        ),
        (
            f"Title: x\n{DATE}WebUrl: nowhere\ntopics: none\n",
            [
                (2, "title", "yaml-key"),
                (4, "webUrl", "yaml-key"),
                (4, "webUrl", "bad-url"),
                (5, "topics", "bad-type"),
            ],
        ),
        (
            f"{DATE}{URL}is_draft: perhaps\nDraft: maybe\nexpiry-date: never\nPublished: true\n",
            [
                (4, "draft", "bad-published"),
                (5, "draft", "bad-published"),
                (6, "expiryDate", "bad-date"),
                (7, "published", "bad-published"),
                (1, "title", "missing-field"),
            ],
        ),
        ("draft: true\ntitle: [\n", [(4, None, "yaml-syntax"), (2, "draft", "draft")]),
    ],
)
def test_every_fault_of_a_file_is_found(front_matter: str, expected: Found) -> None:
    found = of(f"---\n{front_matter}---\n")

    assert sorted(found, key=str) == sorted(expected, key=str)


def test_a_body_beyond_the_limits_is_no_fault() -> None:
    found = of(f"---\n{DATE}{URL}featuredContent: {'<div>' * 120}\n---\n{'<p><div>' * 2_000}")

    assert found == [(1, "title", "missing-field")]


def test_a_draft_has_no_faults() -> None:
    assert of("---\npublished: false\ntitle: [1]\n---\n") == []


def test_only_the_first_of_thousands_of_faults_are_reported() -> None:
    assert len(of(f"---\ntitle: x\n{DATE}{URL}topics: [{'[x],' * 3_000}]\n---\n")) == MAX_FAULTS


@pytest.mark.parametrize("name", names("invalid"))
def test_the_first_fault_is_the_one_that_parsing_raises(name: str) -> None:
    text = (CASES / "invalid" / f"{name}.md").read_bytes()

    with pytest.raises(ArticleError) as caught:
        parse(text, f"{name}.md", CONTEXT)

    met = [(caught.value.line, caught.value.key, str(caught.value.reason))]
    assert caught.value.reason.is_deliberate or of(text)[:1] == met


@pytest.mark.parametrize("name", names("valid"))
def test_a_valid_file_has_no_faults(name: str) -> None:
    path = expectation("valid", name).get("path", "a.md")

    assert of((CASES / "valid" / f"{name}.md").read_bytes(), path) == []


@pytest.mark.parametrize("name", HOSTILE)
def test_the_faults_of_hostile_files_are_found_in_two_seconds(name: str) -> None:
    skip_if_quick()
    front_matter, body = HOSTILE[name]
    text = f"---\nquality: x\n{front_matter.replace('title', 'Title')}---\n{body}"

    start = process_time()
    found = of(text)
    took = process_time() - start

    assert took < 2
    assert len(found) <= MAX_FAULTS


VALUES = st.recursive(
    st.none() | st.text(max_size=5) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
SPELT = sorted(
    KEYS | {"title", "date", "webUrl", "images", "related", "provider", "topics", "quality", "id"}
)


@given(st.dictionaries(st.sampled_from(SPELT + [key.upper() for key in SPELT]), VALUES))
def test_no_fault_is_reported_twice_and_none_ends_the_search(keys: dict[str, Any]) -> None:
    found = of(f"---\n{yaml.safe_dump(keys, allow_unicode=True)}---\n")

    assert len(found) < MAX_FAULTS
    assert len(set(found)) == len(found)


BAD = "---\ntitle: [1]\ndate: soon\nwebUrl: ftp://x\n---\n"


def test_check_names_every_fault_of_a_file_on_a_line_of_its_own(
    content: Content, site: Site
) -> None:
    content.raw("a.md", BAD)
    content.write("b.md")

    result = site.runner.invoke(args=["check"])

    assert [": ".join(line.split(": ")[:3]) for line in result.stdout.splitlines()] == [
        "a.md:3: date: bad-date",
        "a.md:2: title: bad-type",
        "a.md:4: webUrl: bad-url",
        "b.md: served",
    ]
    assert result.stderr == "1 served, 1 rejected, 0 ignored\n"


def test_check_for_programs_lists_every_fault_of_a_file(content: Content, site: Site) -> None:
    content.raw("a.md", BAD)
    content.write("b.md")
    content.write("c.md", draft=True)

    bad, good, draft = json.loads(site.runner.invoke(args=["check", "--json"]).stdout)

    assert [(fault["line"], fault["key"], fault["reason"]) for fault in bad["faults"]] == [
        (3, "date", "bad-date"),
        (2, "title", "bad-type"),
        (4, "webUrl", "bad-url"),
    ]
    first = {"reason": bad["reason"], "message": bad["message"], "line": bad["line"]}
    assert bad["faults"][0] == first | {"key": bad["key"]}
    assert good["faults"] == draft["faults"] == []


def test_the_log_names_a_file_once(
    content: Content, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    content.raw("a.md", BAD)

    site.sync.refresh()

    assert [record.getMessage().split(": ")[2] for record in caplog.records] == ["bad-date"]


def test_two_files_with_one_id_have_no_other_fault(content: Content, site: Site) -> None:
    content.write("a.md", id="same")
    content.write("b.md", id="same")

    found = json.loads(site.runner.invoke(args=["check", "--json"]).stdout)

    assert [[fault["reason"] for fault in each["faults"]] for each in found] == [[], ["collision"]]
