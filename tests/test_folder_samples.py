"""Tests with article folders of eight public sites, compared with their own generators.

Links and publication are compared with the reports of the generators that could be run. All other
fields are parsed a second time here, by YAML and TOML libraries alone.
"""

import re
import shutil
import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

import pytest
import yaml

from app import create_app
from feeds.articles.text import clean
from feeds.errors import Reason
from feeds.index.file_outcomes import FileOutcome, decode_verified
from feeds.model import Article
from tests.conftest import SHARED, Clock, Site
from tests.programs import skip_if_quick

SAMPLES = SHARED / "corpus" / "folders"

SITE = """
folders:
  - folder: jekyll/docs/_posts
    link: https://jekyllrb.com/news/{year}/{month}/{day}/{slug}/
    zone: America/Los_Angeles
  - folder: rubylang
    link: https://www.ruby-lang.org/{categories}/{year}/{month}/{day}/{slug}/
  - folder: digitalgov/content
    link: https://digital.gov/{path}/
    keys: {images: []}
  - folder: mtlynch/content
    link: https://mtlynch.io/{slug}/
  - folder: rustblog/content
    link: https://blog.rust-lang.org/{path}/
    keys: {address: path}
  - folder: reactnative/website/blog
    link: https://reactnative.dev/blog/{year}/{month}/{day}/{slug}
    keys: {images: [hero, image]}
  - folder: twir/content
    link: https://this-week-in-rust.org/blog/{year}/{month}/{day}/{title}/
    zone: America/New_York
  - folder: fuwari/src/content/posts
    link: https://fuwari.example/posts/{path}/
    keys: {date: published}
"""

#: The numbers of articles of each sample that are served, hidden and rejected.
TALLY = {
    "digitalgov": (60, 271, 3),
    "fuwari": (5, 1, 0),
    "jekyll": (101, 0, 1),
    "mtlynch": (76, 0, 0),
    "reactnative": (94, 0, 0),
    "rubylang": (275, 0, 1),
    "rustblog": (150, 3, 1),
    "twir": (84, 0, 0),
}

#: The beginnings of links in lists of generators that have no host.
HOSTS = {"jekyll": "https://jekyllrb.com", "rubylang": "https://www.ruby-lang.org"}

#: The keys of the images of a sample; none if the site makes addresses of names.
PICTURES = {
    "fuwari": ("image",),
    "mtlynch": ("hero_image", "banner_image"),
    "reactnative": ("hero", "image"),
}


@dataclass(frozen=True)
class Sample:
    """One file of a sample: its outcome in the server, and its front matter."""

    outcome: FileOutcome
    article: Article | None
    keys: dict[str, Any]

    @property
    def name(self) -> str:
        return self.outcome.path.partition("/")[0]


class Loader(yaml.SafeLoader):
    """A YAML loader that leaves dates as text."""


