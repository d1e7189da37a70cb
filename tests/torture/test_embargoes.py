"""Stress test of embargoes that end while clients poll, without any file event."""

import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from app import create_app
from tests.conftest import SITE_URL, Content, Site
from tests.torture.conftest import Figure, scaled

COUNT = scaled(10, 100)
SECONDS = scaled(4, 20)


@pytest.fixture
def live(content: Content, tmp_path: Path) -> Iterator[Site]:
    environ = {
        "FEEDS_CONTENT_DIR": str(content.folder),
        "FEEDS_INSTANCE_DIR": str(tmp_path / "instance"),
        "FEEDS_URL": SITE_URL,
    }
    site = Site(create_app(environ))
    site.sync.start()
    yield site
    site.sync.stop()


def iso(moment: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def test_embargoes_end_on_time_and_move_the_tag_once_each(
    content: Content, live: Site, figure: Figure
) -> None:
    begin = int(time.time()) + 3
    due = {f"embargoed {n}": begin + n * SECONDS // COUNT for n in range(COUNT)}
    for number, (title, moment) in enumerate(due.items()):
        content.write(f"{number}.md", title=title, publishedDateTime=iso(moment))
    content.write("updated.md", title="updated", updatedDateTime=iso(begin))

    early = live.get("/all.json").text
    shown: dict[str, tuple[float, float]] = {}
    tags: list[str] = []
    while time.time() < begin + SECONDS + 3:
        requested = time.time()
        answer = live.get("/all.json")
        answered = time.time()
        tags.append(answer.headers["ETag"])
        for item in answer.json["items"]:
            shown.setdefault(item["title"], (requested, answered))
            # Within one second, the moment itself and that of the response cannot be distinguished.
            assert item["date_modified"] <= iso(int(time.time()))
        time.sleep(0.03)

    seen = {title: shown[title] for title in due if title in shown}
    # None may be early by the time of its response, and none late by that of its request.
    early_by = min(answered - due[title] for title, (_, answered) in seen.items())
    late_by = max(requested - due[title] for title, (requested, _) in seen.items())
    moves = Counter(a != b for a, b in pairwise(tags))[True]
    moments = len(set(due.values()))
    figure(
        f"{COUNT} embargoes: {len(seen)} ended, from {early_by:+.2f} to {late_by:+.2f} s after "
        f"their moment, {moves} moves of the tag for {moments} moments"
    )
    assert "embargoed" not in early
    assert len(seen) == COUNT
    assert early_by >= 0
    assert late_by <= scaled(20, 2)
    # The first article, and the file beside it, may have been indexed after the first poll.
    assert moves <= moments + 2
