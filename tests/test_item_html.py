"""Tests of the times and texts that all formats share."""

import pytest

from feeds.formats.dates import rfc822, rfc3339
from feeds.formats.item_html import description
from tests.builders import article


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z")],
)
def test_times_are_written_for_atom_and_json(seconds: int, expected: str) -> None:
    assert rfc3339(seconds) == expected


def test_times_are_written_for_rss() -> None:
    assert rfc822(951_782_400) == "Tue, 29 Feb 2000 00:00:00 GMT"


SENTENCE = "It was so quiet that one could hear the river all the night long. "


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<p>Short.</p>", "Short."),
        ("<h1>Chapter one</h1><p>It was quiet.</p>", "It was quiet."),
        ("<h1>Chapter one</h1><h2>Of two</h2>", "Chapter one Of two"),
        (f"<p>{SENTENCE * 100}</p>", (SENTENCE * 7).strip()),
        (f"<h1>Chapter one</h1><p>{SENTENCE * 100}</p>", (SENTENCE * 7).strip()),
        (f"<p>{'静か' * 3_500}</p>", "静か" * 249 + "静…"),
        (f"<h1>一章</h1><p>RSS {'静か' * 3_500}</p>", "RSS " + "静か" * 247 + "静…"),
        (f"<p>{'静か' * 200}。{'静か' * 200}</p>", "静か" * 200 + "。"),
        (f"<p>{'🇫🇷' * 400}</p>", "🇫🇷" * 249 + "…"),
        (f"<p><a href='https://a.example/{'x' * 6_000}'>one</a> two</p>", "one two"),
        ("<p><ruby>虐待<rt>ぎゃくたい</rt></ruby>を<wbr>受け<time>今</time></p>",
         "虐待（ぎゃくたい）を受け今"),
    ],
)  # fmt: skip
def test_an_article_without_excerpt_is_described_by_its_text(body: str, expected: str) -> None:
    assert description(article(excerpt="", content=body)) == expected
