"""The time to read a whole history, archive by archive."""

import json
from collections import Counter
from pathlib import Path
from time import perf_counter

from bench.site import URL, open_app, web_of
from bench.tables import show


def run(folders: dict[int, tuple[Path, Path]]) -> None:
    """Walk the archives of each folder."""
    head = ["articles", "documents", "s", "ms a document", "MB", "every article once"]
    rows = [_row(count, *where) for count, where in folders.items()]
    show("The archives, walked from the feed back", head, rows)


def _row(count: int, content: Path, instance: Path) -> tuple[object, ...]:
    app = open_app(content, instance)
    web_of(app).sync.refresh()
    client = app.test_client()
    current = {item["id"] for item in json.loads(client.get("/all.json").data)["items"]}
    began, documents, size, ids = perf_counter(), 0, 0, Counter[str]()
    address = json.loads(client.get("/all.json").data).get("next_url")
    while address:
        body = client.get(address.removeprefix(URL)).data
        found = json.loads(body)
        documents, size = documents + 1, size + len(body)
        ids.update(item["id"] for item in found["items"])
        address = found.get("next_url")
    took = perf_counter() - began
    is_whole = len(current | set(ids)) == count and set(ids.values()) == {1}
    return f"{count:,}", documents, took, took / documents * 1000, size / 1e6, is_whole
