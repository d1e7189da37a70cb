"""Tests of the YAML parser: every value stays text, and dangerous features are rejected by name."""

import time

import pytest

from feeds.articles.yaml_tree import Node, parse
from feeds.errors import ArticleError


def test_every_scalar_stays_the_written_text() -> None:
    found = parse("a: no\nb: 2020-06-30\nc: 1e3\nd: 0o17\ne: '~'\n").mapping("front matter")

    values = {key: node.value for key, node in found.items()}
    assert values == {"a": "no", "b": "2020-06-30", "c": "1e3", "d": "0o17", "e": "~"}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r'"Launch day \ud83d\ude80"', "Launch day 🚀"),
        (r'"\uD83D\uDC69\u200D\uD83D\uDCBB works"', "👩\u200d💻 works"),
        (r'"\\\ud83d\ude80"', "\\🚀"),
        (r'"the escapes \\ud83d\\ude80"', r"the escapes \ud83d\ude80"),
        ("one\u2028text", "one text"),
        ("'one\u2029text'", "one text"),
        ("one\x85text", "one text"),
        ("! 'A bare tag'", "A bare tag"),
        ("! A bare tag", "A bare tag"),
        ('! "~"', "~"),
    ],
)
def test_texts_of_other_programs_are_parsed(written: str, read: str) -> None:
    assert parse(f"a: {written}\n").mapping("front matter")["a"].value == read


def test_a_bare_tag_before_a_list_is_ignored() -> None:
    found = parse("a: ! [b]\nc: ! {d: e}\n").mapping("front matter")

    assert [node.value for node in found["a"].items("a")] == ["b"]
    assert found["c"].mapping("c")["d"].value == "e"


@pytest.mark.parametrize("character", ["\x85", "\u2028", "\u2029"])
def test_lines_are_counted_as_in_editors(character: str) -> None:
    with pytest.raises(ArticleError) as error:
        parse(f"a: 'one{character}text'\nb: one{character}text\nc: d: e\n", first_line=2)

    assert error.value.line == 4


@pytest.mark.parametrize("text", ["a:", "a: ~", "a: null", "a: NULL"])
def test_a_key_without_a_value_has_none(text: str) -> None:
    assert parse(text).mapping("front matter")["a"].value is None


def test_every_node_has_the_line_of_its_key() -> None:
    found = parse("a: 1\nb:\n  - x\n  - y\nc:\n  d: 2\n", first_line=2).mapping("front matter")

    assert {key: node.line for key, node in found.items()} == {"a": 2, "b": 3, "c": 6}
    assert [node.line for node in found["b"].items("b")] == [4, 5]
    assert found["c"].mapping("c")["d"].line == 7


def test_an_empty_document_has_no_value() -> None:
    assert parse("", first_line=2) == Node(None, 2)


@pytest.mark.parametrize(
    ("text", "reason", "line"),
    [
        ("a: &x 1", "yaml-alias", 1),
        ("a: *x", "yaml-alias", 1),
        ("a: 1\nb: &x [1]", "yaml-alias", 2),
        ("a: 1\n<<: 2", "yaml-alias", 2),
        ("a: 1\nb: 2\na: 3", "yaml-duplicate-key", 3),
        ("a: 1\nb: {c: 1, c: 2}", "yaml-duplicate-key", 2),
        ("[a]: 1", "yaml-key", 1),
        ("? {a: 1}\n: 2", "yaml-key", 1),
        ("a: !!str 1", "yaml-tag", 1),
        ("a: !x [1]", "yaml-tag", 1),
        ("a: 1\n--- \nb: 2", "yaml-multi", 2),
        ("a: b: c", "yaml-syntax", 1),
        ("a: 1\nb: [1]]", "yaml-syntax", 2),
        ('a: "\\ud800"', "yaml-syntax", 1),
        ("a: \x01", "yaml-syntax", 1),
        ("a: \ud800", "yaml-syntax", 1),
        ("[" * 24_800, "yaml-depth", 1),
        ("a: " + "{b: " * 17, "yaml-depth", 1),
        ("- \n" * 10_001, "too-complex", 9_999),
    ],
)
def test_yaml_features_that_no_article_needs_are_rejected_with_their_line(
    text: str, reason: str, line: int
) -> None:
    with pytest.raises(ArticleError) as error:
        parse(text)

    assert (error.value.reason, error.value.line) == (reason, line)


def test_an_alias_bomb_is_rejected_at_once() -> None:
    bomb = "a: &a [x]\n" + "\n".join(f"{c}: &{c} [*a, *a, *a]" for c in "bcdefghij")
    start = time.process_time()

    with pytest.raises(ArticleError):
        parse(bomb)

    assert time.process_time() - start < 1


def test_no_message_quotes_the_text() -> None:
    with pytest.raises(ArticleError) as error:
        parse('secured: "TOPSECRET\nb: [')

    assert "TOPSECRET" not in str(error.value)


def test_a_key_in_a_message_is_short_and_harmless() -> None:
    key = '"\\e[31m' + "x" * 100 + '"'

    with pytest.raises(ArticleError) as error:
        parse(f"{key}: 1\n{key}: 2")

    assert error.value.key == "?[31m" + "x" * 35


@pytest.mark.parametrize(
    ("text", "read"), [("a: [1]", "text"), ("a: 1", "items"), ("a: 1", "mapping")]
)
def test_a_value_of_another_type_is_rejected_with_the_remedy(text: str, read: str) -> None:
    node = parse(text).mapping("front matter")["a"]

    with pytest.raises(ArticleError, match="write it as") as error:
        getattr(node, read)("a")

    assert (error.value.reason, error.value.key, error.value.line) == ("bad-type", "a", 1)


@pytest.mark.parametrize(("read", "empty"), [("text", ""), ("items", ()), ("mapping", {})])
def test_a_missing_value_is_an_empty_value_of_any_type(read: str, empty: object) -> None:
    assert getattr(Node(None, 1), read)("a") == empty
