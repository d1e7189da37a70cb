"""The versions of the code, each with the digest of its golden output."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, astuple, dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote, unquote

import msgspec
import yaml

from app import create_app
from feeds import formats
from feeds.membership import memberships
from feeds.model import Format
from feeds.sync import read_site_config
from feeds.sync.ingest import READING_VERSION, Ingester
from feeds.urls import read
from feeds.web import page_rendering
from feeds.web.assets import NAMES
from feeds.web.export_paths import paths
from tests.conftest import NOW, Site
from tests.golden import CASES

FOLDER = Path(__file__).parent / "cases"
FILE = FOLDER / "versions.yaml"

#: Pages that are in no list of addresses.
_ASKED = (
    "/?q=boats",
    "/?q=nothing+of+the+kind",
    "/mix/boats",
    "/search/ferry",
    "/mix?with=boats",
    "/embed?feed=topics/boats&count=3&theme=dark&pictures=no",
    "/embed/topics/boats?count=3&pictures=no",
    "/embed/all?count=20&theme=dark",
)


@dataclass(frozen=True)
class Versioned:
    """A version, and the output that changes only with it."""

    version: int
    #: The module that holds the version.
    place: str
    output: Callable[[], Iterable[tuple[str, bytes]]]


@dataclass(frozen=True)
class Kept:
    """A version with the digest of its output."""

    version: int
    digest: str


def _documents() -> Iterable[tuple[str, bytes]]:
    """Yield the golden documents, and the feeds of the golden site."""
    for name, case in CASES.items():
        for format in Format:
            yield f"{name}.{format}", formats.render(case, format)
            yield f"{name}.delta.{format}", formats.render(replace(case, is_delta=True), format)
    yield from ((path, body) for path, body in _answers() if _is_feed(path))


def _pages() -> Iterable[tuple[str, bytes]]:
    """Yield the pages, boxes and lists of the golden site."""
    for path, body in _answers(*_ASKED):
        if not _is_feed(path):
            # The names of assets contain digests of their own, and are a part of the ETag.
            for plain, name in NAMES.items():
                body = body.replace(name.encode(), plain.encode())
            yield path, body


def _is_feed(path: str) -> bool:
    target = read(unquote(path.removeprefix("/")))
    return target is not None and target.format is not None


def _answers(*requested: str) -> Iterable[tuple[str, bytes]]:
    with TemporaryDirectory() as instance:
        environ = {
            "FEEDS_CONTENT_DIR": str(FOLDER / "site"),
            "FEEDS_INSTANCE_DIR": instance,
            "FEEDS_URL": "https://feeds.example.org",
        }
        site = Site(create_app(environ, lambda: NOW))
        site.sync.refresh()
        found = (path for path in paths(site.web.catalog) if not path.startswith("/static/"))
        for path in sorted([*map(quote, found), *requested]):
            answer = site.get(path)
            assert answer.status_code == 200, path
            yield path, answer.data


def _outcomes() -> Iterable[tuple[str, bytes]]:
    """Yield the outcome of every golden file: all that the index stores except texts for people."""
    files = read_site_config(FOLDER / "site", "https://feeds.example.org", "")
    for folder in ("site", "front_matter/valid", "front_matter/invalid"):
        reader = Ingester(
            FOLDER / folder,
            files.site.url,
            memberships=partial(memberships, files=files),
            weigh=formats.weight,
            public=files.public,
        )
        for path in sorted(reader.content.rglob("*.md")):
            outcome = reader.ingest(str(path.relative_to(reader.content)), NOW)
            assert outcome is not None
            entry = outcome.entry and astuple(outcome.entry)
            kept = (outcome.reason, outcome.line, outcome.key, outcome.due, outcome.id, entry)
            yield f"{folder}/{outcome.path}", msgspec.json.encode(kept)


VERSIONS: Mapping[str, Versioned] = {
    "renderer": Versioned(formats.VERSION, "feeds/formats/__init__.py", _documents),
    "reading": Versioned(READING_VERSION, "feeds/sync/ingest.py", _outcomes),
    "pages": Versioned(page_rendering.VERSION, "feeds/web/page_rendering.py", _pages),
}


def current(name: str) -> Kept:
    """Return the version in the code, with the digest of its output."""
    found = sha256()
    for place, body in VERSIONS[name].output():
        found.update(f"{place} {len(body)}\n".encode() + body)
    return Kept(VERSIONS[name].version, found.hexdigest())


def kept() -> dict[str, Kept]:
    """Return the versions and digests that were last written."""
    return {name: Kept(**fields) for name, fields in yaml.safe_load(FILE.read_text()).items()}


def fault(name: str, before: Kept, now: Kept) -> str:
    """Return the error if a version and its output have not moved together, else an empty text."""
    place = VERSIONS[name].place
    if (before.version == now.version) == (before.digest == now.digest):
        return ""
    if before.version == now.version:
        return f"{name}: the output moved: raise the version in {place}, then run 'make golden'"
    return f"{name}: the output did not move: put the version in {place} back to {before.version}"


def write() -> list[str]:
    """Write each version that moved together with its output; return the errors of the others."""
    before = kept()
    now = {name: current(name) for name in VERSIONS}
    faults = {name: fault(name, before.get(name, now[name]), now[name]) for name in now}
    after = {name: asdict(before[name] if faults[name] else now[name]) for name in now}
    FILE.write_text(yaml.safe_dump(after, sort_keys=False))
    return [found for found in faults.values() if found]
