"""Tests of mixes: feeds of any, all and none of some topics and providers, in an address."""

import html
from collections.abc import Callable
from contextlib import closing
from itertools import combinations
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from feeds.index import connect
from feeds.index.reader import MOST_OF_A_SECOND
from feeds.metrics import Counters
from feeds.mixes import ALL, ANY, NONE, Mix, read_terms
from feeds.model import FeedId, Format
from feeds.subscribers import PollCounter
from feeds.web import paths
from tests.conftest import NOW, SITE_URL, Clock, Content, OpenShared, Site
from tests.programs import skip_if_quick
from tests.web_helpers import hrefs, texts, tree

OpenSite = Callable[..., Site]

TOPICS = """
- name: River
- name: Ferries
  parent: river
  aliases: [Crossings]
- name: Steam
  retired: true
"""


def fill(content: Content) -> None:
    content.raw("topics.yml", TOPICS)
    content.raw("providers.yml", "- {domain: gazette.example, aliases: [old.example]}")
    content.write("a.md", topics=["River"], publishedDateTime="2026-11-01T10:00:00Z")
    content.write("b.md", topics=["Ferries"], publishedDateTime="2026-11-02T10:00:00Z")
    content.write(
        "c.md",
        topics=["Ropes", "Ferries"],
        provider={"domain": "gazette.example"},
        publishedDateTime="2026-11-03T10:00:00Z",
    )
    content.write("d.md", topics=["Ropes", "C++"], publishedDateTime="2026-11-04T10:00:00Z")


@pytest.fixture(scope="module")
def river(open_shared: OpenShared) -> Site:
    """Return a site for all tests that only send requests."""
    return open_shared(fill)


@pytest.fixture
def changing(content: Content, open_site: OpenSite) -> Site:
    """Return a site for one test, with the same content."""
    fill(content)
    return open_site()


def ids(site: Site, terms: str) -> list[str]:
    return [row.id for row in site.web.catalog.select(FeedId(f"mix/{terms}")).rows]


@pytest.mark.parametrize(
    ("terms", "found"),
    [
        ("river", "cba"),
        ("ropes", "dc"),
        ("ferries,ropes", "dcb"),
        ("ferries,ropes,+gazette.example", "c"),
        ("+gazette.example,+ropes", "c"),
        ("ropes,-gazette.example", "d"),
        ("river,-ferries", "a"),
        ("c-plus-plus,river", "dcba"),
        ("c-plus-plus,+river", ""),
        ("river,-river", ""),
        ("news.example.com,-c-plus-plus,-ferries", "a"),
        # A retired feed holds nothing.
        ("river,steam", "cba"),
        ("steam", ""),
        ("river,+steam", ""),
        ("river,-steam", "cba"),
    ],
)
def test_a_mix_holds_any_of_some_feeds_all_of_others_and_none_of_the_rest(
    river: Site, terms: str, found: str
) -> None:
    assert "".join(ids(river, terms)) == found


@pytest.mark.parametrize(
    ("written", "usual"),
    [
        ("ropes,ferries", "ferries,ropes"),
        ("-ropes,%2Bgazette.example,river", "river,+gazette.example,-ropes"),
        ("river,river", "river"),
        ("crossings", "ferries"),
        ("old.example,Ferries", "ferries,gazette.example"),
        ("C%2B%2B", "c-plus-plus"),
        ("WWW.Gazette.Example", "gazette.example"),
        ("%20river%20,,", "river"),
    ],
)
@pytest.mark.parametrize("ending", ["", ".rss", ".atom", ".json"])
def test_any_other_spelling_of_a_mix_redirects_to_its_one_address_at_once(
    river: Site, written: str, usual: str, ending: str
) -> None:
    answer = river.get(f"/mix/{written}{ending}")

    assert answer.status_code == 301
    assert answer.location == f"https://feeds.example.org/mix/{usual}{ending}"
    assert river.get(f"/mix/{usual}{ending}").status_code == 200


