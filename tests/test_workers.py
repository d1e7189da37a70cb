"""Tests of the workers of ``flask serve``: killed, stopped, replaced, not loadable."""

import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import Content
from tests.live_servers import (
    PATIENCE,
    is_pending,
    listener,
    ready_workers,
    replaced,
    serving,
    started,
    workers,
)
from tests.test_sockets import polled
from tests.waiting import wait_for


@pytest.fixture
def instance(content: Content, tmp_path: Path) -> Path:
    content.write("one.md")
    return tmp_path / "instance"


def titles(address: str) -> set[str]:
    """Return the titles of the feed in forty responses, enough for one from every worker."""
    return {title(address) for _ in range(40)}


def title(address: str) -> str:
    with urllib.request.urlopen(f"{address}/all.rss", timeout=20) as answer:
        return str(answer.read().decode().partition("<title>")[2].partition("</title>")[0])


def test_a_reload_keeps_the_settings_of_the_start(content: Content, instance: Path) -> None:
    (content.folder / "site.yml").write_text("title: Before\n")
    with serving(content.folder, instance, FEEDS_WORKERS="2") as address:
        server = listener(address)
        before = set(workers(server))
        (content.folder / "site.yml").write_text("no such key: 1\n")

        with polled(address) as pollers:
            os.kill(server, signal.SIGHUP)
            assert wait_for(lambda: replaced(server, before), PATIENCE)

        assert [failure for poller in pollers for failure in poller.failed] == []
        assert titles(address) == {"Before"}


def test_a_worker_that_dies_is_replaced_though_site_yml_is_wrong_meanwhile(
    content: Content, instance: Path
) -> None:
    (content.folder / "site.yml").write_text("title: Before\n")
    with serving(content.folder, instance) as address:
        server = listener(address)
        before = set(workers(server))
        (content.folder / "site.yml").write_text("no such key: 1\n")

        os.kill(min(before), signal.SIGKILL)

        assert wait_for(lambda: replaced(server, before), PATIENCE)
        assert titles(address) == {"Before"}


def test_a_worker_that_dies_repeatedly_affects_no_other(content: Content, instance: Path) -> None:
    with serving(content.folder, instance, FEEDS_WORKERS="2") as address:
        server = listener(address)
        first, other = workers(server)

        second = successor(server, first, other)
        third = successor(server, second, other)
        successor(server, third, other)

        assert other in workers(server)
        assert title(address)


def successor(server: int, victim: int, other: int) -> int:
    """Kill a worker and wait for the one that replaces it."""
    os.kill(victim, signal.SIGKILL)
    assert wait_for(lambda: len(set(workers(server)) - {victim, other}) == 1, PATIENCE)
    return (set(workers(server)) - {victim, other}).pop()


def test_a_worker_that_hangs_is_replaced(content: Content, instance: Path) -> None:
    with serving(content.folder, instance, FEEDS_WORKERS="2") as address:
        server = listener(address)
        before = set(workers(server))
        victim = workers(server)[0]

        os.kill(victim, signal.SIGSTOP)

        assert wait_for(lambda: victim not in workers(server), PATIENCE)
        assert wait_for(lambda: len(ready_workers(server)) == 2, PATIENCE)
        assert len(set(workers(server)) & before) == 1
        assert title(address)


def test_a_server_stops_though_a_worker_hangs(content: Content, instance: Path) -> None:
    with started(content.folder, instance, FEEDS_WORKERS="2") as server:
        server.wait()
        os.kill(workers(server.process.pid)[0], signal.SIGSTOP)

        server.process.terminate()

        assert server.process.wait(PATIENCE) == 0
        assert workers(server.process.pid) == []


def test_if_no_new_worker_can_be_loaded_the_others_respond(
    content: Content, instance: Path
) -> None:
    with serving(content.folder, instance, FEEDS_WORKERS="2") as address:
        assert titles(address)
        # No worker can be loaded without it; documents in memory are served.
        instance.rename(instance.with_name("moved"))
        instance.touch()

        os.kill(workers(listener(address))[0], signal.SIGKILL)

        with polled(address) as pollers:
            assert wait_for(lambda: all(poller.answered > 100 for poller in pollers), PATIENCE)
        assert [failure for poller in pollers for failure in poller.failed] == []


