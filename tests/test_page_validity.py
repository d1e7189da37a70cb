"""Tests that every kind of page is valid HTML."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from feeds.subscribers.counting import DayCount
from tests.conftest import Content, Site
from tests.programs import need
from tests.web_helpers import SITE, write_site

PAGES = [
    "/",
    "/?q=rope",
    "/?q=nothing",
    "/topics/river",
    "/topics/ferries/2026-11",
    "/providers/tube.example",
    "/providers/tube.example/eel-pie",
    "/feeds/best",
    "/all/2026-10",
    "/embed",
    "/embed?feed=topics/c-plus-plus&count=3",
    "/embed/topics/ferries",
    "/embed/all?theme=dark&pictures=no",
    "/topics/none",
    "/topics/steam",
    "/operators/subscribers",
]

TOKEN = "of-those-who-look"


@pytest.mark.parametrize("language", ["en", "ar", "fr"])
def test_every_page_is_valid_html(
    content: Content, open_site: Callable[..., Site], tmp_path: Path, language: str
) -> None:
    checker = need("html-validate")
    write_site(content)
    content.raw("site.yml", f"{SITE}language: {language}\n")
    site = open_site(FEEDS_OPERATOR_TOKEN=TOKEN)
    day = int(site.sync.clock()) // 86_400
    site.web.subscribers.merge(
        DayCount(feed, day, 3, 4) for feed in ("all", "topics/river", "topics/日本語")
    )
    files = [tmp_path / f"{number}.html" for number in range(len(PAGES))]
    for file, path in zip(files, PAGES, strict=True):
        file.write_bytes(site.get(path, Authorization=f"Bearer {TOKEN}").get_data())

    done = subprocess.run([checker, *files], capture_output=True, text=True, cwd=tmp_path)

    if done.returncode:
        pytest.fail(done.stdout + done.stderr)
