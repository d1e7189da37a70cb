"""Converts an index of the current layout to earlier ones."""

import sqlite3
from contextlib import closing
from pathlib import Path

from feeds.index.database import MIGRATIONS


def to_first_layout(path: Path) -> None:
    """Convert an index to the layout of the first version, with the rows that this can hold."""
    with closing(sqlite3.connect(":memory:")) as model, closing(sqlite3.connect(path)) as index:
        model.executescript(MIGRATIONS[0])
        columns = {
            table: [row[1] for row in model.execute(f"PRAGMA table_info({table})")]
            for table in _tables(model)
        }
        rows = {
            table: index.execute(f"SELECT {', '.join(names)} FROM {table}").fetchall()
            for table, names in columns.items()
        }
        for table in _tables(index):
            index.execute(f"DROP TABLE IF EXISTS {table}")
        index.executescript(MIGRATIONS[0])
        for table, found in rows.items():
            marks = ", ".join("?" * len(columns[table]))
            index.executemany(f"INSERT INTO {table} VALUES ({marks})", found)
        index.execute("DELETE FROM archive WHERE feed = ''")
        index.execute("DELETE FROM meta WHERE key IN ('looks', 'pages', 'unsearchable')")
        index.execute("PRAGMA user_version = 1")
        index.commit()


def _tables(connection: sqlite3.Connection) -> list[str]:
    """Return the names of all tables but SQLite's own and those of a virtual table."""
    sql = """SELECT name FROM pragma_table_list
             WHERE type IN ('table', 'virtual') AND name NOT LIKE 'sqlite%'"""
    return [name for (name,) in connection.execute(sql)]
