"""A great loss: so many files are missing that a failed mount is likelier than an edit.

Their articles stay served until the loss is certain: after SETTLE seconds if files are left in the
folder, and only when a person confirms it if none is.
"""

import logging
import sqlite3
from pathlib import Path

from feeds.index import SETTLE, sync_state
from feeds.sync.diff import FolderDiff

log = logging.getLogger(__name__)

_HELD = (
    "%d of %d files are gone from %s: is it the right folder, and mounted? Their articles stay %s"
    " (`.venv/bin/flask --app app refresh --confirm`, with the settings of this server)"
)
#: The time for which they stay, if some files are left in the folder, and if none is.
_STAY = (f"for {SETTLE} s, or until you confirm the loss", "until you confirm the loss")


def is_great_loss(diff: FolderDiff, known: int) -> bool:
    """Return True if the loss looks like a failed mount rather than an edit."""
    lost = len(diff.gone) - len(diff.linked) - diff.new
    return lost > 10 and lost * 5 > known


def hold_back(
    connection: sqlite3.Connection, content: Path, diff: FolderDiff, now: int, is_whole: bool
) -> bool:
    """Return True if the articles of missing files stay served for now.

    ``is_whole`` is True if the whole folder was compared: a part of it does not end a loss.
    """
    total = connection.execute("SELECT count(*) FROM file").fetchone()[0] if diff.gone else 0
    is_great = is_great_loss(diff, total)
    is_empty = len(diff.gone) == total + diff.new
    known = sync_state.meta(connection, "held-since")
    is_other = known is None or sync_state.meta(connection, "held-empty") != is_empty
    # A clock that was set back must not hold it for longer.
    since = now if known is None or is_other else min(now, int(known))
    if is_great and (is_empty or now - since < SETTLE):
        count = len(diff.gone) - len(diff.hidden)
        if is_other:
            log.warning(_HELD, count, total, content, _STAY[is_empty])
        _note(connection, since, count, is_empty)
        return True
    if known is not None and (is_whole or is_great):
        accept(connection)
    return False


def accept(connection: sqlite3.Connection) -> None:
    """Hold no loss back any longer."""
    _note(connection, None, None, None)


def held(connection: sqlite3.Connection) -> int:
    """Return the number of missing files whose articles stay served."""
    return int(sync_state.meta(connection, "held") or 0)


def _note(
    connection: sqlite3.Connection, since: int | None, count: int | None, is_empty: bool | None
) -> None:
    """Store the number of missing files whose articles stay, and since when; None for none."""
    found = {"held-since": since, "held": count, "held-empty": is_empty}
    for key, value in found.items():
        if sync_state.meta(connection, key) != value:
            sync_state.put_meta(connection, key, value)
