"""Mixes: combinations of topics and providers that a reader writes into an address. Pure.

``ai,cloud,-gaming`` is articles of AI or of Cloud that are not of Gaming; ``ai,+nbcnews.com`` is
articles of AI by that provider. They are any, all and none of feeds that site.yml defines.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from feeds.languages import Language, marked
from feeds.urls import provider_path

#: The most terms of a mix; messages name it.
MOST_TERMS = 8

#: The sign before a term, for "any of these", "all of these" and "none of these".
ANY, ALL, NONE = "", "+", "-"


@dataclass(frozen=True, slots=True, order=True)
class Term:
    """A term of a mix: a feed, and its part in the mix."""

    sign: str
    #: The path of a topic or a provider.
    path: str

    def __str__(self) -> str:
        """Return the term as an address has it: ``-gaming``, ``+nbcnews.com``."""
        return f"{self.sign}{self.path.partition('/')[2]}"


@dataclass(frozen=True, slots=True)
class Mix:
    """The terms of a mix, in their one order and each once."""

    terms: tuple[Term, ...]

    @classmethod
    def of(cls, terms: Iterable[Term]) -> "Mix":
        """Return the mix of some terms, in any order: first "any", then "all", then "none"."""
        order = (ANY, ALL, NONE)
        return cls(tuple(sorted(set(terms), key=lambda term: (order.index(term.sign), str(term)))))

    @property
    def path(self) -> str:
        """Return the path of the feed: ``mix/ai,cloud,-gaming``."""
        return f"mix/{','.join(map(str, self.terms))}"

    @property
    def fault(self) -> str:
        """Return the message about a wrong number of terms; empty if it is right."""
        if all(term.sign == NONE for term in self.terms):
            return marked("Choose at least one topic or provider that is not left out.")
        if len(self.terms) > MOST_TERMS:
            return marked("Choose 8 topics and providers at most.")
        return ""

    def paths(self, sign: str) -> tuple[str, ...]:
        """Return the paths of the feeds with a sign."""
        return tuple(term.path for term in self.terms if term.sign == sign)

    def in_words(self, names: Mapping[str, str], written: Language) -> str:
        """Return the mix in words, with the names of its feeds by path."""
        wanted, needed, refused = (
            [names[path] for path in self.paths(sign)] for sign in (ANY, ALL, NONE)
        )
        found = written.any_of(wanted) or written.all_of(needed)
        if wanted and needed:
            others = written.all_of(needed)
            found = written.gettext("%(feeds)s, with %(others)s", feeds=found, others=others)
        if refused:
            others = written.any_of(refused)
            found = written.gettext("%(feeds)s, without %(others)s", feeds=found, others=others)
        return found


def read_terms(text: str) -> list[Term]:
    """Return the terms of an address, spelt as they are written there."""
    return [_term(part) for part in map(str.strip, text.split(",")) if part]


def _term(text: str) -> Term:
    sign = text[0] if text[0] in (ALL, NONE) else ANY
    name = text.removeprefix(sign).strip()
    return Term(sign, provider_path(name) if is_domain(name) else f"topics/{name}")


def is_domain(name: str) -> bool:
    """Return True if a term with a name is a provider: no slug of a topic has a dot."""
    return "." in name and "/" not in name
