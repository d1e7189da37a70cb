"""Tests of pages in other languages in a real browser: direction, plural forms, layout."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.browser.conftest import serving_at_its_address, visit
from tests.conftest import Content

PAGES = ["/", "/topics/ai", "/topics/ai/2026-11", "/?q=a", "/embed", "/embed/all", "/topics/none"]


@pytest.fixture(scope="module", params=["ar", "de", "ja"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Yield the language of a site and the address of its server."""
    folder = tmp_path_factory.mktemp(request.param)
    content = Content(folder)
    content.raw("content/site.yml", f"title: The River Paper\nlanguage: {request.param}\n")
    content.raw("content/topics.yml", "- {name: AI}\n- {name: River, parent: AI}\n")
    for number in range(4):
        content.write(
            f"content/{number}.md",
            topics=["River", f"Topic {number}"],
            related=[{"title": "More", "webUrl": "https://other.example.com/"}],
        )
    (folder / "instance").mkdir()
    with serving_at_its_address(folder / "content", folder / "instance") as address:
        yield request.param, address


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_pages_in_other_languages_fit_and_axe_finds_nothing(
    browser: Browser, site: tuple[str, str], width: int, scheme: Any
) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
    seen = visit(context, site[1])
    options = {
        "resultTypes": ["violations"],
        "rules": {"label-content-name-mismatch": {"enabled": True}},
    }

    found = {}
    for path in PAGES:
        page = seen.go(path)
        violations = Axe().run(page, options=options).response["violations"]
        across = page.evaluate("document.documentElement.scrollWidth")
        found[path] = (across, [(one["id"], one["nodes"][0]["html"]) for one in violations])
    context.close()

    assert found == dict.fromkeys(PAGES, (width, []))
    assert [complaint for complaint in seen.complaints if "404" not in complaint] == []


def test_a_filter_counts_feeds_in_the_plural_form_of_the_language(
    browser: Browser, site: tuple[str, str]
) -> None:
    one, four = {
        "ar": ("خلاصة واحدة", "4 خلاصات"),
        "de": ("1 Feed", "4 Feeds"),
        "ja": ("フィード1件", "フィード4件"),
    }[site[0]]
    page = visit(browser.new_context(), site[1]).go("/")
    field = page.get_by_role("searchbox")

    field.fill("river")
    expect(page.locator("#found")).to_have_text(one)
    field.fill("topic")
    expect(page.locator("#found")).to_have_text(four)
    page.context.close()


@pytest.mark.parametrize(
    ("site", "from_the_right"), [("ar", True), ("de", False)], indirect=["site"]
)
def test_a_page_is_aligned_with_the_direction_of_its_script(
    browser: Browser, site: tuple[str, str], from_the_right: bool
) -> None:
    page = visit(browser.new_context(viewport={"width": 1280, "height": 800}), site[1]).go("/")
    places = [page.locator(name).first.bounding_box() for name in (".brand", ".subscribe")]
    brand, aside = (place["x"] for place in places if place)

    assert (brand > aside) is from_the_right
    # Addresses run from left to right in every language.
    direction = "(field) => getComputedStyle(field).direction"
    assert page.locator(".copy input").first.evaluate(direction) == "ltr"
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_in_viewport()
    page.context.close()
