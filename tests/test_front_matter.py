"""Tests of the front matter: every case is a file with its expected outcome beside it."""

from dataclasses import asdict
from pathlib import Path
from time import process_time
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from feeds.articles.fences import MAX_FILE
from feeds.articles.front_matter import MAX_CONTENT, MAX_NOTES, Context, Parsed, parse
from feeds.errors import ArticleError, Embargoed, Reason
from feeds.model import Site

CASES = Path(__file__).parent / "cases" / "front_matter"
SHARED = Path(__file__).parents[2] / "shared"
#: 2027-01-15.
NOW = 1_800_000_000
SMALL = 4_321

MINIMUM = "title: A title\ndate: 2024-03-01\nwebUrl: https://news.example/one\n"


def length_of_ours(url: str) -> int | None:
    return SMALL if url.startswith("https://site.example/") else None


CONTEXT = Context("https://site.example", length_of_ours, NOW)


def names(kind: str) -> list[str]:
    return sorted(file.stem for file in (CASES / kind).glob("*.md"))


def expectation(kind: str, name: str) -> dict[str, Any]:
    expected: dict[str, Any] = yaml.safe_load((CASES / kind / f"{name}.yaml").read_text("utf-8"))
    assert expected.get("description"), f"{name}.yaml has no description"
    return expected


def read_case(kind: str, name: str, path: str | None) -> Parsed:
    return parse((CASES / kind / f"{name}.md").read_bytes(), path or f"{name}.md", CONTEXT)


def article(front_matter: str = MINIMUM, body: str = "", path: str = "a.md") -> Parsed:
    return parse(f"---\n{front_matter}---\n{body}".encode("utf-8", "surrogatepass"), path, CONTEXT)


def listed(value: object) -> object:
    """Return a value with lists for tuples, as YAML has them."""
    if isinstance(value, dict):
        return {key: listed(inner) for key, inner in value.items()}
    return [listed(inner) for inner in value] if isinstance(value, tuple) else value


@pytest.mark.parametrize("name", names("valid"))
def test_an_article_has_the_values_of_its_file(name: str) -> None:
    expected = expectation("valid", name)

    parsed = read_case("valid", name, expected.get("path"))

    read = {key: listed(asdict(parsed.article)[key]) for key in expected["article"]}
    assert read == expected["article"]
    assert list(parsed.notes) == expected.get("notes", [])
    assert parsed.due == expected.get("due")


@pytest.mark.parametrize("name", names("invalid"))
def test_a_file_that_is_not_served_is_reported_with_reason_and_place(name: str) -> None:
    expected = expectation("invalid", name)

    with pytest.raises(ArticleError) as caught:
        read_case("invalid", name, expected.get("path"))

    error = caught.value
    found = {"reason": str(error.reason), "line": error.line, "key": error.key}
    assert found == {key: expected[key] for key in found}
    assert getattr(error, "due", None) == expected.get("due")


@pytest.mark.parametrize(
    ("written", "line", "todo"),
    [
        ("title: Ferries: a history\n", 2, "put the text in quotes"),
        ("title:no space\ndate: 2024-03-01\n", 3, "a line above without ': '"),
        ("title: x\n  date: 2024-03-01\n", 3, "indented too far"),
        ("title: x\nprovider:\n\tname: y\n", 4, "indent with spaces"),
        ("topics:\n  - a\n\t- b\n", 4, "indent with spaces"),
        ("title: @home\n", 2, "put the text in quotes"),
        ("title: *Important* news\n", 2, "put the text in quotes"),
        ("title: 'It's late'\n", 2, "put the whole text in quotes"),
        ("title: [Update] x\n", 2, "put the whole text in quotes"),
        ('title: "never closed\ndate: 2024-03-01\n', 2, "a quote that is not closed"),
        ('title: "C:\\quay"\n', 2, "take single quotes"),
        ("topics:\n  - Boats\n  -Food\n", 4, "with the space"),
        ("topics:\n  - Boats\n  Food: x\n", 4, "entry of the list"),
        ("topics: [Boats, Food\ndate: 2024-03-01\n", 2, "[ that is not closed"),
        ("provider: {name: x\ndate: 2024-03-01\n", 2, "{ that is not closed"),
        ("title: - x\n", 2, "put the text in quotes"),
        ("title: , x\n", 2, "put the text in quotes"),
        ("title: > x\n", 2, "put the text in quotes"),
        ("title: [\n", 3, "a [ or { that is not closed"),
        ("title: ? x\n", 2, "correct the YAML here"),
    ],
)
def test_an_error_in_yaml_is_reported_with_its_remedy(written: str, line: int, todo: str) -> None:
    with pytest.raises(ArticleError) as caught:
        article(written)

    error = caught.value
    assert (error.reason, error.line) == (Reason.YAML_SYNTAX, line)
    assert todo in error.message


