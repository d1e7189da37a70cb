"""Tests of the versions: a change of output moves its version; any other change moves no ETag."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from feeds.sync.ingest import READING_VERSION
from tests import versions
from tests.programs import skip_if_quick
from tests.versions import Kept

ROOT = Path(__file__).parents[1]

#: A program to run in a copy of the code, with a content folder and an instance folder.
LOOK = """
import json, sys
from urllib.parse import quote
from app import create_app
from feeds.web import paths

content, instance = sys.argv[1:]
app = create_app(
    {
        "FEEDS_CONTENT_DIR": content,
        "FEEDS_INSTANCE_DIR": instance,
        "FEEDS_URL": "https://feeds.example.org",
    },
    lambda: 1_795_176_000,
)
report = app.extensions["tributary"].sync.refresh()
announcer = app.extensions["tributary.tools"].announcer
announcer.detect_changes()
client = app.test_client()
pages = [*map(quote, paths(app.extensions["tributary"].catalog)), "/embed/all?count=3"]
found = {
    "code": sys.modules["feeds"].__file__,
    "read": report.read,
    "pending": sum(state.pending for state in announcer.states()),
    "etags": {path: client.get(path).headers["ETag"] for path in pages},
    "modified": {path: client.get(path).headers["Last-Modified"] for path in pages},
}
print(json.dumps(found))
"""

#: A comment in each kind of source; style sheets and scripts are themselves output.
COMMENTS = {".py": "# A comment.\n", ".sql": "-- A comment.\n", ".html": "{# A comment. #}\n"}


@pytest.mark.parametrize("name", versions.VERSIONS)
def test_a_version_moves_when_its_output_does_and_only_then(name: str) -> None:
    before, now = versions.kept()[name], versions.current(name)

    assert versions.fault(name, before, now) == ""
    assert before == now, "the version and the output moved: run 'make golden'"


@pytest.mark.parametrize(
    ("version", "digest", "todo"),
    [
        (1, "a", ""),
        (2, "b", ""),
        (1, "b", "raise the version in feeds/formats/__init__.py, then run 'make golden'"),
        (2, "a", "put the version in feeds/formats/__init__.py back to 1"),
    ],
)
def test_a_version_that_moves_alone_is_reported_with_its_remedy(
    version: int, digest: str, todo: str
) -> None:
    found = versions.fault("renderer", Kept(1, "a"), Kept(version, digest))

    assert found.endswith(todo)
    assert bool(found) == bool(todo)


def test_golden_output_is_written_only_together_with_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skip_if_quick()
    file = tmp_path / "versions.yaml"
    before = "\n".join(
        [
            "renderer: {version: 0, digest: another}",
            f"reading: {{version: {READING_VERSION}, digest: another}}",
            f"pages: {{version: 0, digest: {versions.current('pages').digest}}}",
        ]
    )
    file.write_text(before)
    monkeypatch.setattr(versions, "FILE", file)

    faults = versions.write()

    assert [fault.partition(":")[0] for fault in faults] == ["reading", "pages"]
    assert versions.kept() == {
        "renderer": versions.current("renderer"),
        "reading": Kept(READING_VERSION, "another"),
        "pages": Kept(0, versions.current("pages").digest),
    }


def test_a_comment_moves_no_etag_reads_no_file_and_announces_nothing(tmp_path: Path) -> None:
    skip_if_quick()
    content = tmp_path / "content"
    shutil.copytree(ROOT / "content", content)
    with (content / "site.yml").open("a") as site:
        site.write("\nhubs: [https://hub.example.org/]\n")
    code = {name: tmp_path / name for name in ("plain", "commented")}
    for copy in code.values():
        shutil.copytree(ROOT / "feeds", copy / "feeds")
        shutil.copyfile(ROOT / "app.py", copy / "app.py")
    commented = comment(code["commented"])

    first = look(code["plain"], content, tmp_path / "instance")
    second = look(code["commented"], content, tmp_path / "instance")

    assert commented > 100
    assert first["read"] > 20
    assert second["code"].startswith(str(code["commented"]))
    assert (second["read"], second["pending"]) == (0, 0)
    assert len(first["etags"]) > 500
    assert second["etags"] == first["etags"]
    assert second["modified"] == first["modified"]


def comment(folder: Path) -> int:
    """Add a comment to every source; return the number of sources."""
    sources = [path for path in folder.rglob("*") if path.suffix in COMMENTS]
    for path in sources:
        path.write_text(f"{path.read_text()}{COMMENTS[path.suffix]}")
    return len(sources)


def look(code: Path, content: Path, instance: Path) -> dict[str, Any]:
    command = [sys.executable, "-c", LOOK, str(content), str(instance)]
    done = subprocess.run(command, cwd=code, check=True, capture_output=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found
