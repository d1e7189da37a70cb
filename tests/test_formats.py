"""Tests of every format; numbers in brackets are those of docs/requirements.md."""

import html
import locale
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import feedparser
import pytest

from feeds.formats import content_type, render
from feeds.model import Format
from tests import golden
from tests.builders import (
    PUBLISHED,
    addresses,
    article,
    articles,
    feed,
    image,
    related_link,
    site,
)
from tests.document_parsers import (
    FH,
    atom_feed,
    channel,
    items,
    json_feed,
    links,
)
from tests.documents import (
    MARKS,
    URL,
    archive,
    atom,
    content_in,
    json_,
    rich,
    rss,
)
from tests.programs import skip_if_quick

every_format = pytest.mark.parametrize("format", list(Format))
xml_formats = pytest.mark.parametrize("format", [Format.RSS, Format.ATOM])


@every_format
def test_an_article_has_one_id_in_every_format(format: Format) -> None:
    """[1]"""
    document = render(feed(article(id="posts/a b&c")), format)
    assert items(document, format)[0].id == "tag:example.org,2020:posts/a%20b&c"


@every_format
@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Another"},
        {"url": "http://elsewhere.example/"},
        {"content": "<p>Another text, which is longer than before.</p>"},
        {"images": (image(),)},
        {"published": PUBLISHED + 1, "updated": PUBLISHED + 2},
        {"topics": ("Other",)},
    ],
)
def test_an_id_survives_every_change_of_the_article(
    format: Format, changes: dict[str, Any]
) -> None:
    """[3]"""
    before, after = (
        render(feed(each), format) for each in (article(), replace(article(), **changes))
    )
    assert items(before, format)[0].id == items(after, format)[0].id


@every_format
def test_an_id_survives_a_move_of_the_feed(format: Format) -> None:
    """[3]"""
    moved = feed(article(), addresses=addresses("elsewhere"), site=site(url="http://old.example"))
    documents = [render(each, format) for each in (feed(article()), moved)]
    first, second = (items(document, format)[0].id for document in documents)
    assert first == second


@every_format
def test_no_id_occurs_twice(format: Format) -> None:
    """[4]"""
    found = [item.id for item in items(render(feed(*articles(30)), format), format)]
    assert len(set(found)) == 30


@every_format
def test_items_keep_the_order_of_the_feed(format: Format) -> None:
    """[9]"""
    found = [item.title for item in items(render(feed(*articles(12)), format), format)]
    assert found == [f"Article {number}" for number in range(12)]


@every_format
def test_text_that_looks_like_a_tag_of_an_item_is_text(format: Format) -> None:
    tags = "<item> </item> <entry> </entry>"
    content = f"<p>{html.escape(tags * 20)}</p>"
    odd = article(title=tags, excerpt=tags, topics=(tags,), content=content, language="ar")
    found = items(render(feed(odd, article(id="2"), title=tags, description=tags), format), format)
    assert [(item.title, item.content) for item in found] == [
        (tags, content),
        (article().title, article().content),
    ]


@every_format
def test_a_link_is_the_providers_own(format: Format) -> None:
    """[15]"""
    assert items(render(feed(article(url=URL)), format), format)[0].url == URL


@every_format
def test_the_content_starts_with_the_lead_image(format: Format) -> None:
    """[19, 21, 27]"""
    content = content_in(format, images=(image(title='A "face"'),))
    assert content.startswith(
        '<p><img class="webfeedsFeaturedVisual" src="https://img.example.com/face.jpg"'
        ' alt="A &quot;face&quot;" width="1920" height="1080"></p>'
    )


@every_format
def test_a_lead_image_without_a_title_is_described_by_that_of_the_article(format: Format) -> None:
    """[21]"""
    content = content_in(format, title="R&D", images=(image(title=""),))
    assert ' alt="R&amp;D"' in content


@every_format
@pytest.mark.parametrize("size", [(None, None), (15, 800), (800, 1)])
def test_an_image_never_states_a_tiny_size(
    format: Format, size: tuple[int | None, int | None]
) -> None:
    """[21]"""
    content = content_in(format, images=(image(width=size[0], height=size[1]),))
    assert re.findall("width|height", content) == []


@every_format
def test_an_image_names_its_credit(format: Format) -> None:
    content = content_in(format, images=(image(credit="A & B"),))
    assert "<p><small>A &amp; B</small></p>" in content


