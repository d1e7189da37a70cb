"""Tests of declared folders: articles with the keys and fences of other programs."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from feeds.articles import publication
from feeds.articles.all_faults import faults
from feeds.articles.front_matter import Context, Parsed, parse
from feeds.articles.generator_dates import read_date
from feeds.articles.generator_fields import SYNONYMS
from feeds.articles.generator_links import NAMES, compiled
from feeds.articles.publication import KEYS
from feeds.articles.yaml_tree import Node
from feeds.errors import ArticleError, Reason
from feeds.model import Article
from feeds.settings import DeclaredFolder
from tests.conftest import NOW, Content, Site
from tests.live_servers import ROOT
from tests.test_publication import FUTURE, HIDING, PAST

OpenSite = Callable[..., Site]

BLOG = DeclaredFolder("blog", "https://blog.example/{year}/{month}/{day}/{slug}/")


def read(text: str, path: str = "blog/2024-03-01-ferry.md", **changes: Any) -> Parsed:
    """Parse a file of a declared folder; a test may change the declaration."""
    folder = replace(BLOG, **changes)
    context = Context("https://site.example", lambda url: None, NOW, folder=folder)
    return parse(text.encode(), path, context)


def article(text: str, path: str = "blog/2024-03-01-ferry.md", **changes: Any) -> Article:
    return read(text, path, **changes).article


def refusal(text: str, path: str = "blog/2024-03-01-ferry.md", **changes: Any) -> ArticleError:
    with pytest.raises(ArticleError) as raised:
        read(text, path, **changes)
    return raised.value


def written(**keys: Any) -> str:
    return f"---\n{yaml.safe_dump(keys, allow_unicode=True, sort_keys=False)}---\n"


def day(found: Article) -> str:
    return datetime.fromtimestamp(found.published, UTC).isoformat()


FENCES = [
    "---\ntitle: A ferry\ndate: 2024-03-01\ntags: [Boats]\n---\nText.",
    "+++\ntitle = 'A ferry'\ndate = 2024-03-01\n[taxonomies]\ntags = ['Boats']\n+++\nText.",
    "Title: A ferry\nDate: 2024-03-01\nTags: Boats\n\nText.",
    "title: A ferry\n\n# why\ndate: 2024-03-01\ntags:\n  - Boats\n---\nText.",
    "\ufeff---\r\ntitle: A ferry\r\ndate: 2024-03-01\r\ntags: [Boats]\r\n---\r\nText.",
]


@pytest.mark.parametrize("text", FENCES)
def test_every_kind_of_fence_gives_the_same_article(text: str) -> None:
    found = article(text)

    assert found.title == "A ferry"
    assert day(found) == "2024-03-01T00:00:00+00:00"
    assert found.topics == ("Boats",)
    assert found.content == "<p>Text.</p>"
    assert found.url == "https://blog.example/2024/03/01/ferry/"


def test_an_indented_header_line_continues_the_one_above() -> None:
    found = article("Title: A ferry\n    that is late\nTags:\n\tBoats\n\nText.")

    assert (found.title, found.topics) == ("A ferry that is late", ("Boats",))


def test_a_file_of_header_lines_alone_is_an_article() -> None:
    assert article("Title: A ferry").title == "A ferry"


#: Files without a valid front matter, each with the line of the fault.
UNREADABLE = [
    ("Once upon a time.\n", Reason.NO_FRONT_MATTER, 1),
    ("\n---\ntitle: x\n---\n", Reason.NO_FRONT_MATTER, 1),
    ("---json\n{}\n---\n", Reason.NO_FRONT_MATTER, 1),
    ("---\ntitle: x\n", Reason.NO_FRONT_MATTER, 1),
    ("+++\ntitle = 'x'\n", Reason.NO_FRONT_MATTER, 1),
    ("+++\ntitle = 'x'\ndate = yes\n+++\n", Reason.YAML_SYNTAX, 3),
    ("+++\ntitle = 'x'\ntitle = 'y'\n+++\n", Reason.YAML_SYNTAX, 3),
    ("+++\ntitle = 'x\n+++\n", Reason.YAML_SYNTAX, 2),
    (f"+++\nx = {'[' * 20}{']' * 20}\n+++\n", Reason.YAML_DEPTH, 2),
    (f"+++\nx = {'[' * 2000}{']' * 2000}\n+++\n", Reason.YAML_DEPTH, 2),
    (f"+++\n\n{'.'.join('a' * 300)} = 1\n+++\n", Reason.TOO_COMPLEX, 3),
    (f"+++\ntitle = '{'x' * 300_000}'\n+++\n", Reason.TOO_LARGE, 1),
    ("Title: x\nDate 2024-03-01\n\nText.", Reason.YAML_SYNTAX, 2),
    ("Title: x\nDate: 2024-03-01\nTitle: y\n\nText.", Reason.YAML_DUPLICATE_KEY, 3),
    ("- x: 1\n---\n", Reason.NO_FRONT_MATTER, 1),
    (f"+++\nx = {'1' * 5_000}\n+++\n", Reason.YAML_SYNTAX, 2),
    (f"+++\nx = 0x{'f' * 5_000}\n+++\n", Reason.YAML_SYNTAX, 2),
]


@pytest.mark.parametrize(("text", "reason", "line"), UNREADABLE)
def test_an_invalid_front_matter_is_rejected_with_its_line(
    text: str, reason: Reason, line: int
) -> None:
    error = refusal(text)

    assert (error.reason, error.line) == (reason, line)


LINKS: list[tuple[str, str, dict[str, Any], str]] = [
    ("{year}/{month}/{day}/{slug}", "2024-03-05-ferry.md", {}, "2024/03/05/ferry"),
    ("{year}/{m}/{d}/{name}/", "2024-03-05-ferry.md", {}, "2024/3/5/2024-03-05-ferry/"),
    ("{path}/", "boats/ferry/index.md", {"date": "2024-03-05"}, "boats/ferry/"),
    ("{path}/", "boats/ferry.mdx", {"date": "2024-03-05", "slug": "slow"}, "boats/slow/"),
    ("{folder}/{name}", "a/b/ferry.markdown", {"date": "2024-03-05"}, "a/b/ferry"),
    ("{folder}/{name}", "ferry.md", {"date": "2024-03-05"}, "ferry"),
    ("{slug}", "2024-03-05-ferry.md", {"slug": "/slow/boat/"}, "slow/boat"),
    ("{slug}", "news-2024-03-05-x.md", {"date": "2024-03-05"}, "news-2024-03-05-x"),
    ("{slug}", "2024-03-051.md", {"date": "2024-03-05"}, "2024-03-051"),
    ("{slug}", "2024-03-05.md", {}, "2024-03-05"),
    ("{title}/", "2024-03-05-x.md", {"title": "A ferry: C++ & more"}, "a-ferry-c-plus-plus-more/"),
    ("{categories}/{slug}/", "en/news/_posts/2024-03-05-x.md", {}, "en/news/x/"),
    ("{categories}/{slug}/", "_posts/2024-03-05-x.md", {"categories": ["Big Boats"]},
     "big-boats/x/"),
    ("{categories}/{slug}/", "2024-03-05-x.md", {"category": "boats, news"}, "boats/news/x/"),
    ("{lang}/{slug}/", "2024-03-05-x.md", {"lang": "de"}, "de/x/"),
    ("{lang}/{slug}/", "2024-03-05-x.md", {}, "x/"),
    ("{slug}", "2024-03-05-a b?c#d%é.md", {}, "a%20b%3Fc%23d%25%C3%A9"),
    ("{slug}/", "2024-03-05-x.md", {"permalink": "/far/off"}, "far/off"),
    ("{slug}/", "2024-03-05-x.md", {"permalink": "/far/index.html"}, "far/"),
    ("{slug}/", "2024-03-05-x.md", {"url": "far/off"}, "far/off/"),
    ("{slug}/", "2024-03-05-x.md", {"url": "/far/off.html"}, "far/off.html"),
    ("{slug}/", "2024-03-05-x.md", {"url": "/1.54.0"}, "1.54.0/"),
    ("{slug}/", "2024-03-05-x.md", {"url": "https://blog.example/y?utm_source=x"}, "y"),
    ("{slug}/", "2024-03-05-x.md", {"permalink": ""}, "x/"),
    ("{slug}/", "2024-03-05-x.md", {"path": "stale"}, "x/"),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "path", "keys", "link"), LINKS)
def test_a_link_is_made_by_the_pattern_or_named_by_the_article(
    pattern: str, path: str, keys: dict[str, Any], link: str
) -> None:
    text = written(**({"title": "A ferry"} | keys))

    found = article(text, f"blog/{path}", link=f"https://blog.example/{pattern}")

    assert found.url == f"https://blog.example/{link}"


def test_the_key_of_an_address_may_be_declared() -> None:
    text = written(title="x", path="2021/07/29/Rust-1.54.0")

    found = article(
        text, "blog/x.md", link="https://b.example/{path}/", keys={"address": ("path",)}
    )

    assert found.url == "https://b.example/2021/07/29/Rust-1.54.0/"
    assert day(found) == "2021-07-29T00:00:00+00:00"


@pytest.mark.parametrize(
    "address",
    [
        "/:categories/:title/",
        "/{{ page.fileSlug }}/",
        "<%= x %>",
        "http://",
        "https://user@x.example/",
    ],
)
def test_an_invalid_address_is_rejected(address: str) -> None:
    error = refusal(written(title="x", permalink=address))

    assert (error.reason, error.key, error.line) == (Reason.BAD_URL, "permalink", 3)


def test_an_article_without_a_value_for_the_pattern_is_rejected() -> None:
    error = refusal(written(title="x", slug="../.."))

    assert error.reason is Reason.BAD_URL


DATES: list[tuple[str, str | None, str, str]] = [
    ("2024-03-05", None, "2024-03-05T00:00:00", "2024/03/05"),
    ("2024-3-5 9:05", None, "2024-03-05T09:05:00", "2024/03/05"),
    ("2024/03/05 09:05:10", None, "2024-03-05T09:05:10", "2024/03/05"),
    ("2024-03-05 23:30:00 -0500", None, "2024-03-06T04:30:00", "2024/03/05"),
    ("2024-03-05T23:30:00.25Z", None, "2024-03-05T23:30:00", "2024/03/05"),
    ("2024-03-05 23:30:00 +0000 UTC", None, "2024-03-05T23:30:00", "2024/03/05"),
    ("2024-03-05 23:30:00 -0500 EST", None, "2024-03-06T04:30:00", "2024/03/05"),
    ("Mar 05 2024", None, "2024-03-05T00:00:00", "2024/03/05"),
    ("March 5th, 2024", None, "2024-03-05T00:00:00", "2024/03/05"),
    ("5 September 2024", None, "2024-09-05T00:00:00", "2024/09/05"),
    ("Tue, 05 Mar 2024 10:00:00 GMT", None, "2024-03-05T10:00:00", "2024/03/05"),
    ("2024-03-05", "America/New_York", "2024-03-05T05:00:00", "2024/03/05"),
    ("2024-07-05 23:30", "America/New_York", "2024-07-06T03:30:00", "2024/07/05"),
    ("2024-03-05 02:00:00 +0000", "America/Los_Angeles", "2024-03-05T02:00:00", "2024/03/04"),
]


@pytest.mark.parametrize(("value", "zone", "moment", "link"), DATES)
def test_dates_of_every_generator_are_parsed(
    value: str, zone: str | None, moment: str, link: str
) -> None:
    found = article(f"---\ntitle: x\ndate: {value}\n---\n", "blog/x.md", zone=zone)

    assert day(found) == f"{moment}+00:00"
    assert found.url == f"https://blog.example/{link}/x/"


@pytest.mark.parametrize(
    "value",
    [
        *("soon", "03/04/2024", "2024-13-01", "2024-02-30", "2024-03-05 25:00", "5 Marble 2024"),
        *("2024-03-05 10:00 EST", "1709596800", "2024-01-29 18:30:22 2024 -0800", "", "[2024]"),
        *("0001-01-01", "9999-12-31 23:59:59 -0900"),
    ],
)
def test_an_invalid_date_is_never_replaced_by_that_of_the_name(value: str) -> None:
    error = refusal(f"---\ntitle: x\ndate: {value}\n---\n", zone="Asia/Tokyo")

    assert error.reason in (Reason.BAD_DATE, Reason.BAD_TYPE)
    assert (error.key, error.line) == ("date", 3)


@pytest.mark.parametrize(
    "path",
    [
        *("2024-03-05-x.md", "2024-03-05.md", "2024-3-5_x.md", "2024-03-05-x/index.md"),
        *("2024-03-05/x/y.md", "2024/03/05/x.md", "a/2024/3/5-x.md"),
    ],
)
def test_without_a_key_the_date_is_that_of_the_path(path: str) -> None:
    assert day(article(written(title="x"), f"blog/{path}")) == "2024-03-05T00:00:00+00:00"


@pytest.mark.parametrize("path", ["x.md", "2024/x.md", "12024-03-05-x.md", "2024-03-051.md"])
def test_an_article_without_a_date_is_rejected(path: str) -> None:
    error = refusal(written(title="x"), f"blog/{path}")

    assert (error.reason, error.key) == (Reason.MISSING_FIELD, "date")


def test_a_date_in_the_future_is_an_embargo() -> None:
    error = refusal(written(title="x", pubDate="2026-11-22"))

    assert error.reason is Reason.EMBARGOED
    assert error.due == 1_795_305_600


def test_keys_of_publication_and_expiry_accept_dates_of_all_programs() -> None:
    dates = {"pubDate": "Mar 05 2024", "expires": "2030/1/2"}

    found = read(written(title="x", **dates), zone="America/New_York")

    assert day(found.article) == "2024-03-05T05:00:00+00:00"
    assert found.expires == 1_893_560_400
    assert refusal(written(title="x", expires="Jan 2, 2020")).reason is Reason.WITHDRAWN


def test_the_later_of_two_dates_is_the_update() -> None:
    text = written(title="x", date="2024-03-01", lastmod="Mar 07, 2024")

    assert article(text).updated - article(text).published == 6 * 86_400


def test_fields_are_read_by_the_names_of_all_programs() -> None:
    found = article(
        written(
            Title="A ferry",
            Description=" ",
            summary="It is <b>late</b>.",
            tags="Slow boats, Ferries",
            categories=["News", {"label": "Boats"}, {"id": 1}, ["x"], None],
            category="news",
            author="Ann Lee, bob",
            cover_image={"src": "./a.jpg", "alt": "A boat", "width": 800, "height": 600},
            lang="pt_br",
        )
    )

    assert (found.title, found.excerpt) == ("A ferry", "It is late.")
    assert found.topics == ("Slow boats", "Ferries", "News", "Boats")
    assert found.authors == ("Ann Lee", "bob")
    assert found.language == "pt-BR"
    image = found.images[0]
    assert image.url == "https://blog.example/2024/03/01/ferry/a.jpg"
    assert (image.title, image.width, image.height) == ("A boat", 800, 600)


@pytest.mark.parametrize(
    ("authors", "names"),
    [
        ([{"name": "Ann Lee", "url": "x"}, "bob"], ("Ann Lee", "bob")),
        ({"name": "Ann Lee"}, ("Ann Lee",)),
        ("ann", ("ann",)),
        (None, ()),
    ],
)
def test_authors_are_texts_lists_or_mappings(authors: Any, names: tuple[str, ...]) -> None:
    assert article(written(title="x", authors=authors)).authors == names


@pytest.mark.parametrize(
    ("keys", "urls"),
    [
        ({"image": "/img/a.png"}, ["https://blog.example/img/a.png"]),
        ({"image": ["a.png", {"url": "//cdn.example/b"}]},
         ["https://blog.example/2024/03/01/ferry/a.png", "https://cdn.example/b"]),
        ({"image": "", "cover": {"image": "a.png"}},
         ["https://blog.example/2024/03/01/ferry/a.png"]),
        ({"featured": True, "hero": "people-first"}, []),
        ({"image": {"uid": "x"}, "banner": "javascript:alert(1).js"}, []),
    ],
)  # fmt: skip
def test_images_are_those_of_the_first_key_that_has_any(
    keys: dict[str, Any], urls: list[str]
) -> None:
    assert [image.url for image in article(written(title="x", **keys)).images] == urls


def test_omitted_values_are_noted() -> None:
    found = read(written(title="x", image={"uid": "y"}, tags=[["z"], *(["t"] * 300)]))

    assert found.notes == (
        "tags: over 200 entries: the rest is left out",
        "tags: an entry that is no name: left out",
        "image: no address of an image: left out",
    )


def test_declared_keys_replace_the_usual_ones() -> None:
    text = written(title="x", image="a.png", hero="b.png", published="2024-03-07", tags=["t"])
    keys = {"images": ("hero", "image"), "date": ("published",), "topics": ()}

    found = article(text, keys=keys)

    assert found.images[0].url.endswith("/b.png")
    assert day(found) == "2024-03-07T00:00:00+00:00"
    assert found.topics == ()


@pytest.mark.parametrize(
    ("body", "title", "content"),
    [
        ("\n# A *ferry* #\n\nText.", "A *ferry*", "<p>Text.</p>"),
        ("Text.\n\n# Ferry\n", "Ferry", "<p>Text.</p>\n<h1>Ferry</h1>"),
    ],
)
def test_without_a_title_the_first_heading_is_the_title(
    body: str, title: str, content: str
) -> None:
    found = article(f"---\ntags: [x]\n---\n{body}")

    assert (found.title, found.content) == (title, content)


def test_the_title_is_removed_from_the_beginning_of_the_body() -> None:
    repeated = article("---\ntitle: A &amp; B\n---\n\n# A & B\n\nText.\n<!--more-->")
    other = article("---\ntitle: A\n---\n# B\n\nText.")

    assert (repeated.title, repeated.excerpt) == ("A & B", "Text.")
    assert repeated.content == "<p>Text.</p>"
    assert other.content == "<h1>B</h1>\n<p>Text.</p>"


def test_the_title_is_removed_behind_modules() -> None:
    text = "---\ntitle: A\n---\nimport Tabs from '@theme/Tabs';\n\n# A\n\nText.\n{/* truncate */}\n"
    found = article(text, "blog/2024-03-01-ferry.mdx")

    assert (found.excerpt, found.content) == ("Text.", "<p>Text.</p>")


def test_an_excerpt_has_no_heading_if_text_follows() -> None:
    found = article(
        "---\ntitle: A\n---\n## R&D & more\n\nText & a `<b>`.\n\n## News\n<!--more-->\nRest."
    )
    alone = article("---\ntitle: A\n---\n## News\n<!--more-->\nRest.")

    assert (found.excerpt, alone.excerpt) == ("Text & a <b>.", "News")


def test_a_comment_in_a_listing_is_no_title() -> None:
    error = refusal("---\ntags: [x]\n---\n```sh\n# Ferry\n```\n")

    assert (error.reason, error.key) == (Reason.MISSING_FIELD, "title")


def test_a_declaration_gives_provider_and_language() -> None:
    found = article(written(title="x"), provider="The Ferry", language="de")

    assert (found.provider.domain, found.provider.name) == ("blog.example", "The Ferry")
    assert found.language == "de"


@pytest.mark.parametrize("ending", ["md", "markdown", "mdx"])
def test_an_identifier_is_the_path_without_its_ending(ending: str) -> None:
    path = f"blog/2024-03-05-x.{ending}"

    assert article(written(title="x"), path).id == "blog/2024-03-05-x"
    assert article(written(title="x", id="own"), path).id == "own"


def test_an_identifier_may_be_the_link() -> None:
    found = article(written(title="x", id="own"), has_link_ids=True)

    assert found.id == found.url == "https://blog.example/2024/03/01/ferry/"


@pytest.mark.parametrize(
    "path", ["_includes/2024-03-05-x.md", "a/_b/_posts/2024-03-05-x.md", "_a/index.md"]
)
def test_private_folders_are_never_served(path: str) -> None:
    assert refusal(written(title="x"), f"blog/{path}").reason is Reason.DRAFT


#: Values that make an article public in some key.
PUBLIC = {
    *("public", "publish", "published", "live", "featured", "true", "yes", "on", "always"),
    *("false", "no", "off", ""),
}
VALUES = st.one_of(
    st.sampled_from([value for _, value, _ in HIDING]),
    st.sampled_from(["maybe", "draft", "0", "-", "2030-01-01", FUTURE, PAST, [], {}, [True]]),
    st.integers(),
    st.text(max_size=20),
)
#: Declarations that use any key for any field.
DECLARATIONS = st.dictionaries(
    st.sampled_from(sorted(SYNONYMS)),
    st.lists(st.sampled_from([*sorted(KEYS), "title", "date", "x"]), max_size=3).map(tuple),
    max_size=4,
)


@given(
    state=st.sampled_from(HIDING),
    spelling=st.sampled_from([str, str.upper, str.lower, str.title]),
    keys=DECLARATIONS,
    zone=st.sampled_from([None, "Asia/Tokyo"]),
)
def test_a_key_that_hides_an_article_hides_it_in_every_declaration(
    state: tuple[str, Any, Reason],
    spelling: Callable[[str], str],
    keys: dict[str, tuple[str, ...]],
    zone: str | None,
) -> None:
    key, value, _ = state
    # The one exception is explicit in a declaration: a date of publication.
    assume(not (key in keys.get("date", ()) and value == "2024-03-01"))
    text = written(**{"title": "x", "date": "2024-03-01", spelling(key): value})

    refusal(text, keys=keys, zone=zone)


@given(key=st.sampled_from(sorted(KEYS)), value=VALUES, keys=DECLARATIONS)
def test_no_state_key_with_a_value_that_is_not_public_is_served(
    key: str, value: Any, keys: dict[str, tuple[str, ...]]
) -> None:
    # An address, a build number, an empty password and a date are public.
    assume(key not in ("permalink", "build", "password", "post_password"))
    assume(value is not None and str(value).casefold() not in PUBLIC and not is_date(value))

    refusal(written(**{"title": "x", "date": "2024-03-01", key: value}), keys=keys)


def is_date(value: Any) -> bool:
    try:
        read_date(Node(str(value), 1), "date", None)
    except ArticleError:
        return False
    return True


@pytest.mark.parametrize("head", ["draft: true", "Draft: yes", "status: draft", "is_draft: 1"])
@pytest.mark.parametrize(
    "text",
    [
        "---\n{}\ntitle: x\n---\n",
        "Title: x\n{}\n\nText",
        "Title: x\n  {}\n\nText",
        "title: x\n\n{}\n---\n",
        "---\ntitle: [x\n{}\n---\n",
        "\n---\n{}\n---\n",
        "+++\ntitle = x\n{}\n+++\n",
    ],
)
def test_a_key_that_hides_is_read_in_every_kind_of_fence(text: str, head: str) -> None:
    error = refusal(text.replace("{}", head))

    assert (error.hidden or error).reason in (Reason.DRAFT, Reason.BAD_PUBLISHED)


def test_a_key_that_hides_is_read_in_toml() -> None:
    assert refusal("+++\ntitle = 'x'\ndraft = true\n+++\n").reason is Reason.DRAFT
    assert refusal("+++\ntitle = 'x'\n[build]\nrender = 'never'\n+++\n").reason is Reason.DRAFT
    assert refusal("+++\ntitle = 'x'\nexpires = 2026-11-19T10:00:00Z\n+++\n").expired
    assert article("+++\ntitle = 'x'\ndraft = false\nweight = 1.5\n+++\n").title == "x"


@pytest.mark.parametrize("number", ["1" * 5_000, "0x" + "f" * 5_000])
def test_a_key_that_hides_is_read_in_toml_beside_a_number_that_is_too_long(number: str) -> None:
    error = refusal(f"+++\ntitle = 'x'\nnumber = {number}\ndraft = true\n+++\n")

    assert error.hidden
    assert error.hidden.reason is Reason.DRAFT


def test_all_faults_of_an_article_are_found() -> None:
    text = written(title="", publishedAt="soon", permalink="{{ x }}", updated="never").encode()
    context = Context("https://site.example", lambda url: None, NOW, folder=BLOG)

    found = faults(text, "blog/x.md", context)

    assert [(each.reason, each.key) for each in found] == [
        (Reason.BAD_DATE, "publishedAt"),
        (Reason.BAD_URL, "permalink"),
        (Reason.BAD_DATE, "updated"),
        (Reason.MISSING_FIELD, "title"),
    ]


#: Wrong lines of ``folders:``, and the text that the error must contain.
WRONG = [
    ("folders: x", "site.yml:1: folders: is text"),
    ("folders:\n  - link: https://x.example/{slug}", "site.yml:2: folder: is missing"),
    ("folders:\n  - folder: blog", "site.yml:2: link: is missing"),
    ("folders:\n  - folder: ../x\n    link: y", "site.yml:2: folder: not a folder below"),
    ("folders:\n  - folder: /x\n    link: y", "site.yml:2: folder: not a folder below"),
    ("folders:\n  - folder: a/_drafts\n    link: y", "site.yml:2: folder: a folder of drafts"),
    ("folders:\n  - folder: a\n    links: y", "site.yml:3: links: unknown key"),
    ("folders:\n  - folder: a\n    link: x.example/{slug}", "site.yml:3: link: write an address"),
    ("folders:\n  - folder: a\n    link: https://{slug}", "site.yml:3: link: write an address"),
    ("folders:\n  - folder: a\n    link: https://a.example/{slag}", "{slag}: write slug"),
    ("folders:\n  - folder: a\n    link: https://a.example/{zzz}", "{zzz}: write year, month"),
    ("folders:\n  - folder: a\n    link: https://a.example/{year}", "one address: add one of"),
    ("folders:\n  - folder: a\n    link: https://a.example/{slug", "a brace without its partner"),
    ("folders:\n  - folder: a\n    link: https://u@a.example/{slug}", "not a web address"),
    ("folders:\n  - folder: a\n    link: LINK\n    zone: Mars/X", "site.yml:4: zone: not a time"),
    ("folders:\n  - folder: a\n    link: LINK\n    zone: ../x", "site.yml:4: zone: not a time"),
    ("folders:\n  - folder: a\n    link: LINK\n    language: German", "site.yml:4: language: not"),
    ("folders:\n  - folder: a\n    link: LINK\n    id: path", "site.yml:4: id: write link"),
    ("folders:\n  - folder: a\n    link: LINK\n    keys: {tags: x}", "site.yml:4: tags: unknown"),
    ("folders:\n  - folder: a\n    link: LINK\n    keys: {date: ''}", "site.yml:4: date: an empty"),
    ("folders:\n  - folder: a\n    link: LINK\n    keys: {date: {x: y}}", "date: is a mapping"),
    (
        "folders:\n  - folder: a\n    link: LINK\n    keys:\n      excerpt: [secured.note]",
        "site.yml:5: excerpt: secured is",
    ),
    (
        "folders:\n  - folder: a\n    link: LINK\n    keys:\n      title: Pass_Word",
        "site.yml:5: title: Pass_Word is",
    ),
    ("folders:\n  - {folder: a, link: LINK}\n  - {folder: ./a/, link: LINK}", "site.yml:3: folder"),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_a_wrong_declaration_stops_the_start_with_file_and_line(
    content: Content, open_site: OpenSite, text: str, message: str
) -> None:
    content.raw("site.yml", text.replace("LINK", "'https://a.example/{slug}'"))

    with pytest.raises(Exception, match=r"^site\.yml:[0-9]+: ") as raised:
        open_site()

    assert message in str(raised.value)


DECLARED = """
folders:
  - folder: .
    link: https://all.example/{path}/
  - folder: blog/_posts
    link: https://blog.example/{slug}/
    keys: {date: when, images: [hero, image]}
    zone: Europe/Berlin
