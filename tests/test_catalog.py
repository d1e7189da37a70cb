"""Tests of the catalog: the feeds, their names, and the content of their documents."""

import re
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from feeds.catalog import Catalog
from feeds.errors import MovedFeed, OutOfDate, RetiredFeed, UnknownFeed
from feeds.feed_info import FeedInfo
from feeds.model import FeedId, Format
from feeds.selection import Selection
from feeds.urls import ALL
from tests.conftest import NOW, Clock, Content, Site

OpenSite = Callable[..., Site]

DAY = 86_400


def feed_info(site: Site, path: str) -> FeedInfo:
    return site.web.catalog.feed_info(FeedId(path))


def ids(
    site: Site, path: str = "all", month: str | None = None, part: int | None = None
) -> list[str]:
    selection = site.web.catalog.select(FeedId(path, month, part))
    return [row.id for row in selection.rows]


def with_budget(site: Site, budget: int) -> Catalog:
    """Return the catalog with a limit in bytes for the articles of a document."""
    return Catalog(site.sync, site.web.catalog.files, budget)


def test_a_topic_has_the_spelling_of_most_articles(content: Content, site: Site) -> None:
    content.write("a.md", topics=["power-apps"])
    content.write("b.md", topics=["Power Apps"])
    content.write("c.md", topics=["Power Apps"])
    site.sync.refresh()

    assert feed_info(site, "topics/power-apps").name == "Power Apps"

    content.remove("b.md")
    content.write("c.md", topics=["power-apps"])
    site.sync.refresh()

    assert feed_info(site, "topics/power-apps").name == "power-apps"


def test_a_name_in_the_site_files_takes_precedence(content: Content, open_site: OpenSite) -> None:
    content.raw("topics.yml", "- {id: ai, name: Artificial Intelligence, description: Minds.}")
    content.raw("providers.yml", "- {domain: news.example.com, name: The News}")
    content.raw("site.yml", "title: My Site\nfeeds: [{name: best, title: The Best}]")
    content.write("a.md")
    site = open_site()

    assert feed_info(site, "topics/ai").title == "Artificial Intelligence — My Site"
    assert feed_info(site, "topics/ai").description == "Minds."
    assert feed_info(site, "providers/news.example.com").name == "The News"
    assert feed_info(site, "feeds/best").description == "The Best, from My Site"
    assert feed_info(site, "all").title == "My Site"


def test_names_under_a_domain_are_listed_when_there_are_several(
    content: Content, site: Site
) -> None:
    content.write("a.md", provider={"name": "One", "domain": "tube.example"})
    content.write("b.md", provider={"name": "Two", "domain": "tube.example"})
    content.write("c.md", provider={"name": "Only", "domain": "one.example"})
    site.sync.refresh()

    found = {entry.id.path: entry for entry in site.web.catalog.feed_infos()}

    assert {path for path in found if path.startswith("providers/")} == {
        "providers/tube.example",
        "providers/tube.example/one",
        "providers/tube.example/two",
        "providers/one.example",
    }
    assert found["providers/tube.example/one"].kind == "names"
    assert found["providers/tube.example/one"].parent == FeedId("providers/tube.example")


def test_a_domain_has_the_one_name_that_publishes_there_and_none_of_several(
    content: Content, site: Site
) -> None:
    """With a second name, the archives, which contain the name, have a later time, too."""
    provider = {"name": "One", "domain": "tube.example"}
    for month in ("08", "09"):
        content.write(f"{month}.md", provider=provider, publishedDateTime=f"2026-{month}-01")
    site.sync.refresh()
    alone = site.get("/providers/tube.example/2026-08.json")

    content.write("b.md", provider=provider | {"name": "Two"}, publishedDateTime="2026-11-01")
    site.sync.refresh()
    beside = site.get("/providers/tube.example/2026-08.json")

    assert alone.json["title"].startswith("One — ")
    assert beside.json["title"].startswith("tube.example — ")
    assert beside.headers["ETag"] != alone.headers["ETag"]
    assert beside.last_modified > alone.last_modified
    assert feed_info(site, "providers/tube.example/one").name == "One"


