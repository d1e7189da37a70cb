"""Stress test: random conversations get the same responses from our protocol and uvicorn's."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.conftest import Content, Site
from tests.test_protocol_equivalence import both_ways, differences
from tests.torture.conftest import Figure, scaled

#: Simultaneous conversations, and those in one batch.
THREADS, PIECE = 8, 50


def test_conversations_get_the_responses_of_uvicorns_protocol(
    open_site: Callable[..., Site], content: Content, figure: Figure
) -> None:
    count = scaled(400, 20_000)
    began = time.monotonic()
    with both_ways(open_site, content) as ports, ThreadPoolExecutor(THREADS) as pool:

        def differing(first: int) -> list[str]:
            return differences(ports, range(first, first + PIECE))

        pieces = range(100_000, 100_000 + count, PIECE)
        found = [each for piece in pool.map(differing, pieces) for each in piece]

    figure(f"{count} conversations, three times each: {len(found)} answered differently "
           f"({time.monotonic() - began:.0f} s)")  # fmt: skip
    assert found == []
