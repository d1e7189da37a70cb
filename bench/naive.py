"""The server that one writes in an hour: gunicorn, Flask, feedgen and SimpleCache; to compare.

Nothing is slowed down on purpose: rendered feeds are cached for a minute, answers have ETags.
"""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from cachelib import SimpleCache
from feedgen.feed import FeedGenerator
from flask import Flask, Response, abort, request

app = Flask(__name__)
cache = SimpleCache(default_timeout=60)
SITE = os.environ.get("FEEDS_URL", "http://127.0.0.1:8000")


def slug(name: str) -> str:
    """The part of an address that stands for a topic."""
    return name.lower().replace(" ", "-")


def load() -> list[dict[str, Any]]:
    """All articles of the folder, newest first."""
    found = cache.get("articles")
    if found is None:
        folder = Path(os.environ["FEEDS_CONTENT_DIR"])
        heads = (path.read_text().split("\n---\n")[0] for path in folder.rglob("*.md"))
        found = [yaml.load(head, Loader=yaml.CSafeLoader) for head in heads]
        found.sort(key=lambda article: str(article["publishedDateTime"]), reverse=True)
        cache.set("articles", found)
    return list(found)


def render(articles: list[dict[str, Any]], title: str) -> bytes:
    """The articles as RSS."""
    feed = FeedGenerator()
    feed.title(title)
    feed.link(href=SITE)
    feed.description(title)
    for article in articles:
        entry = feed.add_entry(order="append")
        entry.title(article["title"])
        entry.link(href=article["webUrl"])
        entry.guid(article["webUrl"])
        entry.description(article["excerpt"])
        moment = article["publishedDateTime"]
        entry.pubDate(moment if isinstance(moment, datetime) else datetime.now(UTC))
    return bytes(feed.rss_str())


@app.get("/topics/<topic>.rss")
def topic_feed(topic: str) -> Response:
    """The newest 50 articles of a topic."""
    body = cache.get(topic)
    if body is None:
        found = [a for a in load() if topic in map(slug, a.get("topics") or ())]
        body = render(found[:50], topic) if found else abort(404)
        cache.set(topic, body)
    response = Response(body, content_type="application/rss+xml")
    response.add_etag()
    return response.make_conditional(request)  # type: ignore[return-value]
