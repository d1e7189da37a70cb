"""The two times of feeds and of their months, which clients get as dates of documents.

``modified`` is the Last-Modified, later with every change, and SLACK behind the clock. ``changed``
is the moment since which the change can be seen: a time of a client other than Last-Modified is
compared with it.
"""

import sqlite3

#: Seconds that Last-Modified stays behind the clock, so that ten changes within one second can
#: each be a second later than the one before and none of them in the future.
SLACK = 10

#: The path of no feed: its row has the times of the last change of any.
SITE = ""

#: The month of no feed: its row has the times of the last change to all documents at once. It is
#: older than every other row.
EVERYTHING = (SITE, "")

#: Assignments for an UPDATE of an archive, and of a feed, which takes the time twice.
CHANGES = "modified = max(modified + 1, ?), changed = NULL"
FEED_CHANGES = f"{CHANGES}, shown = max(modified + 1, ?)"


def first_modified(connection: sqlite3.Connection, now: int) -> int:
    """Return the first Last-Modified of a row.

    A declared feed that holds nothing has been served with the time of EVERYTHING.
    """
    sql = "SELECT modified FROM archive WHERE feed = ? AND month = ?"
    before: int = connection.execute(sql, EVERYTHING).fetchone()[0]
    return max(before + 1, now - SLACK)


def mark_everything(connection: sqlite3.Connection, now: int, refreshed: int = 0) -> None:
    """Mark all documents as changed; none may have a time that it had before.

    ``refreshed`` is when the index was last up to date, which is all that is known of a lost one:
    it had no later Last-Modified unless half of SLACK was used up then.
    """
    execute = connection.execute
    if execute("SELECT 1 FROM feed LIMIT 1").fetchone():
        execute(f"UPDATE feed SET {FEED_CHANGES}", (now - SLACK,) * 2)
        execute(f"UPDATE archive SET {CHANGES}", (now - SLACK,))
    else:
        before = max(refreshed - SLACK // 2, now - SLACK - 1)
        execute("INSERT INTO feed VALUES (?, 0, ?, NULL, ?)", (SITE, before, before))
        execute("INSERT INTO archive VALUES (?, ?, 0, ?, NULL)", (*EVERYTHING, before))


def mark_lists(connection: sqlite3.Connection, now: int) -> None:
    """Mark all documents that show more than one feed as changed."""
    sql = f"UPDATE feed SET {FEED_CHANGES} WHERE path = ?"
    connection.execute(sql, (*(now - SLACK,) * 2, SITE))


def date_changes(connection: sqlite3.Connection, moment: int) -> None:
    """Store the moment since which the changes since the last call can be seen."""
    for table in ("feed", "archive"):
        sql = f"UPDATE {table} SET changed = ? WHERE changed IS NULL"
        connection.execute(sql, (moment,))


def undate_changes(connection: sqlite3.Connection) -> None:
    """Clear the moments since which changes can be seen, until the next ``date_changes``."""
    for table in ("feed", "archive"):
        connection.execute(f"UPDATE {table} SET changed = NULL")
