"""Tests of the snippets for site owners: links, a button, a box, a script; and of oEmbed."""

from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from lxml import html

from tests.conftest import SITE_URL, Content, OpenShared, Site
from tests.web_helpers import hrefs, texts, tree, write_site

PAGE = f"{SITE_URL}/topics/river"


@pytest.fixture(scope="module")
def river(open_shared: OpenShared) -> Site:
    """Return a site for all tests that only send requests."""
    return open_shared(write_site)


@pytest.fixture
def changing(content: Content, open_site: Callable[..., Site]) -> Site:
    """Return a site for one test, with the same content."""
    write_site(content)
    return open_site()


def copied(site: Site, name: str, query: str = "?feed=topics/river") -> str:
    (field,) = tree(site, f"/embed{query}").cssselect(f"textarea#{name}")
    return str(field.text_content())


def test_the_links_to_copy_are_those_of_the_page_itself(river: Site) -> None:
    pasted = html.fragments_fromstring(copied(river, "alternates"))

    own = tree(river, "/topics/river").cssselect("link[rel=alternate]")[:3]
    assert [dict(link.attrib) for link in pasted] == [dict(link.attrib) for link in own]


def test_a_button_names_the_feed_and_its_type(river: Site) -> None:
    pasted = html.fragment_fromstring(copied(river, "button"))

    assert dict(pasted.attrib) == {"type": "application/rss+xml", "href": f"{PAGE}.rss"}
    assert pasted.text == "Subscribe to River"


def test_the_box_to_copy_has_the_chosen_options(river: Site) -> None:
    pasted = html.fragment_fromstring(
        copied(river, "box", "?feed=topics/river&count=3&pictures=no&theme=dark")
    )

    assert pasted.get("src") == f"{SITE_URL}/embed/topics/river?count=3&pictures=no&theme=dark"
    assert pasted.get("title") == "River — The River Paper"
    assert pasted.get("height") == str(104 + 3 * 83)


def test_a_name_with_many_escapes_is_copied_whole(
    content: Content, open_site: Callable[..., Site]
) -> None:
    content.write("a.md", topics=["\"A\" & 'B' > 2 < 3"])
    site = open_site()
    (path,) = hrefs(tree(site, "/"), "#topics a")

    pasted = html.fragments_fromstring(copied(site, "alternates", f"?feed={path[1:]}"))

    assert pasted[0].get("title") == "\"A\" & 'B' > 2 < 3 — RSS"


def test_the_script_has_ten_lines_and_the_address_of_the_feed(river: Site) -> None:
    script = copied(river, "script")

    assert script.count("\n") == 9
    assert all(len(line) < 64 for line in script.splitlines() if "fetch" not in line)
    assert f'fetch("{PAGE}.json")' in script


def test_an_unknown_feed_is_replaced_by_the_main_feed(river: Site) -> None:
    page = tree(river, "/embed?feed=topics/none")

    assert [one.get("value") for one in page.cssselect("#feed option[selected]")] == ["all"]


def test_every_feed_can_be_chosen(river: Site) -> None:
    values = [one.get("value") for one in tree(river, "/embed").cssselect("#feed option")]

    assert len(values) == len(river.get("/feeds.json").get_json()["feeds"])
    assert {river.get(f"/embed/{value}").status_code for value in values} == {200}


def test_a_box_shows_the_requested_number_of_articles(river: Site) -> None:
    assert len(tree(river, "/embed/all?count=3").cssselect("li")) == 3
    assert len(tree(river, "/embed/all").cssselect("li")) == 4


def test_a_box_has_space_for_the_name_next_to_the_day(river: Site) -> None:
    assert texts(tree(river, "/embed/all?count=3"), "time")[0] == "20 Nov 2026"


def test_the_links_of_a_box_open_outside_of_it(river: Site) -> None:
    links = tree(river, "/embed/all").cssselect("a")

    assert {(link.get("target"), link.get("rel")) for link in links} == {("_blank", "noopener")}


def test_a_box_has_images_or_none(river: Site) -> None:
    assert len(tree(river, "/embed/topics/ferries").cssselect("img")) == 1
    assert tree(river, "/embed/topics/ferries?pictures=no").cssselect("img") == []


@pytest.mark.parametrize(("theme", "mark"), [("auto", None), ("light", "light"), ("dark", "dark")])
def test_a_box_has_the_colours_that_were_chosen(river: Site, theme: str, mark: str | None) -> None:
    assert tree(river, f"/embed/all?theme={theme}").get("data-theme") == mark


