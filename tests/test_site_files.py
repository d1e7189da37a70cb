"""Tests of site.yml, topics.yml and providers.yml: their keys and values, and their errors."""

from pathlib import Path

import pytest

from feeds.errors import SettingsError
from feeds.settings import Choice, NamedFeed, SiteConfig, Topic
from feeds.sync import read_site_config

URL = "https://feeds.example.org"

SITE = """
title: Example News
url: https://feeds.example.com/
description: What happens.
language: de
tag: {authority: example.com, year: 2020}
image: {url: /pictures/logo.png, width: 144, height: 40, title: Logo}
icon: {url: /pictures/icon.png}
hubs: [https://hub.example.com/]
limits: {items: 30, max_age: 600}
menu: [all, topics/AI Research/, providers/old.example.com/Its Films, feeds/best]
feeds:
  - name: best
    title: The best
    description: Only the best.
    any: {topics: [AI, ml]}
    all: {providers: [Old.example.com]}
    none: {types: [video], languages: [pt-BR]}
    content: excerpt
    types: [article]
    quality: 80
    limit: 20
"""

TOPICS = """
- id: ai
  name: Artificial Intelligence
  description: Machines that learn.
  image: {url: /pictures/ai.png, width: 1, height: 1}
  aliases: [AI Research]
- name: Machine Learning
  id: ml
  parent: ai
  aliases: []
- {name: Gopher, retired: true}
"""

PROVIDERS = """
- domain: new.example.com
  name: New Example
  image: {url: /pictures/new.png}
  aliases: [old.example.com]
"""


def read(folder: Path, url: str = "", **files: str) -> SiteConfig:
    for name, text in files.items():
        (folder / f"{name}.yml").write_text(text)
    return read_site_config(folder, url, URL)


def test_without_files_all_defaults_work(tmp_path: Path) -> None:
    found = read(tmp_path)

    assert (found.site.title, found.site.url, found.site.language) == ("Tributary", URL, "en")
    assert (found.items, found.site.max_age) == (50, 900)
    assert [*found.topics, *found.providers, *found.feeds, *found.aliases] == []


def test_hosts_in_any_script_are_read(tmp_path: Path) -> None:
    text = (
        "url: https://bücher.example\n"
        "tag: {authority: Bücher.example, year: 2020}\n"
        "hubs: ['https://bücher.example/hub']\n"
    )
    site = read(tmp_path, site=text).site

    assert (site.url, site.authority, site.hubs) == (
        "https://xn--bcher-kva.example",
        "xn--bcher-kva.example",
        ("https://xn--bcher-kva.example/hub",),
    )


def test_every_key_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, site=SITE, topics=TOPICS, providers=PROVIDERS)

    site = found.site
    assert (site.title, site.description, site.language) == ("Example News", "What happens.", "de")
    assert (site.authority, site.year, site.max_age) == ("example.com", 2020, 600)
    assert site.image is not None
    assert site.image.url == "https://feeds.example.com/pictures/logo.png"
    assert (site.image.width, site.image.height, site.image.title) == (144, 40, "Logo")
    assert site.icon is not None
    assert (site.icon.width, site.icon.media_type) == (None, "image/png")
    assert site.hubs == ("https://hub.example.com/",)
    assert found.items == 30
    assert found.menu == (
        "all",
        "topics/ai",
        "providers/new.example.com/its-films",
        "feeds/best",
    )
    assert found.feeds["best"] == NamedFeed(
        name="best",
        title="The best",
        description="Only the best.",
        any=Choice(topics=frozenset({"topics/ai", "topics/ml"})),
        all=Choice(providers=frozenset({"providers/new.example.com"})),
        none=Choice(types=frozenset({"video"}), languages=frozenset({"pt-br"})),
        types=frozenset({"article"}),
        quality=80,
        limit=20,
        excerpts_only=True,
    )
    assert found.topics["gopher"] == Topic(slug="gopher", name="Gopher", retired=True)
    assert found.topics["ml"].parent == "ai"
    assert found.providers["new.example.com"].name == "New Example"