@pytest.mark.parametrize(
    ("terms", "why"),
    [
        ("river,nowhere", "There is no topic or provider “nowhere”."),
        ("river,-nowhere.example", "There is no topic or provider “nowhere.example”."),
        ("river,<b>\x1b[1m", "There is no topic or provider “<b>[1m”."),
        ("-river", "Choose at least one topic or provider that is not left out."),
        (",", "Choose at least one topic or provider that is not left out."),
        (",".join("abcdefghi"), "Choose 8 topics and providers at most."),
        ("river," * 200, "The address is too long."),
    ],
)
def test_an_invalid_mix_is_404_with_the_reason(
    content: Content, changing: Site, terms: str, why: str
) -> None:
    content.write("letters.md", topics=[*"abcdefghi"])
    changing.sync.refresh()

    feed, page = changing.get(f"/mix/{quote(terms)}.rss"), changing.get(f"/mix/{quote(terms)}")

    assert (feed.status_code, page.status_code) == (404, 404)
    assert feed.text.startswith(why)
    assert html.escape(why, quote=False) in page.text


def test_repeated_terms_count_once(content: Content, changing: Site) -> None:
    content.write("letters.md", topics=[*"abcdefgh"])
    changing.sync.refresh()

    assert changing.get("/mix/a,b,c,d,e,f,g,h.rss").status_code == 200
    assert changing.get("/mix/h,g,f,e,d,c,b,a,h,g,f.rss").status_code == 301


def test_a_mix_has_neither_archives_nor_an_address_below_it(river: Site) -> None:
    for path in ("/mix/river/2026-11", "/mix/river/2026-11.rss", "/mix/river/x.rss", "/mix/.rss"):
        assert river.get(path).status_code == 404
    assert "fh:archive" not in river.get("/mix/river.rss").text
    assert "prev-archive" not in river.get("/mix/river.atom").text
    assert "next_url" not in river.get("/mix/river.json").json


def test_a_mix_holds_the_same_articles_as_a_named_feed_with_the_same_parts(
    content: Content, open_site: OpenSite
) -> None:
    dice = Random(1)
    mixes: dict[str, str] = {}
    while len(mixes) < 60:
        mix = Mix.of(read_terms(",".join(dice.choices(_TERMS, k=dice.randint(1, 5)))))
        if not mix.fault:
            mixes[f"feed-{len(mixes)}"] = mix.path
    content.raw("site.yml", yaml.safe_dump({"feeds": [*map(_named, mixes.items())]}))
    content.raw("topics.yml", "- {name: A}\n- {name: B, parent: a}\n- {name: C, parent: b}")
    for number in range(60):
        content.write(
            f"{number}.md",
            topics=dice.sample(["A", "B", "C", "D"], dice.randint(0, 3)),
            provider={"domain": dice.choice(["x.org", "y.org", "z.org"])},
            publishedDateTime=f"2026-11-{dice.randint(1, 9):02}T10:00:00Z",
        )
    catalog = open_site().web.catalog

    for name, path in mixes.items():
        mixed, named = catalog.select(FeedId(path)), catalog.select(FeedId(f"feeds/{name}"))
        assert [row.id for row in mixed.rows] == [row.id for row in named.rows], path


_TERMS = [f"{sign}{name}" for sign in ("", "+", "-") for name in ("a", "b", "c", "d", "x.org")]


def _named(named: tuple[str, str]) -> dict[str, Any]:
    """Return a mix as a definition of a feed in site.yml."""
    mix = Mix.of(read_terms(named[1].removeprefix("mix/")))
    feed: dict[str, Any] = {"name": named[0]}
    for key, sign in (("any", ANY), ("all", ALL), ("none", NONE)):
        topics = [path.removeprefix("topics/") for path in mix.paths(sign) if "." not in path]
        providers = [path.removeprefix("providers/") for path in mix.paths(sign) if "." in path]
        feed[key] = {"topics": topics, "providers": providers}
    return feed


@given(st.lists(st.sampled_from(["a", "+a", "-a", "b", "+b", "-c", "x.org", "-x.org"])))
def test_the_address_of_a_mix_is_canonical(terms: list[str]) -> None:
    mix = Mix.of(read_terms(",".join(terms)))

    assert Mix.of(read_terms(mix.path.removeprefix("mix/"))) == mix