def test_any_site_may_frame_a_box_and_a_box_runs_nothing(river: Site) -> None:
    answer = river.get("/embed/all")

    policy = answer.headers["Content-Security-Policy"]
    assert "frame-ancestors *" in policy
    assert "script-src" not in policy
    assert policy.startswith("default-src 'none'")
    assert "X-Frame-Options" not in answer.headers
    assert "Set-Cookie" not in answer.headers


def test_unknown_options_render_no_documents(changing: Site) -> None:
    changing.get("/embed/all")
    kept, rendered = len(changing.web.publisher.memory.by_target), changing.web.publisher.renderings

    same = {
        changing.get(f"/embed/all?count={n}&theme=x{n}&y={n}").get_data() for n in range(100, 150)
    }
    chooser = {changing.get(f"/embed?feed=x{n}").status_code for n in range(50)}

    assert len(same) == 1
    assert chooser == {200}
    publisher = changing.web.publisher
    assert (len(publisher.memory.by_target), publisher.renderings) == (kept, rendered)


def test_the_page_of_choices_changes_with_feeds_and_not_with_articles(
    changing: Site, content: Content
) -> None:
    before = changing.get("/embed")

    content.write("more.md", topics=["Ferries"])
    changing.sync.refresh()
    after_an_article = changing.get("/embed")
    content.write("other.md", topics=["Otters"])
    changing.sync.refresh()
    after_a_feed = changing.get("/embed")

    assert after_an_article.headers["ETag"] == before.headers["ETag"]
    assert after_a_feed.headers["ETag"] != before.headers["ETag"]


def test_a_box_changes_only_with_its_content(changing: Site, content: Content) -> None:
    content.write("more.md", topics=["River"], publishedDateTime="2026-09-01T00:00:00Z")
    few, many = "/embed/all?count=3", "/embed/all?count=20"
    tags = {path: changing.get(path).headers["ETag"] for path in (few, many)}

    changing.sync.refresh()

    assert changing.get(few).headers["ETag"] == tags[few]
    assert changing.get(many).headers["ETag"] != tags[many]


def test_an_empty_box_states_that_it_is_empty(
    content: Content, open_site: Callable[..., Site]
) -> None:
    content.raw("topics.yml", "- name: Quiet\n")

    assert texts(tree(open_site(), "/embed/topics/quiet"), "li") == [
        "Nothing has been published here yet."
    ]


def test_a_box_follows_its_feed(river: Site) -> None:
    moved = river.get("/embed/topics/crossings?count=3")

    assert (moved.status_code, moved.location) == (301, f"{SITE_URL}/embed/topics/ferries?count=3")
    assert river.get("/embed/topics/steam").status_code == 410
    assert river.get("/embed/topics/none").status_code == 404
    assert river.get("/embed/topics/river/2026-11").status_code == 404


def test_a_page_links_to_its_oembed_response(river: Site) -> None:
    (address,) = hrefs(tree(river, "/topics/river"), "link[type='application/json+oembed']")

    answer = river.get(address.removeprefix(SITE_URL)).get_json()

    assert (answer["version"], answer["type"], answer["width"]) == ("1.0", "rich", 480)
    frame = html.fragment_fromstring(answer["html"])
    assert frame.get("src") == f"{SITE_URL}/embed/topics/river?count=4"
    assert (frame.get("width"), frame.get("height")) == ("480", str(answer["height"]))


@pytest.mark.parametrize(
    ("limits", "width", "height", "box"),
    [
        ("", 480, 104 + 4 * 105, "?count=4"),
        ("&maxwidth=300&maxheight=500", 300, 104 + 3 * 105, "?count=3"),
        ("&maxheight=419", 480, 104 + 3 * 105, "?count=3"),
        ("&maxheight=418", 480, 104 + 2 * 105, "?count=2"),
        ("&maxheight=300", 480, 104 + 105, "?count=1"),
        ("&maxheight=208", 480, 104 + 83, "?count=1&pictures=no"),
        ("&maxheight=100", 480, 100, "?count=1&pictures=no"),
        ("&maxwidth=239", 239, 104 + 4 * 83, "?count=4&pictures=no"),
        ("&maxwidth=90&maxheight=300", 90, 104 + 2 * 83, "?count=2&pictures=no"),
        ("&maxwidth=5000&maxheight=5000", 1000, 104 + 4 * 105, "?count=4"),
        ("&maxwidth=0&maxheight=0", 480, 104 + 4 * 105, "?count=4"),
    ],
)
def test_an_oembed_box_is_no_larger_than_the_request_allows(
    river: Site, limits: str, width: int, height: int, box: str
) -> None:
    answer = river.get(f"/oembed?url={SITE_URL}/{limits}").get_json()

    assert (answer["width"], answer["height"]) == (width, height)
    frame = html.fragment_fromstring(answer["html"])
    assert (frame.get("width"), frame.get("height")) == (str(width), str(height))
    assert frame.get("src") == f"{SITE_URL}/embed/all{box}"


