"""Tests of the language of pages and feeds: catalogs, plural forms, dates, numbers, direction."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from string import ascii_lowercase
from urllib.parse import quote

import pytest
from babel.messages import Catalog

from feeds.errors import IndexUnavailable
from feeds.formats import render
from feeds.languages import ENGLISH, catalog_name, language
from feeds.languages.translations import FILES
from feeds.model import Format
from feeds.web import paths
from tests import catalogs
from tests.builders import article, feed, related_link
from tests.builders import site as site_of
from tests.conftest import Content, Site
from tests.document_parsers import ATOM, atom_feed, channel, items, text
from tests.programs import skip_if_quick
from tests.web_helpers import texts, tree

ROOT = Path(__file__).parents[1]
TEMPLATES = sorted((ROOT / "feeds/web/templates").glob("*.html"))

LANG = "{http://www.w3.org/XML/1998/namespace}lang"

#: 2026-09-20T12:00:00Z
SEPTEMBER = 1_789_905_600

each_catalog = pytest.mark.parametrize("tag", list(FILES))


# The catalogs and the code.


def ids(catalog: Catalog) -> list[str]:
    return sorted(repr(message.id) for message in catalog if message.id)


@each_catalog
def test_a_catalog_has_every_message_of_the_code_and_no_other(tag: str) -> None:
    catalog = catalogs.read(tag)

    assert ids(catalog) == sorted(map(repr, catalogs.marked()))
    assert dict(catalog.obsolete) == {}


@each_catalog
def test_every_message_is_translated_with_its_placeholders_and_its_markup(tag: str) -> None:
    catalog = catalogs.read(tag)
    single = {str(m.id): str(m.string) for m in catalog if m.id and not m.pluralizable}
    parts = re.compile(r"%\(\w+\)s|<[^>]*>")

    assert [(m.id, fault) for m in catalog for fault in m.check(catalog)] == []
    assert [m.id for m in catalog if m.id and m.fuzzy] == []
    assert [m.id for m in catalog if m.id and not catalogs.is_translated(m.string)] == []
    assert {id: sorted(parts.findall(string)) for id, string in single.items()} == {
        id: sorted(parts.findall(id)) for id in single
    }


@each_catalog
def test_every_plural_form_of_many_numbers_has_the_number_in_it(tag: str) -> None:
    written = language(tag)
    plural = [tuple(message.id) for message in catalogs.read(tag) if message.pluralizable]

    faults = [
        (number, one)
        for one, other in plural
        for number in [0, *range(3, 150), 1_000, 12_345, 1_000_000]
        if written.number(number) not in written.ngettext(one, other, number)
    ]

    assert len(plural) >= 2
    assert faults == []


@each_catalog
def test_a_catalog_is_written_as_the_command_writes_it(tag: str) -> None:
    assert FILES[tag].read_bytes() == catalogs.brought_up_to_date(tag, catalogs.marked())


class Texts(HTMLParser):
    """A parser for the visible or spoken texts of a template or a page: elements and attributes."""

    SEEN = (
        "alt",
        "aria-label",
        "placeholder",
        "title",
        "data-copied",
        "data-shown",
        "data-missing",
    )

    def __init__(self, document: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.code = 0
        self.feed(document)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.code += tag in ("script", "style", "textarea", "code")
        self.found += [given[name] or "" for name in self.SEEN if name in given]
        if given.get("name") == "description":
            self.found.append(given["content"] or "")
        if "data-found" in given:
            self.found += json.loads(given["data-found"] or "{}").values()

    def handle_endtag(self, tag: str) -> None:
        self.code -= tag in ("script", "style", "textarea", "code")

    def handle_data(self, data: str) -> None:
        if not self.code:
            self.found.append(data)


#: Names, and placeholders of scripts.
NAMES = re.compile(
    r"RSS|Atom|JSON Feed|JSON|OPML|Feedly|Inoreader|NewsBlur|The Old Reader|Feedbin|{num}|{feed}"
)


def latin(document: str) -> set[str]:
    """Return the words of a document in Latin letters, without names."""
    found = (NAMES.sub("", seen) for seen in Texts(document).found)
    return {word for seen in found for word in re.findall(r"[A-Za-z]+", seen)}


@pytest.mark.parametrize(
    "template",
    [t for t in TEMPLATES if t.name not in catalogs.NOT_TRANSLATED],
    ids=lambda t: t.name,
)
def test_every_text_of_a_template_is_marked(template: Path) -> None:
    source = re.sub(r"{% trans .*?{% endtrans %}", "", template.read_text(), flags=re.DOTALL)
    plain = re.sub(r"{{.*?}}|{%.*?%}|{#.*?#}", "", source, flags=re.DOTALL)
    # One macro writes an attribute.
    plain = plain.replace(' lang=""', "")

    assert latin(plain) == set()


@pytest.fixture
def arabic(content: Content, open_site: Callable[..., Site]) -> Site:
    """Return a site without a Latin letter in its content."""
    content.raw(
        "site.yml", "title: صحيفة النهر\nlanguage: ar\nfeeds: [{name: '1', title: الأفضل}]\n"
    )
    content.raw(
        "topics.yml",
        "- {name: النهر}\n- {name: القوارب, parent: النهر}\n- {name: فارغ}\n"
        "- {name: قديم, retired: true}\n",
    )
    content.raw(
        "providers.yml",
        "- {domain: a.example, name: الأول}\n- {domain: tube.example, name: قنوات}\n",
    )
    for number, kind in enumerate(["article", "video", "course", "download", "collection"] * 12):
        content.write(
            f"{number}.md",
            type=kind,
            title=f"مقال {number}",
            excerpt="وصلت السفينة إلى الميناء.",
            publishedDateTime=f"2026-{10 + number % 2}-0{1 + number % 9}T10:00:00Z",
            topics=["القوارب", "النهر"],
            provider={"name": "قناة", "domain": "tube.example" if number % 3 else "a.example"},
            related=[{"title": "آخر", "webUrl": "https://other.example.com/"}],
        )
    content.write(
        "other.md", title="مقال", excerpt="نص", topics=[], locale="ar",
        provider={"name": "قناة أخرى", "domain": "tube.example"},
    )  # fmt: skip
    return open_site()


def pages(site: Site) -> Iterator[str]:
    """Return the addresses of all pages of a site."""
    yield from (quote(path) for path in paths(site.web.catalog))
    yield from ("/?q=x", f"/?q={quote('النهر')}", "/embed?theme=dark&pictures=no&count=1")
    yield from (f"/topics/{quote(name)}" for name in ("فارغ", "قديم", "لا"))
    river = quote("النهر")
    yield from ("/mix", f"/mix?any={river}", f"/mix/{river}", "/mix/,", f"/mix/-{river}")
    yield from (f"/mix/{quote('لا')}", f"/search/{quote('السفينة')}", "/search/-")


def test_no_page_of_a_site_in_another_language_has_english_text(arabic: Site) -> None:
    """[110]"""
    answers = {path: arabic.get(path) for path in pages(arabic)}
    found = {
        path: latin(answer.get_data(as_text=True)) - {"x"}
        for path, answer in answers.items()
        # No browser displays the text of a redirect.
        if answer.mimetype == "text/html" and answer.status_code not in (301, 303)
    }

    assert len(found) > 25
    assert {path: words for path, words in found.items() if words} == {}


def test_no_error_page_in_another_language_has_english_text(
    arabic: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise IndexUnavailable("the disk is gone")

    monkeypatch.setattr(arabic.web.catalog, "select", fail)

    answer = arabic.get("/")

    assert (answer.status_code, answer.mimetype) == (503, "text/html")
    assert latin(answer.get_data(as_text=True)) == set()


@pytest.mark.parametrize("path", ["/all.json", "/feeds/1.json", "/topics/فارغ.json", "/feeds.json"])
def test_no_description_of_a_feed_in_another_language_has_english_text(
    arabic: Site, path: str
) -> None:
    found = re.findall(r'"(?:title|description)":\s*"(.*?)"', arabic.get(quote(path)).text)

    assert len(found) > 1
    assert [words for words in found if re.search("[A-Za-z]", words)] == []


def test_no_folder_of_opml_in_another_language_has_english_text(arabic: Site) -> None:
    found = re.findall(r'(?:text|title|description)="(.*?)"', arabic.get("/feeds.opml").text)

    assert len(found) > 8
    assert [words for words in found if re.search("[A-Za-z]", words)] == []


# Dates, numbers and plural forms.


@pytest.mark.parametrize(
    ("tag", "day", "short", "month", "number"),
    [
        ("en", "20 September 2026", "20 Sept 2026", "September 2026", "12,345"),
        ("en-US", "September 20, 2026", "Sep 20, 2026", "September 2026", "12,345"),
        ("de", "20. September 2026", "20. Sept. 2026", "September 2026", "12.345"),
        ("de-AT", "20. September 2026", "20. Sep. 2026", "September 2026", "12.345"),
        ("fr", "20 septembre 2026", "20 sept. 2026", "septembre 2026", "12\u202f345"),
        ("es", "20 de septiembre de 2026", "20 sept 2026", "septiembre de 2026", "12.345"),
        ("pt-BR", "20 de setembro de 2026", "20 de set. de 2026", "setembro de 2026", "12.345"),
        ("it", "20 settembre 2026", "20 set 2026", "settembre 2026", "12.345"),
        ("nl", "20 september 2026", "20 sep 2026", "september 2026", "12.345"),
        ("pl", "20 września 2026", "20 wrz 2026", "wrzesień 2026", "12\xa0345"),
        ("ja", "2026年9月20日", "2026年9月20日", "2026年9月", "12,345"),
        ("zh-CN", "2026年9月20日", "2026年9月20日", "2026年9月", "12,345"),
        ("ar", "20 سبتمبر 2026", "20 سبتمبر 2026", "سبتمبر 2026", "12,345"),
    ],
)
def test_days_and_numbers_have_the_format_of_cldr(
    tag: str, day: str, short: str, month: str, number: str
) -> None:
    written = language(tag)

    found = (written.day(SEPTEMBER), written.short_day(SEPTEMBER), written.month("2026-09"))
    assert (*found, written.number(12_345)) == (day, short, month, number)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("en", {0: "0 articles", 1: "1 article", 2: "2 articles", 1_234: "1,234 articles"}),
        ("de", {0: "0 Artikel", 1: "1 Artikel", 1_234: "1.234 Artikel"}),
        ("fr", {0: "0 article", 1: "1 article", 2: "2 articles"}),
        ("es", {0: "0 artículos", 1: "1 artículo", 10**6: "1.000.000 de artículos"}),
        ("pt", {1: "1 artigo", 2: "2 artigos"}),
        ("it", {0: "0 articoli", 1: "1 articolo", 2: "2 articoli"}),
        ("nl", {0: "0 artikelen", 1: "1 artikel", 2: "2 artikelen"}),
        (
            "pl",
            {
                0: "0 artykułów",
                1: "1 artykuł",
                2: "2 artykuły",
                5: "5 artykułów",
                12: "12 artykułów",
                22: "22 artykuły",
                25: "25 artykułów",
            },
        ),
        ("ja", {0: "記事0件", 1: "記事1件", 2: "記事2件"}),
        ("zh-Hans", {0: "0 篇文章", 1: "1 篇文章", 2: "2 篇文章"}),
        (
            "ar",
            {
                0: "0 مقال",
                1: "مقال واحد",
                2: "مقالان",
                3: "3 مقالات",
                11: "11 مقالًا",
                100: "100 مقال",
            },
        ),
    ],
)
def test_numbers_of_articles_have_the_right_plural_form(tag: str, expected: dict[int, str]) -> None:
    """[110]"""
    counted = language(tag).ngettext

    assert {n: counted("%(num)s article", "%(num)s articles", n) for n in expected} == expected


def test_the_months_of_a_page_are_named_in_its_language() -> None:
    assert language("de").month("2026-03", 2) == "März 2026, Teil 2"
    assert language("de-AT").month_name("2026-01") == "Jänner"
    assert ENGLISH.month("2026-05", 2) == "May 2026, part 2"


@pytest.mark.parametrize(
    ("tag", "categories"),
    [
        ("en", ["one", "other"]),
        ("de", ["one", "other"]),
        ("fr", ["many", "one", "other"]),
        ("pl", ["few", "many", "one"]),
        ("ja", ["other"]),
        ("ar", ["few", "many", "one", "other", "two", "zero"]),
    ],
)
def test_scripts_get_a_form_for_each_plural_category(tag: str, categories: list[str]) -> None:
    forms = language(tag).plural_forms("%(num)s feed", "%(num)s feeds")

    assert list(forms) == categories
    assert all("{num}" in form for name, form in forms.items() if name not in ("one", "two"))


# The language of a site.


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("en", "en"),
        ("en-GB", "en"),
        ("de", "de"),
        ("de-CH-1996", "de"),
        ("de-XX", "de"),
        ("ar-EG", "ar"),
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh-Hans-SG", "zh-Hans"),
        ("zh-TW", None),
        ("zh-Hant", None),
        ("sv", None),
        ("he", None),
        ("no", None),
        ("no-NO", None),
        ("nor", None),
        ("xx", None),
        ("x-klingon", None),
        ("../../etc", None),
    ],
)
def test_a_language_has_the_catalog_of_its_own_script(tag: str, name: str | None) -> None:
    assert catalog_name(tag) == name
    assert language(tag).name == (name or "en")


def test_every_possible_code_of_a_language_is_accepted() -> None:
    skip_if_quick()
    codes = ["".join(letters) for n in (2, 3) for letters in product(ascii_lowercase, repeat=n)]

    assert {language(code).name for code in codes} == {"en", *FILES}


@pytest.mark.parametrize(
    ("tag", "root"),
    [
        ("en", {"lang": "en"}),
        ("de-AT", {"lang": "de-AT"}),
        ("ar", {"lang": "ar", "dir": "rtl"}),
        ("zh-Hans", {"lang": "zh-Hans"}),
        ("sv", {"lang": "en"}),
        ("he", {"lang": "en"}),
    ],
)
def test_a_page_names_its_language_and_its_direction(
    content: Content, open_site: Callable[..., Site], tag: str, root: dict[str, str]
) -> None:
    content.raw("site.yml", f"language: {tag}\n")
    content.write("a.md")
    site = open_site()

    for path in ("/", "/topics/ai", "/?q=x", "/embed", "/embed/all"):
        assert dict(tree(site, path).attrib) == root
    assert dict(tree(site, "/none", 404).attrib) == root


def test_without_a_catalog_english_text_is_marked_as_english(
    content: Content, open_site: Callable[..., Site]
) -> None:
    """[111]"""
    content.raw("site.yml", "title: Ån\nlanguage: sv\n")
    content.raw("topics.yml", "- {name: Båtar, description: Allt om båtar.}\n- {name: Hamnar}\n")
    content.write("a.md", topics=["Båtar"])
    site = open_site()

    described, generated = tree(site, "/topics/båtar"), tree(site, "/topics/hamnar")

    assert [page.cssselect("h1")[0].get("lang") for page in (described, generated)] == ["sv", "sv"]
    assert described.cssselect(".lead")[0].get("lang") == "sv"
    assert texts(generated, ".lead") == ["Articles about Hamnar"]
    assert generated.cssselect(".lead")[0].get("lang") is None
    assert generated.cssselect(".brand span")[0].get("lang") == "sv"
    assert described.cssselect("article h3")[0].get("lang") == "sv"
    assert {node.get("dir") for node in described.cssselect("h1, .lead, article h3")} == {"auto"}


def test_a_site_in_german_is_in_german(content: Content, open_site: Callable[..., Site]) -> None:
    content.raw("site.yml", "title: Die Flusszeitung\nlanguage: de\n")
    content.write(
        "a.md", topics=["Boote"], related=[{"title": "Mehr", "webUrl": "https://b.example/"}]
    )
    page = tree(open_site(), "/topics/boote")

    assert texts(page, ".lead") == ["Artikel zum Thema Boote"]
    assert texts(page, ".facts") == ["1 Artikel · zuletzt geändert am 1. November 2026"]
    assert texts(page, ".related-title") == ["Zum Thema"]
    assert texts(page, ".months a") == ["November 2026, 1 Artikel"]
    assert page.cssselect("article h3")[0].get("lang") is None


def test_an_english_article_on_a_german_page_names_its_language(
    content: Content, open_site: Callable[..., Site]
) -> None:
    content.raw("site.yml", "language: de\n")
    content.write("a.md", locale="en-GB")

    page = tree(open_site(), "/topics/ai")

    assert page.cssselect("article h3")[0].get("lang") == "en-GB"


def test_a_page_of_french_articles_on_a_german_site_is_in_german(
    content: Content, open_site: Callable[..., Site]
) -> None:
    content.raw("site.yml", "language: de\n")
    content.write("a.md", type="course", topics=["Boote"], locale="fr")
    site = open_site()

    page = tree(site, "/topics/boote")
    [subtitle] = atom_feed(site.get("/topics/boote.atom").data).iter(f"{ATOM}subtitle")

    assert texts(page, ".by") == ["Kurs · Example News · 1. November 2026"]
    assert page.cssselect("article h3")[0].get("lang") == "fr"
    assert (subtitle.text, subtitle.get(LANG)) == ("Artikel zum Thema Boote", "de")


@pytest.mark.parametrize(
    ("tag", "topic", "described", "attribute"),
    [
        ("de", "{name: Boote}", "Artikel zum Thema Boote", None),
        ("sv", "{name: Boote}", "Articles about Boote", "en"),
        ("sv", "{name: Boote, description: Om båtar.}", "Om båtar.", None),
    ],
)
def test_the_description_of_an_atom_feed_names_its_language_if_it_differs(
    content: Content,
    open_site: Callable[..., Site],
    tag: str,
    topic: str,
    described: str,
    attribute: str | None,
) -> None:
    content.raw("site.yml", f"language: {tag}\n")
    content.raw("topics.yml", f"- {topic}\n")

    found = atom_feed(open_site().get("/topics/boote.atom").data)
    [subtitle] = found.iter(f"{ATOM}subtitle")

    assert found.get(LANG) == tag
    assert (subtitle.text, subtitle.get(LANG)) == (described, attribute)


def test_the_page_of_operators_stays_english(
    content: Content, open_site: Callable[..., Site]
) -> None:
    content.raw("site.yml", "language: ar\n")
    token = "of-those-who-look"
    site = open_site(FEEDS_OPERATOR_TOKEN=token)

    answer = site.get("/operators/subscribers", Authorization=f"Bearer {token}")

    assert '<html lang="en">' in answer.text
    assert "No reader has polled this server directly yet." in answer.text


# The heading over related links in feeds.


@pytest.mark.parametrize("format", list(Format))
@pytest.mark.parametrize(
    ("of_site", "of_article", "heading"),
    [
        ("en", None, "<h3>Related</h3>"),
        ("en", "en-GB", "<h3>Related</h3>"),
        ("en", "de", "<h3>Zum Thema</h3>"),
        ("en", "fr", "<h3>Sur le même sujet</h3>"),
        ("de", None, "<h3>Zum Thema</h3>"),
        ("de", "ar", "<h3>ذات صلة</h3>"),
        ("de", "en", "<h3>Related</h3>"),
        ("de", "he", '<h3 lang="en" dir="ltr">Related</h3>'),
        ("sv", None, '<h3 lang="en" dir="ltr">Related</h3>'),
    ],
)
def test_related_links_have_a_heading_in_the_language_of_their_article(
    format: Format, of_site: str, of_article: str | None, heading: str
) -> None:
    """[112]"""
    one = article(language=of_article, related=(related_link(),))

    [item] = items(render(feed(one, site=site_of(language=of_site)), format), format)

    assert f"{heading}<ul>" in item.content


def test_feeds_describe_themselves_in_the_language_of_the_site(
    content: Content, open_site: Callable[..., Site]
) -> None:
    content.raw("site.yml", "title: Die Flusszeitung\nlanguage: de\n")
    content.write("a.md", topics=["Boote"])
    site = open_site()

    found = {
        path: text(channel(site.get(f"/{path}.rss").data), "description")
        for path in ("all", "topics/boote", "providers/news.example.com")
    }

    assert list(found.values()) == [
        "Artikel von Die Flusszeitung", "Artikel zum Thema Boote", "Artikel von Example News",
    ]  # fmt: skip


# Bytes and ETags.

#: A program for a copy of the code: prints ETags and bytes of pages and feeds of two sites.
LOOK = """
import json, sys
from hashlib import sha256
from app import create_app

