"""Tests of the pages in a real browser."""

import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from feeds.web.embed import COUNTS, Options
from tests.browser.conftest import PICTURES, TOKEN, Visit, visit
from tests.waiting import SOON

PAGES = ["/", "/topics/river", "/topics/river/2026-10", "/?q=river", "/embed",
         "/mix?with=river", "/mix/ferries,river", "/search/river", "/embed/all"]  # fmt: skip

#: Addresses with a long word that the page displays.
OF_A_LONG_WORD = [f"{path}{'gesellschaft' * 5}" for path in ("/search/", "/?q=", "/mix/", "/x/")]

OPERATORS = "/operators/subscribers"

#: All kinds of pages, error responses included.
LOOKED_AT = [
    *PAGES, "/embed/all?theme=dark&pictures=no", "/topics/none", "/topics/steam", OPERATORS,
    "/mix?none=river", "/mix/river,nowhere", "/?q=!",
]  # fmt: skip


def test_an_address_is_copied_with_one_press(browser: Browser, server: str) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = visit(context, server).go("/topics/river")

    page.get_by_role("button", name="Copy the Atom address").click()

    expect(page.locator(".subscribe .status")).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == f"{server}/topics/river.atom"
    context.close()


def test_an_address_is_copied_without_the_clipboard_api(desktop: Visit) -> None:
    # Browsers have no navigator.clipboard on a page without https.
    desktop.page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: null})")
    page = desktop.go("/topics/river")

    page.get_by_role("button", name="Copy the RSS address").click()

    expect(page.locator(".subscribe .status")).to_contain_text("Copied")
    selected = "(f) => f.value.slice(f.selectionStart, f.selectionEnd)"
    assert page.get_by_label("RSS").evaluate(selected) == f"{desktop.server}/topics/river.rss"


def test_a_link_opens_the_feed_in_a_reader(desktop: Visit) -> None:
    page = desktop.go("/topics/river")

    leads = page.get_by_role("link", name="Feedly").get_attribute("href") or ""

    assert leads.startswith("https://feedly.com/i/subscription/feed/http%3A%2F%2F127.0.0.1")


def test_feeds_are_filtered_while_typing(desktop: Visit) -> None:
    page = desktop.go("/")

    page.get_by_label("Find feeds and articles").press_sequentially("CAFE")

    expect(page.locator(".index li:visible")).to_have_text(["Café 12"])
    expect(page.locator("#found")).to_have_text("1 feed")
    page.get_by_label("Find feeds and articles").fill("")
    expect(page.locator("#topics li:visible")).to_have_count(4)


def test_the_filter_keeps_the_parents_of_a_match(desktop: Visit) -> None:
    page = desktop.go("/")

    page.get_by_label("Find feeds and articles").press_sequentially("ferr")

    expect(page.locator("#topics li:visible > a")).to_have_text(["River", "Ferries"])


def test_the_filter_matches_aliases_as_the_search_does(desktop: Visit) -> None:
    page = desktop.go("/")

    page.get_by_label("Find feeds and articles").press_sequentially("crossing")

    expect(page.locator("#topics li:visible > a")).to_have_text(["River", "Ferries"])
    expect(page.locator("#found")).to_have_text("1 feed")


def test_links_lead_from_the_newest_month_to_the_oldest_and_back(desktop: Visit) -> None:
    page = desktop.go("/topics/river")

    page.get_by_role("link", name="November 2026").click()
    for month in ("October 2026", "September 2026"):
        page.locator(".turn .older").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(month)
    expect(page.locator(".turn .older")).to_have_count(0)
    for _ in range(3):
        page.locator(".turn .newer").click()

    assert page.url == f"{desktop.server}/topics/river"


def test_a_box_is_shown_as_soon_as_it_is_chosen(desktop: Visit) -> None:
    page = desktop.go("/embed")

    page.get_by_label("Feed", exact=True).select_option("topics/ferries")
    page.get_by_label("Articles", exact=True).select_option("3")
    page.get_by_label("Colours", exact=True).select_option("dark")

    box = page.frame_locator("iframe")
    expect(page.locator("#box")).to_have_value(
        f'<iframe src="{desktop.server}/embed/topics/ferries?count=3&amp;theme=dark" '
        'title="Ferries — The River Paper" width="100%" height="419" loading="lazy" '
        'style="border:0"></iframe>'
    )
    expect(box.get_by_role("heading", level=1)).to_have_text("Ferries")
    expect(box.locator("li")).to_have_count(3)
    page.reload()
    expect(page.get_by_label("Feed", exact=True)).to_have_value("topics/ferries")
    assert desktop.complaints == []