def test_every_case_has_both_of_its_files() -> None:
    files = list(CASES.glob("*/*"))

    assert {file.stem for file in files if file.suffix == ".md"} == {
        file.stem for file in files if file.suffix == ".yaml"
    }
    assert {file.suffix for file in files} == {".md", ".yaml"}


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("2020-06-30", 1593475200),
        ("2020-06-30T20:50:00Z", 1593550200),
        ("2020-06-30t20:50:00z", 1593550200),
        ("2020-06-30 20:50", 1593550200),
        ("2020-06-30 20:50:00 +0200", 1593543000),
        ("2020-06-30T20:50:59.999999Z", 1593550259),
        ("2020-06-30T20:50:00,5+02:00", 1593543000),
        ("2020-06-30T20:50:00-0700", 1593575400),
        ("2020-06-30T20:50:00+02", 1593543000),
        ("1970-01-01", 0),
        ("2012-7-8", 1341705600),
        ("2012-12-8 9:05", 1354957500),
        ("2016-08-24 9:00:00", 1472029200),
        ("2016-08-24  09:00:00", 1472029200),
        ("2016-08-24 09:00:00 UTC", 1472029200),
        ("2016-08-24 09:00 GMT", 1472029200),
        ("2016-08-24 09:00:00 +0000 UTC", 1472029200),
        ("2016-08-24 UTC", 1471996800),
        ("2016-08-24T24:00:00Z", 1472083200),
        ("2016-12-31 24:00", 1483228800),
        ("2016-12-31T23:59:60Z", 1483228800),
        ("2015-06-30 23:59:60 +0000 UTC", 1435708800),
        ("2012-07-01T01:59:60+02:00", 1341100800),
    ],
)
def test_dates_in_every_usual_form_are_whole_seconds_utc(written: str, seconds: int) -> None:
    front_matter = MINIMUM.replace("2024-03-01", f'"{written}"')

    assert article(front_matter).article.published == seconds


@pytest.mark.parametrize(
    "written",
    ["9999-12-31T24:00:00Z", "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00"],
)
def test_a_time_just_outside_of_all_years_is_a_wrong_year_and_no_crash(written: str) -> None:
    with pytest.raises(ArticleError) as caught:
        article(MINIMUM.replace("2024-03-01", written))

    assert caught.value.reason is Reason.BAD_DATE
    assert caught.value.message == "not a date from 1970 to 9999: correct the year"


def test_an_article_is_served_from_its_second_of_publication_on() -> None:
    moment = "date: 2027-01-15T08:00:00Z"

    on_time = article(MINIMUM.replace("date: 2024-03-01", moment))

    assert on_time.article.published == NOW
    with pytest.raises(Embargoed) as caught:
        article(MINIMUM.replace("date: 2024-03-01", moment.replace(":00Z", ":01Z")))
    assert caught.value.due == NOW + 1
    assert caught.value.reason is Reason.EMBARGOED
    assert caught.value.message == "not served before 2027-01-15 08:00:01 UTC"


