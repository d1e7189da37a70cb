"""Tests of membership: the feeds that hold an article."""

import pytest

from feeds.membership import memberships
from feeds.model import Membership
from feeds.settings import Choice, KnownProvider, NamedFeed, SiteConfig, Topic
from tests.builders import article, provider, site


def files(**changes: object) -> SiteConfig:
    return SiteConfig(site=site(), **changes)  # type: ignore[arg-type]


def test_an_article_is_in_all_its_topics_its_provider_and_its_name() -> None:
    found = memberships(article(topics=("AI", "C++")), files())

    assert found == (
        Membership("all", None, "en"),
        Membership("topics/ai", "AI", "en"),
        Membership("topics/c-plus-plus", "C++", "en"),
        Membership("providers/news.example.com", "Example News", "en"),
        Membership("providers/news.example.com/example-news", "Example News", "en"),
    )


def test_topics_with_one_slug_are_one_topic() -> None:
    found = memberships(article(topics=("Power Apps", "power-apps")), files())

    assert [m.path for m in found].count("topics/power-apps") == 1


def test_an_article_is_in_the_parents_of_its_topic_which_keep_their_names() -> None:
    above = {
        "ml": Topic("ml", "Machine Learning", parent="ai"),
        "ai": Topic("ai", "AI", parent="science"),
        "science": Topic("science", "Science"),
    }

    found = memberships(article(topics=("ML",)), files(topics=above))

    assert Membership("topics/ml", "ML", "en") in found
    assert Membership("topics/ai", None, "en") in found
    assert Membership("topics/science", None, "en") in found


def test_aliases_denote_the_feed_itself() -> None:
    aliases = {
        "topics/robotics": "topics/robots",
        "providers/news.example.com": "providers/example.com",
    }

    found = memberships(article(topics=("Robotics",)), files(aliases=aliases))

    assert [m.path for m in found] == [
        "all",
        "topics/robots",
        "providers/example.com",
        "providers/example.com/example-news",
    ]


def test_a_retired_feed_holds_nothing() -> None:
    retired = files(
        topics={
            "ai": Topic("ai", "AI", retired=True),
            "ml": Topic("ml", "ML", parent="ai"),
        },
        providers={"news.example.com": KnownProvider("news.example.com", "x", retired=True)},
    )

    found = memberships(article(topics=("AI", "ML")), retired)

    assert [m.path for m in found] == ["all", "topics/ml"]


def test_a_name_that_looks_like_a_month_gets_an_address_of_its_own() -> None:
    named = provider(name="2026-05")

    found = memberships(article(provider=named), files())

    assert found[-1].path == "providers/news.example.com/name-2026-05"


AI, ROBOTS = frozenset({"topics/ai"}), frozenset({"topics/robots"})
NEWS = frozenset({"providers/news.example.com"})
VIDEO, ARTICLE = frozenset({"video"}), frozenset({"article"})


@pytest.mark.parametrize(
    ("rule", "is_in"),
    [
        ({}, True),
        ({"any": Choice(topics=AI)}, True),
        ({"any": Choice(topics=ROBOTS)}, False),
        ({"any": Choice(topics=ROBOTS, providers=NEWS)}, True),
        ({"any": Choice(types=VIDEO)}, False),
        ({"all": Choice(topics=AI, providers=NEWS, types=ARTICLE)}, True),
        ({"all": Choice(topics=AI | ROBOTS)}, False),
        ({"none": Choice(topics=ROBOTS)}, True),
        ({"none": Choice(topics=ROBOTS | AI)}, False),
        ({"none": Choice(types=ARTICLE)}, False),
        ({"types": ARTICLE | VIDEO}, True),
        ({"types": VIDEO}, False),
        ({"quality": 50}, True),
        ({"quality": 51}, False),
        ({"any": Choice(topics=AI), "none": Choice(providers=NEWS)}, False),
    ],
)
def test_a_named_feed_holds_the_articles_of_its_rules(rule: dict[str, object], is_in: bool) -> None:
    named = NamedFeed("mine", "Mine", **rule)  # type: ignore[arg-type]

    found = memberships(article(topics=("AI",), quality=50), files(feeds={"mine": named}))

    assert (Membership("feeds/mine", None, "en") in found) is is_in
