"""The style sheet, the scripts and the icon of our pages, under names that change with them."""

from hashlib import sha256
from pathlib import Path

from feeds.documents import DocumentPlan
from feeds.web.headers import FEED_POLICY

#: Seconds: the bytes under such a name never change.
MAX_AGE = 31_536_000

#: Last-Modified; one that never changes, since no name ever means other bytes.
_MODIFIED = 1_767_225_600

_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_BYTES = {file.name: file.read_bytes() for file in _FOLDER.iterdir() if file.suffix in _TYPES}


def _named(name: str) -> str:
    stem, _, ending = name.rpartition(".")
    return f"{stem}.{sha256(_BYTES[name]).hexdigest()[:12]}.{ending}"


#: From the name of a file to the name that it is served under.
NAMES = {name: _named(name) for name in sorted(_BYTES)}
_FILES = {served: name for name, served in NAMES.items()}


def asset_plan(served: str) -> DocumentPlan | None:
    """The plan of a file under the name that it is served under; None when there is none."""
    name = _FILES.get(served)
    if name is None:
        return None
    body = _BYTES[name]
    return DocumentPlan(
        key=sha256(body).hexdigest()[:32],
        modified=_MODIFIED,
        changed=_MODIFIED + 1,
        max_age=MAX_AGE,
        headers=(("Content-Type", _TYPES[Path(name).suffix]), *FEED_POLICY),
        render=lambda: body,
    )
