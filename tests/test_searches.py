"""Tests of searches: the address, the page and the feed; words in every script."""

import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from app import create_app
from feeds.folded_words import LONGEST, indexed_tokens, query_tokens, words
from feeds.index import connect
from feeds.model import FeedId
from feeds.searches import LONGEST_SEARCH, MOST_WORDS, Search
from feeds.web import paths
from tests.conftest import SITE_URL, Clock, Content, OpenShared, Site
from tests.web_helpers import hrefs, texts, tree

OpenSite = Callable[..., Site]

OPENSEARCH = "{http://a9.com/-/spec/opensearch/1.1/}"


def fill(content: Content) -> None:
    """Write articles in several scripts."""
    written: dict[str, dict[str, Any]] = {
        "ferry": {"title": "The Ferry that waits", "topics": ["River Life"]},
        "cafe": {"title": "Le café d’Ångström", "excerpt": "Une crêpe, s’il vous plaît."},
        "people": {
            "title": "Rope",
            "provider": {
                "name": "The Gazette",
                "domain": "gazette.example",
                "authors": [{"name": "Ann Ferryman"}],
            },
        },
        "japan": {"title": "東京都の新しい渡し船"},
        "china": {"title": "新的渡轮在河上航行"},
        "korea": {"title": "강을 건너는 새 배"},
        "arabic": {"title": "سفينة جديدة تعبر النهر"},
        "hindi": {"title": "नदी पर नई नाव"},
        "thai": {"title": "เรือข้ามฟากลำใหม่"},
        "plus": {"title": "What C++20 brings", "topics": ["C++"]},
        "sharp": {"title": "C# plus a look at the sharp end"},
        "letter": {"title": "C, plus some more, plus Disney+"},
        "hash": {"title": "#ferries are 20+"},
        "body": {"title": "Nothing of it"},
    }
    for number, (name, keys) in enumerate(written.items()):
        body = "The word zanzibar is in the body alone." if name == "body" else ""
        content.write(f"{name}.md", body, publishedDateTime=f"2026-11-{19 - number}", **keys)


@pytest.fixture(scope="module")
def library(open_shared: OpenShared) -> Site:
    """Return a site for all tests that only search."""
    return open_shared(fill)


@pytest.fixture
def changing(content: Content, open_site: OpenSite) -> Site:
    """Return a site for one test, with the same articles."""
    fill(content)
    return open_site()


@dataclass(kw_only=True)
class _SavingClock(Clock):
    """A clock that saves an article, once, when a request reads the time."""

    content: Content
    saves_into: Site | None = None

    def __call__(self) -> float:
        site, self.saves_into = self.saves_into, None
        if site:
            self.content.write("ferry.md", title="A new ferry")
            # A thread has a connection of its own, like another process.
            saving = Thread(target=site.sync.refresh)
            saving.start()
            saving.join()
        return self.now


def found(site: Site, query: str) -> list[str]:
    selection = site.web.catalog.select(FeedId(Search.of(query).path))
    return [row.id for row in selection.rows]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("ferry", ["ferry"]),
        ("FERRY Waits", ["ferry"]),
        ("ferry missing", []),
        ("river", ["ferry"]),
        ("ann", ["people"]),
        ("gazette", ["people"]),
        ("gazette.example", ["people"]),
        ("cafe", ["cafe"]),
        ("CRÊPE", ["cafe"]),
        ("Angstrom", ["cafe"]),
        ("ﬀerry ferry", []),
        # Parts of text without spaces, also a single character.
        ("東京", ["japan"]),
        ("京都", ["japan"]),
        ("新しい渡し船", ["japan"]),
        ("船", ["japan"]),
        ("渡", ["japan", "china"]),
        ("渡轮", ["china"]),
        ("東京 渡轮", []),
        ("ข้ามฟาก", ["thai"]),
        ("건너는", ["korea"]),
        ("건너", []),
        ("النهر", ["arabic"]),
        ("नदी", ["hindi"]),
        ("नद", []),
        # A sign at the end of a word is a part of it; the word is found without it, too.
        ("C++", ["plus"]),
        ("c++20", ["plus"]),
        ("Ｃ＋＋", ["plus"]),
        ("C#", ["sharp"]),
        ("c", ["plus", "sharp", "letter"]),
        ("c plus", ["sharp", "letter"]),
        ("C+", []),
        ("disney", ["letter"]),
        ("Disney+", ["letter"]),
        ("20+", ["hash"]),
        # A sign elsewhere is no part of a word.
        ("ferries", ["hash"]),
        ("#ferries", ["hash"]),
        ("+ferries", ["hash"]),
        # No word of the body.
        ("zanzibar", []),
        # Syntax of FTS5, and tokens of feeds.
        ("ferry*", ["ferry"]),
        ("fer", []),
        ('"ferry" OR "rope"', []),
        ("NOT ferry", []),
        ("topics/river-life", []),
        ("{tokens} : ferry", []),
        ("NEAR(the ferry)", []),
    ],
)
def test_a_search_finds_the_articles_with_all_its_words_newest_first(
    library: Site, query: str, ids: list[str]
) -> None:
    assert found(library, query) == ids