@pytest.mark.parametrize(
    ("terms", "title"),
    [
        ("ferries,ropes", "Ferries or Ropes"),
        ("river,+gazette.example,+ropes", "River, with gazette.example and Ropes"),
        ("ferries,ropes,-c-plus-plus", "Ferries or Ropes, without C++"),
        ("+ferries,+ropes,-c-plus-plus,-steam", "Ferries and Ropes, without C++ or Steam"),
    ],
)
def test_the_title_of_a_mix_names_its_terms(river: Site, terms: str, title: str) -> None:
    feed = river.get(f"/mix/{terms}.json").json

    assert feed["title"] == f"{title} — Tributary"
    assert texts(tree(river, f"/mix/{terms}"), "h1") == [title]


def test_a_mix_has_the_limit_of_the_site_and_of_one_second_holds_the_first_by_id(
    content: Content, open_site: OpenSite
) -> None:
    content.raw("site.yml", "limits: {items: 3}")
    # Written in another order than that of the ids.
    for name in ("d", "b", "e", "a", "c"):
        content.write(f"{name}.md")
    content.write("new.md", publishedDateTime="2026-11-20T09:00:00Z")
    site = open_site()

    assert ids(site, "ai") == ["new", "a", "b"]


def test_a_mix_reads_a_bounded_number_of_the_articles_of_one_second(
    content: Content, open_site: OpenSite
) -> None:
    skip_if_quick()
    content.raw("site.yml", "limits: {items: 3}")
    # The first by id, "a", is the last of those that are read; "0" is not read any more.
    for number in range(MOST_OF_A_SECOND + 2):
        content.write(f"n{number:04}.md")
    site = open_site()
    content.write("a.md")
    site.sync.refresh()
    content.write("0.md")
    site.sync.refresh()

    assert ids(site, "ai") == ["a", "n0000", "n0001"]


@pytest.mark.parametrize(
    "keys",
    [
        {"draft": True},
        {"publishedDateTime": "2026-11-20T12:00:01Z"},
        {"deleted": True},
        {"expires": "2026-11-20T12:00:00Z"},
    ],
)
def test_no_mix_holds_an_article_that_is_not_public(
    content: Content, changing: Site, keys: dict[str, Any]
) -> None:
    content.write("c.md", **({"topics": ["Ropes"]} | keys))
    changing.sync.refresh()

    assert ids(changing, "ferries,river,ropes") == ["d", "b", "a"]


def test_no_mix_holds_an_embargoed_article_when_the_clock_was_set_back(
    content: Content, changing: Site, clock: Clock
) -> None:
    content.write("e.md", topics=["Ropes"], publishedDateTime="2026-11-20T11:59:00Z")
    changing.sync.refresh()
    assert ids(changing, "ropes") == ["e", "d", "c"]

    clock.now = NOW - 61

    assert ids(changing, "ropes") == ["d", "c"]


@pytest.mark.parametrize("format", list(Format))
def test_a_mix_changes_with_its_articles_and_with_nothing_else(
    content: Content, changing: Site, clock: Clock, format: Format
) -> None:
    path = f"/mix/ferries,ropes,-gazette.example.{format}"
    first = changing.get(path)
    content.write("a.md", topics=["River"], title="Another title")
    changing.sync.refresh()
    same = changing.get(path, if_none_match=first.headers["ETag"])
    content.write("e.md", topics=["Ropes"])
    changing.sync.refresh()
    second = changing.get(path, if_none_match=first.headers["ETag"])
    content.write("e.md", topics=["Ropes"], provider={"domain": "gazette.example"})
    changing.sync.refresh()
    third = changing.get(path, if_none_match=second.headers["ETag"])

    assert [answer.status_code for answer in (same, second, third)] == [304, 200, 200]
    assert first.last_modified < second.last_modified < third.last_modified
    assert changing.get(path, if_modified_since=second.headers["Last-Modified"]).status_code == 200
    assert changing.get(path, if_modified_since=third.headers["Last-Modified"]).status_code == 304