def test_lists_hold_every_feed_but_retired_ones_and_aliases(
    content: Content, open_site: OpenSite
) -> None:
    content.raw(
        "topics.yml",
        "- {name: AI, aliases: [Old]}\n- {name: Gone, retired: true}\n"
        "- {name: Empty}\n- {name: ML, parent: AI}",
    )
    content.raw("providers.yml", "- {domain: gone.example, retired: true}\n- {domain: e.example}")
    content.raw("site.yml", "feeds: [{name: best}]")
    content.write("a.md", topics=["Old", "Gone", "Other"])
    content.write("b.md", topics=[], provider={"domain": "gone.example"})
    site = open_site()

    found = {entry.id.path: entry.count for entry in site.web.catalog.feed_infos()}

    assert found == {
        "all": 2,
        "feeds/best": 2,
        "providers/e.example": 0,
        "providers/news.example.com": 1,
        "topics/ai": 1,
        "topics/empty": 0,
        "topics/ml": 0,
        "topics/other": 1,
    }


@pytest.mark.parametrize(
    "path",
    ["topics/no", "providers/no", "feeds/no", "topics/../all", "providers/a/b", "x", "all/x"],
)
def test_unknown_feeds_are_unknown(site: Site, path: str) -> None:
    with pytest.raises(UnknownFeed):
        site.web.catalog.select(FeedId(path))


def test_retired_feeds_and_their_archives_are_retired(
    content: Content, open_site: OpenSite
) -> None:
    content.raw("topics.yml", "- {name: Gone, retired: true}")
    content.raw("providers.yml", "- {domain: gone.example, retired: true}")
    catalog = open_site().web.catalog

    for id in (FeedId("topics/gone"), FeedId("topics/gone", "2026-01")):
        with pytest.raises(RetiredFeed):
            catalog.select(id)
    for path in ("providers/gone.example", "providers/gone.example/name"):
        with pytest.raises(RetiredFeed):
            catalog.select(FeedId(path))


def test_aliases_redirect_to_the_feed_and_to_its_archives(
    content: Content, open_site: OpenSite
) -> None:
    content.raw("topics.yml", "- {id: ai, name: Artificial Intelligence}")
    content.raw("providers.yml", "- {domain: new.example, aliases: [old.example]}")
    catalog = open_site().web.catalog

    with pytest.raises(MovedFeed) as topic:
        catalog.select(FeedId("topics/artificial-intelligence", "2026-01"))
    with pytest.raises(MovedFeed) as name:
        catalog.select(FeedId("providers/old.example/a-name"))

    assert topic.value.feed == FeedId("topics/ai", "2026-01")
    assert name.value.feed == FeedId("providers/new.example/a-name")


def test_a_feed_without_its_last_article_stays_known_and_empty(
    content: Content, site: Site
) -> None:
    content.write("a.md", topics=["Rare"])
    site.sync.refresh()
    content.remove("a.md")
    site.sync.refresh()

    assert ids(site, "topics/rare") == ids(site, "topics/rare", "2026-11") == []


def test_a_named_feed_that_is_no_longer_defined_is_unknown(
    content: Content, open_site: OpenSite
) -> None:
    content.raw("site.yml", "feeds: [{name: best}]")
    content.write("a.md")
    open_site()
    content.raw("site.yml", "feeds: []")

    with pytest.raises(UnknownFeed):
        open_site().web.catalog.select(FeedId("feeds/best"))


def write_days(content: Content, count: int) -> None:
    """Write an article for each day, from 1 September 2026 on."""
    for number in range(count):
        month, day = divmod(number, 30)
        content.write(
            f"{number:03}.md", publishedDateTime=f"2026-{9 + month:02}-{day + 1:02}T12:00:00Z"
        )


