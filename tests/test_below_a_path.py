"""Tests of a site whose address has a path: FEEDS_URL=https://host/news, as in README."""

from collections.abc import Callable

import pytest
from lxml import html
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from tests.conftest import Content, Site
from tests.crawling import Crawl, mounted
from tests.document_parsers import (
    ATOM,
    MEDIA,
    atom_entries,
    atom_feed,
    channel,
    json_feed,
    links,
    rss_items,
    text,
)  # fmt: skip
from tests.test_http import PNG
from tests.web_helpers import hrefs, tree, write_site

URL = "https://feeds.example.org/news"

PICTURES = """
image: {url: /pictures/logo.png, width: 400, height: 144}
icon: {url: pictures/icon.png, width: 512, height: 512}
"""


def write_pictures(content: Content) -> None:
    """Write site files and articles with an own image wherever one can be named."""
    write_site(content)
    text = (content.folder / "site.yml").read_text()
    content.raw("site.yml", text.replace("url: https://feeds.example.org\n", "") + PICTURES)
    content.raw("providers.yml", "- {domain: tube.example, image: {url: /pictures/tube.png}}")
    content.write(
        "own.md",
        title="A picture of our own",
        topics=["River", "Café"],
        images=[{"url": "/pictures/cat.png", "width": 600, "height": 600}],
    )
    for number, name in enumerate(("logo", "icon", "tube", "cat")):
        content.raw(f"pictures/{name}.png", PNG + bytes(number))


@pytest.fixture
def news(content: Content, open_site: Callable[..., Site]) -> Site:
    write_pictures(content)
    return open_site(FEEDS_URL=URL)


def test_every_address_that_the_site_names_is_served(news: Site) -> None:
    # "The proxy passes requests without the path", which WSGI calls mounting.
    host = DispatcherMiddleware(NotFound(), {"/news": news.app.wsgi_app})

    crawl = Crawl(URL, mounted(host)).run()

    assert crawl.outside == set()
    assert crawl.refused == {}
    assert crawl.types() >= {
        "application/atom+xml", "application/feed+json", "application/json", "application/rss+xml",
        "application/xml", "image/png", "text/css", "text/html",
        "text/javascript", "text/plain", "text/x-opml",
    }  # fmt: skip
    assert {f"{URL}/pictures/{name}.png" for name in ("logo", "icon", "tube", "cat")} <= {
        *crawl.found
    }
    assert len(crawl.found) > 100


def test_an_own_image_has_its_address_and_its_length_in_every_format(news: Site) -> None:
    url, length = f"{URL}/pictures/cat.png", str(len(PNG) + 3)

    (item,) = rss_items(news.get("/topics/caf%C3%A9.rss").data)
    (entry,) = atom_entries(news.get("/topics/caf%C3%A9.atom").data)
    (json_item,) = json_feed(news.get("/topics/caf%C3%A9.json").data)["items"]

    (enclosure,), (media,) = item.iter("enclosure"), item.iter(f"{MEDIA}content")
    assert (enclosure.get("url"), enclosure.get("length")) == (url, length)
    assert (media.get("url"), media.get("fileSize")) == (url, length)
    (link,) = links(entry, "enclosure")
    assert (link["href"], link["length"]) == (url, length)
    (attachment,) = json_item["attachments"]
    assert (attachment["url"], attachment["size_in_bytes"]) == (url, int(length))
    assert json_item["image"] == url


def test_the_images_of_the_site_are_below_its_path(news: Site) -> None:
    logo, icon = f"{URL}/pictures/logo.png", f"{URL}/pictures/icon.png"

    atom = atom_feed(news.get("/all.atom").data)

    assert text(channel(news.get("/all.rss").data), "image/url") == logo
    assert (text(atom, f"{ATOM}logo"), text(atom, f"{ATOM}icon")) == (logo, icon)
    assert json_feed(news.get("/all.json").data)["icon"] == icon
    assert hrefs(tree(news, "/"), "link[rel=icon]") == [icon]
    assert text(channel(news.get("/providers/tube.example.rss").data), "image/url").endswith(
        "/news/pictures/tube.png"
    )


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/topics/crossings.rss", "/topics/ferries.rss"),
        ("/topics/River/", "/topics/river"),
        ("/embed/topics/crossings", "/embed/topics/ferries"),
        ("/topics/crossings.opml", "/topics/ferries.opml"),
    ],
)
def test_moved_addresses_redirect_below_the_path(news: Site, path: str, location: str) -> None:
    assert news.get(path).headers["Location"] == URL + location


@pytest.mark.parametrize("path", ["/topics/none", "/topics/steam"])
def test_an_error_page_links_to_the_site(news: Site, path: str) -> None:
    page = html.fromstring(news.get(path).data)

    assert set(hrefs(page, ".brand, .error a")) == {"/news/"}
    assert [form.get("action") for form in page.cssselect("form")] == ["/news/"]
    assert f"{URL}/" in news.get(f"{path}.rss").text
