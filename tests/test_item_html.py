"""The small parts that all formats share: times and texts."""

import pytest

from feeds.formats.dates import rfc822, rfc3339
from feeds.formats.item_html import plain


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z")],
)
def test_times_are_written_for_atom_and_json(seconds: int, expected: str) -> None:
    assert rfc3339(seconds) == expected


def test_times_are_written_for_rss() -> None:
    assert rfc822(951_782_400) == "Tue, 29 Feb 2000 00:00:00 GMT"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<p>One</p><p>two</p>", "One two"),
        ("f<em class='a>b'>o</em>o<br>bar", "foo bar"),
        ("1 &lt; 2 &amp;&nbsp;3", "1 < 2 & 3"),
        ("<!-- no -->yes", "yes"),
    ],
)
def test_html_is_read_as_text(body: str, expected: str) -> None:
    assert plain(body) == expected
