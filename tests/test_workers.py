"""What becomes of the workers of ``flask serve``: killed, replaced, told to stop, not loadable."""

import multiprocessing
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from feeds.server.supervisor import PAUSE, Workers
from tests import short_lives
from tests.conftest import Content
from tests.live import PATIENCE, listener, replaced, serving, started, workers
from tests.programs import skip_if_quick
from tests.test_sockets import connected, polled
from tests.waiting import wait_for


@pytest.fixture
def instance(content: Content, tmp_path: Path) -> Path:
    content.write("one.md")
    return tmp_path / "instance"


def titles(address: str) -> set[str]:
    """How the feed is titled, asked often enough to meet every worker."""
    return {title(address) for _ in range(40)}


def title(address: str) -> str:
    with urllib.request.urlopen(f"{address}/all.rss", timeout=20) as answer:
        return str(answer.read().decode().partition("<title>")[2].partition("</title>")[0])


def test_a_reload_goes_on_with_the_settings_of_the_start(content: Content, instance: Path) -> None:
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


def test_a_worker_that_dies_again_and_again_takes_no_other_with_it(
    content: Content, instance: Path
) -> None:
    with serving(content.folder, instance, FEEDS_WORKERS="2") as address:
        server = listener(address)
        first, other = workers(server)

        second = successor(server, first, other)
        third = successor(server, second, other)
        successor(server, third, other)

        assert other in workers(server)
        assert title(address)


def successor(server: int, victim: int, other: int) -> int:
    """Kill a worker and wait for the one that takes its place."""
    os.kill(victim, signal.SIGKILL)
    assert wait_for(lambda: len(set(workers(server)) - {victim, other}) == 1, PATIENCE)
    return (set(workers(server)) - {victim, other}).pop()


def test_where_no_worker_can_be_had_any_more_the_others_answer(
    content: Content, instance: Path
) -> None:
    with serving(content.folder, instance, FEEDS_WORKERS="2") as address:
        assert titles(address)
        # Nobody can be loaded without it; what is in memory is served.
        instance.rename(instance.with_name("moved"))
        instance.touch()

        os.kill(workers(listener(address))[0], signal.SIGKILL)

        with polled(address) as pollers:
            assert wait_for(lambda: all(poller.answered > 100 for poller in pollers), PATIENCE)


def test_connections_that_stay_open_are_spread_over_the_workers(
    content: Content, instance: Path
) -> None:
    with serving(content.folder, instance, FEEDS_WORKERS="2") as address, ExitStack() as stack:
        pids = workers(listener(address))
        before = [open_sockets(pid) for pid in pids]

        for _ in range(32):
            client = stack.enter_context(connected(address))
            client.sendall(b"GET /all.rss HTTP/1.1\r\nHost: a\r\n\r\n")

        def are_both_busy() -> bool:
            return all(open_sockets(pid) > old + 4 for pid, old in zip(pids, before, strict=True))

        assert wait_for(are_both_busy)


def open_sockets(pid: int) -> int:
    """How many sockets a process has."""
    found = 0
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            found += os.readlink(handle).startswith("socket:")
    return found


def test_a_stop_is_heard_during_a_reload(content: Content, instance: Path) -> None:
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

    # Not all are replaced first.
    assert len(seen - before) < 4


def test_a_ctrl_c_which_all_processes_hear_is_for_the_first(
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
        said = server.said()

    assert server.process.returncode == 0
    assert "it is killed" not in said


def is_pending(pid: int, number: signal.Signals) -> bool:
    """Whether a process keeps a signal that it was sent, and does not hear it."""
    status = Path(f"/proc/{pid}/status").read_text()
    (pending,) = (line for line in status.splitlines() if line.startswith("ShdPnd:"))
    return bool(int(pending.split()[1], 16) >> (number - 1) & 1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_worker_is_deaf_to_the_terminal_from_its_first_moment(
    content: Content, instance: Path, number: signal.Signals
) -> None:
    with started(content.folder, instance, FEEDS_WORKERS="2") as server:
        first = server.process.pid
        seen: set[int] = set()

        def all_are_told() -> bool:
            for worker in set(workers(first)) - seen:
                seen.add(worker)
                os.kill(worker, number)
            return len(seen) == 2

        assert wait_for(all_are_told, PATIENCE)
        server.wait()

        assert set(workers(first)) == seen


def is_gone(pid: int) -> bool:
    """Whether a process, our child, has ended."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.fixture
def kept_signals() -> Iterator[None]:
    """Give this process its handlers back afterwards."""
    skip_if_quick()
    kept = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("kept_signals")
def test_when_none_can_be_loaded_whoever_started_them_is_told() -> None:
    missed: list[int] = []

    assert Workers(2, _unloadable, missed.append).run() is False
    assert set(missed) == {0, 1}


@pytest.mark.usefixtures("kept_signals")
def test_the_old_ones_stay_when_a_new_one_cannot_be_loaded() -> None:
    made: list[BaseProcess] = []
    missed: list[int] = []

    def make(_: int, says: Connection) -> BaseProcess:
        target = short_lives.live if len(made) < 2 else short_lives.die
        made.append(multiprocessing.get_context("spawn").Process(target=target, args=(says,)))
        return made[-1]

    def reload_and_stop() -> None:
        wait_for(lambda: len(made) == 2, PATIENCE)
        os.kill(os.getpid(), signal.SIGHUP)
        wait_for(lambda: len(made) == 3 and made[2].exitcode == 1, PATIENCE)
        wait_for(lambda: len(made) > 3, 2 * PAUSE)
        alive.extend(process.is_alive() for process in made)
        os.kill(os.getpid(), signal.SIGTERM)

    alive: list[bool] = []
    operator = threading.Thread(target=reload_and_stop)
    operator.start()

    assert Workers(2, make, missed.append).run() is True
    operator.join()
    assert alive == [True, True, False]
    assert len(made) == 3
    assert missed == []


@pytest.mark.usefixtures("kept_signals")
def test_one_that_cannot_be_had_is_tried_ever_more_seldom_while_another_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every attempt is logged, and there may be days of them."""
    monkeypatch.setattr("feeds.server.supervisor.PAUSE", 0.05)
    spawn = multiprocessing.get_context("spawn")
    is_ready, moments = spawn.Event(), list[float]()

    def make(number: int, says: Connection) -> BaseProcess:
        if number == 0:
            return spawn.Process(target=short_lives.live, args=(says, is_ready))
        moments.append(time.monotonic())
        if len(moments) == 1:
            return spawn.Process(target=short_lives.die, args=(says, is_ready))
        if len(moments) == 7:
            os.kill(os.getpid(), signal.SIGTERM)
        raise OSError("no more processes")

    assert Workers(2, make, lambda number: None).run() is True
    assert moments[6] - moments[5] > 0.05 * 2**5


def _unloadable(_: int, says: Connection) -> BaseProcess:
    return multiprocessing.get_context("spawn").Process(target=short_lives.die, args=(says,))


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="a machine without IPv6")
def test_every_address_of_ipv6_is_every_address_of_ipv4_too(
    content: Content, instance: Path
) -> None:
    with serving(content.folder, instance, HOST="::") as address:
        assert title(address)
