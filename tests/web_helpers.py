"""Helpers for tests of pages: a site with everything that a page can show, and a parser."""

from typing import Any

from lxml import html

from tests.conftest import SITE_URL, Content, Site

TOPICS = """
- name: River
  description: What flows.
- name: Ferries
  parent: river
  aliases: [Crossings]
- name: Ropes
  parent: ferries
- name: Steam
  retired: true
"""

SITE = f"""
title: The River Paper
url: {SITE_URL}
description: News from one river.
menu:
  [all, topics/river, topics/Crossings, topics/steam, topics/none, feeds/best,
  providers/tube.example]
feeds:
  - name: best
    title: Best of it
    quality: 80
"""


def write_site(content: Content) -> None:
    """Write two months of a river: topics in a tree, two names under one domain, a named feed."""
    content.raw("site.yml", SITE)
    content.raw("topics.yml", TOPICS)
    content.write(
        "old.md",
        title="The old bridge & its lamps",
        publishedDateTime="2026-10-05T08:00:00Z",
        topics=["River"],
    )
    content.write(
        "new.md",
        title='A "ferry" & 2 < 3 boats',
        excerpt="It waits for those who run.",
        publishedDateTime="2026-11-20T06:30:00Z",
        topics=["Ferries", "C++"],
        quality=90,
        images=[{"url": "https://img.example.org/f.jpg", "width": 1200, "height": 675}],
        related=[{"title": "Why it waits", "webUrl": "https://other.example.com/why"}],
    )
    for name in ("Slow Ferry", "Eel Pie"):
        content.write(
            f"{name}.md",
            type="video",
            topics=["Ropes"],
            provider={"name": name, "domain": "tube.example"},
        )


def tree(site: Site, path: str, status: int = 200) -> Any:
    """Return a page as a tree of elements."""
    answer = site.get(path)
    assert answer.status_code == status, path
    assert answer.content_type == "text/html; charset=utf-8"
    return html.fromstring(answer.get_data())


def titles(site: Site, feed: str = "all") -> list[str]:
    """Return the titles of the articles in a feed, sorted."""
    return sorted(item["title"] for item in site.get(f"/{feed}.json").json["items"])


def texts(page: Any, selector: str) -> list[str]:
    """Return the text of each element that a selector matches, white space folded."""
    return [" ".join(found.text_content().split()) for found in page.cssselect(selector)]


def hrefs(page: Any, selector: str) -> list[str]:
    """Return the address of each link that a selector matches."""
    return [found.get("href") for found in page.cssselect(selector)]
