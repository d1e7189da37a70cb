"""Tests of query plans: the hot queries cost no more in a large index than in a small one."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from feeds.index.database import MIGRATIONS
from feeds.index.queries import AFTER, FEEDS, HEAVIER, NEIGHBOURS, RECENT, ROWS
from feeds.sqlite import migrate

QUERIES = {
    "rows": ROWS,
    "heavier": HEAVIER,
    "after": AFTER,
    "neighbours": NEIGHBOURS,
    "feed": f"{FEEDS} WHERE feed.path = ?",
    "recent": RECENT,
    "withdrawals": "SELECT id, moment FROM withdrawal WHERE feed = ?",
}


@pytest.mark.parametrize("sql", QUERIES.values(), ids=QUERIES.keys())
def test_selecting_neither_scans_a_table_nor_sorts(sql: str) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection, Path(":memory:"), MIGRATIONS)
        plan = connection.execute(f"EXPLAIN QUERY PLAN {sql}", (0,) * sql.count("?")).fetchall()

    steps = [str(step[3]) for step in plan]
    assert any("SEARCH" in step for step in steps)
    assert not [step for step in steps if step.startswith("SCAN")]
    assert not [step for step in steps if "membership" in step and "TEMP B-TREE" in step]


def test_the_newest_articles_are_read_in_the_order_of_the_table() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection, Path(":memory:"), MIGRATIONS)
        plan = connection.execute(f"EXPLAIN QUERY PLAN {ROWS}", (0,) * ROWS.count("?")).fetchall()

    assert len(plan) == 1
    assert str(plan[0][3]).startswith("SEARCH membership USING")
