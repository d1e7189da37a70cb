"""Tests of the pages: their content, their links to feeds, and their costs."""

import gc
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import pytest

from feeds.errors import IndexUnavailable
from feeds.sync import read_site_config
from feeds.web import assets, menu
from tests.conftest import SITE_URL, Content, Site
from tests.web_helpers import hrefs, texts, tree, write_site

PAGES = ["/", "/topics/river", "/topics/river/2026-11", "/providers/tube.example", "/feeds/best"]


@pytest.fixture
def river(content: Content, open_site: Callable[..., Site]) -> Site:
    write_site(content)
    return open_site()


@pytest.mark.parametrize(
    "path", [*PAGES, "/providers/tube.example/eel-pie", "/all/2026-11", "/?q=ferry", "/embed"]
)
def test_every_page_has_one_heading_and_a_title(river: Site, path: str) -> None:
    page = tree(river, path)

    assert len(page.cssselect("h1")) == 1
    assert texts(page, "title")[0].endswith("The River Paper")
    assert page.get("lang") == "en"


def test_a_topic_page_shows_its_articles_with_all_details(river: Site) -> None:
    page = tree(river, "/topics/ferries")

    first = page.cssselect("article")[0]
    assert texts(first, "h3") == ['A "ferry" & 2 < 3 boats']
    assert hrefs(first, "h3 a") == ["https://news.example.com/new.md"]
    assert texts(first, ".by") == ["Example News · 20 November 2026"]
    assert first.cssselect("time")[0].get("datetime") == "2026-11-20T06:30:00Z"
    assert texts(first, ".excerpt") == ["It waits for those who run."]
    assert hrefs(first, ".related a") == ["https://other.example.com/why"]
    assert texts(page, "h1") == ["Ferries"]
    assert texts(page, ".facts") == [
        "3 articles · about 1 article a week · last change 20 November 2026"
    ]


def test_an_image_has_its_space_and_sends_no_referrer(river: Site) -> None:
    (picture,) = tree(river, "/topics/ferries").cssselect("article img")

    assert dict(picture.attrib) == {
        "src": "https://img.example.org/f.jpg",
        "alt": "",
        "width": "1200",
        "height": "675",
        "loading": "lazy",
        "referrerpolicy": "no-referrer",
    }


def test_a_page_links_to_its_own_feeds_first(river: Site) -> None:
    page = tree(river, "/topics/c-plus-plus")

    found = page.cssselect("link[rel=alternate]")
    assert [(link.get("type"), link.get("title")) for link in found[:3]] == [
        ("application/rss+xml", "C++ — RSS"),
        ("application/atom+xml", "C++ — Atom"),
        ("application/feed+json", "C++ — JSON Feed"),
    ]
    assert hrefs(page, "link[rel=alternate]")[:3] == [
        f"{SITE_URL}/topics/c-plus-plus.{ending}" for ending in ("rss", "atom", "json")
    ]
    assert [link.get("type") for link in found[3:]] == ["application/json+oembed"]


def test_the_page_of_a_month_links_to_the_current_feed(river: Site) -> None:
    page = tree(river, "/topics/river/2026-10")

    assert hrefs(page, "link[rel=alternate]")[0] == f"{SITE_URL}/topics/river.rss"
    assert hrefs(page, "link[rel=canonical]") == [f"{SITE_URL}/topics/river/2026-10"]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_sends_its_feeds_as_link_headers(river: Site, path: str) -> None:
    announced = hrefs(tree(river, path), "link[rel=alternate]")[:3]

    header = river.get(path).headers["Link"]

    types = ("application/rss+xml", "application/atom+xml", "application/feed+json")
    assert header.split(", ") == [
        f'<{href}>; rel="alternate"; type="{type}"'
        for href, type in zip(announced, types, strict=True)
    ]


