"""Tests of Atom alone; numbers in brackets are those of docs/requirements.md."""

import re

import pytest
from lxml import etree

from feeds.formats import render
from feeds.model import Format, Withdrawal
from tests.builders import (
    PUBLISHED,
    article,
    feed,
    image,
    provider,
    related_link,
    site,
)
from tests.document_parsers import (
    ATOM,
    TOMBSTONES,
    atom_entries,
    atom_feed,
    links,
    text,
)
from tests.documents import MARKS, URL, atom, atom_entry, rich


def test_atom_dates_end_in_z() -> None:
    """[5, 7, 8]"""
    entry = atom_entry(updated=PUBLISHED + 3_600)
    assert text(entry, f"{ATOM}published") == "2020-06-30T20:50:00Z"
    assert text(entry, f"{ATOM}updated") == "2020-06-30T21:50:00Z"


def test_an_atom_feeds_time_is_that_of_its_last_change() -> None:
    """[54]"""
    assert text(atom_feed(atom(updated=PUBLISHED + 1)), f"{ATOM}updated") == "2020-06-30T20:50:01Z"


def test_entries_of_the_same_moment_carry_the_same_time() -> None:
    entries = atom_entries(atom(article(id="a"), article(id="b")))

    updated = [text(entry, f"{ATOM}updated") for entry in entries]

    assert updated == ["2020-06-30T20:50:00Z"] * 2


def test_a_withdrawn_article_leaves_a_tombstone_in_atom() -> None:
    """[14]"""
    gone = (Withdrawal("a", PUBLISHED), Withdrawal("b c", PUBLISHED + 1))
    found = atom_feed(atom(withdrawn=gone)).findall(f"{TOMBSTONES}deleted-entry")
    assert [dict(each.attrib) for each in found] == [
        {"ref": "tag:example.org,2020:b%20c", "when": "2020-06-30T20:50:01Z"},
        {"ref": "tag:example.org,2020:a", "when": "2020-06-30T20:50:00Z"},
    ]


def test_atom_without_withdrawals_does_not_mention_tombstones() -> None:
    assert b"tombstones" not in atom(article())


def test_an_atom_feed_names_only_the_latest_withdrawals() -> None:
    """[12]"""
    gone = tuple(Withdrawal(f"a{number}", PUBLISHED + number) for number in range(51))
    found = atom_feed(atom(withdrawn=gone)).findall(f"{TOMBSTONES}deleted-entry")
    assert len(found) == 50
    assert b":a0" not in atom(withdrawn=gone)


def test_every_image_is_an_enclosure_in_atom() -> None:
    """[18]"""
    entry = atom_entry(images=(image(url=URL, length=5), image(title="")))
    common = {"rel": "enclosure", "type": "image/jpeg"}
    assert links(entry, "enclosure") == [
        {**common, "href": URL, "length": "5", "title": "A face in a frame"},
        {**common, "href": "https://img.example.com/face.jpg"},
    ]


def test_atom_has_no_media() -> None:
    """[18, 23]"""
    assert b"media" not in atom(rich())


def test_an_atom_feed_shows_icon_and_logo() -> None:
    """[29]"""
    found = atom_feed(atom(site=site(image=image(url=URL), icon=image())))
    assert text(found, f"{ATOM}logo") == URL
    assert text(found, f"{ATOM}icon") == "https://img.example.com/face.jpg"


def test_a_related_link_follows_the_alternate_one_in_atom() -> None:
    """[31, 37]"""
    entry = atom_entry(related=(related_link(url=URL),))
    assert [dict(link.attrib) for link in entry.findall(f"{ATOM}link")] == [
        {"rel": "alternate", "type": "text/html", "href": article().url},
        {"rel": "related", "type": "text/html", "href": URL, "title": "Cities weigh a ban"},
    ]


def test_the_source_is_the_last_element_of_an_entry() -> None:
    """[35]"""
    entry = atom_entry(
        updated=PUBLISHED + 1, provider=provider(name="Q&A"), related=(related_link(),)
    )
    assert entry[-1].tag == f"{ATOM}source"
    assert [(child.tag, child.text) for child in entry[-1]] == [
        (f"{ATOM}id", "tag:example.org,2020:feeds/providers/news.example.com"),
        (f"{ATOM}title", "Q&A"),
        (f"{ATOM}updated", "2020-06-30T20:50:01Z"),
    ]


@pytest.mark.parametrize("format", [Format.RSS, Format.ATOM])
def test_a_provider_without_a_feed_is_no_source(format: Format) -> None:
    assert b"<source" not in render(feed(article(), sources={}), format)


def test_an_atom_entry_is_in_one_namespace() -> None:
    """[38, 39]"""
    entry = atom_entries(atom(rich()))[0]
    assert {etree.QName(each).namespace for each in entry.iter()} == {"http://www.w3.org/2005/Atom"}
    assert b'<feed xmlns:fh="http://purl.org/syndication/history/1.0" xmlns="' in atom()


def test_the_titles_of_atom_are_text() -> None:
    """[43]"""
    title = atom_entry(title=MARKS).find(f"{ATOM}title")
    assert title is not None
    assert title.get("type", "text") == "text"


def test_atom_escapes_the_marks_of_text_as_references() -> None:
    """Validators treat any other form as markup that was not declared."""
    document = atom(
        article(title="&", excerpt="<&", authors=("&",), provider=provider(name="&")),
        title="&",
        description="&",
    )
    pattern = rb"<(title|subtitle|summary|name)>(.*?)</"
    assert [found[1] for found in re.findall(pattern, document)] == [
        *[b"&#x26;"] * 4,
        b"&#x3C;&#x26;",
        b"&#x26;",
    ]


def test_an_atom_feed_links_to_its_page() -> None:
    """[53]"""
    page = "https://feeds.example.org/topics/ai"
    alternate = [{"rel": "alternate", "type": "text/html", "href": page}]
    assert links(atom_feed(atom()), "alternate") == alternate


def test_the_content_of_atom_is_escaped_html() -> None:
    """[46]"""
    document = atom(article(content="<p>&lt;rss&gt; <channel> <rdf:RDF></p>", excerpt=""))
    content = atom_entries(document)[0].find(f"{ATOM}content")
    assert content is not None
    assert content.get("type") == "html"
    assert re.findall(rb"<rss|<channel>|<rdf:RDF", document) == []


def test_atom_names_the_language_of_the_feed_and_of_a_different_entry() -> None:
    """[50]"""
    name = "{http://www.w3.org/XML/1998/namespace}lang"
    found = atom_feed(atom(article(language="ar"), article(id="2"), site=site(language="de")))
    languages = [entry.get(name) for entry in found.findall(f"{ATOM}entry")]
    assert (found.get(name), languages) == ("de", ["ar", None])


def test_topics_are_categories_of_an_entry() -> None:
    entry = atom_entry(topics=("R&D",))
    assert [dict(each.attrib) for each in entry.findall(f"{ATOM}category")] == [{"term": "R&D"}]
