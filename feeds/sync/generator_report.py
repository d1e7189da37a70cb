"""The outcomes of the files of each declared folder, counted for ``flask check``."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from feeds.articles import folder_of
from feeds.errors import Reason
from feeds.index import FileOutcome
from feeds.settings import DeclaredFolder

#: Articles that a report shows with their links.
SHOWN = 3

_WORDS = {
    Reason.DRAFT: "drafts",
    Reason.EMBARGOED: "embargoed",
    Reason.WITHDRAWN: "withdrawn",
}


@dataclass(frozen=True, slots=True)
class FolderReport:
    """The outcomes of the files of one declared folder."""

    folder: str
    #: The articles that are served, newest first.
    served: tuple[FileOutcome, ...]
    #: The numbers of files that are not served, by a word for people.
    others: tuple[tuple[str, int], ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """The counts in one line, and one line for each of the newest articles."""
        counts = [f"{len(self.served):,} served", *(f"{n:,} {word}" for word, n in self.others)]
        newest = self.served[:SHOWN]
        end = "; the newest:" if newest else ""
        shown = (f"  {outcome.shown} -> {outcome.link}" for outcome in newest)
        return (f"{self.folder}: {', '.join(counts)}{end}", *shown)

    def sample(self, count: int) -> tuple[str, ...]:
        """Return the links of so many articles, spread over time, the newest among them."""
        step = max(1, -(-len(self.served) // count))
        return tuple(outcome.link for outcome in self.served[::step])


def folder_reports(
    outcomes: Iterable[FileOutcome], declared: tuple[DeclaredFolder, ...]
) -> list[FolderReport]:
    """Return a report for each declared folder, by name."""
    by_folder: dict[str, list[FileOutcome]] = {each.folder: [] for each in declared}
    for outcome in outcomes:
        folder = folder_of(outcome.path, declared)
        if folder and outcome.reason is not Reason.NOT_AN_ARTICLE:
            by_folder[folder.folder].append(outcome)
    return [_report(folder, found) for folder, found in sorted(by_folder.items())]


def _report(folder: str, outcomes: list[FileOutcome]) -> FolderReport:
    served = [outcome for outcome in outcomes if outcome.reason is None]
    words = Counter(_WORDS.get(each.reason, "rejected") for each in outcomes if each.reason)
    return FolderReport(
        folder or ".",
        tuple(sorted(served, key=lambda each: (-each.published, each.path))),
        tuple((word, words[word]) for word in (*_WORDS.values(), "rejected") if words[word]),
    )
