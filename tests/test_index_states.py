"""Tests of the states of the index, for processes of a server and for commands."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from app import create_app
from feeds.index import IndexState
from feeds.locks import locked
from tests.conftest import SITE_URL, Content, Site
from tests.waiting import wait_for


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    return tmp_path / "instance"


@pytest.fixture
def opened(content: Content, instance: Path) -> Callable[[], Site]:
    """Open the site as one more process, without threads and without a claim."""
    content.write("one.md")
    environ = {
        "FEEDS_CONTENT_DIR": str(content.folder),
        "FEEDS_INSTANCE_DIR": str(instance),
        "FEEDS_URL": SITE_URL,
    }
    return lambda: Site(create_app(environ))


def state(site: Site) -> IndexState:
    return site.sync.state


def is_serving(site: Site) -> bool:
    return state(site) is IndexState.SERVING


def test_the_index_of_a_new_folder_is_missing_then_building_then_serving(
    opened: Callable[[], Site], instance: Path
) -> None:
    site = opened()
    assert state(site) is IndexState.MISSING

    with locked(instance / "index.lock"):
        site.sync.start(patience=0)
        assert state(site) is IndexState.BUILDING

    assert wait_for(lambda: is_serving(site))
    site.sync.stop()


def test_a_command_reads_an_index_that_no_server_has_verified(opened: Callable[[], Site]) -> None:
    opened().sync.refresh()

    assert is_serving(opened())


def test_an_index_of_other_settings_is_verified(
    opened: Callable[[], Site], content: Content
) -> None:
    opened().sync.refresh()
    content.raw("site.yml", "title: Another title\n")

    assert opened().sync.state is IndexState.VERIFIED


def test_a_server_verifies_again_an_index_that_an_earlier_server_verified(
    opened: Callable[[], Site], instance: Path
) -> None:
    earlier, later = opened(), opened()
    earlier.sync.start()
    assert wait_for(lambda: is_serving(earlier))
    earlier.sync.stop()

    with locked(instance / "index.lock"):
        later.sync.start(patience=0)
        assert state(later) is IndexState.BUILDING

    assert wait_for(lambda: is_serving(later))
    later.sync.stop()


def test_a_worker_serves_at_once_the_index_that_its_server_has_verified(
    opened: Callable[[], Site], instance: Path
) -> None:
    first, second = opened(), opened()
    first.sync.start()
    assert wait_for(lambda: is_serving(first))

    with locked(instance / "index.lock"):
        second.sync.start(patience=0)
        assert is_serving(second)
        # The state stays when the leader ends.
        first.sync.stop()
        assert second.get("/all.rss").status_code == 200

    second.sync.stop()


def test_a_suspect_index_serves_again_once_it_is_examined(
    opened: Callable[[], Site], instance: Path
) -> None:
    site = opened()
    site.sync.start()
    assert wait_for(lambda: is_serving(site))

    with locked(instance / "index.lock"):
        site.sync.shared.mark_suspect()
        assert state(site) is IndexState.SUSPECT
        assert site.get("/readyz").status_code == 200

    assert wait_for(lambda: is_serving(site))
    site.sync.stop()


def test_an_index_needs_six_files_of_which_one_is_the_database(
    opened: Callable[[], Site], instance: Path
) -> None:
    site = opened()
    site.sync.start()
    assert wait_for(lambda: is_serving(site))
    site.sync.stop()

    journal = {"index.sqlite-wal", "index.sqlite-shm"}
    assert set(os.listdir(instance)) - journal == {
        "index.sqlite", "index.state", "index.lock", "index.open", "watch.lock", "owner",
    }  # fmt: skip
