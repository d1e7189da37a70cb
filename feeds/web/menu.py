"""The menu of a site's feeds: topics and providers as trees, and named feeds. Pure functions."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from feeds.feed_info import FeedInfo
from feeds.languages import Language
from feeds.model import FeedId


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """A feed in a menu."""

    id: FeedId
    name: str
    count: int
    inside: tuple["MenuEntry", ...] = ()
    #: Aliases and the description, which a search looks into as well.
    terms: str = ""

    @property
    def folded(self) -> str:
        """The name for sorting."""
        return folded(self.name)

    def matches(self, words: Iterable[str]) -> bool:
        """Return True if the name or the terms contain each of the folded words."""
        text = folded(f"{self.name} {self.terms}")
        return all(any(form in text for form in _forms(word)) for word in words)


@dataclass(frozen=True, slots=True)
class Menu:
    """All feeds except ``/all``."""

    topics: tuple[MenuEntry, ...] = ()
    providers: tuple[MenuEntry, ...] = ()
    feeds: tuple[MenuEntry, ...] = ()

    def groups(self, language: Language) -> tuple[tuple[str, str, tuple[MenuEntry, ...]], ...]:
        """Return the parts that are not empty: id, title and entries."""
        parts = (
            ("topics", language.gettext("Topics"), self.topics),
            ("providers", language.gettext("Providers"), self.providers),
            ("selections", language.gettext("Selections"), self.feeds),
        )
        return tuple(part for part in parts if part[2])

    @property
    def size(self) -> int:
        """The number of feeds."""
        return sum(map(_size, (*self.topics, *self.providers, *self.feeds)))


def entry(feed_info: FeedInfo) -> MenuEntry:
    """Return the entry of one feed, without the entries inside it."""
    return MenuEntry(feed_info.id, feed_info.name, feed_info.count)


def menu(feed_infos: Iterable[FeedInfo], terms: Mapping[str, str] | None = None) -> Menu:
    """Return the menu of a site: topics and providers by name, named feeds as in site.yml.

    ``terms`` maps the paths of feeds to the texts that a search reads besides their names.
    """
    found = list(feed_infos)
    inside: dict[FeedId | None, list[FeedInfo]] = {}
    known = {feed_info.id for feed_info in found}
    for feed_info in found:
        # The parent topic may be retired: its child then moves to the top level.
        above = feed_info.parent if feed_info.parent in known else None
        inside.setdefault(above, []).append(feed_info)

    top = inside.get(None, [])
    by_kind = {
        kind: tuple(_tree(each, inside, terms or {}) for each in top if each.kind == kind)
        for kind in ("topics", "providers", "feeds")
    }
    topics, providers = (
        tuple(sorted(by_kind[kind], key=lambda e: (e.folded, e.id.path)))
        for kind in ("topics", "providers")
    )
    return Menu(topics, providers, by_kind["feeds"])


def search(menu: Menu, query: str) -> Menu:
    """Return the feeds whose name or terms contain each word of a query.

    The ancestors of a match stay, since they show where it belongs.
    """
    words = folded(query).split()
    return Menu(*(_matches(part, words) for part in (menu.topics, menu.providers, menu.feeds)))


def folded(text: str) -> str:
    """Return a text without letter case and accents, in compatibility form (NFKD)."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _tree(
    feed_info: FeedInfo, inside: Mapping[FeedId | None, list[FeedInfo]], terms: Mapping[str, str]
) -> MenuEntry:
    """Return the entry of a feed with those of the feeds in it.

    A function inside `menu` that calls itself would be a cycle, which keeps all feeds until the
    garbage is collected: that took 12 ms, several times a second, during which no poll is answered.
    """
    below = sorted(inside.get(feed_info.id, ()), key=_sort_key)
    return replace(
        entry(feed_info),
        inside=tuple(_tree(each, inside, terms) for each in below),
        terms=terms.get(feed_info.id.path, ""),
    )


def _matches(entries: tuple[MenuEntry, ...], words: list[str]) -> tuple[MenuEntry, ...]:
    found = (replace(entry, inside=_matches(entry.inside, words)) for entry in entries)
    return tuple(e for e in found if e.inside or e.matches(words))


def _forms(word: str) -> list[str]:
    """Return a word and its other number in English: ferry, ferries. page.js does the same."""
    if word.endswith("ies"):
        return [word, f"{word[:-3]}y"]
    return [word, f"{word[:-1]}ies"] if word.endswith("y") else [word]


def _sort_key(feed_info: FeedInfo) -> tuple[str, str]:
    return folded(feed_info.name), feed_info.id.path


def _size(entry: MenuEntry) -> int:
    return 1 + sum(map(_size, entry.inside))
