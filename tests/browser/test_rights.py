"""Tests of the rights in the footer of pages in a real browser: layout and accessibility."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.browser.conftest import serving_at_its_address, visit
from tests.conftest import Content

BY = "https://creativecommons.org/licenses/by/4.0/"
LONG = (
    "© 2026 The River Paper and all who write for it. Share and adapt the articles for any purpose"
    " if you name the source and link to the license; photographs of agencies are not included."
)
ADDRESS = f"https://www.example.org/{'a-path-without-any-space-' * 6}"

#: The language of a site and its rights.
SITES: dict[str, tuple[str, dict[str, str]]] = {
    "a short text": ("en", {"text": "© 2026 The River Paper"}),
    "a long text with a license": ("en", {"text": LONG, "license": BY}),
    "a license alone": ("en", {"license": ADDRESS}),
    "a long word": ("de", {"text": f"© {'Dampfschifffahrtsgesellschaft' * 4}"}),
    "from right to left": ("ar", {"text": "© 2026 جريدة النهر. كل الحقوق محفوظة.", "license": BY}),
    "English in Arabic": ("ar", {"text": "© 2026 The River Paper.", "license": BY}),
}
#: Pages with articles, without any, and of unknown addresses.
PAGES = ["/", "/topics/river", "/search/nothing", "/mix", "/topics/none"]


@dataclass(frozen=True)
class RightsSite:
    """A site with rights."""

    address: str
    language: str
    rights: dict[str, str]


@pytest.fixture(scope="module", params=SITES)
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RightsSite]:
    language, rights = SITES[request.param]
    folder = tmp_path_factory.mktemp("rights")
    content = Content(folder / "content")
    content.folder.mkdir()
    keys = {"title": "The River Paper", "language": language, "rights": rights}
    content.raw("site.yml", yaml.safe_dump(keys))
    content.raw("topics.yml", "- {name: River}\n- {name: Empty}\n")
    content.write("a.md", topics=["River"])
    (folder / "instance").mkdir()
    with serving_at_its_address(content.folder, folder / "instance") as address:
        yield RightsSite(address, language, rights)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_rights_fit_every_page_and_axe_finds_nothing(
    browser: Browser, site: RightsSite, width: int, scheme: Any
) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
    seen = visit(context, site.address)

    found = {}
    for path in PAGES:
        page = seen.go(path)
        shown = page.locator("footer.bottom p", has_text=next(iter(site.rights.values())))
        expect(shown).to_be_visible()
        across = page.evaluate("document.documentElement.scrollWidth")
        violations = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        found[path] = (across, [(one["id"], one["nodes"][0]["html"]) for one in violations])
    context.close()

    assert found == dict.fromkeys(PAGES, (width, []))


def test_a_license_is_a_link_and_a_text_alone_is_none(browser: Browser, site: RightsSite) -> None:
    context = browser.new_context()
    page = visit(context, site.address).go("/topics/river")

    links = page.locator("footer a[rel=license]")

    license = site.rights.get("license")
    found = links.evaluate_all("(all) => all.map((link) => [link.href, link.textContent])")
    assert found == [[license, site.rights.get("text", license)]] * bool(license)
    context.close()


@pytest.mark.parametrize(
    ("site", "direction"),
    [("from right to left", "rtl"), ("English in Arabic", "ltr"), ("a short text", "ltr")],
    indirect=["site"],
)
def test_rights_run_in_the_direction_of_their_own_script(
    browser: Browser, site: RightsSite, direction: str
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = visit(context, site.address).go("/topics/river")

    text = page.locator("footer.bottom p [dir=auto]")

    assert text.evaluate("(text) => getComputedStyle(text).direction") == direction
    # The line is aligned with the page, whatever its own script.
    sides = (
        "(text) => [text.parentElement, document.body].map((e) => getComputedStyle(e).direction)"
    )
    first, second = text.evaluate(sides)
    assert first == second == ("rtl" if site.language == "ar" else "ltr")
    context.close()


@pytest.mark.parametrize("site", ["English in Arabic", "a short text"], indirect=True)
def test_the_title_of_a_page_is_aligned_with_the_page(browser: Browser, site: RightsSite) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = visit(context, site.address).go("/topics/river")

    # The text of the title, not the box around it.
    place = """(heading) => {
        const range = document.createRange();
        range.selectNodeContents(heading);
        const text = range.getBoundingClientRect(), page = document.querySelector("main")
            .getBoundingClientRect();
        return [text.left - page.left, page.right - text.right].map(Math.round);
    }"""
    left, right = page.locator("h1").evaluate(place)

    assert (right if site.language == "ar" else left) == 0
    context.close()
