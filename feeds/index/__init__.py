"""DOOR SQLite: the disposable copy of the content folder."""

from feeds.index.database import check_file, connect, lock_file, upgrade
from feeds.index.feed_counters import month_of, month_range
from feeds.index.file_outcomes import (
    Fault,
    FileOutcome,
    IdClaims,
    IndexEntry,
    content_hash,
    decode_verified,
    in_words,
    printable,
)
from feeds.index.full_text import Condition, searchable_text
from feeds.index.integrity import is_database, rebuild_if_corrupt, reread_corrupt_rows
from feeds.index.modification_times import EVERYTHING, SITE, undate_changes
from feeds.index.reader import Index, IndexFacts, KnownFeed, Month, Row
from feeds.index.shared_state import (
    IndexState,
    SharedState,
    mark_looks,
    move_revision,
    publish_revision,
)
from feeds.index.sync_state import SETTLE, Stamps, mark_for_rereading
from feeds.index.writer import IndexWriter, clear, drop_empty_feeds, forget_folder, made_for

__all__ = [
    "EVERYTHING",
    "SETTLE",
    "SITE",
    "Condition",
    "Fault",
    "FileOutcome",
    "IdClaims",
    "Index",
    "IndexEntry",
    "IndexFacts",
    "IndexState",
    "IndexWriter",
    "KnownFeed",
    "Month",
    "Row",
    "SharedState",
    "Stamps",
    "check_file",
    "clear",
    "connect",
    "content_hash",
    "decode_verified",
    "drop_empty_feeds",
    "forget_folder",
    "in_words",
    "is_database",
    "lock_file",
    "made_for",
    "mark_for_rereading",
    "mark_looks",
    "month_of",
    "month_range",
    "move_revision",
    "printable",
    "publish_revision",
    "rebuild_if_corrupt",
    "reread_corrupt_rows",
    "searchable_text",
    "undate_changes",
    "upgrade",
]
