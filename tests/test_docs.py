"""What README says is so."""

import re
from pathlib import Path

import pytest

from app import create_app
from feeds import settings
from feeds.articles.front_matter import _KEYS
from feeds.articles.publication import KEYS
from feeds.catalog import MOST, STAY
from tests.conftest import SITE_URL, Content, Site
from tests.test_architecture import PLAN

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


#: What opens the pages of operators.
TOKEN = "of-the-documentation"


def codes(heading: str) -> set[str]:
    """All that is written as code in the first column of the table under a heading."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("|")]
    return {code for row in rows for code in re.findall("`([^`]+)`", row)}


def test_every_variable_is_in_the_table_of_settings() -> None:
    source = Path(settings.__file__).read_text()
    read = set(re.findall('"((?:FEEDS_[A-Z_]+|HOST|PORT))"', source))

    assert codes("Settings") == read


def test_every_key_of_an_article_is_in_the_table_of_keys() -> None:
    assert codes("Articles") == set(_KEYS.values()) | KEYS


def test_every_command_is_in_the_table_of_commands(site: Site) -> None:
    ours = set(site.app.cli.commands)

    named = {code.split()[0] for code in codes("Commands")}

    assert named - {".venv/bin/flask"} == ours


def test_the_readme_names_every_key_of_the_site_files() -> None:
    section = README.split("\n## The site\n")[1].split("\n## ")[0]

    assert [key for keys in SITE_KEYS.values() for key in keys if f"`{key}`" not in section] == []


@pytest.mark.parametrize("file", ["README.md", "content/site.yml"])
def test_the_documents_tell_how_many_articles_a_busy_feed_has(file: str) -> None:
    text = " ".join((ROOT / file).read_text().split())

    assert f"{STAY // 3600} hours" in text
    assert f"up to {MOST} articles" in text


SITE_KEYS = {
    "site.yml": ["title", "url", "language", "tag", "image", "icon", "hubs", "limits", "feeds"],
    "topics.yml": ["id", "name", "parent", "description", "image", "aliases", "retired"],
    "providers.yml": ["domain", "name", "image", "aliases", "retired"],
}


def test_the_article_in_the_readme_is_served(content: Content, site: Site) -> None:
    example = re.search("```markdown\n(.+?)```", README, re.DOTALL)
    assert example is not None

    content.raw("example.md", example[1])
    site.sync.refresh()

    item = site.get("/topics/boats.json").json["items"][0]
    assert item["title"] == "The ferry that waits"
    assert "<strong>decided</strong>" in item["content_html"]


def test_the_floor_plan_names_every_room_in_order() -> None:
    plan = README.split("\n## Floor plan\n")[1].split("```")[1]
    names = [line.split()[0] for line in plan.strip().splitlines()[2:]]

    assert [name.rstrip("/").removesuffix(".py") for name in names] == list(PLAN)


@pytest.mark.parametrize("file", SITE_KEYS)
def test_the_sample_shows_every_key_of_the_site_files(file: str) -> None:
    shown = (ROOT / "content" / file).read_text()

    assert [key for key in SITE_KEYS[file] if f"{key}:" not in shown] == []


def test_every_address_in_the_readme_answers(tmp_path: Path) -> None:
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