@pytest.mark.parametrize(
    ("written", "usual"),
    [
        ("Waits-FERRY", "ferry-waits"),
        ("ferry waits", "ferry-waits"),
        ("ferry+waits", "ferry-waits"),
        ("C++", "c++"),
        ("C#", "c#"),
        ("20-C++", "20-c++"),
        ("C+++Ferry", "c++-ferry"),
        ("c++", "c++"),
        ("c#", "c#"),
        ("café", "cafe"),
        ("ferry-ferry", "ferry"),
        ("--ferry--", "ferry"),
        ("ｆｅｒｒｙ", "ferry"),
        ("東京都", "東京都"),
        ("ferry,waits!", "ferry-waits"),
    ],
)
@pytest.mark.parametrize("ending", ["", ".rss", ".atom", ".json"])
def test_any_other_spelling_of_a_search_leads_to_its_one_address_at_once(
    library: Site, written: str, usual: str, ending: str
) -> None:
    answer = library.get(f"/search/{quote(written)}{ending}")

    expected = f"{SITE_URL}/search/{quote(usual, safe='+')}{ending}"
    assert (answer.status_code, answer.location) == (
        (200, None) if written == usual else (301, expected)
    )
    assert library.get(expected.removeprefix(SITE_URL)).status_code == 200


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("!!!", "Write at least one word."),
        ("a-b-c-d-e-f-g-h-i", "Write 8 words with 100 characters at most."),
        (f"{'a' * 60}-{'b' * 60}", "Write 8 words with 100 characters at most."),
    ],
)
def test_an_invalid_search_is_404_with_the_reason(library: Site, text: str, why: str) -> None:
    assert str(MOST_WORDS) in why or "one" in why
    assert str(LONGEST_SEARCH) in why or "one" in why

    feed, page = library.get(f"/search/{text}.rss"), library.get(f"/search/{text}")

    assert (feed.status_code, page.status_code) == (404, 404)
    assert feed.text.startswith(why)
    assert why in page.text


@given(st.text(max_size=80))
def test_folding_the_words_of_any_text_twice_changes_nothing(text: str) -> None:
    requested = Search.of(text)

    assert Search.of(requested.path.removeprefix("search/").replace("-", " ")) == requested


@given(st.text(max_size=80))
def test_words_are_made_of_letters_digits_and_marks_with_a_sign_at_most(text: str) -> None:
    for word in words(text):
        assert 0 < len(word) <= LONGEST
        assert not set(re.sub("[+#]{1,2}$", "", word)) & set("\"'*-+#()^:{}/.%\\ \0")
        tokens = set(indexed_tokens(word))
        for token, is_beginning in query_tokens(word):
            assert is_beginning or token in tokens
            assert any(each.startswith(token) for each in tokens)


def test_a_changed_word_is_found_and_the_old_one_is_not(content: Content, changing: Site) -> None:
    content.write("ferry.md", title="The barge that waits")
    content.remove("japan.md")
    content.write("cafe.md", title="Le café", draft=True)
    changing.sync.refresh()

    assert found(changing, "ferry") == []
    assert found(changing, "barge waits") == ["ferry"]
    assert found(changing, "東京") == []
    assert found(changing, "cafe") == []


def test_after_many_changes_the_index_finds_the_same_as_a_new_one(
    content: Content, changing: Site, open_site: OpenSite, tmp_path: Any
) -> None:
    for turn in range(6):
        for number in range(12):
            name = f"{number}.md"
            content.write(name, title=f"word{turn} word{number % 3}", topics=[f"T{turn % 2}"])
        changing.sync.refresh()
        content.remove(f"{turn}.md")
        changing.sync.refresh()
    other = open_site(FEEDS_INSTANCE_DIR=str(tmp_path / "other"))

    for query in ("word0", "word1", "word4", "word5", "word2 word5", "example", "title"):
        assert found(changing, query) == found(other, query), query
    for mix in ("t1", "t1,+news.example.com", "news.example.com,-t1"):
        rows = [site.web.catalog.select(FeedId(f"mix/{mix}")).rows for site in (changing, other)]
        assert rows[0] == rows[1]


def test_a_search_page_shows_feeds_and_articles_and_links_to_the_feed(library: Site) -> None:
    page = tree(library, "/?q=river")

    assert texts(page, ".index a") == ["River Life"]
    assert texts(page, "article h3") == ["The Ferry that waits"]
    assert hrefs(page, ".found > p > a")[0] == "/search/river"
    assert f"{SITE_URL}/search/river.rss" in hrefs(page, 'link[rel="alternate"]')
    assert texts(tree(library, "/?q=none"), ".nothing") == ["No article matches this search."]
    assert texts(tree(library, "/?q=!!!"), ".nothing") == ["Write at least one word."]


