"""Stress test: the same bytes on any machine, in any process, and after a loss of the index."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import SHARED, SITE_URL, Content
from tests.torture.conftest import Figure, copy_articles, scaled

ROOT = Path(__file__).parents[2]

#: A program that prints the ETag and the digest of every document of every feed.
_DUMP = """
import hashlib, json
from app import create_app
app = create_app()
app.extensions["tributary"].sync.refresh()
client, found = app.test_client(), {}
for feed in client.get("/feeds.json").json["feeds"]:
    for format in ("rss", "atom", "json"):
        path = feed[format].removeprefix("SITE")
        for coding in ("identity", "br"):
            answer = client.get(path, headers={"Accept-Encoding": coding})
            found[f"{path} {coding}"] = [
                answer.status_code, answer.headers["ETag"], hashlib.sha256(answer.data).hexdigest()]
print(json.dumps(found))
""".replace("SITE", SITE_URL)


def documents(content: Path, instance: Path, **environ: str) -> dict[str, list[object]]:
    given = {
        "FEEDS_CONTENT_DIR": str(content),
        "FEEDS_INSTANCE_DIR": str(instance),
        "FEEDS_URL": SITE_URL,
    }
    done = subprocess.run(
        [sys.executable, "-c", _DUMP],
        env=os.environ | given | environ,
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    found: dict[str, list[object]] = json.loads(done.stdout)
    return found


def articles(content: Content) -> None:
    """Return a folder with real articles if there are any, else with invented ones."""
    real = SHARED / "corpus" / "power-apps" / "_news"
    if real.is_dir():
        copy_articles(real, content.folder)
    for number in range(scaled(40, 400)):
        content.write(
            f"made/{number}.md",
            title=f"Article {number} — é 日本",
            topics=[f"Topic {number % 7}", "AI" if number % 2 else "Ai"],
            publishedDateTime=f"2026-{number % 11 + 1:02}-01T10:00:{number % 60:02}Z",
        )


def test_two_machines_two_workers_and_a_lost_index_give_the_same_bytes(
    content: Content, tmp_path: Path, figure: Figure
) -> None:
    articles(content)
    copy = tmp_path / "copy"
    shutil.copytree(content.folder, copy)

    one = documents(content.folder, tmp_path / "one", PYTHONHASHSEED="1", TZ="Asia/Tokyo")
    worker = documents(content.folder, tmp_path / "one", PYTHONHASHSEED="2", LC_ALL="C")
    other = documents(copy, tmp_path / "two", PYTHONHASHSEED="3", TZ="America/Lima")
    (tmp_path / "one" / "index.sqlite").unlink()
    lost = documents(content.folder, tmp_path / "one")

    figure(f"same content: {len(one)} documents the same on 2 machines, 2 workers, a lost index")
    assert {status for status, *_ in one.values()} == {200}
    assert one == worker == other == lost
