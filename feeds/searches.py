"""Searches: words that a reader writes into an address, and that an article must have. Pure."""

from dataclasses import dataclass

from feeds.folded_words import words
from feeds.languages import marked

#: The most words of a search, and characters of its address; messages name both.
MOST_WORDS, LONGEST_SEARCH = 8, 100


@dataclass(frozen=True, slots=True)
class Search:
    """The words of a search: folded, in their one order, and each once."""

    words: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "Search":
        """Return the search for the words of a text."""
        return cls(tuple(sorted(set(words(text)))))

    @property
    def path(self) -> str:
        """Return the path of the feed: ``search/boats-ferry``."""
        return f"search/{'-'.join(self.words)}"

    @property
    def fault(self) -> str:
        """Return the message about a wrong number of words; empty if it is right."""
        if not self.words:
            return marked("Write at least one word.")
        if len(self.words) > MOST_WORDS or len(self.in_words) > LONGEST_SEARCH:
            return marked("Write 8 words with 100 characters at most.")
        return ""

    @property
    def in_words(self) -> str:
        """Return the words with spaces between them."""
        return " ".join(self.words)