def test_an_oembed_box_is_filled_with_articles(content: Content, site: Site) -> None:
    content.raw("topics.yml", "- name: Quiet\n")
    for number in range(7):
        content.write(f"{number}.md", topics=["Many"] if number else ["Many", "One"])
    site.sync.refresh()

    frames = [
        html.fragment_fromstring(site.get(f"/oembed/topics/{name}.json").get_json()["html"])
        for name in ("many", "one")
    ]

    assert [frame.get("src") for frame in frames] == [
        f"{SITE_URL}/embed/topics/many",
        f"{SITE_URL}/embed/topics/one?count=1",
    ]
    assert [frame.get("height") for frame in frames] == [str(104 + 5 * 105), str(104 + 105)]


def test_other_sites_may_request_the_oembed_of_a_page(river: Site) -> None:
    for path in (f"/oembed?url={PAGE}", "/oembed", "/oembed/all.json", "/oembed/topics/none.json"):
        assert river.get(path).headers["Access-Control-Allow-Origin"] == "*", path


def test_the_oembed_response_of_a_page_follows_its_feed(river: Site) -> None:
    moved = river.get("/oembed/topics/crossings.json?maxwidth=300")

    assert (moved.status_code, moved.location) == (301, f"{SITE_URL}/oembed/topics/ferries.json")
    assert river.get("/oembed/topics/steam.json").status_code == 410
    assert river.get("/oembed/topics/river/2026-11.json").status_code == 404


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 404),
        ("url=https://evil.example/topics/river", 404),
        (f"url={SITE_URL}.evil.example/topics/river", 404),
        (f"url={SITE_URL}xtopics/river", 404),
        (f"url={SITE_URL}/topics/none", 404),
        (f"url={PAGE}.rss", 404),
        (f"url={PAGE}&format=xml", 501),
        (f"url={SITE_URL.replace('feeds', 'user@feeds')}/", 404),
        (f"url={SITE_URL}:8000/", 404),
        ("url=https://[feeds.example.org/", 404),
        ("url=ftp://feeds.example.org/", 404),
        ("url=//feeds.example.org/", 404),
        (f"url={PAGE}//", 404),
        (f"url={SITE_URL}", 200),
        (f"url={PAGE}&maxwidth=%C2%B2&maxheight=-1", 200),
    ],
)
def test_only_pages_of_the_site_can_be_embedded(river: Site, query: str, status: int) -> None:
    assert river.get(f"/oembed?{query}").status_code == status


@pytest.mark.parametrize(
    "address",
    [
        PAGE,
        f"{PAGE}/",
        f"{PAGE}?utm_source=x&a=b",
        f"{PAGE}/?a#b",
        f"{PAGE}#articles-title",
        PAGE.replace("https:", "http:"),
        "HTTPS://FEEDS.Example.org:443/topics/river",
        "http://feeds.example.org:80/topics/river",
        f"{SITE_URL}/topics/%72iver",
        f"{SITE_URL}/topics/RIVER",
        f"{PAGE}/2026-11",
        f" {PAGE}",
    ],
)
def test_any_spelling_of_the_address_of_a_page_is_known(river: Site, address: str) -> None:
    answer = river.get(f"/oembed?{urlencode({'url': address})}")

    assert answer.status_code == 200
    assert answer.get_json()["title"] == "River — The River Paper"


def test_the_page_of_a_site_with_a_host_name_in_another_script_is_known(
    content: Content, open_site: Callable[..., Site]
) -> None:
    content.write("a.md", topics=["Café"])
    site = open_site(FEEDS_URL="https://bücher.example/näws")

    for address in (
        "https://bücher.example/näws/topics/café",
        "https://xn--bcher-kva.example/n%C3%A4ws/topics/caf%C3%A9/",
        "https://BÜCHER.example/n%c3%a4ws/topics/cafe\u0301",
    ):
        assert site.get(f"/oembed?{urlencode({'url': address})}").status_code == 200
