"""Who owns an instance folder: servers with the same settings, as long as one of them lives."""

import multiprocessing
import os
import signal
import subprocess
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from feeds.errors import SettingsError
from feeds.locks import Ownership
from feeds.sync import ContentSync
from tests.conftest import Content, Site
from tests.live import listener, started, workers
from tests.waiting import wait_for

spawn = multiprocessing.get_context("spawn")

ROUNDS = 100

A, B = {"FEEDS_URL": "https://a.example"}, {"FEEDS_URL": "https://b.example"}


def claim_each(folder: Path, owner: str, meet: Barrier, answer: Path) -> None:
    """Claim one file after another, each at the same moment as the other process."""
    won = []
    for number in range(ROUNDS):
        # As it is after the last owner has died.
        path = folder / str(number % 20)
        meet.wait(60)
        ownership = Ownership(path, owner)
        won.append(ownership.acquire())
        meet.wait(60)
        ownership.release()
    answer.write_text("".join("01"[each] for each in won))


@pytest.mark.parametrize(("owners", "winners"), [(("a", "b"), 1), (("a", "a"), 2)])
def test_of_two_owners_at_once_one_wins_every_time_and_one_owner_shares(
    tmp_path: Path, owners: tuple[str, str], winners: int
) -> None:
    meet = spawn.Barrier(2)
    answers = [tmp_path / "first", tmp_path / "second"]
    (tmp_path / "claims").mkdir()
    processes = [
        spawn.Process(target=claim_each, args=(tmp_path / "claims", owner, meet, answer))
        for owner, answer in zip(owners, answers, strict=True)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)

    won = zip(*[answer.read_text() for answer in answers], strict=True)
    assert [pair.count("1") for pair in won] == [winners] * ROUNDS


def in_child(work: Callable[[], object]) -> int:
    """A process that does some work and then waits to be killed; return once the work is done."""
    done, told = os.pipe()
    child = os.fork()
    if child == 0:
        work()
        os.write(told, b"1")
        signal.pause()
        os._exit(0)
    assert os.read(done, 1) == b"1"
    os.close(done)
    os.close(told)
    return child


def kill(child: int) -> None:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def test_a_claim_lasts_as_long_as_any_process_of_its_owner(tmp_path: Path) -> None:
    first = in_child(Ownership(tmp_path / "owner", "a").acquire)
    second = in_child(Ownership(tmp_path / "owner", "a").acquire)
    other = Ownership(tmp_path / "owner", "b")

    kill(first)
    assert other.acquire() is False
    kill(second)
    assert other.acquire() is True
    other.release()


def test_a_child_by_fork_keeps_the_claim_of_its_parent(tmp_path: Path) -> None:
    parent, other = Ownership(tmp_path / "owner", "a"), Ownership(tmp_path / "owner", "b")
    parent.acquire()
    child = in_child(lambda: None)

    parent.release()

    assert other.acquire() is False
    kill(child)
    assert other.acquire() is True
    other.release()


def test_a_claim_is_made_again_when_its_file_is_gone(tmp_path: Path) -> None:
    one, other = Ownership(tmp_path / "owner", "a"), Ownership(tmp_path / "owner", "b")
    one.acquire()
    (tmp_path / "owner").unlink()
    assert one.is_held is False

    one.acquire()

    assert (one.is_held, other.acquire()) == (True, False)
    one.release()


def test_a_worker_that_loads_newer_code_belongs_to_the_server_that_started_it(
    site: Site, tmp_path: Path
) -> None:
    reader, instance = site.sync.reader, tmp_path / "instance"
    server = ContentSync(reader, instance, b"by old code")
    worker = ContentSync(reader, instance, b"by new code", owner=server.owner)
    another = ContentSync(reader, instance, b"by new code")
    server.ensure_sole_owner()

    worker.ensure_sole_owner()
    server.stop()

    with pytest.raises(SettingsError, match="in use by a server with other settings"):
        another.ensure_sole_owner()
    worker.stop()
    another.ensure_sole_owner()
    another.stop()


# Servers.


@pytest.fixture
def instance(content: Content, tmp_path: Path) -> Path:
    content.write("one.md")
    return tmp_path / "instance"


def refusal(instance: Path) -> str:
    where = f"FEEDS_INSTANCE_DIR: {instance}: in use by a server with other settings"
    return f"Error: {where}: name another folder, or stop that server\n"


@pytest.mark.parametrize("number", range(3))
def test_of_two_servers_at_once_one_serves_and_the_other_says_why_it_does_not(
    content: Content, instance: Path, tmp_path: Path, number: int
) -> None:
    # So many that both are started before the first index is made.
    text = (content.folder / "one.md").read_text()
    for each in range(3000):
        (content.folder / f"{each}.md").write_text(text)
    with ExitStack() as running:
        pair = []
        for name, settings in (("a", A), ("b", B)):
            output = running.enter_context((tmp_path / name).open("w"))
            server = started(content.folder, instance, "serve", output.fileno(), **settings)
            pair.append((running.enter_context(server), tmp_path / name))

        assert wait_for(lambda: any(server.process.poll() == 1 for server, _ in pair), 60)
        [said] = [output for server, output in pair if server.process.poll() is not None]
        [winner] = [server for server, _ in pair if server.process.poll() is None]
        winner.wait()

        assert said.read_text() == refusal(instance)


def test_servers_with_the_same_settings_share_a_folder(content: Content, instance: Path) -> None:
    with (
        started(content.folder, instance, "serve", None, **A) as one,
        started(content.folder, instance, "serve", None, **A) as other,
    ):
        one.wait()
        other.wait()

        assert [one.process.poll(), other.process.poll()] == [None, None]


def test_a_server_of_another_content_folder_is_another(
    content: Content, instance: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    with started(content.folder, instance, "serve", None, **A) as one:
        one.wait()
        assert said(tmp_path / "elsewhere", instance, **A) == refusal(instance)


def said(content: Path, instance: Path, **settings: str) -> str:
    """All that a server prints which ends by itself."""
    with started(content, instance, "serve", subprocess.PIPE, **settings) as server:
        return server.said()


def test_a_server_whose_first_process_was_killed_owns_its_folder_by_its_workers(
    content: Content, instance: Path
) -> None:
    with started(content.folder, instance, "serve", None, **A) as server:
        server.wait()
        left = workers(listener(server.address))
        server.process.kill()
        server.process.wait()
        try:
            assert said(content.folder, instance, **B) == refusal(instance)
        finally:
            for worker in left:
                os.kill(worker, signal.SIGKILL)

    with started(content.folder, instance, "serve", None, **B) as next_one:
        next_one.wait()


@pytest.mark.parametrize("command", ["check", "refresh", "feeds"])
def test_a_command_with_other_settings_works_beside_a_server(
    content: Content, instance: Path, command: str
) -> None:
    with started(content.folder, instance, "serve", None, **A) as server:
        server.wait()
        with started(content.folder, instance, command, subprocess.PIPE, **B) as beside:
            beside.said()
            assert beside.process.returncode == 0
        with urllib.request.urlopen(f"{server.address}/all.rss", timeout=5) as answer:
            assert answer.status == 200