@every_format
def test_further_images_follow_the_text(format: Format) -> None:
    """[28]"""
    second = image(url="https://img.example.com/2.jpg", title="Two")
    content = content_in(format, images=(image(), second))
    assert content.endswith(
        '<p><img src="https://img.example.com/2.jpg" alt="Two" width="1920" height="1080"></p>'
    )


@every_format
def test_an_image_that_the_text_shows_is_not_repeated(format: Format) -> None:
    body = f'<p>Text</p><p><img src="{html.escape(URL)}" alt="Two"></p>'
    content = content_in(format, content=body, excerpt="", images=(image(), image(url=URL)))
    assert content.count("<img") == 2


@every_format
def test_an_article_without_an_image_shows_none(format: Format) -> None:
    """[22]"""
    document = render(feed(article()), format)
    assert re.findall(rb"<img|enclosure|<media:|image|attachments", document) == []


@every_format
def test_the_content_ends_with_the_related_links(format: Format) -> None:
    """[30]"""
    content = content_in(format, related=(related_link(), related_link(title="<2>", url=URL)))
    assert content.endswith(
        '<h3>Related</h3><ul><li><a href="https://other.example.net/cities">Cities weigh a ban</a>'
        '</li><li><a href="https://news.example.com/a?b=1&amp;copy=2&amp;lt=3">&lt;2&gt;</a></li>'
        "</ul>"
    )


@every_format
def test_related_links_are_listed_most_relevant_first(format: Format) -> None:
    """[31, 32, 34]"""
    found = items(render(feed(rich()), format), format)[0].related
    assert found == ((URL, MARKS), ("https://other.example.net/cities", "Second"))


@every_format
def test_every_item_names_a_person_or_else_the_provider(format: Format) -> None:
    """[36]"""
    document = render(feed(article(authors=("Ann",)), article(id="2")), format)
    assert [item.author for item in items(document, format)] == ["Ann", "Example News"]


@every_format
def test_a_document_has_the_same_items_in_every_format(format: Format) -> None:
    """[20, 52]"""
    some = feed(rich(), *articles(3))
    assert items(render(some, format), format) == items(render(some, Format.JSON), Format.JSON)


@every_format
def test_titles_are_plain_text_escaped_once(format: Format) -> None:
    """[43]"""
    assert items(render(feed(article(title=MARKS)), format), format)[0].title == MARKS


@every_format
def test_two_renderings_give_the_same_bytes(format: Format) -> None:
    """[54]"""
    assert render(feed(rich()), format) == render(feed(rich()), format)


@every_format
def test_simultaneous_renderings_do_not_affect_one_another(format: Format) -> None:
    feeds = [feed(replace(rich(), title=f"Title {number}")) for number in range(40)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda each: render(each, format), feeds))
    assert together == [render(each, format) for each in feeds]


@every_format
def test_another_process_with_another_locale_gives_the_same_bytes(format: Format) -> None:
    """[8, 54]"""
    skip_if_quick()
    program = (
        "import sys, locale; from tests import golden; from feeds.formats import render;"
        "locale.setlocale(locale.LC_ALL, 'C.UTF-8');"
        f"sys.stdout.buffer.write(render(golden.CASES['pictures'], {str(format)!r}))"
    )
    environment = {"LC_ALL": "C.UTF-8", "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7"}
    other = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, check=True
    )
    assert other.stdout == render(golden.CASES["pictures"], format)