def test_names_ids_and_aliases_all_denote_the_topic(tmp_path: Path) -> None:
    found = read(tmp_path, topics=TOPICS, providers=PROVIDERS)

    assert found.aliases == {
        "topics/artificial-intelligence": "topics/ai",
        "topics/ai-research": "topics/ai",
        "topics/machine-learning": "topics/ml",
        "providers/old.example.com": "providers/new.example.com",
    }


def test_a_feed_may_name_its_providers_by_old_domains_and_by_names(
    tmp_path: Path,
) -> None:
    site = "feeds: [{name: best, any: {providers: [old.example.com, old.example.com/Slow Ferry]}}]"

    found = read(tmp_path, site=site, providers=PROVIDERS)

    assert found.feeds["best"].any.providers == {
        "providers/new.example.com",
        "providers/new.example.com/slow-ferry",
    }


def test_the_url_of_the_environment_takes_precedence(tmp_path: Path) -> None:
    found = read(tmp_path, "https://other.example.org", site="url: https://feeds.example.com")

    assert found.site.url == "https://other.example.org"


def test_identifiers_do_not_follow_the_url(tmp_path: Path) -> None:
    one = read(tmp_path, "https://a.example.org").site.uri("x")
    other = read(tmp_path, "https://b.example.org").site.uri("x")

    assert one == other


