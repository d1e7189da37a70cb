"""Tests of the documentation: it agrees with the code."""

import re
from pathlib import Path

import pytest

from app import create_app
from feeds import settings
from feeds.articles.front_matter import _KEYS
from feeds.articles.generator_folders import FOLDER_KEYS
from feeds.articles.html_tags import MAX_DEPTH, MAX_TAGS
from feeds.articles.markdown import MAX_LINES, MAX_MARKDOWN
from feeds.articles.publication import KEYS
from feeds.articles.site_config import KEYS as KEYS_OF_SITE
from feeds.articles.site_config_values import IMAGE_KEYS
from feeds.catalog import MAX_ARTICLES, STAY
from tests.conftest import SITE_URL, Content, Site
from tests.programs import skip_if_quick
from tests.test_architecture import PLAN

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text()
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()


#: The keys of each mapping in the site files.
SITE_KEYS = {**KEYS_OF_SITE, "image": IMAGE_KEYS, "folders": FOLDER_KEYS}

#: The token for the pages of operators.
TOKEN = "of-the-documentation"


def codes(heading: str, document: str = README) -> set[str]:
    """Return all code in the first column of the table under a heading."""
    section = document.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("|")]
    return {code for row in rows for code in re.findall("`([^`]+)`", row)}


def test_every_variable_is_in_the_table_of_settings() -> None:
    source = Path(settings.__file__).read_text()
    read = set(re.findall('"((?:FEEDS_[A-Z_]+|HOST|PORT))"', source))

    assert codes("Settings") == read


def test_every_key_of_an_article_is_in_the_table_of_articles() -> None:
    assert codes("Articles") == set(_KEYS.values())


def test_the_limits_of_bodies_are_those_of_the_section_on_bodies() -> None:
    limits = (
        f"{MAX_MARKDOWN:,} characters, {MAX_LINES:,} lines, {MAX_TAGS:,} tags, {MAX_DEPTH} levels"
    )

    assert limits in README


def test_every_key_that_hides_an_article_is_in_the_table_of_what_is_not_served() -> None:
    assert codes("What is not served") == KEYS


def test_every_command_is_in_the_table_of_commands(site: Site) -> None:
    ours = set(site.app.cli.commands)

    named = {code.split()[0] for code in codes("Commands")}

    assert named - {".venv/bin/flask"} == ours


@pytest.mark.parametrize("mapping", SITE_KEYS)
def test_every_key_of_the_site_files_is_in_its_table(mapping: str) -> None:
    assert codes(mapping, CONFIGURATION) == SITE_KEYS[mapping]


@pytest.mark.parametrize("file", ["docs/configuration.md", "content/site.yml"])
def test_the_documentation_states_how_many_articles_a_busy_feed_has(file: str) -> None:
    text = " ".join((ROOT / file).read_text().split())

    assert f"{STAY // 3600} hours" in text
    assert f"up to {MAX_ARTICLES} articles" in text


def test_the_articles_in_the_readme_are_served(content: Content, site: Site) -> None:
    first, full = re.findall("```markdown\n(.+?)```", README, re.DOTALL)

    content.raw("first.md", first)
    content.raw("full.md", full)
    site.sync.refresh()

    newest, other = site.get("/topics/boats.json").json["items"]
    assert newest["title"] == "The ferry that waits"
    assert "<strong>decided</strong>" in newest["content_html"]
    assert other["title"] == "My first article"


def anchors(document: str) -> set[str]:
    """Return the anchors of the headings of a document, as GitHub makes them."""
    headings = re.findall("^#+ (.+)$", re.sub("```.+?```", "", document, flags=re.DOTALL), re.M)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