def test_a_feed_holds_the_newest_articles_up_to_its_limit(
    content: Content, open_site: OpenSite
) -> None:
    content.raw("site.yml", "limits: {items: 40}\nfeeds: [{name: few, limit: 5}]")
    write_days(content, 60)
    site = open_site()

    assert ids(site) == [f"{number:03}" for number in range(59, 19, -1)]
    assert ids(site, "feeds/few") == [f"{number:03}" for number in range(59, 54, -1)]


def test_the_limit_of_a_named_feed_applies_to_that_feed_alone(
    content: Content, open_site: OpenSite
) -> None:
    content.raw("site.yml", "feeds: [{name: all, limit: 1}]")
    write_days(content, 3)
    site = open_site()

    assert ids(site) == ["002", "001", "000"]
    assert ids(site, "feeds/all") == ["002"]


def test_articles_of_one_moment_are_sorted_by_id(content: Content, site: Site) -> None:
    for name in ("b", "c", "a"):
        content.write(f"{name}.md")
    site.sync.refresh()

    assert ids(site) == ["a", "b", "c"]


def test_an_article_stays_for_two_days_however_many_follow(
    content: Content, open_site: OpenSite
) -> None:
    content.raw("site.yml", "limits: {items: 2}\nfeeds: [{name: few, limit: 2}]")
    for number in range(6):
        content.write(f"{number}.md", publishedDateTime=f"2026-11-1{number}T12:00:00Z")
    site = open_site()

    assert ids(site) == ["5", "4", "3"]
    assert ids(site, "feeds/few") == ["5", "4"]


def test_a_document_that_would_be_too_large_leaves_the_oldest_out(
    content: Content, site: Site
) -> None:
    write_days(content, 10)
    site.sync.refresh()
    weight = site.web.catalog.select(ALL).rows[0].weight

    selection = with_budget(site, 3 * weight + 10).select(ALL)

    assert [row.id for row in selection.rows] == ["009", "008", "007"]
    assert selection.previous == FeedId("all", "2026-09")


def walk(catalog: Catalog) -> list[str]:
    """Return the ids in the archives of the main feed, from the newest to the oldest."""
    found: list[str] = []
    id = catalog.select(ALL).previous
    while id:
        selection = catalog.select(id)
        found += [row.id for row in selection.rows]
        id = selection.previous
    return found


def test_archives_hold_every_article_once_in_order(content: Content, site: Site) -> None:
    write_days(content, 75)
    site.sync.refresh()

    assert ids(site) == [f"{number:03}" for number in range(74, 24, -1)]
    assert walk(site.web.catalog) == [f"{number:03}" for number in range(29, -1, -1)]


def test_a_month_too_large_for_a_document_has_parts_that_link_to_each_other(
    content: Content, site: Site
) -> None:
    write_days(content, 40)
    site.sync.refresh()
    weight = max(row.weight for row in site.web.catalog.select(ALL).rows)
    catalog = with_budget(site, 8 * weight)

    assert walk(catalog)[-30:] == [f"{number:03}" for number in range(29, -1, -1)]
    last = catalog.select(FeedId("all", "2026-09"))
    assert (last.previous, last.next) == (FeedId("all", "2026-09", 3), FeedId("all", "2026-10", 1))
    full = [catalog.select(FeedId("all", "2026-09", number)) for number in (1, 2, 3)]
    assert [len(part.rows) for part in full] == [8, 8, 8]
    assert [part.next and part.next.part for part in full] == [2, 3, None]
    assert catalog.select(FeedId("all", "2026-10", 1)).previous == FeedId("all", "2026-09")
    for none in (4, 9999):
        with pytest.raises(UnknownFeed):
            catalog.select(FeedId("all", "2026-09", none))


