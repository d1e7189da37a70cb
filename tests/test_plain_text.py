"""Tests of plain text: the text of HTML, and where a long text is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.plain_text import closed_directions, html_text, shorten


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>two</p>", "One two"),
        ("f<em class='a>b'>o</em>o<br>bar", "foo bar"),
        ("1 &lt; 2 &amp;&nbsp;3", "1 < 2 & 3"),
        ("<!-- no -->yes<style>no</style>", "yes"),
        ("<title>a</title> b", "a b"),
        ("at <time>noon</time>, <dfn>n</dfn>oo<wbr>n", "at noon, noon"),
        ("<ruby>虐待<rt>ぎゃくたい</rt></ruby>", "虐待（ぎゃくたい）"),
        ("", ""),
    ],
)
def test_html_is_converted_to_text(html: str, text: str) -> None:
    assert " ".join(html_text(html).split()) == text


def test_elements_can_be_left_out() -> None:
    assert html_text("<h1>a</h1>b<p>c</p>", without={"h1", "p"}) == "b"


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        ("one two three", 13, "one two three"),
        ("one two three", 12, "one two…"),
        ("one two, three", 13, "one two…"),
        ("日本語日本語", 4, "日本語…"),
        ("Feedly 日本語日本語日本語日本語", 15, "Feedly 日本語日本語日…"),
        ("a bcdefghijklmnop", 9, "a bcdefg…"),
        ("unbroken", 5, "unbr…"),
        ("", 5, ""),
        ("The end is near. Or so they said.", 20, "The end is near."),
        ("The end is near! (Said him.) Or so.", 29, "The end is near! (Said him.)"),
        ("He met Mr. Smith and Mrs. Jones", 13, "He met Mr…"),
        ("He said e.g. this and that", 16, "He said e.g…"),
        ("Version 3.11 is out today", 15, "Version 3.11…"),
        ("静かだった。川の音が聞こえた。", 8, "静かだった。"),
        ("「静かだ。」と言ったのだった", 8, "「静かだ。」"),
        ("🇫🇷🇩🇪🇪🇸🇮🇹", 6, "🇫🇷🇩🇪…"),
        ("👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 10, "👨‍👩‍👧‍👦…"),
        ("नमस्तेनमस्ते", 5, "नम…"),
        ("ábcd́efgh", 5, "ábc…"),
    ],
)
def test_a_long_text_ends_after_a_sentence_a_word_or_a_character(
    text: str, limit: int, short: str
) -> None:
    assert shorten(text, limit) == short


def test_a_cut_text_ends_its_changes_of_direction() -> None:
    assert shorten("\u202eone two three", 10) == "\u202eone two…\u202c"
    assert shorten("\u202e" * 30, 10) == "…"


@given(st.text(max_size=80), st.integers(min_value=2, max_value=40))
def test_no_text_is_longer_than_its_limit(text: str, limit: int) -> None:
    assert len(shorten(text, limit)) <= limit


@given(st.text(st.sampled_from("ab\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")))
def test_changes_of_direction_are_closed_once(text: str) -> None:
    closed = closed_directions(text)

    assert closed.startswith(text)
    assert closed_directions(closed) == closed