Loader.yaml_implicit_resolvers = {
    sign: [pair for pair in pairs if not pair[0].endswith("timestamp")]
    for sign, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def front_matter(text: str) -> dict[str, Any]:
    """Return the front matter of a file, parsed by libraries alone."""
    if text.startswith("+++"):
        return tomllib.loads(text.split("+++")[1])
    if text.lstrip().startswith("---"):
        return yaml.load(re.split(r"(?:\A|\n)---[ \t]*\n", text.lstrip())[1], Loader) or {}
    head = text.partition("\n\n")[0]
    return {k.lower(): v.strip() for k, _, v in (each.partition(":") for each in head.split("\n"))}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    skip_if_quick()
    if not SAMPLES.is_dir():
        pytest.skip(f"no samples of folders at {SAMPLES}")
    content = tmp_path_factory.mktemp("samples") / "content"
    shutil.copytree(SAMPLES, content)
    # The samples may be read-only, and so is their copy.
    content.chmod(0o755)
    (content / "site.yml").write_text(SITE)
    environ = {
        "FEEDS_CONTENT_DIR": str(content),
        "FEEDS_INSTANCE_DIR": str(tmp_path_factory.mktemp("instance")),
    }
    return Site(create_app(environ, Clock()))


@pytest.fixture(scope="module")
def samples(site: Site) -> list[Sample]:
    content = site.sync.reader.content
    now = int(site.sync.clock())
    found = []
    for path in sorted(content.rglob("*.m*")):
        if path.parent == content:
            continue
        outcome = site.sync.reader.ingest(str(path.relative_to(content)), now)
        assert outcome is not None
        entry = outcome.entry
        article = decode_verified(entry.body, entry.hash) if entry else None
        found.append(Sample(outcome, article, front_matter(path.read_text("utf-8-sig"))))
    return found


@pytest.fixture(scope="module")
def expected() -> dict[str, str]:
    """Return the links that generators report, empty for a file that they do not publish."""
    found: dict[str, str] = {}
    for list_ in SAMPLES.glob("*/expected.tsv"):
        name = list_.parent.name
        rows = (line.split("\t") for line in list_.read_text().splitlines()[1:])
        found |= {f"{name}/{path}": link and HOSTS.get(name, "") + link for path, link, _ in rows}
    return found


def served(samples: list[Sample]) -> Iterator[tuple[Sample, Article]]:
    return ((each, each.article) for each in samples if each.article)


def share(hits: list[bool]) -> float:
    return sum(hits) / len(hits)


def test_each_file_is_served_hidden_or_rejected_with_a_reason(samples: list[Sample]) -> None:
    def kind(reason: Reason | None) -> int:
        return 0 if reason is None else 1 if reason.is_deliberate else 2

    tally = Counter((each.name, kind(each.outcome.reason)) for each in samples)

    assert {name: tuple(tally[name, kind] for kind in range(3)) for name in TALLY} == TALLY


def test_no_article_is_served_that_its_own_site_does_not_publish(
    samples: list[Sample], expected: dict[str, str]
) -> None:
    known = [each for each in samples if each.outcome.path in expected]
    leaked = [s.outcome.path for s in known if s.article and not expected[s.outcome.path]]
    hidden = [
        each.outcome.path
        for each in known
        if each.outcome.reason and each.outcome.reason.is_deliberate
        if expected[each.outcome.path]
    ]

    assert len(known) > 700
    assert (leaked, hidden) == ([], [])


WRONG = [
    {field: (key,)}
    for field in ("date", "title", "topics", "address", "slug")
    for key in ("expirydate", "draft", "published", "title", "date")
]


@pytest.mark.parametrize("keys", WRONG, ids=str)
def test_no_hidden_article_is_served_under_a_wrong_declaration(
    site: Site, samples: list[Sample], keys: dict[str, tuple[str, ...]]
) -> None:
    reader = site.sync.reader
    wrong = tuple(replace(each, keys=keys, zone=None) for each in reader.folders)
    hidden = [s.outcome for s in samples if s.outcome.reason and s.outcome.reason.is_deliberate]

    found = [
        replace(reader, folders=wrong).ingest(outcome.path, int(site.sync.clock()))
        for outcome in hidden
    ]

    assert len(found) > 270
    assert [each.path for each in found if each and each.reason is None] == []


def test_links_are_those_that_generators_report(
    samples: list[Sample], expected: dict[str, str]
) -> None:
    hits = [
        article.url == expected[sample.outcome.path]
        for sample, article in served(samples)
        if sample.outcome.path in expected
    ]

    assert len(hits) > 500
    assert share(hits) >= 0.99


def test_the_other_links_have_the_documented_form_of_their_sites(samples: list[Sample]) -> None:
    def link(sample: Sample, article: Article) -> str:
        day = datetime.fromtimestamp(article.published, UTC).strftime("%Y/%m/%d")
        name = Path(sample.outcome.path).stem
        inner = sample.outcome.path.partition("posts/")[2].rpartition(".")[0]
        return {
            "rustblog": f"https://blog.rust-lang.org/{sample.keys.get('path')}/",
            "reactnative": f"https://reactnative.dev/blog/{day}/{name[11:]}",
            "twir": f"https://this-week-in-rust.org/blog/{day}/"
            f"{sample.keys['title'].lower().replace(' ', '-')}/",
            "fuwari": f"https://fuwari.example/posts/{inner.removesuffix('/index')}/",
        }[sample.name]

    names = {"rustblog", "reactnative", "twir", "fuwari"}
    hits = [a.url == link(s, a) for s, a in served(samples) if s.name in names]

    assert len(hits) > 300
    assert share(hits) >= 0.99


def topics(keys: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    for key in ("tags", "topics", "categories", "category"):
        value = keys.get(key) or []
        found.update(value.split(",") if isinstance(value, str) else value)
    return {name.strip().lower() for name in found}


def picture(sample: Sample, article: Article) -> str | None:
    own = [sample.keys.get(key) for key in PICTURES.get(sample.name, ())]
    return next((urljoin(article.url, name) for name in own if name), None)


def description(keys: dict[str, Any]) -> str:
    return clean(keys.get("description") or keys.get("summary") or "")


ZONES = {"jekyll": "America/Los_Angeles", "twir": "America/New_York"}
FORMS = ("%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M", "%Y-%m-%d")


def moment(sample: Sample) -> float | None:
    """Return the date of the front matter, parsed by the standard library."""
    for form in FORMS:
        with suppress(ValueError):
            found = datetime.strptime(str(sample.keys.get("date")), form)
            zone = ZoneInfo(ZONES.get(sample.name, "UTC"))
            return (found if found.tzinfo else found.replace(tzinfo=zone)).timestamp()
    return None


def test_fields_are_those_of_the_front_matter(samples: list[Sample]) -> None:
    pairs = list(served(samples))
    hits = {
        "titles": [a.title == clean(s.keys["title"])[:150] for s, a in pairs],
        "topics": [{name.lower() for name in a.topics} == topics(s.keys) for s, a in pairs],
        "excerpts": [
            a.excerpt[:80] == description(s.keys)[:80] for s, a in pairs if description(s.keys)
        ],
        "images": [(a.images[0].url if a.images else None) == picture(s, a) for s, a in pairs],
        "languages": [a.language == s.keys.get("lang") for s, a in pairs],
        "times": [moment(s) == a.published for s, a in pairs if moment(s)],
    }

    assert {name: len(each) > 100 for name, each in hits.items()} == dict.fromkeys(hits, True)
    assert {name for name, each in hits.items() if share(each) < 0.95} == set()
