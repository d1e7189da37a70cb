"""Tests of the locks between processes: forks, removals, deaths."""

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


def test_one_process_holds_a_leader_lock_until_it_releases_it(path: Path) -> None:
    one, other = LeaderLock(path), LeaderLock(path)

    assert (one.try_acquire(), other.try_acquire(), one.try_acquire()) == (True, False, True)

    one.release()
    assert (other.try_acquire(), one.try_acquire()) == (True, False)
    other.release()


def test_a_child_does_not_keep_the_leader_lock_of_its_parent(path: Path) -> None:
    """Otherwise a worker started during a refresh would block all others as long as it lives."""
    one, other = LeaderLock(path), LeaderLock(path)
    one.try_acquire()
    child = sleeping_child()

    one.release()

    # The child may need a moment to start.
    taken = [other.try_acquire() or threading.Event().wait(0.05) for _ in range(40)]
    end(child)
    assert taken[-1] is True
    other.release()


def test_a_child_holds_no_leader_lock_of_its_parent(path: Path) -> None:
    lock = LeaderLock(path)
    lock.try_acquire()

    child = os.fork()
    if child == 0:
        status = 2
        try:
            status = int(lock.try_acquire())
        finally:
            os._exit(status)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    lock.release()


def test_a_child_does_not_keep_the_lock_that_its_parent_held(path: Path) -> None:
    with locked(path):
        child = sleeping_child()
    acquired = threading.Event()

    def acquire() -> None:
        with locked(path):
            acquired.set()

    thread = threading.Thread(target=acquire, daemon=True)
    thread.start()
    is_held = acquired.wait(5)
    end(child)
    thread.join()
    assert is_held


def test_a_leader_lock_is_lost_with_its_file(path: Path) -> None:
    one, other = LeaderLock(path), LeaderLock(path)
    one.try_acquire()

    path.unlink()

    assert (other.try_acquire(), one.try_acquire()) == (True, False)
    other.release()


def test_readers_share_a_lock_that_a_writer_holds_exclusively(path: Path) -> None:
    acquired = threading.Event()

    def acquire() -> None:
        with locked(path):
            acquired.set()

    with locked(path, shared=True), locked(path, shared=True):
        thread = threading.Thread(target=acquire)
        thread.start()
        is_early = acquired.wait(0.2)

    thread.join(5)
    assert (is_early, acquired.is_set()) == (False, True)


def test_a_process_that_waited_for_a_removed_file_waits_for_the_new_one(path: Path) -> None:
    acquired = threading.Event()

    def acquire() -> None:
        with locked(path):
            acquired.set()

    thread = threading.Thread(target=acquire)
    with locked(path):
        thread.start()
        acquired.wait(0.1)
        path.unlink()
        new = LeaderLock(path)
        new.try_acquire()
    is_early = acquired.wait(0.2)
    new.release()
    thread.join(5)

    assert (is_early, acquired.is_set()) == (False, True)