def test_a_new_article_changes_only_the_newest_document_of_its_month(
    content: Content, site: Site
) -> None:
    """An article that adds a document to a month does not change the neighbours, either."""
    write_days(content, 75)
    site.sync.refresh()
    weight = max(row.weight for row in site.web.catalog.select(ALL).rows)
    catalog = with_budget(site, 8 * weight + 200)
    before = archives(catalog)

    for number in range(9):
        content.write(f"new-{number}.md", publishedDateTime=f"2026-10-29T1{number}:30:00Z")
    site.sync.refresh()

    after = archives(catalog)
    october = FeedId("all", "2026-10")
    changed = {id for id in after if after[id] != before.get(id)}
    # The document that was full already now links to the next one.
    assert changed == {october, replace(october, part=4), replace(october, part=3)}
    assert after[FeedId("all", "2026-09")] == before[FeedId("all", "2026-09")]
    assert [row.id for row in after[replace(october, part=3)].rows] == [
        row.id for row in before[replace(october, part=3)].rows
    ]


def test_the_month_before_links_to_a_first_full_document_with_a_later_time(
    content: Content, site: Site
) -> None:
    """[56] It links to the oldest document of the month as the next one."""
    write_days(content, 34)
    site.sync.refresh()
    weight = max(row.weight for row in site.web.catalog.select(ALL).rows)
    catalog, september = with_budget(site, 8 * weight), FeedId("all", "2026-09")
    before = catalog.select(september)

    for number in range(5):
        content.write(f"new-{number}.md", publishedDateTime=f"2026-10-0{number + 1}T13:00:00Z")
    site.sync.refresh()

    after = catalog.select(september)
    assert (before.next, after.next) == (FeedId("all", "2026-10"), FeedId("all", "2026-10", 1))
    assert after.modified > before.modified


def archives(catalog: Catalog) -> dict[FeedId, Selection]:
    """Return all archives of the main feed, without the times that a month shares."""
    found = {}
    id = catalog.select(ALL).previous
    while id:
        found[id] = replace(catalog.select(id), modified=0)
        id = found[id].previous
    return found


def test_a_month_without_articles_is_unknown(content: Content, site: Site) -> None:
    content.write("a.md")
    site.sync.refresh()

    with pytest.raises(UnknownFeed):
        site.web.catalog.select(FeedId("all", "2026-10"))


def test_months_are_listed_newest_first_with_their_counts(content: Content, site: Site) -> None:
    write_days(content, 40)
    site.sync.refresh()

    months = site.web.catalog.months(ALL)

    assert [(month.name, month.count) for month in months] == [("2026-10", 10), ("2026-09", 30)]


def test_a_new_or_emptied_month_moves_the_times_of_its_neighbours(
    content: Content, site: Site
) -> None:
    content.write("a.md", publishedDateTime="2026-08-01")
    content.write("c.md", publishedDateTime="2026-10-01")
    site.sync.refresh()
    before = {month.name: month.modified for month in site.web.catalog.months(ALL)}

    content.write("b.md", publishedDateTime="2026-09-01")
    site.sync.refresh()

    after = {month.name: month.modified for month in site.web.catalog.months(ALL)}
    assert after["2026-08"] > before["2026-08"]
    assert after["2026-10"] > before["2026-10"]


def test_a_feed_that_changes_its_name_moves_the_times_of_its_archives(
    content: Content, site: Site
) -> None:
    content.write("a.md", topics=["b c"], publishedDateTime="2026-08-01")
    content.write("c.md", topics=["B-C"], publishedDateTime="2026-10-01")
    site.sync.refresh()
    catalog, august = site.web.catalog, FeedId("topics/b-c", "2026-08")
    before = catalog.select(august)

    content.write("d.md", topics=["b c"], publishedDateTime="2026-10-02")
    site.sync.refresh()

    after = catalog.select(august)
    assert (before.title, after.title) == ("B-C — Tributary, 2026-08", "b c — Tributary, 2026-08")
    assert after.modified > before.modified


def test_withdrawals_are_listed_for_seven_days(content: Content, site: Site, clock: Clock) -> None:
    content.write("a.md")
    site.sync.refresh()
    content.remove("a.md")
    site.sync.refresh()
    assert "at:deleted-entry" in site.get("/all.atom").text

    clock.now += 7 * DAY
    report = site.sync.refresh([])

    assert "at:deleted-entry" not in site.get("/all.atom").text
    assert report.due is None


