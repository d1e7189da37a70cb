"""The feeds of a site as menus show them: topics in a tree, providers, names, named feeds.

Pure: feed_infos in, entries out.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace

from feeds.feed_info import FeedInfo
from feeds.model import FeedId


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """What a menu shows of a feed."""

    id: FeedId
    name: str
    count: int
    inside: tuple["MenuEntry", ...] = ()

    @property
    def folded(self) -> str:
        """The name as it is searched for."""
        return folded(self.name)


@dataclass(frozen=True, slots=True)
class Menu:
    """All feeds but the whole."""

    topics: tuple[MenuEntry, ...] = ()
    providers: tuple[MenuEntry, ...] = ()
    feeds: tuple[MenuEntry, ...] = ()

    @property
    def groups(self) -> tuple[tuple[str, str, tuple[MenuEntry, ...]], ...]:
        """The parts that hold something: id, title and entries."""
        parts = (
            ("topics", "Topics", self.topics),
            ("providers", "Providers", self.providers),
            ("selections", "Selections", self.feeds),
        )
        return tuple(part for part in parts if part[2])

    @property
    def size(self) -> int:
        """The number of feeds."""
        return sum(map(_size, (*self.topics, *self.providers, *self.feeds)))


def entry(feed_info: FeedInfo) -> MenuEntry:
    """The entry of one feed, without those inside it."""
    return MenuEntry(feed_info.id, feed_info.name, feed_info.count)


def menu(feed_infos: Iterable[FeedInfo]) -> Menu:
    """The menu of a site: topics and providers by name, named feeds as site.yml has them."""
    found = list(feed_infos)
    inside: dict[FeedId | None, list[FeedInfo]] = {}
    known = {feed_info.id for feed_info in found}
    for feed_info in found:
        # The topic above may have been retired: then this one stands for itself.
        above = feed_info.parent if feed_info.parent in known else None
        inside.setdefault(above, []).append(feed_info)

    def tree(feed_info: FeedInfo) -> MenuEntry:
        below = inside.get(feed_info.id, ())
        return replace(entry(feed_info), inside=tuple(map(tree, sorted(below, key=_place))))

    top = inside.get(None, [])
    by_kind = {
        kind: tuple(tree(feed_info) for feed_info in top if feed_info.kind == kind)
        for kind in ("topics", "providers", "feeds")
    }
    topics, providers = (
        tuple(sorted(by_kind[kind], key=lambda e: (e.folded, e.id.path)))
        for kind in ("topics", "providers")
    )
    return Menu(topics, providers, by_kind["feeds"])


def search(menu: Menu, query: str) -> Menu:
    """What remains of a menu when each word of a query must be in a name.

    What is above a feed that remains, remains too: it says where the feed is.
    """
    wanted = folded(query).split()
    return Menu(*(_kept(part, wanted) for part in (menu.topics, menu.providers, menu.feeds)))


def folded(text: str) -> str:
    """A text as it is searched: without case, accents and the difference of alike characters."""
    spread = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in spread if not unicodedata.combining(c))


def _kept(entries: tuple[MenuEntry, ...], wanted: list[str]) -> tuple[MenuEntry, ...]:
    found = (replace(entry, inside=_kept(entry.inside, wanted)) for entry in entries)
    return tuple(e for e in found if e.inside or all(word in e.folded for word in wanted))


def _place(feed_info: FeedInfo) -> tuple[str, str]:
    return folded(feed_info.name), feed_info.id.path


def _size(entry: MenuEntry) -> int:
    return 1 + sum(map(_size, entry.inside))