def test_a_file_over_its_limit_is_rejected_without_parsing() -> None:
    with pytest.raises(ArticleError) as caught:
        parse(b"x" * (MAX_FILE + 1), "a.md", CONTEXT)

    assert caught.value.reason is Reason.TOO_LARGE


def test_a_body_may_fill_its_limit_to_the_last_byte() -> None:
    fits = "'" * (MAX_CONTENT - len("&lt;p&gt;&lt;/p&gt;"))

    whole, over = article(body=fits), article(body=f"{fits}x")

    assert len(whole.article.content) == len(fits) + len("<p></p>")
    assert over.article.content == ""


@pytest.mark.parametrize(
    "front_matter",
    [
        "title: hush-hush\n",
        f"{MINIMUM}published: hush-hush\n",
        f"{MINIMUM}quality: hush-hush\n",
        f"{MINIMUM}images: hush-hush\n",
        f"{MINIMUM}updatedDateTime: hush-hush\n",
        "title: [hush-hush\n",
        "title: 'hush-hush\n",
        f"{MINIMUM}? [hush-hush]\n: x\n",
        MINIMUM.replace("https://news.example/one", "hush-hush"),
    ],
)
def test_errors_never_quote_the_content_of_a_file(front_matter: str) -> None:
    with pytest.raises(ArticleError) as caught:
        article(front_matter)

    assert "hush" not in f"{caught.value} {caught.value.key}"


def test_images_of_a_site_with_a_path_lie_below_it() -> None:
    text = f"---\n{MINIMUM}images: [{{url: pictures/a.jpg}}]\n---\n".encode()

    found = parse(text, "a.md", Context("https://site.example/news", length_of_ours, NOW))

    assert found.article.images[0].url == "https://site.example/news/pictures/a.jpg"


def test_notes_never_quote_the_content_of_a_file() -> None:
    parsed = article(f"{MINIMUM}locale: hush-hush x\nimages: [{{url: 'hush://x', width: hush}}]\n")

    assert len(parsed.notes) == 3
    assert "hush" not in " ".join(parsed.notes)


def test_of_thousands_of_mistakes_the_first_are_reported() -> None:
    parsed = article(f"{MINIMUM}images: [{'{url: 1},' * 1_000}{'{},' * 1_000}]\n")

    assert len(parsed.notes) == MAX_NOTES


def test_secured_values_are_in_no_response() -> None:
    parsed = article(f"{MINIMUM}secured: hush-hush\nheat: 7\n", "Body")

    assert "hush" not in repr(parsed)
    assert parsed == article(f"{MINIMUM}secured: other\nheat: 8\n", "Body")


#: Elements that a parser repeats in each paragraph after them.
_BOLD = "".join(f"<b id={i}>" for i in range(99))

