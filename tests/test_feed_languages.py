"""Tests of languages: a condition of named feeds, and the shared language of a feed's articles."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from lxml import etree

from feeds.membership import memberships
from feeds.settings import Choice, NamedFeed, SiteConfig
from tests.builders import article, site
from tests.conftest import Content, Site
from tests.document_parsers import atom_feed, channel

XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def holds(language: str | None, **choices: Choice) -> bool:
    """Return True if a feed with these conditions holds an article in a language (English site)."""
    own = replace(NamedFeed("own", "Own"), **choices)  # type: ignore[arg-type]
    files = SiteConfig(site=site(language="en"), feeds={"own": own})
    found = memberships(article(language=language), files)
    return "feeds/own" in {membership.path for membership in found}


FRENCH_OR_PT = Choice(languages=frozenset({"fr", "pt-br"}))


@pytest.mark.parametrize(
    ("language", "is_in"),
    [("fr", True), ("fr-CA", True), ("pt-BR", True), ("pt", False), ("frr", False), (None, False)],
)
def test_a_language_is_a_condition_of_a_feed(language: str | None, is_in: bool) -> None:
    """RFC 4647, 3.3.1"""
    assert holds(language, any=FRENCH_OR_PT) is is_in
    assert holds(language, all=Choice(languages=frozenset({"fr"}))) is (
        is_in and language != "pt-BR"
    )
    assert holds(language, none=FRENCH_OR_PT) is not is_in


def test_an_article_without_a_language_has_that_of_the_site() -> None:
    assert holds(None, any=Choice(languages=frozenset({"en"})))


def languages(site: Site, path: str) -> Mapping[str, str | None]:
    """Return the language of a feed in each of its documents and in the lists."""
    opml: Any = etree.fromstring(site.get("/feeds.opml").data)
    address = f"https://feeds.example.org/{path}.rss"
    return {
        "rss": channel(site.get(f"/{path}.rss").data).findtext("language"),
        "atom": atom_feed(site.get(f"/{path}.atom").data).get(XML_LANG),
        "json": site.get(f"/{path}.json").get_json()["language"],
        "opml": str(opml.xpath("//outline[@xmlUrl=$address]/@language", address=address)[0]),
    }


def all_of(language: str) -> Mapping[str, str]:
    return dict.fromkeys(("rss", "atom", "json", "opml"), language)


def test_a_feed_whose_articles_share_a_language_names_it(
    content: Content, open_site: Callable[..., Site]
) -> None:
    """[50]"""
    content.raw("topics.yml", "- {name: Nothing}")
    content.write("a.md", topics=["Bateaux", "Boats"], locale="fr")
    content.write("b.md", topics=["Bateaux"], locale="fr")
    content.write("c.md", topics=["Boats"])
    site = open_site()

    assert languages(site, "topics/bateaux") == all_of("fr")
    assert languages(site, "topics/boats") == all_of("en")
    assert languages(site, "topics/nothing") == all_of("en")
    assert languages(site, "all") == all_of("en")


def test_the_language_of_a_feed_follows_its_articles(
    content: Content, open_site: Callable[..., Site]
) -> None:
    """[13, 56] Archives contain the language, too, and change with it."""
    content.write("a.md", topics=["Bateaux"], locale="fr")
    content.write("old.md", topics=["Bateaux"], locale="fr", publishedDateTime="2026-09-01")
    site = open_site()
    archive = site.get("/topics/bateaux/2026-09.rss")

    content.write("c.md", topics=["Bateaux"], locale="fr-CA")
    site.sync.refresh()
    assert languages(site, "topics/bateaux") == all_of("en")
    later = site.get("/topics/bateaux/2026-09.rss")
    assert later.headers["ETag"] != archive.headers["ETag"]
    assert later.headers["Last-Modified"] > archive.headers["Last-Modified"]

    content.remove("c.md")
    site.sync.refresh()
    assert languages(site, "topics/bateaux") == all_of("fr")

    content.write("a.md", topics=["Bateaux"], locale="nl")
    content.write("old.md", topics=["Bateaux"], locale="nl", publishedDateTime="2026-09-01")
    site.sync.refresh()
    assert languages(site, "topics/bateaux") == all_of("nl")