def test_a_client_that_accepts_deltas_of_a_mix_gets_the_new_items(
    content: Content, changing: Site
) -> None:
    for number in range(10):
        content.write(f"more-{number}.md", topics=["Ropes"])
    changing.sync.refresh()
    first = changing.get("/mix/ferries,ropes.json")
    content.write("new.md", topics=["Ferries"], publishedDateTime="2026-11-20T09:00:00Z")
    changing.sync.refresh()

    delta = changing.get(
        "/mix/ferries,ropes.json", a_im="feed", if_none_match=first.headers["ETag"]
    )

    assert delta.status_code == 226
    assert [item["title"] for item in delta.json["items"]] == ["Title of new.md"]


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip"])
def test_a_mix_is_sent_in_every_coding(river: Site, coding: str) -> None:
    answer = river.get("/mix/river.rss", accept_encoding=coding)

    assert answer.headers["Content-Encoding"] == coding


def test_an_atom_mix_names_its_withdrawn_articles(content: Content, changing: Site) -> None:
    content.remove("c.md")
    content.remove("d.md")
    changing.sync.refresh()

    def shown(terms: str) -> list[str]:
        root = etree.fromstring(changing.get(f"/mix/{terms}.atom").data)
        found = root.iter("{http://purl.org/atompub/tombstones/1.0}deleted-entry")
        return sorted(each.get("ref", "").rpartition(":")[2] for each in found)

    assert shown("c-plus-plus,ferries") == ["c", "d"]
    assert shown("ropes,-ferries") == ["d"]
    assert shown("ropes,+gazette.example") == ["c"]
    assert shown("news.example.com,+ferries") == []


def test_a_mix_is_in_no_list_and_in_no_export(river: Site) -> None:
    river.get("/mix/ferries,ropes")

    for path in ("/feeds.json", "/feeds.opml", "/sitemap.xml", "/"):
        assert "/mix/" not in river.get(path).text
    assert [path for path in paths(river.web.catalog) if path.startswith("/mix")] == ["/mix"]


def test_a_mix_is_not_announced_to_hubs_and_not_for_search_engines(
    content: Content, open_site: OpenSite
) -> None:
    content.raw("site.yml", "hubs: [https://hub.example.org/]")
    content.write("a.md")
    site = open_site()

    for ending in ("", ".rss", ".atom", ".json"):
        answer = site.get(f"/mix/ai{ending}")
        assert answer.headers["X-Robots-Tag"] == "noindex"
        assert "hub" not in answer.text + answer.headers.get("Link", "")
    assert tree(site, "/mix/ai").cssselect("meta[name=robots][content=noindex]")


def test_polls_of_mixes_write_nothing_to_the_disk(content: Content, changing: Site) -> None:
    counts = Counters()
    counts.polled("/mix/river.rss", "Reader (5 subscribers)", "203.0.113.9")
    PollCounter(counts, changing.web.subscribers, lambda: NOW).count()

    assert changing.web.subscribers.days() == []


def test_an_index_of_an_older_version_has_no_mixes_until_it_is_rebuilt(changing: Site) -> None:
    with closing(connect(changing.sync.index.path)) as connection:
        connection.execute("INSERT INTO meta VALUES ('unsearchable', 1)")

    assert changing.get("/mix/river.rss").status_code == 503
    assert changing.get("/topics/river.rss").status_code == 200


def test_the_form_redirects_to_the_feed_of_the_chosen_terms(river: Site) -> None:
    form = tree(river, "/mix").cssselect("form.mix")[0]
    fields = [(box.get("name"), box.get("value")) for box in form.cssselect("input")]
    requested = urlencode([("any", "ropes"), ("any", "ferries"), ("none", "gazette.example")])

    answer = river.get(f"{form.get('action')}?{requested}&make=yes")

    assert {("any", "ropes"), ("any", "ferries"), ("none", "gazette.example")} <= {*fields}
    assert answer.status_code == 303
    assert answer.location == f"{SITE_URL}/mix/ferries,ropes,-gazette.example"


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("make=yes", "Choose at least one topic or provider that is not left out."),
        ("none=river&make=yes", "Choose at least one topic or provider that is not left out."),
        ("&".join(f"any={name}" for name in "abcdefghi"), "Choose 8 topics and providers at most."),
    ],
)
def test_the_form_shows_the_fault_and_keeps_the_choice(river: Site, query: str, why: str) -> None:
    page = tree(river, f"/mix?{query}")

    assert texts(page, "[role=alert]") == [why]
    ticked = [box.get("value") for box in page.cssselect("input[checked]")]
    assert ticked == (["river"] if "river" in query else [])


