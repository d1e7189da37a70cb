"""Stress tests under load: hubs that hang, send slowly, fail and redirect; a full queue."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import stores
from tests.conftest import Content
from tests.hubs import TinyHub, has_recorded, tiny_hub
from tests.live_servers import serving
from tests.torture.conftest import Figure, scaled
from tests.torture.test_trouble import COUNT, Loaded, fill, is_right, write
from tests.waiting import wait_for


@contextmanager
def loaded(content: Content, folder: Path, instance: Path, url: str) -> Iterator[Loaded]:
    """Yield a server with a hub, which has recorded its documents."""
    for number in range(COUNT):
        write(content, number, 0)
    content.raw("site.yml", f"hubs: [{url}]\n")
    port = stores.free_port()
    cache = f"redis://127.0.0.1:{port}/0"
    with (
        stores.running(port, *stores.redis(port, folder)) as redis,
        serving(content.folder, instance, FEEDS_CACHE_URL=cache, FEEDS_WORKERS="2") as address,
    ):
        assert wait_for(lambda: has_recorded(instance))
        yield Loaded(address, content, instance, redis, port)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[TinyHub]:
    with tiny_hub(tmp_path) as found:
        yield found


@pytest.mark.parametrize("badness", ["silence/", "drip/", "status/503"])
def test_a_bad_hub_affects_no_reader(
    content: Content, tmp_path: Path, hub: TinyHub, badness: str, figure: Figure
) -> None:
    with loaded(content, tmp_path, tmp_path / "instance", hub.url(badness)) as server:
        # Nothing is announced in the first four seconds.
        with server.load(scaled(3, 4)) as quiet:
            pass

        with server.load(scaled(6, 20)) as seen:
            pass
        requested = len(hub.requests())
        is_news = wait_for(server.shows_the_last_save)

    added = 1000 * (seen.p99() - quiet.p99())
    figure(
        f"hub of {badness}: {len(seen.polls)} requests, {len(seen.failed())} failed, "
        f"p99 {1000 * quiet.p99():.0f} ms before, {added:+.0f} ms, hub asked {requested} times"
    )
    assert seen.failed() == []
    assert is_right(seen)
    assert added < 150
    assert 1 <= requested <= 8
    assert is_news


def test_a_full_disk_delays_announcements_and_loses_none(
    content: Content, tmp_path: Path, small_disk: Path, hub: TinyHub, figure: Figure
) -> None:
    instance, announced_address = small_disk / "instance", "/topics/a.rss"
    with loaded(content, tmp_path, instance, hub.url("status/202")) as server:
        ballast = fill(instance)
        with server.load(scaled(6, 20)) as seen:
            pass
        on_full_disk = len(hub.requests())
        ballast.unlink()

        is_announced = wait_for(
            lambda: any(a.endswith(announced_address) for a in hub.announced()), 30
        )

    figure(
        f"full disk: {len(seen.polls)} requests, {len(seen.failed())} failed, "
        f"hub notified {on_full_disk} times meanwhile"
    )
    assert seen.failed() == []
    assert on_full_disk == 0
    assert is_announced