def test_every_visible_setting_moves_the_fingerprint(tmp_path: Path) -> None:
    prints = [
        read(tmp_path).fingerprint,
        read(tmp_path, "https://other.example.org").fingerprint,
        read(tmp_path, site="title: Another").fingerprint,
        read(tmp_path, topics="- name: AI").fingerprint,
        read(tmp_path, providers="- domain: example.com").fingerprint,
    ]

    assert len(set(prints)) == len(prints)
    assert read(tmp_path).fingerprint == prints[-1]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"site": "titel: x"}, "site.yml:1: titel: unknown key"),
        ({"site": "a\nb"}, "site.yml:1: site.yml: is text"),
        ({"site": "title: [x]"}, "site.yml:1: title: is a list"),
        ({"site": "\nurl: ftp://x"}, "site.yml:2: url: not a web address"),
        ({"site": "url: http://[x"}, "site.yml:1: url: not a web address"),
        ({"site": "title: x\nlanguage: German"}, "site.yml:2: language: not a language: write it"),
        ({"site": "tag: {authority: http://x}"}, "site.yml:1: authority: not a domain: write it"),
        ({"site": "tag: {year: 20}"}, "site.yml:1: year: write a whole number from 1990 to 9999"),
        ({"site": "limits: {items: 501}"}, "site.yml:1: items: write a whole number from 1 to"),
        ({"site": "limits: {items: ten}"}, "site.yml:1: items: write a whole number"),
        ({"site": "limits: {max_age: 59}"}, "max_age: write a whole number from 60 to 18000"),
        ({"site": "limits: 5"}, "site.yml:1: limits: is text"),
        ({"site": "image: {url: 'data:x'}"}, "site.yml:1: url: not a web address"),
        ({"site": "image: {width: 1}"}, "site.yml:1: url: not a web address"),
        ({"site": "hubs: [x y]"}, "site.yml:1: hubs"),
        ({"site": "hubs: x"}, "site.yml:1: hubs: is text"),
        ({"site": "feeds: [{title: x}]"}, "site.yml:1: name: is missing"),
        ({"site": "feeds: [{name: X Y}]"}, "site.yml:1: name: part of an address: write"),
        ({"site": "feeds: [{name: a}, {name: a}]"}, "site.yml:1: name: a second feed a"),
        ({"site": "feeds: [{name: a, any: {tags: []}}]"}, "site.yml:1: tags: unknown key"),
        ({"site": "a: &x 1"}, "site.yml:1: an anchor"),
        ({"site": "menu: [rivers]"}, "site.yml:1: menu: not a feed: write all, topics/NAME"),
        ({"site": "menu: [all.rss]"}, "site.yml:1: menu: not a feed"),
        ({"site": "menu:\n- feeds/x"}, "site.yml:2: menu: no feed x: write the name of one"),
        ({"site": "moved: [/a]"}, "site.yml:1: moved: is a list: write it as a mapping"),
        ({"site": "moved: {feed/atom/: all}"}, "site.yml:1: moved: not an old address"),
        (
            {"site": "moved:\n  /a/: all\n  /feed/: all"},
            "site.yml:3: moved: an address of this site",
        ),
        ({"site": "moved: {/topics/x: all}"}, "moved: an address of this site"),
        ({"site": "moved: {/: all}"}, "moved: an address of this site"),
        ({"site": "moved: {/a/: nowhere}"}, "site.yml:1: moved: not a feed"),
        ({"site": "moved: {/a/: feeds/x}"}, "site.yml:1: moved: no feed x"),
        ({"site": "rights: {license: CC}"}, "site.yml:1: license: not a web address"),
        ({"site": f"rights:\n  text: {'a' * 201}"}, "site.yml:2: text: over 200 characters"),
        ({"site": "rights: {ai: {train: never}}"}, "site.yml:1: train: write yes or no"),
        ({"site": "rights: {ai: {learn: no}}"}, "site.yml:1: learn: unknown key"),
        ({"providers": "- {domain: a.com, rights: {by: x}}"}, "providers.yml:1: by: unknown key"),
        ({"site": "feeds: [{name: a, content: none}]"}, "content: write full or excerpt"),
        ({"site": "feeds: [{name: a, all: {languages: [x]}}]"}, "languages: not a language"),
        ({"providers": "- {domain: a.com, full_text: no}"}, "full_text: write true or false"),
        ({"topics": "- {id: x}"}, "topics.yml:1: name: is missing"),
        ({"topics": "- {name: A}\n- {name: a}"}, "topics.yml:2: id: a second topic a"),
        ({"topics": "- {name: A, parent: B}"}, "topics.yml:1: parent: no topic b"),
        (
            {"topics": "- {name: A, parent: B}\n- {name: B, parent: A}"},
            "parent: a topic cannot be part of itself",
        ),
        (
            {"topics": "- {name: A, aliases: [C]}\n- {name: B, aliases: [c]}"},
            "topics.yml:2: aliases: topics/c is another name of topics/a already",
        ),
        (
            {"topics": "- {name: B}\n- {name: A, aliases: [B]}"},
            "topics.yml:2: aliases: b is a topic of its own",
        ),
        ({"topics": "- {name: A, retired: maybe}"}, "topics.yml:1: retired: write true or false"),
        ({"providers": "- {name: A}"}, "providers.yml:1: domain: is missing"),
        ({"providers": "- {domain: A b}"}, "providers.yml:1: domain: not a host name"),
        (
            {"providers": "- {domain: a.com}\n- {domain: a.com}"},
            "providers.yml:2: domain: a second provider a.com",
        ),
        (
            {"providers": "- {domain: b.com}\n- {domain: a.com, aliases: [b.com]}"},
            "providers.yml:2: aliases: b.com is a provider of its own",
        ),
    ],
)
def test_wrong_or_unknown_keys_are_rejected_with_file_line_and_key(
    tmp_path: Path, files: dict[str, str], message: str
) -> None:
    with pytest.raises(SettingsError) as error:
        read(tmp_path, **files)

    assert message in str(error.value)


def test_a_file_that_is_no_text_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_bytes(b"title: \xff")

    with pytest.raises(SettingsError, match=r"site\.yml: not UTF-8: save it as UTF-8"):
        read(tmp_path)


def test_an_unreadable_file_and_a_binary_file_have_different_errors(tmp_path: Path) -> None:
    (tmp_path / "site.yml").mkdir()

    with pytest.raises(SettingsError, match=r"^site\.yml: not a plain file: replace it by one$"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("files", "where"),
    [
        ({"providers": "- name: H\n  domain: h.example.rss\n"}, "providers.yml:2: domain"),
        (
            {"providers": "- domain: h.example\n  aliases: [h.example.json]\n"},
            "providers.yml:2: aliases",
        ),
        (
            {"site": "feeds:\n  - name: best\n    any:\n      providers: [h.example.opml]\n"},
            "site.yml:3: providers",
        ),
    ],
)
def test_a_host_name_that_ends_like_a_file_is_rejected(
    tmp_path: Path, files: dict[str, str], where: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, **files)

    assert str(caught.value).startswith(f"{where}: ends like a file")
