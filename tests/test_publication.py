"""Tests of publication: every key and path that hides, embargoes, expiry, withdrawal."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from app import create_app
from feeds.articles.front_matter import Context, parse
from feeds.articles.publication import KEYS
from feeds.errors import ArticleError, Reason
from feeds.index.file_outcomes import FileOutcome
from tests.conftest import NOW, SHARED, Clock, Content, Site
from tests.programs import skip_if_quick
from tests.waiting import wait_for

OpenSite = Callable[..., Site]

CONTEXT = Context("https://site.example", lambda url: None, NOW)

MINIMUM = {"title": "A title", "date": "2024-03-01", "webUrl": "https://news.example/one"}

PAST, FUTURE = "2026-11-19", "2026-11-22"
#: 2026-11-22T00:00:00Z
MOMENT = 1_795_305_600


def outcome(text: str | bytes, context: Context = CONTEXT) -> FileOutcome:
    """Return the outcome of the text of a file."""
    whole = text.encode() if isinstance(text, str) else text
    served = FileOutcome("", "a.md", "stamp")
    try:
        return replace(served, due=parse(whole, "a.md", context).due)
    except ArticleError as error:
        return replace(served, reason=error.reason, key=error.key, line=error.line, due=error.due,
                       is_hidden=error.hidden is not None)  # fmt: skip


def written(keys: dict[str, Any]) -> str:
    return f"---\n{yaml.safe_dump(keys, allow_unicode=True, sort_keys=False)}---\n"


def with_key(key: str, value: Any) -> FileOutcome:
    return outcome(written(MINIMUM | {key: value}))


HIDING: list[tuple[str, Any, Reason]] = [
    ("published", False, Reason.DRAFT),
    ("published", "no", Reason.DRAFT),
    ("published", "Off", Reason.DRAFT),
    ("published", "y", Reason.BAD_PUBLISHED),
    ("deleted", True, Reason.WITHDRAWN),
    ("removed", "yes", Reason.WITHDRAWN),
    ("draft", True, Reason.DRAFT),
    ("draft", "yes", Reason.DRAFT),
    ("draft", "perhaps", Reason.BAD_PUBLISHED),
    ("draft", None, Reason.BAD_PUBLISHED),
    ("draft", 0, Reason.BAD_PUBLISHED),
    ("draft", [False], Reason.BAD_PUBLISHED),
    ("drafts", True, Reason.DRAFT),
    ("unlisted", True, Reason.DRAFT),
    ("hidden", "on", Reason.DRAFT),
    ("private", True, Reason.DRAFT),
    ("unpublished", True, Reason.DRAFT),
    ("headless", True, Reason.DRAFT),
    ("eleventyExcludeFromCollections", True, Reason.DRAFT),
    ("publish", False, Reason.DRAFT),
    ("publish", "2024-03-01", Reason.BAD_PUBLISHED),
    ("public", False, Reason.DRAFT),
    ("render", False, Reason.DRAFT),
    ("visible", False, Reason.DRAFT),
    ("routable", False, Reason.DRAFT),
    ("status", "draft", Reason.DRAFT),
    ("status", "Pending", Reason.DRAFT),
    ("status", "nearly done", Reason.BAD_PUBLISHED),
    ("status", None, Reason.BAD_PUBLISHED),
    ("status", ["published"], Reason.BAD_PUBLISHED),
    ("post_status", "future", Reason.DRAFT),
    ("visibility", "members", Reason.DRAFT),
    ("visibility", "friends", Reason.BAD_PUBLISHED),
    ("password", "hush", Reason.DRAFT),
    ("password", False, Reason.DRAFT),
    ("password", " ", Reason.DRAFT),
    ("post_password", "hush", Reason.DRAFT),
    ("expiryDate", PAST, Reason.WITHDRAWN),
    ("expiryDate", "never", Reason.BAD_DATE),
    ("expiryDate", [FUTURE], Reason.BAD_TYPE),
    ("expires", PAST, Reason.WITHDRAWN),
    ("expiry", PAST, Reason.WITHDRAWN),
    ("expireDate", PAST, Reason.WITHDRAWN),
    ("expirationDate", PAST, Reason.WITHDRAWN),
    ("expiresAt", PAST, Reason.WITHDRAWN),
    ("unpublishDate", PAST, Reason.WITHDRAWN),
    ("unpublishOn", PAST, Reason.WITHDRAWN),
    ("publishDate", FUTURE, Reason.EMBARGOED),
    ("publishDate", "soon", Reason.BAD_DATE),
    ("pubDate", FUTURE, Reason.EMBARGOED),
    ("publishOn", FUTURE, Reason.EMBARGOED),
    ("build", {"render": "never"}, Reason.DRAFT),
    ("_build", {"list": "local"}, Reason.DRAFT),
    ("build", {"Render": False}, Reason.DRAFT),
    ("build", {"render": ["never"]}, Reason.DRAFT),
    ("build", "never", Reason.DRAFT),
    ("build", False, Reason.DRAFT),
    ("build", "local", Reason.DRAFT),
    ("build", ["never"], Reason.BAD_PUBLISHED),
    ("build", "nightly", Reason.BAD_PUBLISHED),
    ("permalink", False, Reason.DRAFT),
    ("permalink", [False], Reason.BAD_PUBLISHED),
    ("permalink", {"build": False}, Reason.BAD_PUBLISHED),
    ("password", [], Reason.DRAFT),
    ("expires", [], Reason.BAD_TYPE),
    ("publishDate", {}, Reason.BAD_TYPE),
]

PUBLIC: list[tuple[str, Any]] = [
    *((key, False) for key in ("draft", "unlisted", "hidden", "private", "headless", "deleted")),
    ("draft", "no"),
    ("Draft", False),
    ("is_draft", False),
    ("publish", True),
    ("published", "yes"),
    ("published", "On"),
    ("isPublished", True),
    ("render", True),
    ("status", "published"),
    ("Status", "Publish"),
    ("status", "live"),
    ("status", "featured"),
    ("visibility", "public"),
    ("password", ""),
    ("password", None),
    ("expiryDate", ""),
    ("expiryDate", None),
    ("publishDate", PAST),
    ("publishDate", None),
    ("build", {"render": "always", "list": "always"}),
    ("build", {"publishResources": False}),
    ("build", "17763.107"),
    ("build", "always"),
    ("build", True),
    ("build", None),
    ("permalink", None),
    ("permalink", "/a/{{ page.slug }}/"),
    # Keys for search engines and menus rather than for the public.
    ("robots", "noindex"),
    ("sitemap", False),
    ("hide", ["toc"]),
]


@pytest.mark.parametrize(("key", "value", "reason"), HIDING)
def test_an_article_that_is_not_plainly_public_is_hidden_and_withdrawn(
    key: str, value: Any, reason: Reason
) -> None:
    found = with_key(key, value)

    assert (found.reason, found.key, found.line) == (reason, key.removeprefix("_"), 5)
    assert found.withdraws


@pytest.mark.parametrize(("key", "value"), PUBLIC)
def test_an_article_that_is_plainly_public_is_served(key: str, value: Any) -> None:
    assert with_key(key, value).reason is None


def test_every_key_has_a_value_that_hides() -> None:
    assert {key.removeprefix("_") for key, _, _ in HIDING} == KEYS


@pytest.mark.parametrize(
    "key",
    ["DRAFT", "Draft", "dRaFt", "is_draft", "IsDraft", "dra\u200bft", "draft\u00a0", "ｄｒａｆｔ",
     "_draft", "draft?"],
)  # fmt: skip
def test_a_key_hides_in_any_spelling(key: str) -> None:
    found = with_key(key, True)

    assert (found.reason, found.key) == (Reason.DRAFT, "draft")


@pytest.mark.parametrize("key", ["expirydate", "expiry_date", "EXPIRY-DATE", "Expiry Date"])
def test_a_key_of_two_words_is_spelt_in_any_way(key: str) -> None:
    assert with_key(key, PAST).reason is Reason.WITHDRAWN


SHOWING = {"published", "publish", "public", "render", "visible", "routable"}
NAMING = {"status", "post_status", "visibility"}
DATED = {key for key in KEYS if key.startswith(("expir", "unpublish", "publish", "pub"))} - {
    *("published", "publish", "public", "unpublished"),
}


def is_plainly_public(key: str, value: Any) -> bool:
    """Return True if no reader could take a value for one that hides."""
    text = str(value)
    if key in SHOWING:
        return text.lower() in {"true", "yes", "on"}
    if key in NAMING:
        return text.casefold() in {"public", "publish", "published", "live", "featured"}
    if key in DATED:
        return text[:4].isdigit()
    return text.lower() in {"false", "no", "off"}


@st.composite
def spellings(draw: st.DrawFn) -> str:
    """Generate any key that can hide, in any letter case; our own three unchanged."""
    key = draw(st.sampled_from(sorted(KEYS - {"build", "permalink"})))
    if key in ("published", "deleted", "removed"):
        return key
    flips = draw(st.lists(st.booleans(), min_size=len(key), max_size=len(key)))
    return "".join(c.swapcase() if flip else c for c, flip in zip(key, flips, strict=True))


VALUES = st.one_of(
    st.text(min_size=1, max_size=12),
    st.lists(st.text(max_size=4), min_size=1, max_size=2),
    st.dictionaries(st.text(max_size=4), st.text(max_size=4), min_size=1, max_size=2),
    st.integers(),
    st.floats(),
)


@given(spellings(), VALUES)
def test_no_value_but_the_plainly_public_ones_is_ever_served(key: str, value: Any) -> None:
    canonical = next(known for known in KEYS if known.casefold() == key.casefold())
    assume(not is_plainly_public(canonical, value))

    found = with_key(key, value)

    assert found.reason is not None
    assert found.withdraws


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_key_with_any_value_makes_an_article_or_an_error(key: str, value: str) -> None:
    assert isinstance(with_key(key, value), FileOutcome)


def test_an_article_withdrawn_by_one_key_is_withdrawn_despite_the_others() -> None:
    found = outcome(written(MINIMUM | {"draft": "?", "publish": True, "expires": PAST}))

    assert (found.reason, found.key) == (Reason.WITHDRAWN, "expires")


def test_two_spellings_of_a_key_both_count() -> None:
    assert outcome(written(MINIMUM | {"draft": False, "Draft": True})).reason is Reason.DRAFT


@pytest.mark.parametrize(
    "text",
    [
        "---\ndraft: true\ntitle: [1]\n---\n",
        "---\ndraft: true\n---\n",
        "---\nDraft: yes # not yet\ntitle: [\n---\n",
        "---\n\ndraft: true\n\ntitle: 'never closed\n---\n",
        "---\ntitle: x\ndraft: true\n",
        "\n---\ndraft: true\ntitle: x\n---\n",
        "draft: true\ntitle: x\n\nThe body.\n",
        "---\r\n'draft' : true\r\na: *b\r\n---\r\n",
        "---\ndraft: false\ndraft: true\n---\n",
        "---\npublished: false\ntitle: {\n---\n",
        f"---\nexpiryDate: {PAST}\ntitle: @\n---\n",
        "---\ndraft:\ntitle: @\n---\n",
        "---\ndraft: true\ntitle: caf\u00e9\n---\n".encode("latin-1"),
        f"---\ndraft: true\nx: {'y' * 300_000}\n---\n",
        f"---\ntitle: T\ndraft: true\n---\n{'z' * 1_200_000}\n",
        "---\ntitle: T\ndraft:true\n---\n",
        "---\ntitle: T\npublished:false\n---\n",
        "---\ntitle: T\ndraft=true\n---\n",
        "---\ntitle: T\ndraft = true # see: the plan\n---\n",
        "---\ntitle: T\ndraft\n---\n",
        "---\ntitle: T\ndraft\uff1atrue\n---\n",
        "---\n title: T\n draft: true\n x: [\n---\n",
        " ---\n title: T\n draft: true\n ---\n",
        "---\ntitle: T\n draft: true\n---\n",
        "---\n\ttitle: T\n\tdraft: true\n---\n",
        "---\ntitle: T\n- draft: true\n---\n",
        "---\n{title: T, draft: true, x: [}\n---\n",
        "---\n{title: T,\n x: [1], draft: true,\n y: [}\n---\n",
        "---\n{draft:true, title: T}\n---\n",
        "---\n{draft=true, title: T}\n---\n",
        '{\n  "title": "T",\n  "draft": true\n}\n',
        "+++\ntitle = 'T'\ndraft = true\n+++\n",
        "# A comment\n---\ntitle: T\ndraft: true\n---\n",
        "---yaml\ntitle: T\ndraft: true\n---\n",
        "---\rtitle: T\rdraft: true\rx: [\r---\r",
        '---\n"dra\\u0066t": true\nx: [\n---\n',
        '---\n"draft": "tr\\x75e"\nx: [\n---\n',
        "---\n? draft\n: true\nx: [\n---\n",
        "---\n&a draft: true\nx: [\n---\n",
        "---\ndraft: &a true\nx: [\n---\n",
        "---\nsecured:\n  a: 1\ndraft: true\nx: [\n---\n",
        "---\ntitle: T\ndraft: true\n---\n".encode("utf-16"),
        "---\ntitle: T\ndraft: true\n---\n".encode("utf-16-be"),
        "---\r\ntitle: T\r\ndraft: true\r\n---\r\n".encode("utf-32"),
    ],
)
def test_a_draft_withdraws_its_article_despite_other_errors_in_the_file(
    text: str | bytes,
) -> None:
    assert outcome(text).withdraws


@pytest.mark.parametrize(
    "text",
    [
        "---\ntitle: [\n---\ndraft: true\n",
        "---\ntitle: x\n\nThe body.\n\nstatus: busy\n",
        "---\ntitle: x\nstatus: publi",
        "---\ntitle: [\nstatus: published\npassword:\nsecured:\n  draft: true\n---\n",
        "---\ntitle: [\nsecured: 'draft: true'\n#draft: true\n---\n",
        "---\ntitle: [\nimages:\n- url: x\n  hidden: yes\n---\n",
        "---\ntitle: [\nexcerpt: |\n  Private: a play\ndraft: false\n---\n",
        "---\ntitle:T\ndraft:false\npublished=true\n---\n",
        '{\n  "title": "T",\n  "draft": false,\n  "published": true\n}\n',
        "---\ntitle: [\ndraft: false\n---\n".encode("utf-16"),
        "---\ntitle: Now, hidden: a play\n---\n",
        "",
    ],
)
def test_a_broken_file_that_hides_nothing_withdraws_nothing(text: str) -> None:
    found = outcome(text)

    assert found.reason is not None
    assert not found.withdraws


@pytest.mark.parametrize(
    ("path", "is_draft"),
    [
        ("drafts/a.md", True),
        ("_drafts/a.md", True),
        ("_Drafts/a.md", True),
        ("DRAFTS/a.md", True),
        ("news/2026/drafts/06/a.md", True),
        ("ｄｒａｆｔｓ/a.md", True),
        ("a.draft.md", True),
        ("news/a.DRAFT.md", True),
        ("_a.md", True),
        ("news/_index.md", True),
        ("\u200b_a.md", True),
        ("_posts/a.md", False),
        ("draft.md", False),
        ("drafts.md", False),
        ("a-draft.md", False),
        ("first-drafts/a.md", False),
        ("a_b.md", False),
    ],
)
def test_a_path_can_make_a_file_a_draft(
    content: Content, site: Site, path: str, is_draft: bool
) -> None:
    content.write(path)

    site.sync.refresh()

    assert len(site.get("/all.json").json["items"]) == (not is_draft)
    [found] = site.sync.inspect()
    assert found.reason == (Reason.DRAFT if is_draft else None)


def test_a_draft_by_its_path_is_not_opened(content: Content, site: Site) -> None:
    os.mkfifo(content.write("drafts/a.md").with_name("fifo.md"))
    (content.folder / "_link.md").symlink_to("/etc/hostname")

    reasons = {found.path: found.reason for found in site.sync.inspect()}

    assert set(reasons) == {"drafts/a.md", "drafts/fifo.md", "_link.md"}
    assert set(reasons.values()) == {Reason.DRAFT}


def ids(site: Site) -> list[str]:
    return [item["id"].rpartition(":")[2] for item in site.get("/all.json").json["items"]]


def withdrawn(site: Site) -> bool:
    return "deleted-entry" in site.get("/all.atom").text


@pytest.mark.parametrize("hiding", [HIDING[::2], HIDING[1::2]], ids=["even", "odd"])
def test_articles_that_were_served_are_withdrawn_at_once(
    content: Content, open_site: OpenSite, hiding: list[tuple[str, Any, Reason]]
) -> None:
    hidden = {f"{number}-{key}": {key: value} for number, (key, value, _) in enumerate(hiding)}
    content.raw("site.yml", f"limits: {{items: {len(hidden) + 1}}}")
    for name in (*hidden, "plain"):
        content.write(f"{name}.md")
    site = open_site()
    assert set(ids(site)) == {*hidden, "plain"}

    for name, key in hidden.items():
        content.raw(f"{name}.md", written(MINIMUM | key))
    site.sync.refresh()

    assert ids(site) == ["plain"]
    assert site.get("/all.atom").text.count("<at:deleted-entry ") == len(hidden)
    reasons = Counter(reason.value for _, _, reason in hiding)
    assert site.get("/healthz").json["not served"] == reasons


@pytest.mark.parametrize("path", ["drafts/a.md", "_drafts/a.md", "a.draft.md", "_a.md"])
def test_an_article_moved_to_where_drafts_are_is_withdrawn_at_once(
    content: Content, site: Site, path: str
) -> None:
    content.write("a.md")
    content.write("b.md")
    site.sync.refresh()

    (content.folder / path).parent.mkdir(exist_ok=True)
    os.rename(content.folder / "a.md", content.folder / path)
    site.sync.refresh()

    assert ids(site) == ["b"]
    assert withdrawn(site)
    assert site.get("/healthz").json["not served"] == {"draft": 1}


def test_a_folder_renamed_to_drafts_is_withdrawn_at_once(content: Content, site: Site) -> None:
    for number in range(20):
        content.write(f"news/{number}.md")
    site.sync.refresh()
    assert len(ids(site)) == 20

    os.rename(content.folder / "news", content.folder / "drafts")
    report = site.sync.refresh()

    assert not report.held
    assert ids(site) == []


def test_a_draft_with_invalid_yaml_is_withdrawn(content: Content, site: Site) -> None:
    content.write("a.md")
    site.sync.refresh()

    content.raw("a.md", "---\ntitle: [\ndraft: true\n---\n")
    site.sync.refresh()

    assert ids(site) == []
    assert withdrawn(site)


def test_a_draft_that_is_too_large_to_be_read_is_withdrawn(content: Content, site: Site) -> None:
    content.write("a.md")
    site.sync.refresh()

    content.write("a.md", body="z" * 1_200_000, draft=True)
    site.sync.refresh()

    assert ids(site) == []
    assert withdrawn(site)
    assert site.get("/healthz").json["not served"] == {"too-large": 1}


def test_a_file_that_is_too_large_and_hides_nothing_keeps_its_earlier_version(
    content: Content, site: Site
) -> None:
    content.write("a.md")
    site.sync.refresh()

    content.write("a.md", body="z" * 1_200_000)
    site.sync.refresh()

    assert ids(site) == ["a"]


def test_a_served_article_that_these_rules_hide_is_withdrawn_when_the_index_is_rebuilt(
    content: Content, site: Site, open_site: OpenSite
) -> None:
    content.write("a.md")
    content.write("b.md")
    site.sync.refresh()

    content.write("a.md", draft=True)
    content.raw("site.yml", "title: Another title")
    again = open_site()

    assert ids(again) == ["b"]
    assert withdrawn(again)


def test_an_article_that_expires_is_served_until_that_second(
    content: Content, site: Site, clock: Clock
) -> None:
    content.write("a.md", expiryDate=FUTURE)

    report = site.sync.refresh()
    clock.now = MOMENT - 1
    site.sync.refresh([])
    before = ids(site)
    clock.now = MOMENT
    site.sync.refresh([])

    assert report.due == MOMENT
    assert before == ["a"]
    assert ids(site) == []
    assert withdrawn(site)
    assert site.get("/healthz").json["not served"] == {"withdrawn": 1}


@pytest.mark.parametrize("updated", ["2026-11-21", "2026-11-23"])
def test_the_earlier_of_update_and_expiry_is_due_first_and_then_the_other(
    content: Content, site: Site, clock: Clock, updated: str
) -> None:
    content.write("a.md", updatedDateTime=updated, expiryDate=FUTURE)

    due = [site.sync.refresh().due]
    clock.now = due[0] or 0
    due.append(site.sync.refresh([]).due)
    clock.now = MOMENT
    site.sync.refresh([])

    assert due[0] == min(MOMENT, MOMENT + (int(updated[-2:]) - 22) * 86_400)
    assert ids(site) == []


def test_a_future_embargo_and_a_future_expiry_both_happen(
    content: Content, site: Site, clock: Clock
) -> None:
    content.write("a.md", publishedDateTime="2026-11-21", expiryDate=FUTURE)
    site.sync.refresh()

    seen = []
    for moment in (NOW, MOMENT - 86_400, MOMENT):
        clock.now = moment
        site.sync.refresh([])
        seen.append(ids(site))

    assert seen == [[], ["a"], []]


@pytest.mark.parametrize("broken", ["title: [\n", "title: [1]\n"])
def test_the_earlier_version_of_a_broken_file_is_withdrawn_when_the_file_expires(
    content: Content, site: Site, clock: Clock, broken: str
) -> None:
    content.write("a.md", expiryDate=FUTURE)
    site.sync.refresh()

    content.raw("a.md", f"---\nexpiryDate: {FUTURE}\n{broken}---\n")
    report = site.sync.refresh()
    before = ids(site)
    clock.now = MOMENT
    site.sync.refresh([])

    assert report.due == MOMENT
    assert before == ["a"]
    assert ids(site) == []


def break_file(content: Content) -> None:
    content.raw("a.md", "half of a fi")


def lose_folder(content: Content) -> None:
    content.folder.rename(content.folder.with_name("away"))


def lose_files(content: Content) -> None:
    lose_folder(content)
    content.folder.mkdir()


@pytest.mark.parametrize("lose", [break_file, lose_files])
@pytest.mark.parametrize("is_restarted", [False, True])
def test_an_article_expires_to_the_second_though_its_file_is_broken_or_gone(
    content: Content,
    site: Site,
    clock: Clock,
    open_site: OpenSite,
    lose: Callable[[Content], None],
    is_restarted: bool,
) -> None:
    for number in range(20):
        content.write(f"{number}.md")
    content.write("a.md", expiryDate=FUTURE)
    site.sync.refresh()

    lose(content)
    due = site.sync.refresh().due
    site = open_site() if is_restarted else site
    clock.now = MOMENT - 1
    site.sync.refresh([])
    before = len(ids(site))
    clock.now = MOMENT
    site.sync.refresh([])

    assert due is not None
    assert due <= MOMENT
    assert before == 21
    assert "a" not in ids(site)
    assert len(ids(site)) == 20
    assert withdrawn(site)


def test_an_article_expires_while_there_is_no_content_folder(
    content: Content, site: Site, clock: Clock
) -> None:
    content.write("a.md", expiryDate=FUTURE)
    content.write("b.md")
    site.sync.refresh()
    lose_folder(content)

    clock.now = MOMENT
    with pytest.raises(OSError, match="No such file"):
        site.sync.refresh()

    assert ids(site) == ["b"]
    assert withdrawn(site)


@pytest.mark.parametrize("lose", [break_file, lose_files])
def test_an_expiry_survives_its_file_when_the_index_is_rebuilt(
    content: Content,
    site: Site,
    clock: Clock,
    open_site: OpenSite,
    lose: Callable[[Content], None],
) -> None:
    for number in range(20):
        content.write(f"{number}.md")
    content.write("a.md", expiryDate=FUTURE)
    site.sync.refresh()
    lose(content)

    content.raw("site.yml", "title: Another title")
    again = open_site()
    before = len(ids(again))
    clock.now = MOMENT
    again.sync.refresh([])

    assert before == 21
    assert "a" not in ids(again)
    assert withdrawn(again)


def test_an_article_that_expired_by_a_fast_clock_is_served_again_with_the_right_time(
    content: Content, site: Site, clock: Clock
) -> None:
    content.write("a.md", expiryDate=FUTURE)
    site.sync.refresh()

    seen = []
    for moment in (MOMENT, NOW, MOMENT - 1, MOMENT + 1):
        clock.now = moment
        site.sync.refresh([])
        seen.append(ids(site))

    assert seen == [[], ["a"], ["a"], []]


def test_a_later_date_in_the_file_prolongs_its_article(
    content: Content, site: Site, clock: Clock
) -> None:
    content.write("a.md", expiryDate=FUTURE)
    site.sync.refresh()
    content.write("a.md", expiryDate="2026-11-23")
    site.sync.refresh()

    clock.now = MOMENT
    site.sync.refresh([])
    before = ids(site)
    clock.now = MOMENT + 86_400
    site.sync.refresh([])

    assert before == ["a"]
    assert ids(site) == []


def test_an_article_waits_for_the_later_date_of_two_keys(
    content: Content, site: Site, clock: Clock
) -> None:
    content.write("a.md", publishDate=FUTURE)
    site.sync.refresh()
    before = ids(site)

    clock.now = MOMENT
    site.sync.refresh([])

    assert before == []
    assert ids(site) == ["a"]


@pytest.fixture
def live(content: Content, tmp_path: Path) -> Iterator[Site]:
    """Yield a site with its watcher, on the clock of the machine."""
    site = Site(
        create_app(
            {
                "FEEDS_CONTENT_DIR": str(content.folder),
                "FEEDS_INSTANCE_DIR": str(tmp_path / "instance"),
            }
        )
    )
    site.sync.start()
    yield site
    site.sync.stop()


def test_an_article_expires_on_time_without_any_event(content: Content, live: Site) -> None:
    skip_if_quick()
    due = int(time.time()) + 3
    ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(due))
    content.write("a.md", publishedDateTime="2020-01-01", expiryDate=ends)
    assert wait_for(lambda: ids(live) == ["a"])

    assert wait_for(lambda: ids(live) == [])
    assert time.time() >= due


@pytest.fixture(scope="module")
def folders() -> Path:
    folder = SHARED / "corpus" / "folders"
    if not folder.is_dir():
        pytest.skip("no folders of other generators beside this checkout")
    return folder


def test_articles_hidden_by_other_generators_are_hidden_and_published_ones_are_not(
    folders: Path,
) -> None:
    skip_if_quick()
    found: dict[bool, list[FileOutcome]] = {True: [], False: []}
    for table in folders.glob("*/expected.tsv"):
        for line in table.read_text().splitlines()[1:]:
            path, link, _ = line.split("\t")
            found[bool(link)].append(with_address(table.parent / path))

    assert len(found[False]) > 200
    assert [each for each in found[False] if each.reason is None] == []
    hiding = {Reason.DRAFT, Reason.WITHDRAWN, Reason.EMBARGOED, Reason.BAD_PUBLISHED}
    assert [each for each in found[True] if each.reason in hiding] == []


def with_address(file: Path) -> FileOutcome:
    """Return the outcome of a file that also has an address."""
    text = file.read_bytes().replace(b"---\n", b"---\nwebUrl: https://news.example/one\n", 1)
    return outcome(text)
