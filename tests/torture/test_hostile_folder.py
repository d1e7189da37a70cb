"""Stress test of a folder of over a thousand hostile files, beside good ones."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from lxml import etree, html

from app import create_app
from feeds.errors import Reason
from tests.conftest import SITE_URL, Site
from tests.torture.conftest import Figure, scaled
from tests.torture.hostile import LIVE, SECRET, Expected, spoil

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Hostile:
    """A hostile folder, and the expected outcome of each of its files."""

    folder: Path
    files: list[Expected]

    def environ(self, instance: Path) -> dict[str, str]:
        return {
            "FEEDS_CONTENT_DIR": str(self.folder),
            "FEEDS_INSTANCE_DIR": str(instance),
            "FEEDS_URL": SITE_URL,
        }


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    folder = tmp_path_factory.mktemp("hostile")
    yield Hostile(folder, spoil(folder, scaled(2, 14)))
    # It is too deep for Python, and so for the removal of temporary folders.
    subprocess.run(["rm", "-rf", folder], check=True)


def addresses(site: Site) -> list[str]:
    feeds = site.get("/feeds.json").json["feeds"]
    found = [feed[format] for feed in feeds for format in ("rss", "atom", "json")]
    return [address.removeprefix(SITE_URL) for address in found]


def test_every_bad_file_is_named_and_every_good_one_served(
    tmp_path: Path,
    hostile: Hostile,
    caplog: pytest.LogCaptureFixture,
    figure: Figure,
) -> None:
    site = Site(create_app(hostile.environ(tmp_path)))
    wanted = {each.path: each.reason for each in hostile.files}

    report = site.sync.refresh()
    checked = {outcome.path: outcome.reason for outcome in site.sync.inspect()}
    tally = site.get("/healthz").json

    different = {p: (checked.get(p), r) for p, r in wanted.items() if checked.get(p, "") != r}
    assert different == {}
    assert report.read == len(wanted)
    bad = Counter(reason for reason in wanted.values() if reason)
    assert tally["not served"] == dict(bad)
    assert tally["articles"] == sum(reason is None for reason in wanted.values())
    named = [r for r, n in wanted.items() if n and not n.is_deliberate]
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert len(logged.splitlines()) == len(named)
    figure(f"hostile folder: {sum(bad.values())} bad files named, {tally['articles']} good served")


def test_no_response_has_a_secret_or_active_markup(
    tmp_path: Path, hostile: Hostile, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site(create_app(hostile.environ(tmp_path)))
    site.sync.refresh()
    checked = site.runner.invoke(args=["check"]).output

    answers = {address: site.get(address) for address in addresses(site)}

    assert {answer.status_code for answer in answers.values()} == {200}
    everything = b"".join(answer.data for answer in answers.values())
    kept = b"".join(f.read_bytes() for f in tmp_path.rglob("*") if f.is_file())
    assert SECRET.encode() not in everything + kept + caplog.text.encode() + checked.encode()
    for address, answer in answers.items():
        assert live(contents(address, answer.data)) == [], address


def contents(address: str, document: bytes) -> str:
    """Return the HTML in a document, as a reader would display it."""
    if address.endswith(".json"):
        return " ".join(item["content_html"] for item in json.loads(document)["items"])
    root = etree.fromstring(document)
    tags = (
        "{http://purl.org/rss/1.0/modules/content/}encoded",
        "{http://www.w3.org/2005/Atom}content",
    )
    return " ".join(element.text or "" for element in root.iter(*tags))


def live(shown: str) -> list[str]:
    """Return the parts of HTML that a browser would run or load a page from."""
    elements = list(html.fromstring(f"<div>{shown}</div>").iter(etree.Element))
    named = [str(element.tag) for element in elements if element.tag in LIVE]
    attributes = [pair for element in elements for pair in element.attrib.items()]
    handlers = [str(key) for key, _ in attributes if str(key).startswith("on") or key == "style"]
    schemes = [str(v) for k, v in attributes if k in ("href", "src") and v[:4].lower() != "http"]
    return named + handlers + schemes


def test_active_markup_is_distinguished_from_text() -> None:
    assert live("<p>&lt;script&gt; javascript: onload=</p>") == []
    assert live("<a href='JavaScript:x' onclick='y'>z</a><svg></svg>") == [
        "svg", "onclick", "JavaScript:x",
    ]  # fmt: skip


def test_the_scan_takes_little_time_and_memory(
    tmp_path: Path, hostile: Hostile, figure: Figure
) -> None:
    started = time.monotonic()

    done = subprocess.run(
        [sys.executable, "-c", _REFRESH, "refresh"],
        cwd=ROOT,
        env=os.environ | hostile.environ(tmp_path) | {"FLASK_APP": "app"},
        capture_output=True,
        text=True,
        timeout=60,
    )

    seconds = time.monotonic() - started
    assert done.returncode == 0, done.stderr[-2000:]
    megabytes = int(done.stdout.split("VmHWM:")[1].split()[0]) // 1024
    figure(f"hostile folder: scan of {len(hostile.files)} files {seconds:.1f} s, {megabytes} MB")
    assert seconds < scaled(60, 10)
    assert megabytes < 300


# The figure of the kernel for this program alone: that of the parent includes the parent.
_REFRESH = """
import atexit
from pathlib import Path
from flask.cli import main
atexit.register(lambda: print(Path("/proc/self/status").read_text()))
main()
"""


def test_a_second_scan_reads_nothing_and_names_nothing_again(
    tmp_path: Path, hostile: Hostile, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site(create_app(hostile.environ(tmp_path)))
    site.sync.refresh()
    caplog.clear()

    report = site.sync.refresh()

    assert (report.read, report.gone, caplog.text) == (0, 0, "")


def test_the_folder_holds_a_file_for_every_reason(hostile: Hostile) -> None:
    found = {each.reason for each in hostile.files if each.reason}

    # Two files with one id, files that are no articles, and internal errors have other tests.
    assert found == set(Reason) - {Reason.COLLISION, Reason.NOT_AN_ARTICLE, Reason.FAULT}