"""


def titles(site: Site) -> set[tuple[str, str]]:
    return {(item["title"], item["url"]) for item in site.get("/all.json").json["items"]}


def test_the_innermost_declaration_applies_to_a_file(content: Content, open_site: OpenSite) -> None:
    content.raw("site.yml", DECLARED)
    content.raw("blog/_posts/x.markdown", written(title="inner", when="2024-03-05"))
    content.raw("other/y.mdx", written(title="outer", date="2024-03-05"))

    assert titles(open_site()) == {
        ("inner", "https://blog.example/x/"),
        ("outer", "https://all.example/other/y/"),
    }


def test_a_folder_that_is_not_declared_is_read_by_the_usual_rules(
    content: Content, open_site: OpenSite
) -> None:
    content.raw("site.yml", DECLARED.replace("folder: .", "folder: elsewhere"))
    content.raw("news/x.markdown", written(title="x", date="2024-03-05"))
    content.raw("news/y.md", written(title="y", date="2024-03-05"))
    content.write("news/z.md")
    site = open_site()

    outcomes = {outcome.path: outcome.reason for outcome in site.sync.inspect()}

    assert titles(site) == {("Title of news/z.md", "https://news.example.com/news/z.md")}
    assert outcomes["news/x.markdown"] is Reason.NOT_AN_ARTICLE
    assert outcomes["news/y.md"] is Reason.MISSING_FIELD


def test_a_saved_file_of_any_ending_is_in_its_feeds_at_once_and_leaves_them_as_a_draft(
    content: Content, open_site: OpenSite
) -> None:
    content.raw("site.yml", DECLARED)
    site = open_site()

    content.raw("blog/_posts/x.mdx", written(title="x", when="2024-03-05"))
    site.sync.refresh(["blog/_posts/x.mdx"])
    assert titles(site) == {("x", "https://blog.example/x/")}

    content.raw("blog/_posts/x.mdx", written(title="x", when="2024-03-05", draft=True))
    site.sync.refresh(["blog/_posts/x.mdx"])
    assert titles(site) == set()


def test_a_declaration_that_changes_is_read_with_the_next_start(
    content: Content, open_site: OpenSite
) -> None:
    content.raw("blog/_posts/x.markdown", written(title="x", when="2024-03-05"))
    content.write("a.md")
    assert len(titles(open_site())) == 1
    before = open_site().get("/providers/news.example.com.rss").headers["ETag"]

    content.raw("site.yml", DECLARED.replace("folder: .", "folder: elsewhere"))
    site = open_site()

    assert ("x", "https://blog.example/x/") in titles(site)
    assert site.get("/providers/news.example.com.rss").headers["ETag"] == before

    content.raw("site.yml", "")

    assert len(titles(open_site())) == 1


def test_check_gives_no_hints_on_the_keys_of_a_declared_folder(
    content: Content, open_site: OpenSite
) -> None:
    content.raw("site.yml", DECLARED)
    content.raw("blog/_posts/x.md", written(title="x", when="2024-03-05", tag="y", autor="z"))

    result = open_site().runner.invoke(args=["check"])

    assert "blog/_posts/x.md: served\n" in result.output


GUIDE = (ROOT / "docs" / "folders.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading of the guide, without its head."""
    section = GUIDE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [line.strip("| ").split(" | ") for line in lines[2:]]