HOSTILE = {
    "brackets": ("[" * 25_000, ""),
    "open-brackets-in-a-value": (f"{MINIMUM}x: {'[' * 25_000}\n", ""),
    "aliases": ("a: &a [x,x]\n" + "".join(f"b{i}: &b{i} [*a,*a]\n" for i in range(20)), ""),
    "merge-keys": ("a: &a {b: c}\nd: {<<: *a}\n", ""),
    "angles-in-title": (MINIMUM.replace("A title", "x" + "<" * 80_000), ""),
    "tags-in-title": (MINIMUM.replace("A title", "x" + "<b>" * 60_000), ""),
    "tags-in-excerpt": (f"{MINIMUM}excerpt: '{'<b a=' * 40_000}'\n", ""),
    "comments-in-excerpt": (f"{MINIMUM}excerpt: '{'<!--' * 40_000}'\n", ""),
    "scripts-in-excerpt": (f"{MINIMUM}excerpt: '{'<script>' * 30_000}'\n", ""),
    "digits-in-title": (MINIMUM.replace("A title", f"x&#{'9' * 9_000};"), ""),
    "many-topics": (f"{MINIMUM}topics: [{'é,' * 9_900}]\n", ""),
    "many-images": (f"{MINIMUM}images: [{'{url: x},' * 3_000}]\n", ""),
    "many-related": (f"{MINIMUM}related: [{'{title: ä},' * 3_000}]\n", ""),
    "angles": (MINIMUM, "<" * 80_000),
    "fewer-angles": (MINIMUM, "<" * 10_000),
    "pictures-in-pictures": (MINIMUM, "![[" * 4_000),
    "few-pictures-in-pictures": (MINIMUM, "![[" * 1_000),
    "nested": (MINIMUM, "<div>" * 19_000),
    "nested-and-closed": (MINIMUM, ("<div>" * 99 + "</div>" * 99) * 90),
    "nested-behind-comments": (MINIMUM, "<div><!--</div>-->" * 5_000),
    "nested-behind-attributes": (MINIMUM, '<div title="</div>">' * 4_900),
    "nested-behind-raw-text": (MINIMUM, "<div><xmp></div></xmp>" * 4_500),
    "formatting": (MINIMUM, "<b><i><u><s><em><small>" * 16 + "<p>" * 9_000),
    "formatting-apart": (MINIMUM, "".join(f"<b id={i}>" for i in range(99)) + "<p>" * 9_000),
    "links": (MINIMUM, '<a href="/x">' * 7_000),
    "emphasis": (MINIMUM, "*a_ " * 24_000),
    "less-emphasis": (MINIMUM, "*a_ ~~" * 5_000),
    "less-bold": (MINIMUM, "**a_b " * 5_000),
    "headings": (MINIMUM, "# a\n" * 4_900),
    "cdata": (MINIMUM, "x <![CDATA[" * 1_990),
    "lists": (MINIMUM, "- a\n\n" * 2_400),
    "deep-lists": (MINIMUM, "\n".join(" " * i + "- a" for i in range(400))),
    "quotes": (MINIMUM, ">" * 90_000),
    "table": (MINIMUM, "|a" * 400 + "\n" + "|-" * 400 + "\n" + "|\n" * 9_000),
    "narrow-table": (MINIMUM, "|a|b\n|-|-\n" + "|\n" * 4_900),
    "backticks": (MINIMUM, "".join("`" * i + " " for i in range(440))),
    "references": (MINIMUM, "[a]: /x\n" * 2_000),
    "quoted-attributes": (MINIMUM, '<a b="<a c=' * 9_000),
    "svg": (MINIMUM, "<svg>" * 19_000),
    "colons": (MINIMUM, "a:" * 45_000),
    "schemes": (MINIMUM, "mailto:" * 14_000),
    "closing-brackets": (MINIMUM, "http://a.example/" + ")" * 80_000),
    "long-addresses": (MINIMUM, ("http://a.example/" + ".)" * 1_900 + " ") * 25),
    "footnotes": (MINIMUM, "[^a]: x\n\n" * 900 + "[^a] " * 900),
    "tasks": (MINIMUM, "- [ ] a\n" * 1_900),
    "code": (MINIMUM, "<div>\n\n" + "    <a\n\n" * 2_400),
    "formatting-within": (MINIMUM, f"<p>{_BOLD}" + "x<p>x" * 1_000),
    "much-formatting-within": (MINIMUM, f"<p>{_BOLD}" + "x<p>x" * 4_900),
    "sizes": (MINIMUM, f'<img srcset="{"," * 90_000}">'),
    "more-sizes": (MINIMUM, f'<img srcset="{"a 1w," * 18_000}">'),
    "styles": (MINIMUM, f'<img style="{"a:b;" * 22_000}">'),
    "sources": (MINIMUM, "<div><picture>" + "<source srcset=a>" * 2_400 + "<img>" * 2_400),
    "nested-videos": (MINIMUM, "<video src=a>" * 90 + "<source src=b>" * 4_000),
    "frames": (MINIMUM, "<iframe src=/x>" * 6_000),
    "late-images": (MINIMUM, "<img data-src=a><noscript><img src=b></noscript>" * 1_600),
    "malformed": (MINIMUM, "<img src=a style={{a:'b'}}>" * 3_000),
    "empty": (MINIMUM, "<div/>" * 9_000),
    "controls": (MINIMUM, "&#8;&#xFFFE;\x00\x1b" * 5_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_parsed_or_rejected_within_two_seconds(name: str) -> None:
    front_matter, body = HOSTILE[name]

    start = process_time()
    outcome = outcome_of(f"---\n{front_matter}---\n{body}".encode())
    took = process_time() - start

    assert took < 2
    assert isinstance(outcome, Parsed | ArticleError)


def outcome_of(text: bytes) -> Parsed | ArticleError:
    try:
        return parse(text, "a.md", CONTEXT)
    except ArticleError as error:
        return error


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_bytes_raise_at_most_an_article_error(head: bytes, body: bytes) -> None:
    text = b"---\n" + MINIMUM.encode() + head + b"\n---\n" + body

    assert isinstance(outcome_of(text), Parsed | ArticleError)


@given(st.text(max_size=300))
def test_any_title_and_body_make_an_article_or_an_article_error(text: str) -> None:
    quoted = yaml.safe_dump({"excerpt": text, "topics": [text], "images": [{"url": text}]})

    outcome = outcome_of(f"---\n{MINIMUM}{quoted}---\n{text}".encode("utf-8", "surrogatepass"))

    assert isinstance(outcome, Parsed | ArticleError)


@pytest.fixture(scope="module")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("no folder of real articles beside this checkout")
    return SHARED


def test_the_seed_article_is_parsed_whole(shared: Path) -> None:
    text = (shared / "seed" / "article.md").read_bytes()

    seed = parse(text.replace(b"published: false", b"published: true"), "a.md", CONTEXT).article

    assert "wouldn’t" in seed.excerpt
    assert seed.topics == ("Computer Vision", "AI")
    assert [(image.width, image.height) for image in seed.images] == [(1920, 1080)]
    assert [link.provider for link in seed.related] == ["CNET", "Business Insider", "Nasdaq"]
    assert outcome_reason(text) is Reason.DRAFT


def outcome_reason(text: bytes) -> Reason | None:
    return getattr(outcome_of(text), "reason", None)


@pytest.mark.parametrize(
    ("folder", "reasons"),
    [
        ("_news", {None: 132, Reason.DRAFT: 60}),
        ("_samples", {None: 107}),
        ("_learning", {None: 330, Reason.MISSING_FIELD: 115, Reason.WITHDRAWN: 3}),
    ],
)
def test_every_real_article_is_parsed_or_rejected_with_a_reason(
    shared: Path, folder: str, reasons: dict[Reason | None, int]
) -> None:
    files = (shared / "corpus" / "power-apps" / folder).rglob("*.md")

    found = [outcome_reason(file.read_bytes()) for file in files]

    assert {reason: found.count(reason) for reason in set(found)} == reasons


@pytest.mark.parametrize(
    ("written", "uri"),
    [
        ("tulips-2024", "tag:rivernews.example,2026:tulips-2024"),
        ("2024/03/the-ferry", "tag:rivernews.example,2026:2024/03/the-ferry"),
        ("'5'", "tag:rivernews.example,2026:5"),
        ("a b", "tag:rivernews.example,2026:a%20b"),
        ("日本語", "tag:rivernews.example,2026:%E6%97%A5%E6%9C%AC%E8%AA%9E"),
        ("Café & Co", "tag:rivernews.example,2026:Caf%C3%A9%20&%20Co"),
        ("gazette.example/?p=5", "tag:rivernews.example,2026:gazette.example/?p=5"),
    ],
)
def test_a_plain_identifier_has_the_same_uri_as_in_earlier_versions(written: str, uri: str) -> None:
    site = Site("", "", "", "en", "rivernews.example", 2026)

    assert site.uri(article(f"{MINIMUM}id: {written}\n").article.id) == uri