@pytest.mark.parametrize("format", ["rss", "atom", "json"])
def test_an_expired_withdrawal_changes_nothing_else(
    content: Content, site: Site, clock: Clock, format: str
) -> None:
    """The time of the last change is not earlier, either."""
    content.write("a.md")
    content.write("b.md")
    site.sync.refresh()
    clock.now += DAY
    content.remove("a.md")
    site.sync.refresh()
    before, changed = site.get(f"/all.{format}"), site.web.catalog.select(ALL).updated

    clock.now += 8 * DAY
    site.sync.refresh([])

    after = site.get(f"/all.{format}")
    assert changed == site.web.catalog.select(ALL).updated == NOW + DAY
    tombstones = re.compile(rb"<at:deleted-entry[^>]*>| xmlns:at=\S*\"")
    assert after.data == tombstones.sub(b"", before.data)
    assert (after.headers["ETag"] == before.headers["ETag"]) is (format != "atom")


def test_an_article_that_is_restored_is_no_longer_withdrawn(content: Content, site: Site) -> None:
    content.write("a.md")
    site.sync.refresh()
    content.remove("a.md")
    site.sync.refresh()

    content.write("a.md")
    site.sync.refresh()

    assert "at:deleted-entry" not in site.get("/all.atom").text


def test_an_article_that_changed_since_it_was_selected_is_not_rendered_under_its_old_name(
    content: Content, site: Site
) -> None:
    content.write("a.md", title="Before")
    site.sync.refresh()
    selection = site.web.catalog.select(ALL)
    content.write("a.md", title="After")
    site.sync.refresh()

    with pytest.raises(OutOfDate):
        site.web.catalog.feed(selection)


def test_the_time_of_a_change_does_not_affect_the_key(content: Content, site: Site) -> None:
    content.write("a.md")
    site.sync.refresh()
    selection = site.web.catalog.select(ALL)

    assert replace(selection, modified=1).fingerprint == selection.fingerprint
    assert replace(selection, title="x").fingerprint != selection.fingerprint


def test_the_articles_of_a_feed_name_the_feeds_of_their_providers(
    content: Content, open_site: OpenSite
) -> None:
    content.raw("providers.yml", "- {domain: new.example, aliases: [news.example.com]}")
    content.write("a.md")
    catalog = open_site().web.catalog

    feed = catalog.feed(catalog.select(ALL))

    source = feed.sources["news.example.com"]
    assert source.addresses.of(Format.RSS) == "https://feeds.example.org/providers/new.example.rss"
    assert source.uri.endswith(":feed:providers/new.example")


def test_the_image_of_a_topic_is_that_of_its_feed(content: Content, open_site: OpenSite) -> None:
    content.raw("topics.yml", "- {name: AI, image: {url: /pictures/ai.png}}")
    content.raw("site.yml", "image: {url: /pictures/site.png}")
    catalog = open_site().web.catalog

    shown = [catalog.feed(catalog.select(FeedId(path))).site.image for path in ("topics/ai", "all")]

    assert [image and image.url.rpartition("/")[2] for image in shown] == ["ai.png", "site.png"]


@pytest.mark.parametrize(
    "path", ["topics/{}.rss", "topics/{}", "topics/{}.opml", "embed/topics/{}"]
)
def test_an_address_in_another_normal_form_redirects_to_the_usual_one(
    content: Content, site: Site, path: str
) -> None:
    content.write("a.md", topics=["Caf\u00e9"])
    site.sync.refresh()

    composed = "/" + path.format("caf%C3%A9")
    decomposed = site.get("/" + path.format("cafe%CC%81"))

    assert decomposed.status_code == 301
    assert urlsplit(decomposed.headers["Location"]).path == composed
    assert site.get(composed).status_code == 200