def test_the_preview_on_an_exported_site_states_that_it_shows_the_main_feed(
    desktop: Visit,
) -> None:
    page = desktop.go("/embed")
    whole = page.content()
    page.route(
        re.compile("/embed[?]"), lambda route: route.fulfill(body=whole, content_type="text/html")
    )
    shown = page.get_by_role("status")
    refused = "Showing The River Paper: the feed that you chose is not available here."

    page.get_by_label("Feed", exact=True).select_option("topics/ferries")
    expect(shown).to_have_text(refused)
    page.get_by_label("Feed", exact=True).select_option("all")
    expect(shown).to_have_text("Showing The River Paper")
    desktop.go("/embed?feed=topics/ferries")

    expect(shown).to_have_text(refused)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("pictures", ["yes", "no"])
@pytest.mark.parametrize("width", [100, 240, 480, 1000])
def test_a_box_is_as_high_as_its_iframe(
    browser: Browser, samples: str, width: int, pictures: str, theme: str
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 50})
    inside = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"

    sizes = {}
    for count in COUNTS:
        page.goto(f"{samples}/embed/all?count={count}&pictures={pictures}&theme={theme}")
        sizes[count] = page.evaluate(inside)
    page.close()

    declared = {count: Options(count, pictures == "yes").height for count in COUNTS}
    assert {count: across for count, (across, _) in sizes.items()} == dict.fromkeys(COUNTS, width)
    assert [declared[count] - sizes[count][1] for count in COUNTS] == [1] * len(COUNTS)


@pytest.mark.parametrize(
    "limits",
    ["", "maxwidth=600", "maxheight=300", "maxheight=190", "maxwidth=200&maxheight=400"],
)
@pytest.mark.parametrize("feed", ["", "topics/c-plus-plus", "feeds/watch-and-learn"])
def test_an_embedded_box_has_the_size_that_oembed_states(
    browser: Browser, samples: str, other_site: tuple[Path, str], feed: str, limits: str
) -> None:
    folder, site = other_site
    address = f"{samples}/oembed?url={quote(f'{samples}/{feed}')}&{limits}"
    with urllib.request.urlopen(address, timeout=20) as answer:
        shown = json.load(answer)
    page = browser.new_page(viewport={"width": 1100, "height": 1100})

    (folder / "a.html").write_text(f"<!doctype html><title>Site</title>{shown['html']}", "utf-8")
    page.goto(f"{site}/a.html")

    frame = page.locator("iframe")
    expect(page.frame_locator("iframe").locator("li").first).to_be_visible()
    box = frame.bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (shown["width"], shown["height"])
    needed = (
        page.frame_locator("iframe")
        .locator("body")
        .evaluate(
            "(body) => [document.documentElement.scrollWidth, body.getBoundingClientRect().height]"
        )
    )
    assert needed[0] == shown["width"]
    assert 0 <= shown["height"] - needed[1] < 2
    page.close()


def test_the_preview_of_a_box_has_no_scroll_bar(desktop: Visit) -> None:
    page = desktop.go("/embed?feed=topics/ferries&count=3&pictures=no")

    inside = page.frame_locator("iframe").locator("body")
    needed, there = inside.evaluate(
        "() => [document.documentElement.scrollHeight, window.innerHeight]"
    )

    assert needed <= there == 104 + 3 * 83


def test_the_box_has_no_scroll_bar_on_another_site(
    desktop: Visit, other_site: tuple[Path, str]
) -> None:
    folder, address = other_site
    copied = desktop.go("/embed?feed=topics/ferries").locator("#box").input_value()
    (folder / "a.html").write_text(f"<!doctype html><title>Site</title>{copied}", "utf-8")

    page = desktop.page
    page.goto(f"{address}/a.html")

    box = page.frame_locator("iframe")
    expect(box.locator("li")).to_have_count(5)
    room = "() => [document.documentElement.scrollHeight, window.innerHeight]"
    needed, there = box.locator("body").evaluate(room)
    assert needed <= there
    assert desktop.complaints == []


def test_the_script_makes_a_list_on_another_site(
    desktop: Visit, other_site: tuple[Path, str]
) -> None:
    folder, address = other_site
    copied = desktop.go("/embed?feed=topics/ferries&count=3").locator("#script").input_value()
    (folder / "a.html").write_text(f"<!doctype html><title>Site</title>{copied}", "utf-8")

    desktop.page.goto(f"{address}/a.html")

    expect(desktop.page.locator("#articles a")).to_have_count(3)
    expect(desktop.page.locator("#articles a").first).to_contain_text("of the river")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_is_as_light_or_dark_as_the_system(
    browser: Browser, server: str, scheme: Any
) -> None:
    context = browser.new_context(color_scheme=scheme)
    page = visit(context, server).go("/")

    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert paper == {"light": "rgb(252, 251, 248)", "dark": "rgb(23, 22, 20)"}[scheme]
    context.close()