found = {}
for content in sys.argv[2:]:
    environ = {"FEEDS_CONTENT_DIR": content, "FEEDS_INSTANCE_DIR": sys.argv[1] + content,
               "FEEDS_URL": "https://feeds.example.org"}
    app = create_app(environ, lambda: 1_795_176_000)
    app.extensions["tributary"].sync.refresh()
    for path in ("/", "/topics/ai", "/embed/all", "/topics/ai.rss", "/feeds.opml", "/none"):
        answer = app.test_client().get(path)
        tag = answer.headers.get("ETag")
        found[content.rpartition("/")[2] + path] = [tag, sha256(answer.data).hexdigest()]
print(json.dumps(found))
"""


@pytest.fixture
def two_sites(tmp_path: Path) -> list[str]:
    """Return the folders of a site in English and of one in German."""
    skip_if_quick()
    for tag in ("en", "de"):
        folder = tmp_path / tag
        folder.mkdir()
        Content(folder).raw("site.yml", f"language: {tag}\n")
        Content(folder).write("a.md", related=[{"title": "B", "webUrl": "https://b.example/"}])
    return [str(tmp_path / "en"), str(tmp_path / "de")]


def look(code: Path, instance: Path, sites: list[str], **environ: str) -> dict[str, list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(instance), *sites],
        cwd=code,
        env=os.environ | environ,
        check=True,
        capture_output=True,
    )
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def test_the_locale_and_the_zone_of_the_process_change_no_byte(
    tmp_path: Path, two_sites: list[str]
) -> None:
    """[113]"""
    there = look(
        ROOT, tmp_path / "1", two_sites, LANG="ja_JP.UTF-8", LC_ALL="ja_JP.UTF-8", TZ="Asia/Tokyo"
    )
    here = look(ROOT, tmp_path / "2", two_sites, LANG="C", LC_ALL="C", TZ="America/New_York")

    assert len(here) == 12
    assert there == here


def test_a_changed_translation_changes_the_pages_of_its_language_alone(
    tmp_path: Path, two_sites: list[str]
) -> None:
    code = tmp_path / "code"
    shutil.copytree(ROOT / "feeds", code / "feeds")
    shutil.copyfile(ROOT / "app.py", code / "app.py")
    before = look(code, tmp_path / "1", two_sites)
    german = code / "feeds/languages/messages/de.po"
    german.write_text("# A comment.\n" + german.read_text())
    commented = look(code, tmp_path / "2", two_sites)
    german.write_text(german.read_text().replace('"Abonnieren"', '"Jetzt abonnieren"'))

    after = look(code, tmp_path / "3", two_sites)

    assert commented == before
    assert [path for path, (_, body) in after.items() if body != before[path][1]] == [
        "de/", "de/topics/ai", "de/embed/all",
    ]  # fmt: skip
    moved = [path for path, (tag, _) in after.items() if tag != before[path][0]]
    assert moved == ["de/", "de/topics/ai", "de/embed/all", "de/feeds.opml"]


def test_a_new_language_needs_one_file(tmp_path: Path) -> None:
    skip_if_quick()
    code, content = tmp_path / "code", tmp_path / "content"
    shutil.copytree(ROOT / "feeds", code / "feeds")
    shutil.copyfile(ROOT / "app.py", code / "app.py")
    shutil.copytree(ROOT / "tests", code / "tests", ignore=shutil.ignore_patterns("cases"))
    swedish = code / "feeds/languages/messages/sv.po"
    swedish.write_text('msgid ""\nmsgstr ""\n')
    content.mkdir()
    Content(content).raw("site.yml", "language: sv\n")
    command = [sys.executable, "-m", "tests.catalogs"]
    environ = os.environ | {"FEEDS_CONTENT_DIR": str(content), "FEEDS_INSTANCE_DIR": str(tmp_path)}

    untranslated = subprocess.run(command, cwd=code, capture_output=True, text=True)
    listed = swedish.read_text()
    translated = re.sub('(msgid "Subscribe"\nmsgstr ")', r"\1Prenumerera", listed)
    swedish.write_text(translated)
    subprocess.run(command, cwd=code, capture_output=True)
    program = """if True:
        from app import create_app
        app = create_app()
        app.extensions["tributary"].sync.refresh()
        print(app.test_client().get("/embed/all").text)
    """
    page = subprocess.run(
        [sys.executable, "-c", program], cwd=code, env=environ, capture_output=True, text=True
    ).stdout

    assert "sv.po: 'Subscribe'" in untranslated.stderr
    assert "nplurals=2" in listed
    assert swedish.read_text() == translated
    assert '<html lang="sv">' in page
    assert ">Prenumerera</a>" in page
