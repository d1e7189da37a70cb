"""Stress tests: any text and any bytes through parsing, the index and every format."""

import html
import json
import re
import tempfile
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import create_app
from feeds.articles.front_matter import Context, parse
from feeds.articles.links import clean_url
from feeds.articles.text import UNCLEAN
from feeds.errors import ArticleError
from feeds.formats import render
from feeds.model import Format
from feeds.slugs import slug
from feeds.urls import read, topic_path
from tests.builders import feed
from tests.conftest import NOW, SITE_URL, Clock, Site
from tests.document_parsers import items
from tests.torture.conftest import Figure, scaled

CONTEXT = Context(SITE_URL, lambda url: None, NOW)

#: Texts that were seen to break a program; they occur more often than by chance.
_EVIL = st.sampled_from(
    [
        "\0", "\x08", "\x1b[2J", "\x85", "\u2028", "\ufeff", "\ufffe", "\U0010ffff", "\u202e",
        "---", "\n---\n", "..", "\\", "<<", "&a", "*a", "!!python/name:os.system", "]]>",
        "<![CDATA[",
        "&#8;", "&#xD800;", "&amp;amp;", "&copy", "â€™", "Ã©", "<", ">", "'", '"', "%00",
        "😀", "日本語", "العربية", "e\u0301", "C++", "C#", "2026-05", "no", "0o17", "1e3", "[",
        "{", "<script>",
        "https://", "javascript:", "//", "[::", "?", "#", "a" * 300,
    ]
)  # fmt: skip
TEXT = st.lists(_EVIL | st.text(max_size=12), max_size=6).map("".join)
#: Any text, also with lone surrogates, which no encoding has.
RAW = st.lists(TEXT | st.text(st.characters(), max_size=5), max_size=4).map("".join)
URL = st.builds(
    "{}{}{}".format,
    st.sampled_from(["https://", "http://", "HTTPS://", "//", "", "ftp://", "https://a.example/"]),
    st.sampled_from(
        ["a.example", "bücher.example", "1.2.3.4", "[::1]", "[::", "x:99999", "u@h", ""]
    ),
    TEXT,
)
DATE = TEXT | st.datetimes().map(lambda d: d.isoformat()) | st.dates().map(str)
VALUE = st.recursive(
    TEXT | st.none() | st.booleans() | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


def patiently(short: int, long: int) -> settings:
    return settings(
        max_examples=scaled(short, long),
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def front(keys: dict[str, Any], body: str = "") -> bytes:
    dumped = yaml.safe_dump(keys, allow_unicode=True, width=10_000)
    return f"---\n{dumped}---\n{body}".encode("utf-8", "surrogatepass")


SEEN: Counter[str] = Counter()


@given(text=st.binary(max_size=400) | RAW.map(lambda t: t.encode("utf-8", "surrogatepass")))
@patiently(100, 10_000)
def test_any_bytes_are_parsed_or_rejected_with_a_reason(text: bytes) -> None:
    for whole in (text, b"---\n" + text, b"---\n" + text + b"\n---\n" + text):
        outcome = read_or_refused(whole)
        assert outcome
        SEEN["bytes"] += 1


@given(
    keys=st.dictionaries(
        st.sampled_from(
            ["title", "webUrl", "publishedDateTime", "date", "topics", "images", "related", "id",
             "provider", "published", "deleted", "quality", "locale", "excerpt", "secured", "type"]
        ) | TEXT,
        VALUE,
        max_size=8,
    ),
    body=RAW,
)  # fmt: skip
@patiently(100, 10_000)
def test_any_value_of_any_key_is_parsed_or_rejected_with_a_reason(
    keys: dict[str, Any], body: str
) -> None:
    assert read_or_refused(front(keys, body))
    SEEN["keys"] += 1


def read_or_refused(text: bytes) -> str:
    try:
        article = parse(text, "2026-01-02-a.md", CONTEXT).article
    except ArticleError as error:
        return str(error.reason)
    assert not UNCLEAN.search(article.title + article.content + article.excerpt + article.id)
    assert article.published <= NOW
    return "served"


ARTICLE = st.fixed_dictionaries(
    {
        "title": TEXT.map(lambda text: f"T {text}"),
        "webUrl": st.just("https://a.example/") | URL,
        "publishedDateTime": st.just("2026-01-01") | DATE,
    },
    optional={
        "excerpt": TEXT,
        "topics": st.lists(TEXT, max_size=4),
        "images": st.lists(st.fixed_dictionaries({"url": URL, "title": TEXT}), max_size=3),
        "related": st.lists(st.fixed_dictionaries({"webUrl": URL, "title": TEXT}), max_size=3),
        "provider": st.fixed_dictionaries({"name": TEXT, "domain": TEXT | URL}),
        "locale": TEXT | st.sampled_from(["ar-EG", "pt", "zh-Hant"]),
        "id": TEXT,
        "type": TEXT,
    },
)


@given(keys=ARTICLE, body=TEXT)
@patiently(100, 11_000)
def test_every_accepted_article_is_sound_in_every_format(keys: dict[str, Any], body: str) -> None:
    try:
        article = parse(front(keys, body), "a.md", CONTEXT).article
    except ArticleError:
        return
    for format in Format:
        item = items(render(feed(article), format), format)[0]
        SEEN["formats"] += 1
        assert (item.title, item.url) == (article.title, article.url)
        assert item.content
        assert all(url.startswith(("http://", "https://")) for url in item.pictures)


@given(raw=URL | RAW, base=st.none() | st.just("https://a.example/b/c?d"))
@patiently(200, 11_000)
def test_any_address_is_normalized_once_or_rejected(raw: str, base: str | None) -> None:
    url = clean_url(raw, base)

    assert url is None or re.fullmatch(r"https?://[!-~]+", url)
    assert url is None or clean_url(url) == url
    SEEN["addresses"] += 1


@given(name=RAW)
@patiently(200, 10_000)
def test_any_name_has_a_slug_that_is_an_address(name: str) -> None:
    found = slug(name)

    assert found
    assert not set(found) & set("/.?#%\\ \0\n")
    assert all(unicodedata.category(c)[0] in "LNM" or c == "-" for c in found)
    target = read(f"{topic_path(name)}.rss")
    assert target is not None
    assert target.feed.path == topic_path(name)
    SEEN["slugs"] += 1


@given(articles=st.lists(st.tuples(ARTICLE, TEXT), min_size=1, max_size=20))
@patiently(8, 150)
def test_any_articles_are_indexed_and_served_together(
    articles: list[tuple[dict[str, Any], str]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        content, instance = Path(folder, "content"), Path(folder, "instance")
        content.mkdir()
        for number, (keys, body) in enumerate(articles):
            (content / f"{number}.md").write_bytes(front(keys, body))
        site = open_site(content, instance)
        served = {v.id for v in site.sync.inspect() if v.reason is None}

        listed = site.get("/feeds.json").json["feeds"]
        answers = {a: site.get(path(a)) for f in listed for a in (f["rss"], f["atom"], f["json"])}
        found = {i["id"].partition(":")[2] for i in site.get("/all.json").json["items"]}

    assert {answer.status_code for answer in answers.values()} == {200}
    assert len(found) == len(served)
    for address, answer in answers.items():
        assert items(answer.data, address.rpartition(".")[2]) is not None
    SEEN["indexed articles"] += len(articles)


def path(address: str) -> str:
    return address.removeprefix(SITE_URL)


def open_site(content: Path, instance: Path) -> Site:
    environ = {
        "FEEDS_CONTENT_DIR": str(content),
        "FEEDS_INSTANCE_DIR": str(instance),
        "FEEDS_URL": SITE_URL,
    }
    site = Site(create_app(environ, Clock()))
    site.sync.refresh()
    return site


def test_the_number_of_examples_is_printed(figure: Figure) -> None:
    printed = ", ".join(f"{count} {what}" for what, count in SEEN.items())
    figure(f"any text and bytes: {sum(SEEN.values())} examples ({printed}), 0 exceptions")
    assert sum(SEEN.values()) >= scaled(500, 50_000)


def test_a_page_escapes_names(tmp_path: Path) -> None:
    name = "<b>&amp;'\"</b>"
    (tmp_path / "content").mkdir()
    keys = {"title": f"T {name}", "webUrl": "https://a.example/", "date": "2026-01-01"}
    (tmp_path / "content" / "a.md").write_bytes(front(keys | {"topics": [name]}))
    site = open_site(tmp_path / "content", tmp_path / "instance")

    topic = next(f for f in site.get("/feeds.json").json["feeds"] if f["kind"] == "topics")
    page = site.get(path(topic["page"])).text

    assert html.escape(json.loads(json.dumps(topic["name"])), quote=False).split("'")[0] in page
    assert "<b>&amp;amp;" not in page