@pytest.mark.parametrize("path", [*PAGES, "/topics/none", *OF_A_LONG_WORD])
def test_a_page_fits_a_phone(phone: Visit, path: str) -> None:
    page = phone.go(path)

    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    too_small = page.eval_on_selector_all(
        "button, input, select, .readers a",
        "(all) => all.filter((e) => e.offsetHeight && e.offsetHeight < 24).length",
    )
    assert too_small == 0


@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_nothing_from_other_hosts_and_logs_no_error(desktop: Visit, path: str) -> None:
    page = desktop.go(path)
    page.mouse.wheel(0, 20_000)
    page.wait_for_timeout(200)

    foreign = [url for url in desktop.requested if not url.startswith(f"{desktop.server}/")]
    assert [url for url in foreign if not url.startswith(PICTURES)] == []
    assert desktop.complaints == []
    assert page.context.cookies() == []


#: A promise that resolves when the page has been painted in its current state.
ON_SCREEN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def soon(page: Page, happened: Callable[[], bool]) -> bool:
    """Return True if a condition becomes true soon, while the browser continues."""
    end = time.monotonic() + SOON
    while time.monotonic() < end and not happened():
        page.wait_for_timeout(20)
    return happened()


def test_the_layout_does_not_shift_while_images_load(desktop: Visit) -> None:
    page = desktop.page
    page.add_init_script(
        "window.shift = 0; new PerformanceObserver((list) => list.getEntries().forEach("
        "(e) => { window.shift += e.value; })).observe({type: 'layout-shift', buffered: true})"
    )
    image = (Path(__file__).parents[2] / "content/pictures/ferry-dawn.jpg").read_bytes()
    held: list[Route] = []
    page.set_viewport_size({"width": 1280, "height": 3000})
    page.context.unroute(f"{PICTURES}/**")
    page.context.route("**/*.jpg", lambda route: held.append(route))

    page.goto(f"{desktop.server}/topics/river", wait_until="domcontentloaded")
    # The page has reserved the space of the images: three of them have not loaded yet.
    assert soon(page, lambda: len(held) > 2)
    page.evaluate(ON_SCREEN)

    def fulfill(route: Route) -> None:
        route.fulfill(body=image, content_type="image/jpeg")

    # Later requests get the image, too: a slow browser has not requested the third yet.
    page.context.route("**/*.jpg", fulfill)
    for route in held:
        fulfill(route)
    page.wait_for_function("document.images[2].complete && document.images[2].naturalWidth")
    page.evaluate(ON_SCREEN)

    assert page.evaluate("window.shift") < 0.01


def test_a_sticky_element_covers_nothing(desktop: Visit) -> None:
    page = desktop.go("/topics/river")
    page.set_viewport_size({"width": 1280, "height": 400})
    edges = """[".subscribe", ".beside"].map((name) => {
        const box = document.querySelector(`.columns > ${name}`).getBoundingClientRect();
        return [box.top, box.bottom];
    })"""

    for where in (0, 0.5, 1):
        page.evaluate("(part) => scrollTo(0, part * document.body.scrollHeight)", where)
        (_, end), (start, _) = page.evaluate(edges)
        assert end <= start


def test_an_image_that_fails_leaves_no_gap(desktop: Visit) -> None:
    page = desktop.go("/topics/river")
    page.mouse.wheel(0, 20_000)

    expect(page.locator(f"img[src^='{PICTURES}']")).to_have_count(0)
    expect(page.locator("article img").first).to_be_visible()


def test_right_to_left_text_is_aligned_at_one_edge(desktop: Visit) -> None:
    page = desktop.go("/providers/ar.example")

    edges = page.locator("article h3, .excerpt, .related li").evaluate_all(
        "(found) => found.map((each) => Math.round(each.getBoundingClientRect().right))"
    )
    assert len(edges) == 3
    assert len(set(edges)) == 1
    arrow = "(item) => getComputedStyle(item, '::before').content"
    assert "←" in page.locator(".related li").evaluate(arrow)


def test_pages_work_without_scripts(plain: Visit) -> None:
    page = plain.go("/")

    page.get_by_label("Find feeds and articles").fill("ferr")
    page.get_by_role("button", name="Find").click()
    expect(page.locator(".index li > a")).to_have_text(["River", "Ferries"])
    page.get_by_role("link", name="Ferries").click()
    expect(page.get_by_label("RSS")).to_have_value(f"{plain.server}/topics/ferries.rss")
    expect(page.get_by_role("button")).to_have_count(0)
    page.get_by_role("link", name="Add this feed to your site").click()
    page.get_by_label("Articles", exact=True).select_option("3")
    page.get_by_role("button", name="Show").click()
    expect(page.frame_locator("iframe").locator("li")).to_have_count(3)