def test_the_server_accepts_every_entry_of_the_guide(content: Content, open_site: OpenSite) -> None:
    entries = []
    for number, (_, _, link, *besides) in enumerate(rows("An entry for each generator")):
        keys = re.findall("`(keys: .+?})`", besides[0]) if besides else []
        address = re.findall("`(.+?)`", link)[0]
        entries.append("\n    ".join([f"  - folder: f{number}", f"link: '{address}'", *keys]))
    content.raw("site.yml", "\n".join(["folders:", *entries]))

    assert len(open_site().web.catalog.files.folders) == len(entries) == 9


def test_the_guide_names_every_part_of_a_link_and_every_key() -> None:
    parts = re.findall(r"`\{(\w+)\}`", "".join(row[0] for row in rows("The link")))
    named = {
        cell for row in rows("What is read") for cell in re.findall("`([^` ]+)`", "".join(row))
    }
    missing = {
        key
        for field in ("title", "date", "updated", "excerpt", "topics", "authors", "language")
        for key in SYNONYMS[field]
        if publication.folded(key.partition(".")[0])
        not in {publication.folded(name.partition(".")[0]) for name in named}
    }

    assert set(parts) == set(NAMES)
    assert missing == set()


def test_a_key_may_be_inside_a_mapping() -> None:
    keys = {"date": ("date.created", "date")}

    for value in ({"created": "2024-03-05"}, "2024-03-05"):
        found = article(written(title="x", date=value), keys=keys)
        assert day(found) == "2024-03-05T00:00:00+00:00"


TEXTS = st.text(st.sampled_from("-+:=[]{}'\"#., \n\tdate24:title"), max_size=60)


@given(
    st.sampled_from(["---\n", "+++\n", "title: x\n", ""]), TEXTS, st.sampled_from(["---", "+++"])
)
def test_any_front_matter_is_an_article_or_an_error(begin: str, text: str, end: str) -> None:
    with suppress(ArticleError):
        read(f"{begin}{text}\n{end}\nbody")


def test_a_pattern_is_compiled_once() -> None:
    assert compiled(BLOG.link) is compiled(BLOG.link)