def test_a_topic_a_provider_and_a_mix_are_combined_with_other_feeds(river: Site) -> None:
    for path, ticked in (
        ("/topics/ropes", [("any", "ropes")]),
        ("/providers/gazette.example", [("any", "gazette.example")]),
        ("/mix/ferries,+ropes,-river", [("any", "ferries"), ("all", "ropes"), ("none", "river")]),
    ):
        (link,) = hrefs(tree(river, path), 'a[href^="/mix?with="]')
        boxes = tree(river, link).cssselect("input[checked]")
        assert sorted((box.get("name"), box.get("value")) for box in boxes) == sorted(ticked)
    assert "/mix" in hrefs(tree(river, "/"), "main a")


@pytest.mark.parametrize(
    ("queries", "ticked"),
    [
        (["with=nothing", "with=", "with=RIVER", "with=old.example", "with=a,b,c"], []),
        (["with=ferries,river", "with=river,nothing,ferries"], ["river", "ferries"]),
        (["none=nothing", "make=yes", "none=other&make=yes"], []),
        (["none=river", "none=river&none=nothing&make=yes"], ["river"]),
    ],
)
def test_the_form_is_rendered_once_whatever_unknown_names_a_request_has(
    changing: Site, queries: list[str], ticked: list[str]
) -> None:
    answers = [changing.get(f"/mix?{query}") for query in queries]

    assert {answer.status_code for answer in answers} == {200}
    assert changing.web.publisher.renderings == 1
    assert len({answer.data for answer in answers}) == 1
    boxes = etree.HTML(answers[0].text).cssselect("input[checked]")
    assert [box.get("value") for box in boxes] == ticked


def test_invented_combinations_in_the_form_render_nothing_and_take_no_memory(
    content: Content, changing: Site
) -> None:
    names = [f"t{number}" for number in range(12)]
    content.write("many.md", topics=names)
    changing.sync.refresh()
    changing.get("/mix?with=t0")
    changing.get("/mix?none=t0")
    publisher = changing.web.publisher
    renderings, size = publisher.renderings, publisher.memory.size

    for first, second in combinations(names, 2):
        for query, ticked in (
            (f"with={first},%2B{second}", [("any", first), ("all", second)]),
            (f"none={first}&none={second}", [("none", first), ("none", second)]),
        ):
            page = tree(changing, f"/mix?{query}")
            boxes = page.cssselect("input[checked]")
            assert sorted((box.get("name"), box.get("value")) for box in boxes) == sorted(ticked)
    assert (publisher.renderings, publisher.memory.size) == (renderings, size)


def test_a_form_with_a_choice_has_an_etag_of_its_own_and_is_not_for_search_engines(
    river: Site,
) -> None:
    pages = [river.get(f"/mix{query}") for query in ("", "?with=river", "?with=ferries")]
    tags = [page.headers["ETag"] for page in pages]

    assert len({*tags}) == 3
    assert river.get("/mix?with=river", if_none_match=tags[1]).status_code == 304
    assert river.get("/mix?with=river", if_none_match=tags[2]).status_code == 200
    assert [page.headers.get("X-Robots-Tag") for page in pages] == [None, "noindex", "noindex"]


def test_a_feed_in_no_list_is_no_box_of_the_form(content: Content, open_site: OpenSite) -> None:
    content.raw("site.yml", "limits: {topic: 2}")
    content.write("a.md", topics=["River", "Small"])
    content.write("b.md", topics=["River"])
    site = open_site()

    page = tree(site, "/mix?with=small,river")

    assert [box.get("value") for box in page.cssselect("input[checked]")] == ["river"]


def test_a_mix_is_embedded_in_other_sites(river: Site) -> None:
    page = tree(river, "/mix/ferries,ropes")
    (chooser,) = hrefs(page, 'a[href^="/embed?"]')
    chosen = tree(river, chooser)

    assert texts(chosen, "option[selected]")[0] == "Ferries or Ropes"
    box = tree(river, chosen.cssselect("iframe")[0].get("src"))
    assert len(box.cssselect("li")) == 3
    (oembed,) = hrefs(page, 'link[type="application/json+oembed"]')
    assert river.get(oembed.removeprefix(SITE_URL)).json["title"] == "Ferries or Ropes — Tributary"
