"""Opens the file of the index, for readers and for the one who writes."""

import sqlite3
from pathlib import Path

SCHEMA = (Path(__file__).parent / "schema.sql").read_text()

#: The ending of a lock that readers share while they open the index: nobody replaces it meanwhile.
OPENING = ".open"


def connect(path: Path, read_only: bool = False) -> sqlite3.Connection:
    """Open the file for one thread; transactions are ours to begin."""
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    if not read_only:
        connection.execute("PRAGMA journal_mode = WAL")
    # The index can be had again from the folder: a power cut may cost the last refresh.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA cache_size = -4000")
    connection.execute(f"PRAGMA query_only = {int(read_only)}")
    return connection
