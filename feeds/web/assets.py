"""The style sheet, scripts and icon, served under names that contain a hash of their bytes."""

from hashlib import sha256
from pathlib import Path

from feeds.documents import DocumentPlan
from feeds.web.headers import FEED_POLICY

#: Seconds: the bytes under such a name never change, so caches keep them for a year.
MAX_AGE = 31_536_000

#: A constant Last-Modified, since the bytes under a name never change.
_MODIFIED = 1_767_225_600

_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_BYTES = {file.name: file.read_bytes() for file in _FOLDER.iterdir() if file.suffix in _TYPES}


def _hashed_name(name: str) -> str:
    stem, _, ending = name.rpartition(".")
    return f"{stem}.{sha256(_BYTES[name]).hexdigest()[:12]}.{ending}"


#: Names of files, to the names that they are served under.
NAMES = {name: _hashed_name(name) for name in sorted(_BYTES)}
_FILES = {served: name for name, served in NAMES.items()}


def asset_plan(served: str) -> DocumentPlan | None:
    """Return the plan of an asset by its served name; None for an unknown name."""
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
