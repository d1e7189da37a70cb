"""A client that requests mixes and searches, each of them for the first time.

``python -m tests.torture.inventing PORT FIRST LAST STEP`` writes one byte for each connection that
got all its responses.
"""

import socket
import sys
from collections.abc import Iterator, Sequence
from random import Random
from typing import IO

from feeds.mixes import Mix, Term

#: The requests of one connection, and those that are pending at once.
REQUESTS, PIPELINED = 500, 20

#: Seconds after which the client gives up.
PATIENCE = 60


def main(port: int, numbers: range) -> None:
    """Request the feeds of some numbers, on connections that stay open."""
    for some in _batches(numbers, REQUESTS):
        with (
            socket.create_connection(("127.0.0.1", port), PATIENCE) as client,
            client.makefile("rb") as answers,
        ):
            for batch in _batches(some, PIPELINED):
                heads = (f"GET {invented(number)} HTTP/1.1\r\nHost: a\r\n\r\n" for number in batch)
                client.sendall("".join(heads).encode())
                for _ in batch:
                    _read_answer(answers)
        sys.stdout.write(".")
        sys.stdout.flush()


def _batches(numbers: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), size):
        yield numbers[start : start + size]


def _read_answer(answers: IO[bytes]) -> None:
    status, length = answers.readline(), 0
    while (line := answers.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    assert status == b"HTTP/1.1 200 OK\r\n", status
    assert len(answers.read(length)) == length


def invented(number: int) -> str:
    """Return the address of a search, or of a mix of seven of twenty topics with signs."""
    if number % 4 < 2:
        return f"/search/article-word{number}.rss"
    dice = Random(number)
    signs = dice.choices(("", "+", "-"), k=7)
    others = zip(signs, dice.sample(range(20), 7), strict=True)
    terms = (Term(sign, f"topics/t{one}") for sign, one in others)
    return f"/{Mix.of([Term('', f'topics/t{number % 20}'), *terms]).path}.atom"


if __name__ == "__main__":
    given, first, last, step = map(int, sys.argv[1:])
    main(given, range(first, last, step))
