"""Tests of rights: in every format, on pages and in robots.txt if they are given, else nowhere."""

from collections.abc import Callable, Mapping
from typing import Any

import feedparser
import pytest

from feeds.formats import render, weight
from feeds.model import NO_RIGHTS, AiUse, Article, Feed, Format, Rights
from tests.builders import article, feed, provider, site
from tests.conftest import Content, Site
from tests.document_parsers import (
    ATOM,
    DC,
    atom_entries,
    atom_feed,
    channel,
    json_feed,
    links,
    rss_items,
)
from tests.web_helpers import hrefs, texts, tree

LICENSE = "{http://backend.userland.com/creativeCommonsRssModule}license"
BY = "https://creativecommons.org/licenses/by/4.0/?a=1&b=2"

RIGHTS = Rights("© 2026 R&D <News>", BY, AiUse(train=False, search=True))
OWN = Rights("All rights reserved", "https://own.example/license")
OTHER = article(id="other", provider=provider(domain="own.example.com"))

SITE = """
title: Example News
rights:
  text: © 2026 R&D News
  license: https://creativecommons.org/licenses/by/4.0/
  ai: {train: no, search: yes, input: true}
"""
PROVIDERS = """
- domain: own.example.com
  aliases: [old.example.com]
  rights: {text: All rights reserved}
"""


def with_rights(*articles: Article, **changes: Any) -> Feed:
    """Return a feed of a site with rights, and of one provider with its own."""
    return feed(*articles, site=site(rights=RIGHTS), rights={"own.example.com": OWN}, **changes)


def test_rss_names_rights_of_channel_and_items() -> None:
    """[104]"""
    document = render(with_rights(article(), OTHER), Format.RSS)

    assert channel(document).findtext("copyright") == RIGHTS.text
    assert channel(document).findtext(LICENSE) == BY
    assert b"<copyright>\xc2\xa9 2026 R&#x26;D &#x3C;News&gt;</copyright>" in document
    first, other = rss_items(document)
    assert (first.findtext(LICENSE), first.findtext(f"{DC}rights")) == (BY, None)
    assert (other.findtext(LICENSE), other.findtext(f"{DC}rights")) == (OWN.license, OWN.text)


def test_atom_names_rights_of_feed_and_entries() -> None:
    """[104] RFC 4946"""
    document = render(with_rights(article(), OTHER), Format.ATOM)

    root, (first, other) = atom_feed(document), atom_entries(document)
    found = [
        (each.findtext(f"{ATOM}rights"), [link["href"] for link in links(each, "license")])
        for each in (root, first, other)
    ]
    assert found == [(RIGHTS.text, [BY]), (RIGHTS.text, [BY]), (OWN.text, [OWN.license])]


def test_json_feed_names_rights_in_an_extension_object() -> None:
    """[104]"""
    document = json_feed(render(with_rights(article(), OTHER), Format.JSON))

    about = "https://feeds.example.org/"
    assert document["_rights"] == {
        "about": about,
        "text": RIGHTS.text,
        "license": BY,
        "ai": {"train": False, "search": True},
    }
    first, other = document["items"]
    assert "_rights" not in first
    assert other["_rights"] == {"about": about, "text": OWN.text, "license": OWN.license}


@pytest.mark.parametrize("format", list(Format))
def test_without_rights_a_document_has_no_such_element(format: Format) -> None:
    """[104]"""
    document = render(feed(article()), format)

    words = (b"rights", b"license", b"copyright", b"creativeCommons")
    assert [word for word in words if word in document] == []


@pytest.mark.parametrize("format", [Format.RSS, Format.ATOM])
def test_feedparser_reads_the_rights(format: Format) -> None:
    found: Any = feedparser.parse(render(with_rights(article(), OTHER), format))

    assert not found.bozo
    assert found.feed.rights == RIGHTS.text
    assert found.feed.license == BY
    assert [entry.license for entry in found.entries] == [BY, OWN.license]
    assert [entry.link for entry in found.entries] == [article().url, OTHER.url]
    assert found.entries[1].rights == OWN.text


@pytest.mark.parametrize("format", list(Format))
@pytest.mark.parametrize("mark", ["&", "<", '"', "日"])
def test_the_weight_of_an_article_counts_its_rights(format: Format, mark: str) -> None:
    rights = Rights(mark * 200, f"https://a.example/{mark * 180}", AiUse(False, False, False))
    given = {article().provider.domain: rights}

    with_item = len(render(feed(article(), rights=given), format))
    with_rights_alone = len(render(feed(rights=given), format))
    of_rights = with_item - len(render(feed(article()), format))

    assert with_item - with_rights_alone <= weight(article(), rights)
    assert of_rights - 100 <= weight(article(), rights) - weight(article())


@pytest.fixture
def open_with_rights(content: Content, open_site: Callable[..., Site]) -> Site:
    content.raw("site.yml", SITE)
    content.raw("providers.yml", PROVIDERS)
    content.write("a.md")
    content.write("b.md", provider={"name": "Own", "domain": "old.example.com"})
    return open_site()


def test_a_provider_with_its_own_rights_has_them_in_every_feed(open_with_rights: Site) -> None:
    def rights(path: str) -> Mapping[str, Any]:
        found = open_with_rights.get(path).get_json()
        texts = {item["url"][-4:]: item.get("_rights", {}).get("text") for item in found["items"]}
        return {"feed": found["_rights"]["text"], **texts}

    own = "All rights reserved"
    assert rights("/all.json") == {"feed": "© 2026 R&D News", "a.md": None, "b.md": own}
    assert rights("/providers/own.example.com.json") == {"feed": own, "b.md": None}
    assert rights("/providers/own.example.com/own.json") == {"feed": own, "b.md": None}


def test_pages_have_a_line_of_rights_in_the_footer(open_with_rights: Site) -> None:
    """[104]"""
    for path in ("/", "/topics/ai", "/all/2026-11", "/?q=ai", "/embed"):
        page = tree(open_with_rights, path)
        assert texts(page, "footer a[rel=license]") == ["© 2026 R&D News"]
        assert hrefs(page, "footer a[rel=license]") == [
            "https://creativecommons.org/licenses/by/4.0/"
        ]
    own = tree(open_with_rights, "/providers/own.example.com")
    assert "All rights reserved" in texts(own, "footer p")
    assert hrefs(own, "a[rel=license]") == []


def test_robots_txt_signals_what_programs_may_do(open_with_rights: Site) -> None:
    """[104]"""
    lines = open_with_rights.get("/robots.txt").get_data(True).splitlines()

    assert lines[:2] == [
        "User-agent: *",
        "Content-Signal: search=yes, ai-input=yes, ai-train=no",
    ]


def test_without_rights_no_page_and_no_file_mentions_them(site: Site, content: Content) -> None:
    """[104]"""
    content.write("a.md")
    site.sync.refresh()

    assert b"license" not in site.get("/topics/ai").data
    assert b"Signal" not in site.get("/robots.txt").data
    assert site.web.catalog.files.rights("news.example.com") == NO_RIGHTS
