"""Pages for people: their size, and the resources that block rendering."""

import re
from pathlib import Path
from typing import Any

from bench.articles import TOPICS
from bench.site import URL, open_app, web_of
from bench.tables import show

PAGES = ("/", f"/topics/{TOPICS[0].lower().replace(' ', '-')}")

_STYLE = re.compile(r'<link[^>]*rel="stylesheet"[^>]*href="([^"]+)"')
_SCRIPT = re.compile(r'<script(?![^>]*\b(?:defer|async|type="module"))[^>]*src="([^"]+)"')


def run(content: Path, instance: Path) -> None:
    """Print the table; the folder is indexed already."""
    app = open_app(content, instance)
    web_of(app).sync.refresh()
    head = ["page", "articles", "kB", "kB as br", "resources that block", "their kB as br"]
    show("Pages, without pictures", head, [_row(app.test_client(), path) for path in PAGES])


def _row(client: Any, path: str) -> tuple[object, ...]:
    html = _get(client, path, "identity").decode()
    blocking = [*_STYLE.findall(html), *_SCRIPT.findall(html)]
    packed = sum(len(_get(client, url.removeprefix(URL), "br")) for url in blocking)
    whole = len(html.encode()) / 1000
    page = len(_get(client, path, "br")) / 1000
    return path, html.count("<article"), whole, page, len(blocking), packed / 1000


def _get(client: Any, path: str, coding: str) -> bytes:
    answer = client.get(path, headers={"Accept-Encoding": coding})
    assert answer.status_code == 200, path
    body: bytes = answer.data
    return body
