"""Tests of /healthz and /readyz: the process lives, and its index can be served."""

import re
import sqlite3
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from app import create_app
from feeds.index import writer
from feeds.locks import locked
from feeds.sync import refresh
from tests.conftest import SITE_URL, Content, Site
from tests.live_servers import started
from tests.programs import skip_if_quick
from tests.waiting import wait_for


def test_a_node_with_its_index_is_ready(site: Site) -> None:
    answer = site.get("/readyz")

    assert (answer.status_code, answer.text) == (200, "Ready.\n")
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_node_without_its_index_reports_its_progress(content: Content, tmp_path: Path) -> None:
    site = Site(create_app(environment(content, tmp_path)))

    answer = site.get("/readyz")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.text == "The index is being built: 0 of 0 files are read.\n"
    assert site.get("/healthz").json == {"status": "ok", "index": "unavailable"}


def test_a_node_with_the_index_of_other_settings_serves_but_is_not_ready(
    content: Content, open_site: Callable[..., Site], tmp_path: Path
) -> None:
    content.write("a.md")
    open_site()
    content.raw("site.yml", "title: Another title\n")
    site = Site(create_app(environment(content, tmp_path)))

    assert site.get("/readyz").status_code == 503
    assert site.get("/healthz").json["index"] == "starting"
    assert site.get("/all.rss").status_code == 200


def test_a_server_with_many_articles_responds_at_once_and_reports_its_progress(
    content: Content, tmp_path: Path
) -> None:
    skip_if_quick()
    front_matter = "---\ntitle: T\nwebUrl: https://a.example/{}\ndate: 2026-11-01\n---\n"
    for number in range(12_000):
        (content.folder / f"{number}.md").write_text(front_matter.format(number) + "Word. " * 500)
    responses: list[tuple[int, str]] = []

    with started(content.folder, tmp_path / "instance") as server:
        assert wait_for(lambda: requested(server.address, responses) == 200, 60)

    progress = [re.search("([0-9,]+) of 12,000 files are read", text) for _, text in responses]
    assert any(progress)
    assert {status for status, _ in responses} == {503, 200}


def requested(address: str, responses: list[tuple[int, str]]) -> int:
    """Return the status of /readyz and record the response; 0 before the node listens."""
    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=20) as answer:
            responses.append((answer.status, answer.read().decode()))
    except urllib.error.HTTPError as error:
        with error:
            responses.append((error.code, error.read().decode()))
    except OSError:
        return 0
    return responses[-1][0]


def test_a_draft_made_while_no_server_ran_is_in_no_response_of_the_next(
    content: Content, open_site: Callable[..., Site], tmp_path: Path
) -> None:
    """[6] However long the first comparison takes; here the lock of a refresh delays it."""
    content.write("draft.md", title="Taken back")
    content.write("kept.md", title="Kept")
    open_site()
    content.write("draft.md", title="Taken back", published=False)
    again = Site(create_app(environment(content, tmp_path)))

    with locked(tmp_path / "instance" / "index.lock"):
        again.sync.start(patience=0.3)
        early = [again.get(path) for path in ("/all.rss", "/", "/readyz", "/topics/ai.json")]
        lives = again.get("/healthz").status_code

    assert ({answer.status_code for answer in early}, lives) == ({503}, 200)
    assert all("Taken back" not in answer.text for answer in early)
    assert wait_for(lambda: again.get("/readyz").status_code == 200)
    assert [item["title"] for item in again.get("/all.json").json["items"]] == ["Kept"]
    again.sync.stop()


def test_an_index_of_other_settings_is_served_without_drafts_while_it_is_rebuilt(
    content: Content,
    open_site: Callable[..., Site],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content.write("draft.md", title="Taken back")
    content.write("kept.md", title="Kept")
    content.write("gone.md", title="Gone")
    open_site()
    content.write("draft.md", title="Taken back", published=False)
    content.remove("gone.md")
    content.raw("site.yml", "title: Another title\n")
    again = Site(create_app(environment(content, tmp_path)))
    held, clear = threading.Event(), writer.clear

    def wait_and_clear(connection: sqlite3.Connection, now: int) -> None:
        held.wait(20)
        clear(connection, now)

    monkeypatch.setattr(refresh, "clear", wait_and_clear)

    again.sync.start(patience=1)
    titles = [item["title"] for item in again.get("/all.json").json["items"]]
    status = again.get("/readyz").status_code
    held.set()

    assert (titles, status) == (["Kept"], 503)
    assert wait_for(lambda: again.get("/readyz").status_code == 200)
    again.sync.stop()


def environment(content: Content, folder: Path) -> dict[str, str]:
    return {
        "FEEDS_CONTENT_DIR": str(content.folder),
        "FEEDS_INSTANCE_DIR": str(folder / "instance"),
        "FEEDS_URL": SITE_URL,
    }
