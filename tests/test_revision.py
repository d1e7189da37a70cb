"""The revision: one number for all processes of a machine."""

import os
from pathlib import Path

from feeds.index.revision import Revision
from tests.waiting import wait_for


def test_what_a_process_announced_it_knows_at_once(tmp_path: Path) -> None:
    revision = Revision(tmp_path / "revision")
    assert revision.get_cached() == 0

    revision.set(7, 0)

    assert revision.get_cached() == 7


def test_what_another_process_announced_is_known_a_moment_later(tmp_path: Path) -> None:
    ours, theirs = Revision(tmp_path / "revision"), Revision(tmp_path / "revision")
    assert ours.get_cached() == 0

    theirs.set(7, 0)

    assert wait_for(lambda: ours.get_cached() == 7)


def test_a_file_that_took_the_place_of_another_is_read_at_once(tmp_path: Path) -> None:
    ours = Revision(tmp_path / "revision")
    ours.set(7, 0)
    assert ours.get_cached() == 7
    (tmp_path / "revision").unlink()
    Revision(tmp_path / "revision").set(9, 0)

    ours.follow()

    assert ours.get_cached() == 9


def test_a_revision_that_is_gone_leaves_no_file_open(tmp_path: Path) -> None:
    before = os.listdir("/proc/self/fd")

    for _ in range(10):
        Revision(tmp_path / "revision").get()

    assert len(os.listdir("/proc/self/fd")) == len(before)