def test_the_old_worker_stays_when_a_new_one_cannot_be_loaded(
    content: Content, instance: Path
) -> None:
    # Of two workers, chance may leave one without a request, and so without a document.
    with started(content.folder, instance, output=subprocess.PIPE, FEEDS_WORKERS="1") as server:
        server.wait()
        before = workers(server.process.pid)
        assert titles(server.address)
        instance.rename(instance.with_name("moved"))
        instance.touch()

        os.kill(server.process.pid, signal.SIGHUP)
        printed = threading.Event()
        lines: list[str] = []

        def read() -> None:
            assert server.process.stdout is not None
            for line in server.process.stdout:
                lines.append(line)
                if "aborting the restart" in line:
                    printed.set()

        reader = threading.Thread(target=read)
        reader.start()
        assert printed.wait(PATIENCE)
        assert workers(server.process.pid) == before
        assert titles(server.address)
        server.process.terminate()
        reader.join(PATIENCE)

    assert "a worker cannot be loaded" in "".join(lines)


def test_a_stop_ends_a_reload(content: Content, instance: Path) -> None:
    with serving(content.folder, instance, FEEDS_WORKERS="4") as address:
        server = listener(address)
        before = set(workers(server))
        seen: set[int] = set()

        os.kill(server, signal.SIGHUP)
        assert wait_for(lambda: bool(set(workers(server)) - before), PATIENCE)
        os.kill(server, signal.SIGTERM)

        def is_stopped() -> bool:
            seen.update(workers(server))
            return is_gone(server)

        assert wait_for(is_stopped, PATIENCE)

    # The other workers are not replaced first.
    assert len(seen - before) < 4


def test_a_ctrl_c_which_all_processes_receive_stops_the_first_alone(
    content: Content, instance: Path
) -> None:
    with started(content.folder, instance, output=subprocess.PIPE, FEEDS_WORKERS="2") as server:
        server.wait()
        first = server.process.pid
        before = workers(first)

        for worker in before:
            os.kill(worker, signal.SIGINT)
        assert [is_pending(worker, signal.SIGINT) for worker in before] == [True, True]
        assert titles(server.address)
        assert workers(first) == before
        os.kill(first, signal.SIGINT)
        printed = server.printed()

    assert server.process.returncode == 0
    assert "it is killed" not in printed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_worker_ignores_the_terminal_from_its_start(
    content: Content, instance: Path, number: signal.Signals
) -> None:
    with started(content.folder, instance, FEEDS_WORKERS="2") as server:
        first = server.process.pid
        seen: set[int] = set()

        def all_are_announced() -> bool:
            for worker in set(workers(first)) - seen:
                seen.add(worker)
                os.kill(worker, number)
            return len(seen) == 2

        assert wait_for(all_are_announced, PATIENCE)
        server.wait()

        assert set(workers(first)) == seen


def is_gone(pid: int) -> bool:
    """Return True if a child process has ended."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process has one priority")
def test_the_watcher_leaves_the_processor_to_requests(content: Content, instance: Path) -> None:
    with serving(content.folder, instance) as address:
        server = listener(address)
        (worker,) = workers(server)

        # 19 is the lowest priority; the tests themselves may have a low one.
        assert max(niceness(server)) == min(19, min(niceness(server)) + 10)
        assert niceness(worker) == {min(niceness(server))}


def niceness(pid: int) -> set[int]:
    """Return the priorities of the threads of a process."""
    stats = [file.read_text() for file in Path(f"/proc/{pid}/task").glob("*/stat")]
    return {int(stat.rpartition(")")[2].split()[16]) for stat in stats}


def test_polls_are_counted_up_to_the_stop(content: Content, instance: Path) -> None:
    with serving(content.folder, instance) as address:
        for _ in range(20):
            assert title(address)

    with serving(content.folder, instance) as address:
        assert wait_for(lambda: counted(address) >= 20)
        assert counted(address) == 20


def counted(address: str) -> int:
    """Return the number of polls of the main feed in the metrics."""
    with urllib.request.urlopen(f"{address}/metrics", timeout=20) as answer:
        lines = answer.read().decode().splitlines()
    found = [line for line in lines if "tributary_requests_total{" in line and 'all"' in line]
    return sum(int(float(line.split()[-1])) for line in found)


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="a machine without IPv6")
def test_the_unspecified_address_of_ipv6_stands_for_ipv4_too(
    content: Content, instance: Path
) -> None:
    with serving(content.folder, instance, HOST="::") as address:
        assert title(address)
