"""Tests of the revision: one number for all processes of a machine."""

import os
from pathlib import Path

from feeds.index import SharedState
from tests.waiting import wait_for


def test_a_process_sees_its_own_revision_at_once(tmp_path: Path) -> None:
    revision = SharedState(tmp_path / "index.state")
    assert revision.cached_revision() == 0

    revision.publish(7, 0)

    assert revision.cached_revision() == 7


def test_a_revision_by_another_process_is_seen_a_moment_later(tmp_path: Path) -> None:
    ours, theirs = SharedState(tmp_path / "index.state"), SharedState(tmp_path / "index.state")
    assert ours.cached_revision() == 0

    theirs.publish(7, 0)

    assert wait_for(lambda: ours.cached_revision() == 7)


def test_a_file_that_replaced_another_is_read_at_once(tmp_path: Path) -> None:
    ours = SharedState(tmp_path / "index.state")
    ours.publish(7, 0)
    assert ours.cached_revision() == 7
    (tmp_path / "index.state").unlink()
    SharedState(tmp_path / "index.state").publish(9, 0)

    ours.reopen()

    assert ours.cached_revision() == 9


def test_a_revision_that_is_gone_leaves_no_file_open(tmp_path: Path) -> None:
    before = os.listdir("/proc/self/fd")

    for _ in range(10):
        SharedState(tmp_path / "index.state").revision()

    assert len(os.listdir("/proc/self/fd")) == len(before)
