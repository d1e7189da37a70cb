"""The table that finds articles of mixes and searches: its bytes, and the time to fill it."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import process_time

import msgspec

from bench.tables import median, timed
from feeds.index import connect
from feeds.index.full_text import TokenBuffer, clear_tokens, place, searchable_text
from feeds.model import Article, Membership

#: Measurements of one change.
TIMES = 9

#: The bytes of the table and its shadow tables (FTS5, 6: a contentless table stores no content).
_BYTES = """
SELECT (SELECT sum(length(block)) FROM found_data) + (SELECT sum(length(term) + 8) FROM found_idx),
       (SELECT page_count * page_size FROM pragma_page_count, pragma_page_size)
"""


@dataclass(frozen=True)
class SearchCosts:
    """The share of an index that mixes and searches have."""

    #: Megabytes of the index, and of the table in it.
    index: float
    table: float
    #: Seconds that one process computes to make the tokens of all articles, and to write them.
    made: float
    written: float
    #: Seconds to remove and to add one article.
    changed: float


def measure(path: Path) -> SearchCosts:
    """Fill the table of an index again; leave it as it was."""
    with closing(connect(path)) as connection:
        held, whole = connection.execute(_BYTES).fetchone()
        sql = "SELECT number, published, feeds, body FROM article ORDER BY published DESC"
        rows = iter(connection.execute(sql).fetchall())
        connection.execute("BEGIN IMMEDIATE")
        clear_tokens(connection)
        buffer, made, written = TokenBuffer(connection), 0.0, 0.0
        for some in _batches(rows):
            began = process_time()
            texts = [(where, searchable_text(article, feeds)) for where, article, feeds in some]
            made += process_time() - began
            began = process_time()
            for where, tokens in texts:
                buffer.add(where, tokens)
            written += process_time() - began
        began = process_time()
        buffer.write()
        written += process_time() - began

        def change() -> None:
            buffer.remove(*texts[0])
            buffer.write()
            buffer.add(*texts[0])
            buffer.write()

        changed = median(timed(change) for _ in range(TIMES))
        connection.execute("ROLLBACK")
    return SearchCosts(whole / 1e6, held / 1e6, made, written, changed)


def _batches(
    rows: Iterator[tuple[int, int, str, bytes]],
) -> Iterator[list[tuple[int, Article, list[Membership]]]]:
    while some := list(islice(rows, 5_000)):
        yield [
            (
                place(published, number),
                msgspec.json.decode(body, type=Article),
                msgspec.json.decode(feeds, type=list[Membership]),
            )
            for number, published, feeds, body in some
        ]
