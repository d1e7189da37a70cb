"""Tests of two nodes, Redis, nginx and hubs: each change is served first and announced once."""

import json
import signal
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster.installation import Cluster
from tests.conftest import Content
from tests.hubs import (
    Subscriber,
    TinyHub,
    has_recorded,
    pending,
    real_hub,
    recorded,
    subscriber,
    tiny_hub,
)
from tests.waiting import wait_for


def paths_of(topic: str, month: str) -> list[str]:
    """Return the paths of all documents that an article of one topic and month appears in."""
    feeds = ("all", topic, "providers/news.example.com", "providers/news.example.com/example-news")
    documents = [f"/{feed}{part}" for feed in feeds for part in ("", f"/{month}")]
    return [f"{document}.{format}" for document in documents for format in ("rss", "atom", "json")]


#: Paths that are announced when the other article changes.
LAST_CHANGE = paths_of("topics/other", "2026-10")


@dataclass
class Pushed:
    """An installation with two hubs: a real one, and one that counts its requests."""

    cluster: Cluster
    hub: str
    counting: TinyHub
    reader: Subscriber

    @property
    def topic(self) -> str:
        return f"{self.cluster.nginx.url}/topics/boats.json"

    def announce_a_last_change(self) -> None:
        """Change the other article; wait until that and every earlier change is announced."""
        self.cluster.content.write(
            "b.md", title="Changed", topics=["Other"], publishedDateTime="2026-10-01"
        )
        assert wait_for(lambda: self.announced().keys() >= set(LAST_CHANGE), 40)

    def settle(self) -> None:
        """Wait until both nodes have recorded the same documents and delivered everything.

        A node that has not checked its queue before the next change announces that change at once,
        and again after the pause.
        """
        folders = [node.instance for node in self.cluster.nodes]
        assert wait_for(lambda: recorded(folders[0]) == recorded(folders[1]), 40)
        assert wait_for(lambda: not any(map(pending, folders)), 40)

    def announced(self) -> Counter[str]:
        """Return the number of announcements of each path."""
        addresses = (line.split()[2] for line in self.counting.requests())
        return Counter(address.removeprefix(self.cluster.nginx.url) for address in addresses)


@pytest.fixture
def pushed(tmp_path: Path) -> Iterator[Pushed]:
    content = Content(tmp_path / "content")
    content.write("a.md", title="Version 0", topics=["Boats"])
    content.write("b.md", topics=["Other"], publishedDateTime="2026-10-01")
    with real_hub() as hub, tiny_hub(tmp_path) as counting, subscriber() as reader:
        content.raw("site.yml", f"hubs:\n- {hub}\n- {counting.url('status/202')}\n")
        cluster = Cluster(content, tmp_path)
        for node in cluster.nodes:
            node.site_url = cluster.nginx.url
        with cluster.running():
            found = Pushed(cluster, hub, counting, reader)
            reader.subscribe(hub, found.topic)
            # Both nodes have recorded their documents.
            assert wait_for(lambda: all(has_recorded(node.instance) for node in cluster.nodes))
            yield found


def test_a_change_is_announced_once_and_reaches_the_subscriber_through_nginx(
    pushed: Pushed,
) -> None:
    for version in (1, 2):
        # nginx has cached the earlier document just before.
        urllib.request.urlopen(pushed.topic, timeout=20).close()
        pushed.cluster.content.write("a.md", title=f"Version {version}", topics=["Boats"])
        urllib.request.urlopen(pushed.topic, timeout=20).close()
        assert pushed.reader.gets(version)
        pushed.settle()
    pushed.announce_a_last_change()

    titles = [json.loads(body)["items"][0]["title"] for _, body in pushed.reader.got]
    assert titles == ["Version 1", "Version 2"]
    boats = Counter(paths_of("topics/boats", "2026-11"))
    assert pushed.announced() == boats + boats + Counter(LAST_CHANGE)


def test_announcements_of_a_dead_node_are_sent_by_the_other(pushed: Pushed) -> None:
    pushed.cluster.content.write("a.md", title="Version 1", topics=["Boats"])
    pushed.cluster.shows("/all.rss", "Version 1")
    pushed.cluster.nodes[0].end(signal.SIGKILL)

    assert pushed.reader.gets(1)

    assert b"Version 1" in pushed.reader.got[0][1]


def test_a_rolling_restart_announces_nothing(pushed: Pushed) -> None:
    for node in pushed.cluster.nodes:
        node.end(signal.SIGTERM)
        node.start()
    assert wait_for(lambda: all(has_recorded(node.instance) for node in pushed.cluster.nodes))
    pushed.announce_a_last_change()

    assert pushed.announced() == Counter(LAST_CHANGE)