def test_the_three_addresses_can_be_copied_and_opened_in_readers(river: Site) -> None:
    page = tree(river, "/topics/ferries")

    fields = [field.get("value") for field in page.cssselect(".copy input[readonly]")]
    assert fields == [f"{SITE_URL}/topics/ferries.{e}" for e in ("rss", "atom", "json")]
    readers = hrefs(page, ".readers a")
    assert len(readers) == 5
    assert all(
        href.endswith("https%3A%2F%2Ffeeds.example.org%2Ftopics%2Fferries.rss") for href in readers
    )


def test_a_page_links_to_parents_children_and_months(river: Site) -> None:
    page = tree(river, "/topics/ferries")
    assert hrefs(page, ".trail a") == ["/", "/topics/river"]
    assert hrefs(page, ".beside .index a") == ["/topics/ropes"]

    older = tree(river, "/topics/river/2026-10")
    assert hrefs(older, ".turn .newer") == ["/topics/river/2026-11"]
    assert hrefs(older, ".months a") == ["/topics/river/2026-11", "/topics/river/2026-10"]
    assert texts(older, "h1") == ["River October 2026"]

    newest = tree(river, "/topics/river/2026-11")
    assert hrefs(newest, ".turn a") == ["/topics/river/2026-10", "/topics/river"]


def test_home_lists_topics_in_their_tree_with_counts(river: Site) -> None:
    page = tree(river, "/")

    topics = texts(page, "#topics > ul > li")
    assert topics == ["C++ 1", "River 4 Ferries 3 Ropes 2"]
    assert texts(page, "#providers > ul > li") == [
        "Example News 2",
        "tube.example 2 Eel Pie 1 Slow Ferry 1",
    ]
    assert texts(page, "#selections li") == ["Best of it 1"]
    assert texts(page, ".facts") == [
        "4 articles · 9 feeds · about 1 article a week · last change 20 November 2026"
    ]


def test_a_count_stays_on_the_line_of_its_name(river: Site) -> None:
    names = tree(river, "/").cssselect("#topics li > a")

    assert {name.tail for name in names} == {"\N{NO-BREAK SPACE}"}


def test_a_search_matches_parts_of_names_and_links_to_them(river: Site) -> None:
    page = tree(river, "/?q=RoPe")

    assert texts(page, ".index li a") == ["River", "Ferries", "Ropes"]
    assert page.cssselect("#q")[0].get("value") == "RoPe"


def test_a_search_without_results_states_so(river: Site) -> None:
    page = tree(river, '/?q="><script>x')

    assert texts(page, "#found") == ["No feed matches this search."]
    assert page.cssselect("main script") == []


def test_a_search_stores_nothing_in_memory(river: Site) -> None:
    river.get("/")
    kept = len(river.web.publisher.memory.by_target)
    rendered = river.web.publisher.renderings

    answers = {river.get(f"/?q=word{number}").status_code for number in range(50)}

    assert answers == {200}
    publisher = river.web.publisher
    assert (len(publisher.memory.by_target), publisher.renderings) == (kept, rendered)


def test_a_search_has_conditional_responses(river: Site) -> None:
    tag = river.get("/?q=rope").headers["ETag"]

    assert river.get("/?q=rope", if_none_match=tag).status_code == 304
    assert river.get("/?q=eel", if_none_match=tag).status_code == 200


@pytest.mark.parametrize("path", PAGES)
def test_an_unchanged_page_is_not_rendered_again(river: Site, path: str) -> None:
    tag = river.get(path).headers["ETag"]
    rendered = river.web.publisher.renderings

    again = river.get(path, if_none_match=tag)

    assert (again.status_code, again.get_data()) == (304, b"")
    assert river.web.publisher.renderings == rendered


def test_a_page_is_the_same_whenever_it_is_rendered(
    content: Content, open_site: Callable[..., Site], tmp_path: Path, clock: Callable[[], float]
) -> None:
    write_site(content)
    first = [open_site().get(path).get_data() for path in PAGES]

    clock.now += 86_400  # type: ignore[attr-defined]
    later = open_site(FEEDS_INSTANCE_DIR=str(tmp_path / "other"))

    assert [later.get(path).get_data() for path in PAGES] == first


