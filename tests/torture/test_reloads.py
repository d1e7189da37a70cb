"""Stress test of reloads: each poll has a connection of its own, and none is lost."""

import os
import signal
import time
from functools import partial
from pathlib import Path

from tests.conftest import Content
from tests.live_servers import PATIENCE, listener, replaced, serving, workers
from tests.test_sockets import polled
from tests.torture.conftest import Figure, scaled
from tests.waiting import wait_for

#: The number of reloads.
COUNT = 2


def test_connections_over_two_reloads_are_all_answered(
    content: Content, tmp_path: Path, figure: Figure
) -> None:
    content.write("one.md")
    wanted = scaled(500, 50_000)
    with (
        serving(content.folder, tmp_path / "instance", FEEDS_WORKERS="2") as address,
        polled(address, 4) as pollers,
    ):
        server = listener(address)
        for number in range(1, COUNT + 1):
            before = set(workers(server))
            os.kill(server, signal.SIGHUP)
            assert wait_for(partial(replaced, server, before), PATIENCE)
            due = wanted * number // COUNT
            while sum(poller.answered for poller in pollers) < due:
                time.sleep(0.05)

    failed = [failure for poller in pollers for failure in poller.failed]
    answered = sum(poller.answered for poller in pollers)
    slowest = max(poller.slowest for poller in pollers)
    figure(f"{answered} connections over {COUNT} reloads: {len(failed)} lost, "
           f"the slowest took {slowest * 1000:.0f} ms")  # fmt: skip
    assert failed == []
