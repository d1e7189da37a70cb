"""Tests of archives (RFC 5005, section 4) and of the sizes of documents, over HTTP."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from time import monotonic

import pytest

from feeds import formats
from tests.conftest import SITE_URL, Content, OpenShared, Site
from tests.document_parsers import FH, atom_feed, channel, items, json_feed, links
from tests.programs import skip_if_quick

FORMATS = ["rss", "atom", "json"]

every_format = pytest.mark.parametrize("format", FORMATS)


def previous(body: bytes, format: str) -> str | None:
    """Return the address of the archive before a document."""
    found: dict[str, Callable[[], list[str]]] = {
        "rss": lambda: [link["href"] for link in links(channel(body), "prev-archive")],
        "atom": lambda: [link["href"] for link in links(atom_feed(body), "prev-archive")],
        "json": lambda: [json_feed(body)["next_url"]] if "next_url" in json_feed(body) else [],
    }
    return next(iter(found[format]()), None)


def walk(site: Site, path: str, format: str) -> Iterator[tuple[str, bytes]]:
    """Return the current feed and all archives before it: addresses and bodies."""
    address: str | None = f"{SITE_URL}{path}.{format}"
    while address:
        answer = site.get(address.removeprefix(SITE_URL))
        assert answer.status_code == 200, address
        yield address, answer.data
        address = previous(answer.data, format)


#: The limit in bytes of a document in ``archived``.
SMALL = formats.FRAME + 30_000


@pytest.fixture(scope="module")
def archived(open_shared: OpenShared) -> Site:
    """Return a site with three articles in the feed, 29 in all; September has several documents."""

    def fill(content: Content) -> None:
        content.raw("site.yml", "limits: {items: 3}\n")
        for month, count in (("2026-11", 4), ("2026-10", 2), ("2026-09", 20), ("2025-01", 3)):
            for number in range(count):
                name = f"{month}-{number:02}.md"
                date = f"{month}-{number + 1:02}T10:00:00Z"
                content.write(name, "A long body. " * 200, publishedDateTime=date)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(formats, "MAX_BYTES", SMALL)
        return open_shared(fill)


@every_format
@pytest.mark.parametrize("path", ["/all", "/topics/ai", "/providers/news.example.com"])
def test_walking_back_gives_every_article_once(archived: Site, path: str, format: str) -> None:
    """[79]"""
    documents = list(walk(archived, path, format))
    current, *archives = [[item.id for item in items(body, format)] for _, body in documents]
    counted = Counter(id for ids in archives for id in ids)

    assert len(current) == 3
    assert len(set(current) | set(counted)) == 29
    assert set(counted.values()) == {1}, "no article is in two archives"
    assert set(current) - set(counted) == set(), "the month of the last is whole in its archive"
    assert len(archives) > 4, "a month needs several parts"


@every_format
def test_no_archive_is_larger_than_a_document_may_be(archived: Site, format: str) -> None:
    """[12]"""
    sizes = [len(body) for _, body in walk(archived, "/all", format)]

    assert max(sizes) <= SMALL


@every_format
def test_archives_may_be_cached_for_a_day(archived: Site, format: str) -> None:
    """[79]"""
    _, *archives = [address for address, _ in walk(archived, "/all", format)]

    lifetimes = {
        archived.get(address.removeprefix(SITE_URL)).cache_control.max_age for address in archives
    }

    assert lifetimes == {86_400}


@pytest.mark.parametrize(("format", "root"), [("rss", channel), ("atom", atom_feed)])
def test_archives_link_to_their_neighbours(
    archived: Site, format: str, root: Callable[[bytes], object]
) -> None:
    """[79] RFC 5005, section 4."""
    current, *archives = list(walk(archived, "/all", format))
    feed = root(current[1])

    assert feed.find(f"{FH}archive") is None  # type: ignore[attr-defined]
    assert feed.find(f"{FH}complete") is None  # type: ignore[attr-defined]
    for (address, body), (_, older) in pairwise(archives):
        own = root(body)
        assert own.find(f"{FH}archive") is not None  # type: ignore[attr-defined]
        assert links(own, "self")[0]["href"] == address  # type: ignore[arg-type]
        assert links(own, "current")[0]["href"] == f"{SITE_URL}/all.{format}"  # type: ignore[arg-type]
        assert links(root(older), "next-archive")[0]["href"] == address  # type: ignore[arg-type]


@every_format
def test_a_feed_that_fits_has_no_archive_before_it(
    content: Content, open_site: Callable[..., Site], format: str
) -> None:
    """[79]"""
    content.write("a.md")
    site = open_site()

    documents = list(walk(site, "/all", format))

    assert len(documents) == 1


def test_a_feed_that_fits_is_marked_complete(
    content: Content, open_site: Callable[..., Site]
) -> None:
    """[79]"""
    content.write("a.md")
    site = open_site()

    assert channel(site.get("/all.rss").data).find(f"{FH}complete") is not None
    assert atom_feed(site.get("/all.atom").data).find(f"{FH}complete") is not None


def test_no_document_is_too_large_for_readers(
    content: Content, open_site: Callable[..., Site]
) -> None:
    """[12, 75] The feed has as many articles as the configuration allows, and loses none."""
    skip_if_quick()
    content.raw("site.yml", "limits: {items: 500}\n")
    for number in range(500):
        content.write(f"{number:03}.md", 'Marks & "quotes" grow. ' * 120)
    heavy = open_site()

    before = monotonic()
    sizes = {format: len(heavy.get(f"/all.{format}").data) for format in FORMATS}
    took = monotonic() - before
    found = {item.id for _, body in walk(heavy, "/all", "atom") for item in items(body, "atom")}

    assert all(100_000 < size <= 1_000_000 for size in sizes.values()), sizes
    assert took < 10
    assert len(found) == 500
