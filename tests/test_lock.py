"""Locks between processes, and what is left of them by forks, removals and deaths."""

import os
import signal
import threading
from pathlib import Path

import pytest

from feeds.locks import LeaderLock, locked


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


def sleeping_child() -> int:
    child = os.fork()
    if child == 0:
        signal.pause()
        os._exit(0)
    return child


def end(child: int) -> None:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def test_one_has_the_turn_until_it_leaves(path: Path) -> None:
    one, other = LeaderLock(path), LeaderLock(path)

    assert (one.try_acquire(), other.try_acquire(), one.try_acquire()) == (True, False, True)

    one.release()
    assert (other.try_acquire(), one.try_acquire()) == (True, False)
    other.release()


def test_a_child_does_not_keep_the_turn_of_its_parent(path: Path) -> None:
    """A worker started during a refresh would else stop all others for as long as it lives."""
    one, other = LeaderLock(path), LeaderLock(path)
    one.try_acquire()
    child = sleeping_child()

    one.release()

    # The child may need a moment to begin.
    taken = [other.try_acquire() or threading.Event().wait(0.05) for _ in range(40)]
    end(child)
    assert taken[-1] is True
    other.release()


def test_a_child_does_not_keep_the_lock_that_its_parent_held(path: Path) -> None:
    with locked(path):
        child = sleeping_child()
    had = threading.Event()

    def have() -> None:
        with locked(path):
            had.set()

    thread = threading.Thread(target=have, daemon=True)
    thread.start()
    is_held = had.wait(5)
    end(child)
    thread.join()
    assert is_held


def test_the_turn_is_for_the_file_that_is_there(path: Path) -> None:
    one, other = LeaderLock(path), LeaderLock(path)
    one.try_acquire()

    path.unlink()

    assert (other.try_acquire(), one.try_acquire()) == (True, False)
    other.release()


def test_readers_share_what_a_writer_has_alone(path: Path) -> None:
    had = threading.Event()

    def have() -> None:
        with locked(path):
            had.set()

    with locked(path, shared=True), locked(path, shared=True):
        thread = threading.Thread(target=have)
        thread.start()
        is_had_early = had.wait(0.2)

    thread.join(5)
    assert (is_had_early, had.is_set()) == (False, True)


def test_who_waited_for_a_file_that_was_removed_waits_for_the_new_one(path: Path) -> None:
    had = threading.Event()

    def have() -> None:
        with locked(path):
            had.set()

    thread = threading.Thread(target=have)
    with locked(path):
        thread.start()
        had.wait(0.1)
        path.unlink()
        new = LeaderLock(path)
        new.try_acquire()
    is_had_early = had.wait(0.2)
    new.release()
    thread.join(5)

    assert (is_had_early, had.is_set()) == (False, True)