def test_a_search_succeeds_while_one_of_its_articles_is_saved(
    content: Content, tmp_path: Path
) -> None:
    content.write("ferry.md", title="A ferry")
    clock = _SavingClock(content=content)
    environ = {
        "FEEDS_CONTENT_DIR": str(content.folder),
        "FEEDS_INSTANCE_DIR": str(tmp_path / "instance"),
        "FEEDS_URL": SITE_URL,
    }
    site = Site(create_app(environ, clock))
    site.sync.refresh()

    clock.saves_into = site
    during = site.get("/?q=ferry")
    after = site.get("/?q=ferry")

    assert (during.status_code, after.status_code) == (200, 200)
    assert "A ferry<" in during.text
    assert "A new ferry<" in after.text
    assert during.headers["ETag"] != after.headers["ETag"]


def test_while_an_older_index_is_rebuilt_a_search_shows_feeds(
    changing: Site,
) -> None:
    with closing(connect(changing.sync.index.path)) as connection:
        connection.execute("INSERT INTO meta VALUES ('unsearchable', 1)")
    before = changing.get("/?q=river")
    with closing(connect(changing.sync.index.path)) as connection:
        connection.execute("DELETE FROM meta WHERE key = 'unsearchable'")
    after = changing.get("/?q=river")

    assert (before.status_code, after.status_code) == (200, 200)
    page = etree.HTML(before.text)
    assert [link.text for link in page.cssselect(".index a")] == ["River Life"]
    (sentence,) = page.cssselect(".nothing")
    assert sentence.text == "The problem is on our side. Try again in a minute."
    assert before.headers["ETag"] != after.headers["ETag"]
    assert "The Ferry that waits" in after.text


def test_the_page_of_a_search_is_like_that_of_any_feed_and_not_for_search_engines(
    library: Site,
) -> None:
    page = tree(library, "/search/ferry")

    assert texts(page, "h1") == ["ferry"]
    assert texts(page, "article h3") == ["The Ferry that waits"]
    assert texts(page, ".copy label") == ["RSS", "Atom", "JSON Feed"]
    for ending in ("", ".rss", ".atom", ".json"):
        assert library.get(f"/search/ferry{ending}").headers["X-Robots-Tag"] == "noindex"
    assert not any(path.startswith("/search") for path in paths(library.web.catalog))


def test_a_page_names_the_description_of_the_search(library: Site) -> None:
    """[107]"""
    page = tree(library, "/search/ferry")
    (named,) = hrefs(page, 'link[rel="search"]')
    answer = library.get(named)
    root = etree.fromstring(answer.data)
    templates = {url.get("type"): url.get("template") for url in root.iter(f"{OPENSEARCH}Url")}

    assert answer.content_type == "application/opensearchdescription+xml; charset=utf-8"
    assert len(root.findtext(f"{OPENSEARCH}ShortName") or "") <= 16
    for format, type in (("rss", "rss+xml"), ("atom", "atom+xml"), ("json", "feed+json")):
        template = str(templates[f"application/{type}"])
        # Firefox encodes a space as a plus.
        requested = library.get(
            template.replace("{searchTerms}", "waits+Ferry").removeprefix(SITE_URL)
        )
        assert requested.location == f"{SITE_URL}/search/ferry-waits.{format}"
    for format, link in (("rss", "{http://www.w3.org/2005/Atom}link"),
                         ("atom", "{http://www.w3.org/2005/Atom}link")):  # fmt: skip
        feed = etree.fromstring(library.get(f"/search/ferry.{format}").data)
        searches = [each.get("href") for each in feed.iter(link) if each.get("rel") == "search"]
        assert searches == [f"{SITE_URL}/opensearch.xml"]
    assert "opensearch" not in library.get("/all.rss").text


def test_the_words_of_a_form_redirect_to_their_page(library: Site) -> None:
    answer = library.get(f"/search?q={quote('Café, s’il')}")

    assert (answer.status_code, unquote(answer.location)) == (303, f"{SITE_URL}/search/cafe-il-s")
    assert library.get("/search?q=!").location == f"{SITE_URL}/"
    assert library.get("/search").location == f"{SITE_URL}/"


def test_a_search_changes_with_its_articles(content: Content, changing: Site) -> None:
    first = changing.get("/search/ferry.rss")
    content.write("rope.md", title="A rope")
    changing.sync.refresh()
    same = changing.get("/search/ferry.rss", if_none_match=first.headers["ETag"])
    content.write("rope.md", title="A rope of the ferry")
    changing.sync.refresh()
    second = changing.get("/search/ferry.rss", if_none_match=first.headers["ETag"])

    assert (same.status_code, second.status_code) == (304, 200)
    assert second.last_modified > first.last_modified