DOCUMENTS = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]
DOCUMENTS += sorted(f"docs/{file.name}" for file in (ROOT / "docs").glob("*.md"))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_in_a_document_leads_to_a_file_and_a_heading(name: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", (ROOT / name).read_text())

    targets = [(ROOT / name).parent / path if path else ROOT / name for path, _ in links]

    assert [str(target) for target in targets if not target.exists()] == []
    assert [
        heading
        for target, (_, heading) in zip(targets, links, strict=True)
        if heading and heading not in anchors(target.read_text())
    ] == []


def test_every_requirement_that_tests_cite_is_in_the_list() -> None:
    listed = re.findall(r"^\| (\d+) \|", (ROOT / "docs" / "requirements.md").read_text(), re.M)
    tests = "".join(file.read_text() for file in (ROOT / "tests").rglob("*.py"))
    cited = re.findall(r"^ *(?:\"{3}|# )\[([\d, ]+)\]", tests, re.M)

    assert len(set(listed)) == len(listed)
    assert {number for numbers in cited for number in numbers.split(", ")} - set(listed) == set()


def test_the_floor_plan_names_every_room_in_order() -> None:
    plan = README.split("\n## Floor plan\n")[1].split("```")[1]
    names = [line.split()[0] for line in plan.strip().splitlines()[2:]]

    assert [name.rstrip("/").removesuffix(".py") for name in names] == list(PLAN)


def test_the_architecture_names_every_module() -> None:
    files = [*(ROOT / "feeds").rglob("*.py"), *(ROOT / "feeds").rglob("*.sql")]
    modules = {str(file.relative_to(ROOT / "feeds")) for file in files}

    named = re.findall(r"^\| `([\w/]+\.\w+)` \|", ARCHITECTURE.split("\n## The rooms\n")[1], re.M)

    assert set(named) == {name for name in modules if not name.endswith("__init__.py")}
    assert len(set(named)) == len(named)


def test_the_architecture_names_every_file_of_the_instance_folder(
    site: Site, tmp_path: Path
) -> None:
    skip_if_quick()
    site.sync.start()
    site.sync.stop()
    instance = site.sync.index.path.parent
    found = {re.sub("^.+(?=[.]open$|-wal$|-shm$)", "*", file.name) for file in instance.iterdir()}

    assert {name for name in found if f"`{name}`" not in ARCHITECTURE} == set()


@pytest.mark.parametrize("file", ["site.yml", "topics.yml", "providers.yml"])
def test_the_sample_shows_every_key_of_the_site_files(file: str) -> None:
    shown = (ROOT / "content" / file).read_text()

    assert [key for key in SITE_KEYS[file] if f"{key}:" not in shown] == []


def test_every_address_in_the_readme_is_served(tmp_path: Path) -> None:
    environ = {
        "FEEDS_CONTENT_DIR": str(ROOT / "content"),
        "FEEDS_INSTANCE_DIR": str(tmp_path),
        "FEEDS_URL": SITE_URL,
        "FEEDS_OPERATOR_TOKEN": TOKEN,
    }
    site = Site(create_app(environ))
    site.sync.refresh()
    examples = {
        "/topics/<slug>": "/topics/boats.rss",
        "/providers/<domain>": "/providers/tube.example.atom",
        "/providers/<domain>/<slug>": "/providers/tube.example/slow-ferry.json",
        "/feeds/<name>": "/feeds/afloat.rss",
        "/mix/<terms>": "/mix/boats,floods.rss",
        "/search/<words>": "/search/ferry.atom",
        "/<YYYY-MM>": "/topics/boats/2026-10.rss",
        "/all/<YYYY-MM>": "/all/2026-10",
        "/embed/topics/<slug>": "/embed/topics/boats",
        "/oembed?url=<page>": f"/oembed?url={SITE_URL}/topics/boats",
        "/pictures/<name>": "/pictures/logo.png",
    }
    addresses = [code for code in codes("Addresses") if code.startswith("/")]

    statuses = {path: status(site, examples.get(path, path)) for path in addresses}

    assert statuses == dict.fromkeys(addresses, 200)


def status(site: Site, path: str) -> int:
    with site.get(path, Authorization=f"Bearer {TOKEN}") as response:
        code = response.status_code
        assert isinstance(code, int)
        return code