def test_a_change_in_a_subtopic_changes_the_page_that_counts_it(
    river: Site, content: Content
) -> None:
    tags = {path: river.get(path).headers["ETag"] for path in ("/topics/river", "/feeds/best")}

    content.write("third.md", topics=["Ropes"], publishedDateTime="2026-11-02T00:00:00Z")
    river.sync.refresh()

    assert river.get("/topics/river", if_none_match=tags["/topics/river"]).status_code == 200
    assert river.get("/feeds/best", if_none_match=tags["/feeds/best"]).status_code == 304


def test_a_new_month_changes_the_pages_that_list_it(river: Site, content: Content) -> None:
    tag = river.get("/topics/river/2026-11").headers["ETag"]

    content.write("past.md", topics=["River"], publishedDateTime="2026-08-02T00:00:00Z")
    river.sync.refresh()

    assert river.get("/topics/river/2026-11", if_none_match=tag).status_code == 200


def test_pages_request_only_the_site_and_its_images(river: Site) -> None:
    answer = river.get("/")
    policy = dict(
        part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";")
    )

    assert policy == {
        "default-src": "'none'",
        "img-src": "http: https:",
        "style-src": "'self'",
        "script-src": "'self'",
        "frame-src": "'self'",
        "connect-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert "Set-Cookie" not in answer.headers
    page = tree(river, "/")
    loaded = [
        *hrefs(page, "link[rel=stylesheet]"),
        *(script.get("src") for script in page.cssselect("script")),
    ]
    assert all(address.startswith("/static/") for address in loaded)
    assert page.cssselect("[style], [onclick], style") == []


@pytest.mark.parametrize("name", ["style.css", "page.js", "embed.js", "icon.svg"])
def test_assets_are_immutable_under_a_name_made_of_their_content(river: Site, name: str) -> None:
    answer = river.get(f"/static/{assets.NAMES[name]}")

    assert answer.status_code == 200
    assert "max-age=31536000" in answer.headers["Cache-Control"]
    assert river.get(f"/static/{name}").status_code == 404


def test_a_foreign_host_changes_no_byte(river: Site) -> None:
    plain = river.get("/topics/river").get_data()

    foreign = river.client.get(
        "/topics/river?utm_source=x",
        headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"},
    )

    assert foreign.get_data() == plain


def test_a_page_of_fifty_articles_is_small(
    content: Content, open_site: Callable[..., Site]
) -> None:
    for number in range(50):
        content.write(
            f"2026/{number}.md",
            title=f"A headline of the usual length, which is about seventy letters, {number}",
            excerpt="A sentence of an excerpt that goes on for a while. " * 10,
            publishedDateTime=f"2026-11-{number % 19 + 1:02}T00:00:00Z",
            images=[
                {
                    "url": f"https://images.example.com/2026/11/picture-{number}-1200x675.jpg",
                    "width": 1200,
                    "height": 675,
                }
            ],
            related=[
                {
                    "title": f"Another view of the matter {n}",
                    "webUrl": f"https://other.example.com/2026/{number}-{n}",
                }
                for n in range(2)
            ],
        )
    site = open_site()

    for path, count in (("/", 20), ("/topics/ai", 50), ("/providers/news.example.com", 50)):
        assert len(tree(site, path).cssselect("article")) == count
        assert len(site.get(path).get_data()) < 60_000


def test_a_page_ends_after_fifty_articles_and_links_to_the_rest(
    content: Content, open_site: Callable[..., Site]
) -> None:
    for number in range(60):
        content.write(f"{number}.md", publishedDateTime=f"2026-11-19T10:{number:02}:00Z")
    site = open_site()

    assert len(tree(site, "/topics/ai").cssselect("article")) == 50
    assert hrefs(tree(site, "/topics/ai"), ".turn .older") == ["/topics/ai/2026-11"]


def test_the_page_of_a_large_month_shows_the_rest_by_its_titles(
    content: Content, open_site: Callable[..., Site]
) -> None:
    for number in range(53):
        content.write(
            f"{number}.md",
            title=f"No. {number}",
            publishedDateTime=f"2026-11-19T10:{number:02}:00Z",
        )
    site = open_site()

    page = tree(site, "/topics/ai/2026-11")

    assert len(page.cssselect("article")) == 50
    assert texts(page, ".more") == ["More of November 2026"]
    assert texts(page, ".more + ul a") == ["No. 2", "No. 1", "No. 0"]
    assert texts(page, ".facts")[0].startswith("53 articles")
    assert texts(tree(site, "/topics/ai"), ".more") == []


def test_a_topic_without_articles_has_a_page_that_states_so(
    content: Content, open_site: Callable[..., Site]
) -> None:
    content.raw("topics.yml", "- name: Quiet\n")
    page = tree(open_site(), "/topics/quiet")

    assert texts(page, ".nothing") == [
        "Nothing has been published here yet. Subscribe to get the first article."
    ]
    assert texts(page, ".facts") == ["0 articles"]


def test_text_in_another_language_names_its_language(
    content: Content, open_site: Callable[..., Site]
) -> None:
    content.write("fr.md", title="Le marché", locale="fr", topics=["AI"])
    page = tree(open_site(), "/topics/ai")

    assert [title.get("lang") for title in page.cssselect("article h3")] == ["fr"]


def test_the_page_of_an_alias_redirects_to_the_canonical_one(river: Site) -> None:
    answer = river.get("/topics/crossings")

    assert (answer.status_code, answer.location) == (301, f"{SITE_URL}/topics/ferries")


@pytest.mark.parametrize(
    ("path", "status", "heading"),
    [
        ("/topics/deep-sea", 404, "Page not found"),
        ("/providers/none.example", 404, "Page not found"),
        ("/wp-login.php", 404, "Page not found"),
        ("/topics/steam", 410, "This feed has ended"),
    ],
)
def test_an_error_page_offers_a_search_and_the_list_of_feeds(
    river: Site, path: str, status: int, heading: str
) -> None:
    page = tree(river, path, status)

    assert texts(page, "h1") == [heading]
    assert page.cssselect("form[role=search]")[0].get("action") == "/"
    assert hrefs(page, "link[rel=stylesheet]") == [f"/static/{assets.NAMES['style.css']}"]


def test_an_error_page_searches_for_the_requested_name(river: Site) -> None:
    page = tree(river, "/topics/deep-sea", 404)

    assert page.cssselect("#q")[0].get("value") == "deep sea"


@pytest.mark.parametrize(
    ("path", "status"), [("/topics/none.rss", 404), ("/topics/steam.json", 410), ("/x.xml", 404)]
)
def test_programs_get_an_error_in_a_line(river: Site, path: str, status: int) -> None:
    answer = river.get(path)

    assert (answer.status_code, answer.mimetype) == (status, "text/plain")
    assert answer.get_data(True).count("\n") == 1


def test_a_server_error_has_a_page_in_the_style_of_the_site(
    river: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise IndexUnavailable("the disk is gone")

    monkeypatch.setattr(river.web.catalog, "select", fail)

    page = tree(river, "/topics/river", 503)

    assert texts(page, "h1") == ["This page is not available right now"]
    assert river.get("/topics/river.rss").mimetype == "text/plain"


def test_a_bug_is_an_error_page_too(river: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(river.web.catalog, "select", lambda _: 1 / 0)
    river.app.config["PROPAGATE_EXCEPTIONS"] = False

    assert texts(tree(river, "/topics/river", 500), "h1") == [
        "This page is not available right now"
    ]


def test_a_page_served_before_is_served_when_the_index_fails(
    river: Site, content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = river.get("/topics/river").get_data()
    content.write("third.md", topics=["River"])
    river.sync.refresh()

    def fail(*_: object) -> None:
        raise IndexUnavailable("the disk is gone")

    monkeypatch.setattr(river.web.catalog, "select", fail)

    assert river.get("/topics/river").get_data() == before


def test_nothing_secret_is_on_any_page(content: Content, open_site: Callable[..., Site]) -> None:
    content.write("a.md", secured="TOP-SECRET", heat=4711, whatever="TOP-SECRET")
    content.write("b.md", title="DRAFT-TITLE", published=False)
    content.write("c.md", title="EMBARGO-TITLE", publishedDateTime="2027-01-01T00:00:00Z")
    site = open_site()

    printed = b"".join(
        site.get(path).get_data()
        for path in ("/", "/topics/ai", "/all/2026-11", "/?q=a", "/embed", "/embed/all", "/none")
    )

    assert not [word for word in (b"SECRET", b"4711", b"DRAFT-", b"EMBARGO-") if word in printed]


def test_a_page_links_to_no_feed_that_has_ended(
    content: Content, open_site: Callable[..., Site]
) -> None:
    content.raw("providers.yml", "- domain: news.example.com\n  retired: true\n")
    content.write("a.md")

    assert hrefs(tree(open_site(), "/topics/ai"), ".by a") == []


def test_a_site_below_a_path_links_below_it(
    content: Content, open_site: Callable[..., Site]
) -> None:
    content.write("a.md", topics=["AI"])
    page = tree(open_site(FEEDS_URL="https://example.org/news"), "/topics/ai")

    assert hrefs(page, ".trail a") == ["/news/"]
    assert hrefs(page, "link[rel=canonical]") == ["https://example.org/news/topics/ai"]
    assert hrefs(page, "link[rel=stylesheet]")[0].startswith("/news/static/")


def test_names_in_any_script_have_working_pages(
    content: Content, open_site: Callable[..., Site]
) -> None:
    content.write("a.md", topics=["日本語", "C#", "😀"])
    site = open_site()

    for href in hrefs(tree(site, "/"), "#topics a"):
        assert texts(tree(site, unquote(href)), "h1")[0] in ("日本語", "C#", "😀")


def test_a_topic_below_a_retired_one_stays(content: Content) -> None:
    content.raw("topics.yml", "- name: Up\n  retired: true\n- name: Down\n  parent: up\n")
    files = read_site_config(content.folder, SITE_URL, "")

    assert files.topics["down"].parent == "up"


def test_words_are_found_without_accents_and_case() -> None:
    whole = menu.Menu(topics=(menu.MenuEntry(None, "Café Élan", 1),))  # type: ignore[arg-type]

    assert menu.search(whole, "ELAN cafe").size == 1
    assert menu.search(whole, "cafe tea").size == 0


@pytest.mark.parametrize("query", ["ferry", "high water", "ÜBERFAHRT other side"])
def test_a_search_matches_aliases_descriptions_and_plurals(
    content: Content, open_site: Callable[..., Site], query: str
) -> None:
    content.raw(
        "topics.yml",
        "- name: Ferries & Crossings\n"
        "  description: To the other side at high water.\n"
        "  aliases: [Überfahrt]\n"
        "- name: Bridges\n",
    )
    content.write("a.md", topics=["Bridges"])
    site = open_site()

    assert texts(tree(site, f"/?q={query}"), ".index li a") == ["Ferries & Crossings"]
    assert texts(tree(site, "/?q=bridges"), ".index li a") == ["Bridges"]


def test_a_menu_is_freed_without_a_collection_of_garbage(site: Site, content: Content) -> None:
    """Polls wait for such a collection, which takes longer with more objects."""
    for number in range(20):
        content.write(f"{number}.md", topics=[f"Topic {number}"])
    site.sync.refresh()
    feed_infos = site.web.catalog.feed_infos()
    gc.collect()

    assert menu.menu(feed_infos).size > 20
    assert gc.collect() == 0
