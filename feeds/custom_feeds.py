"""Custom feeds: mixes and searches, which a reader writes into an address and no list holds."""

from dataclasses import dataclass

from feeds.errors import MovedFeed, UnknownCustomFeed
from feeds.feed_info import NEVER, FeedInfo, FeedNames
from feeds.index import Condition, Index
from feeds.languages import language, marked
from feeds.mixes import ALL, ANY, NONE, Mix, Term, read_terms
from feeds.model import FeedId, Withdrawal
from feeds.searches import Search
from feeds.urls import MAX_PATH, usual_path


@dataclass(frozen=True, slots=True)
class CustomFeed:
    """A mix or a search, and its condition on articles."""

    feed_info: FeedInfo
    condition: Condition
    #: Recently withdrawn articles of a mix, the latest first; a search cannot know its own.
    withdrawn: tuple[Withdrawal, ...] = ()


@dataclass(frozen=True, slots=True)
class CustomFeeds:
    """The mixes and searches that addresses name."""

    names: FeedNames
    index: Index
    #: The most withdrawals that are read of each feed of a mix.
    most_withdrawn: int

    def find(self, id: FeedId) -> CustomFeed:
        """Return the custom feed of an address.

        Raise MovedFeed for another spelling, and UnknownCustomFeed, whose message names the fault.
        """
        kind, _, text = id.path.partition("/")
        if len(text) > MAX_PATH:
            raise UnknownCustomFeed(marked("The address is too long."))
        return self._mix(id, text) if kind == "mix" else self._search(id, text)

    def _mix(self, id: FeedId, text: str) -> CustomFeed:
        resolved = [self._resolved(term) for term in read_terms(text)]
        mix = Mix.of(term for term, _ in resolved)
        _ensure_usual(id, mix)
        written = language(self.names.files.site.language)
        name = mix.in_words({term.path: name for term, name in resolved}, written)
        return CustomFeed(
            self._feed_info(id, "mix", name, written.gettext("A mix: %(feeds)s", feeds=name)),
            Condition.on_feeds(*(mix.paths(sign) for sign in (ANY, ALL, NONE))),
            self._withdrawn(mix),
        )

    def _search(self, id: FeedId, text: str) -> CustomFeed:
        search = Search.of(text)
        _ensure_usual(id, search)
        written = language(self.names.files.site.language)
        described = written.gettext("Articles with the words: %(words)s", words=search.in_words)
        return CustomFeed(
            self._feed_info(id, "search", search.in_words, described),
            Condition.on_words(search.words),
        )

    def _resolved(self, term: Term) -> tuple[Term, str]:
        """Return a term with the path of its feed, and the name of that feed."""
        for spelling in dict.fromkeys((term.path, usual_path(term.path))):
            path = self.names.files.aliases.get(spelling, spelling)
            known = self.index.known_feed(path)
            if self.names.exists(path, known):
                return Term(term.sign, path), self.names.feed_info(path, known).name
        name = "".join(filter(str.isprintable, term.path.partition("/")[2]))
        raise UnknownCustomFeed(marked("There is no topic or provider “%(name)s”."), name=name)

    def _withdrawn(self, mix: Mix) -> tuple[Withdrawal, ...]:
        """Return the articles that the mix held when they were withdrawn."""
        by_sign = {
            sign: [
                frozenset(self.index.withdrawals(path, self.most_withdrawn))
                for path in mix.paths(sign)
            ]
            for sign in (ANY, ALL, NONE)
        }
        wanted = by_sign[ANY] and [frozenset[Withdrawal]().union(*by_sign[ANY])]
        found = frozenset.intersection(*wanted, *by_sign[ALL]).difference(*by_sign[NONE])
        latest = sorted(found, key=lambda withdrawal: (-withdrawal.when, withdrawal.id))
        return tuple(latest[: self.most_withdrawn])

    def _feed_info(self, id: FeedId, kind: str, name: str, description: str) -> FeedInfo:
        site = self.names.files.site
        return FeedInfo(
            id=id,
            kind=kind,
            name=name,
            title=f"{name} — {site.title}",
            description=description,
            language=language(site.language).tag,
            shared_language=site.language,
            count=0,
            modified=NEVER,
        )


def _ensure_usual(id: FeedId, requested: Mix | Search) -> None:
    if requested.fault:
        raise UnknownCustomFeed(requested.fault)
    if requested.path != id.path:
        raise MovedFeed(FeedId(requested.path))
