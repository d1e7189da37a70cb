"""Tests of JSON Feed alone; numbers in brackets are those of docs/requirements.md."""

import re
from typing import Any

import pytest

from tests.builders import (
    PUBLISHED,
    addresses,
    article,
    image,
    related_link,
    site,
)
from tests.document_parsers import (
    json_feed,
)
from tests.documents import URL, json_, json_item


def test_the_version_is_the_first_member() -> None:
    """[51]"""
    assert json_().startswith(b'{"version":"https://jsonfeed.org/version/1.1",')


def test_a_json_feed_links_to_its_page() -> None:
    """[53]"""
    found = json_feed(json_())
    assert found["home_page_url"] == "https://feeds.example.org/topics/ai"
    assert found["description"] == "Articles about AI"


def test_json_contains_every_script_unescaped() -> None:
    assert "日本語 é 😀".encode() in json_(article(title="日本語 é 😀"))


def test_json_dates_end_in_z() -> None:
    """[5, 7, 8]"""
    item = json_item(updated=PUBLISHED + 3_600)
    assert item["date_published"] == "2020-06-30T20:50:00Z"
    assert item["date_modified"] == "2020-06-30T21:50:00Z"


def test_images_are_attachments_and_the_lead_is_the_image() -> None:
    """[20, 25]"""
    item = json_item(images=(image(url=URL, length=5), image(title="")))
    assert item["image"] == URL
    assert item["attachments"] == [
        {
            "url": URL,
            "mime_type": "image/jpeg",
            "title": "A face in a frame",
            "size_in_bytes": 5,
        },
        {"url": "https://img.example.com/face.jpg", "mime_type": "image/jpeg"},
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"icon": image(url="https://i.example/")}, ("https://i.example/", "https://i.example/")),
        ({"image": image(url="https://i.example/")}, ("https://i.example/", None)),
        (
            {"icon": image(url="https://i.example/"), "image": image(url="https://l.example/")},
            ("https://i.example/", "https://i.example/"),
        ),
        ({}, (None, None)),
    ],
)
def test_a_json_feed_shows_icon_and_favicon(
    changes: dict[str, Any], expected: tuple[str | None, str | None]
) -> None:
    """[29]"""
    found = json_feed(json_(site=site(**changes)))
    assert (found.get("icon"), found.get("favicon")) == expected


def test_related_links_are_an_extension_of_a_json_item() -> None:
    """[33, 34]"""
    item = json_item(related=(related_link(url=URL),))
    assert item["_related"] == {
        "about": "https://feeds.example.org/",
        "links": [{"url": URL, "title": "Cities weigh a ban"}],
    }
    assert item["url"] == article().url
    assert {"external_url", "attachments"} & set(item) == set()


def test_json_names_the_language_of_the_feed_and_of_a_different_item() -> None:
    """[50]"""
    found = json_feed(json_(article(language="ar"), article(id="2"), site=site(language="de")))
    languages = [item.get("language") for item in found["items"]]
    assert (found["language"], languages) == ("de", ["ar", None])


def test_a_json_feed_links_to_its_archives() -> None:
    """[79]"""
    with_archive = json_feed(json_(previous=addresses("topics/ai/2020-05")))
    assert with_archive["next_url"] == "https://feeds.example.org/topics/ai/2020-05.json"
    assert "next_url" not in json_feed(json_())


def test_json_hubs_are_websub_hubs() -> None:
    """[84]"""
    found = json_feed(json_(site=site(hubs=("https://hub.example.org/",))))
    assert found["hubs"] == [{"type": "WebSub", "url": "https://hub.example.org/"}]


def test_topics_are_tags_of_a_json_item() -> None:
    assert json_item(topics=("R&D", "C++"))["tags"] == ["R&D", "C++"]


def test_json_has_no_empty_members() -> None:
    document = json_(article(excerpt="", content=""), site=site(language="de"))
    assert re.findall(rb':(null|""|\[\]|\{\})', document) == []