def test_a_mix_is_chosen_without_scripts(plain: Visit) -> None:
    page = plain.go("/topics/river")

    page.get_by_role("link", name="Combine it with other feeds").click()
    expect(page.get_by_label("Any: River", exact=True)).to_be_checked()
    page.get_by_label("Any: Café", exact=True).check()
    page.get_by_label("None: Ferries", exact=True).check()
    page.get_by_role("button", name="Make the feed").click()

    expect(page).to_have_url(f"{plain.server}/mix/caf%C3%A9,river,-ferries")
    expect(page.get_by_label("RSS")).to_have_value(
        f"{plain.server}/mix/caf%C3%A9,river,-ferries.rss"
    )


def test_the_first_tab_skips_to_the_content_and_the_focus_is_visible(desktop: Visit) -> None:
    page = desktop.go("/topics/river")

    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    focused = page.locator(":focus")
    assert focused.evaluate("(e) => document.getElementById('content').contains(e)")
    assert focused.evaluate("(e) => getComputedStyle(e).outlineStyle") == "solid"


def test_a_printed_page_has_the_articles_and_no_buttons(desktop: Visit) -> None:
    page = desktop.go("/topics/river")

    page.emulate_media(media="print")

    expect(page.get_by_role("button").locator("visible=true")).to_have_count(0)
    expect(page.locator("article").first).to_be_visible()
    expect(page.get_by_label("RSS")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", LOOKED_AT)
def test_axe_finds_no_violation(browser: Browser, server: str, path: str, scheme: Any) -> None:
    context = browser.new_context(
        color_scheme=scheme,
        viewport={"width": 900, "height": 900},
        http_credentials={"username": "me", "password": TOKEN},
    )
    page = visit(context, server).go(path)

    # Off by default in axe: WCAG 2.5.3, the visible label of a control is in its name.
    named = {"label-content-name-mismatch": {"enabled": True}}
    options = {"resultTypes": ["violations"], "rules": named}
    found = Axe().run(page, options=options).response["violations"]

    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
    context.close()


@pytest.mark.parametrize("path", [*PAGES, "/topics/none"])
def test_the_visible_label_of_a_control_is_in_its_accessible_name(
    desktop: Visit, path: str
) -> None:
    """WCAG 2.5.3, by whole words: the voice command "click Nov" does not match "November"."""
    page = desktop.go(path)
    seen_only = """(control) => {
        const copy = control.cloneNode(true);
        copy.querySelectorAll(".unseen").forEach((unseen) => unseen.remove());
        return copy.textContent;
    }"""

    unlike = []
    for control in page.locator("a, button, summary").locator("visible=true").all():
        seen = words(control.evaluate(seen_only))
        name = words(control.aria_snapshot().partition('"')[2].rpartition('"')[0])
        if not seen <= name:
            unlike.append((seen, name))

    assert unlike == []


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))


@pytest.mark.parametrize("path", [*PAGES[:-1], "/topics/none"])
def test_a_page_may_fetch_robots_txt(desktop: Visit, path: str) -> None:
    page = desktop.go(path)

    fetched = page.evaluate("fetch('/robots.txt').then((answer) => answer.text(), String)")

    assert "Sitemap:" in fetched


def test_the_page_of_operators_shows_a_plot_of_each_feed_on_a_phone(
    browser: Browser, server: str
) -> None:
    context = browser.new_context(
        viewport={"width": 360, "height": 740},
        http_credentials={"username": "me", "password": TOKEN},
    )
    seen = visit(context, server)

    page = seen.go(OPERATORS)

    assert page.get_by_role("img", name="Subscribers of topics/river").bounding_box()
    bars = page.eval_on_selector(".bars", "(bars) => bars.getBBox().height")
    assert bars == 48
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert seen.complaints == []
    context.close()


@pytest.mark.parametrize("path", ["/topics/river", "/providers/news.example.com"])
def test_feed_discovery_finds_the_feed_of_the_page_first(server: str, path: str) -> None:
    # The library warns about its own parser: a separate process suppresses the warnings.
    program = "import sys, feedfinder2; print(*feedfinder2.find_feeds(sys.argv[1]), sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, server + path],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )

    # The library prefers Atom to RSS, and does not support JSON Feed.
    assert done.stdout.splitlines() == [f"{server}{path}.atom", f"{server}{path}.rss"]