@every_format
def test_rendering_does_not_change_the_locale_of_the_process(
    format: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    switched: list[object] = []
    monkeypatch.setattr(locale, "setlocale", lambda *arguments: switched.append(arguments))
    render(feed(rich()), format)
    assert switched == []


@every_format
def test_a_feed_without_items_is_a_complete_document(format: Format) -> None:
    """[53]"""
    document = render(feed(description=""), format)
    parsed = feedparser.parse(document)
    assert items(document, format) == []
    assert len(document) >= 128
    assert feed().addresses.of(format).encode() in document
    assert format is Format.JSON or (parsed.feed.title, parsed.feed.subtitle) == ("AI", "AI")


@every_format
def test_the_self_link_is_the_address_of_the_format(format: Format) -> None:
    """[81]"""
    found = {
        Format.RSS: links(channel(rss()), "self"),
        Format.ATOM: links(atom_feed(atom()), "self"),
        Format.JSON: [{"href": json_feed(json_())["feed_url"]}],
    }[format]
    assert [link["href"] for link in found] == [f"https://feeds.example.org/topics/ai.{format}"]


@every_format
def test_hubs_are_named_only_if_the_site_has_some(format: Format) -> None:
    """[82, 84]"""
    hub = "https://hub.example.org/?a=1&b=2"
    with_hub = render(feed(site=site(hubs=(hub,))), format)
    assert html.unescape(with_hub.decode()).count(f'"{hub}"') == 1
    assert b"hub" not in render(feed(), format)


@every_format
def test_no_element_redirects_a_reader_or_applies_a_style(format: Format) -> None:
    """[49, 96]"""
    document = render(feed(rich()), format)
    assert re.findall(rb"redirect|newLocation|new-feed-url|xml-stylesheet|xml:base", document) == []


@every_format
@pytest.mark.parametrize("name", sorted(golden.CASES))
def test_documents_equal_the_golden_files(name: str, format: Format) -> None:
    written = (golden.FOLDER / f"{name}.{format}").read_text()
    assert golden.readable(render(golden.CASES[name], format)) == written


def test_every_golden_file_has_a_case() -> None:
    names = {f"{name}.{format}" for name in golden.CASES for format in Format}
    assert {path.name for path in golden.FOLDER.iterdir()} == names


def test_golden_files_are_written_by_a_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(golden, "FOLDER", tmp_path)
    golden.main()
    test_every_golden_file_has_a_case()


@every_format
def test_the_content_type_names_the_character_set(format: Format) -> None:
    """[90]"""
    name = {"rss": "rss+xml", "atom": "atom+xml", "json": "feed+json"}[format]
    assert content_type(format) == f"application/{name}; charset=utf-8"


# XML.


@xml_formats
def test_xml_begins_with_its_declaration_and_its_root(format: Format) -> None:
    """[40]"""
    root = {Format.RSS: b"<rss ", Format.ATOM: b"<feed "}[format]
    document = render(feed(article()), format)
    assert document.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n' + root)


@xml_formats
def test_xml_holds_no_other_named_entity_and_no_cdata(format: Format) -> None:
    """[42, 46]"""
    document = render(feed(replace(rich(), content="<p>a&nbsp;b – &copy; ]]&gt;</p>")), format)
    names = set(re.findall(rb"&([a-z]+);", document))
    assert names <= {b"amp", b"lt", b"gt", b"quot", b"apos"}
    assert b"CDATA" not in document


@xml_formats
@pytest.mark.parametrize("rel", ["prev-archive", "next-archive", "current"])
def test_an_archive_is_linked_with_its_neighbours(format: Format, rel: str) -> None:
    """[79]"""
    parent = {Format.RSS: channel, Format.ATOM: atom_feed}[format](render(archive(), format))
    path = {"prev-archive": "/2020-04", "next-archive": "/2020-06", "current": ""}[rel]
    href = f"https://feeds.example.org/topics/ai{path}.{format}"
    assert links(parent, rel) == [{"rel": rel, "type": format.media_type, "href": href}]


@xml_formats
def test_an_archive_is_marked_as_one(format: Format) -> None:
    """[79]"""
    parent = {Format.RSS: channel, Format.ATOM: atom_feed}[format](render(archive(), format))
    assert [child.tag for child in parent if str(child.tag).startswith(FH)] == [f"{FH}archive"]


@xml_formats
def test_a_feed_in_one_document_is_marked_complete(format: Format) -> None:
    """[79]"""
    read = {Format.RSS: channel, Format.ATOM: atom_feed}[format]
    whole = read(render(feed(article()), format))
    partial = read(render(feed(article(), previous=addresses("topics/ai/2020-05")), format))
    assert whole.find(f"{FH}complete") is not None
    assert [child for child in partial if str(child.tag).startswith(FH)] == []


@xml_formats
def test_strict_parsers_read_every_value_back(format: Format) -> None:
    parsed = feedparser.parse(render(feed(rich(), title=MARKS), format))
    entry = parsed.entries[0]
    assert not parsed.bozo
    assert html.unescape(parsed.feed.title) == html.unescape(MARKS)
    assert (entry.link, entry.id) == (URL, "tag:example.org,2020:2020/face-recognition")
    assert html.unescape(entry.title) == html.unescape(MARKS)
