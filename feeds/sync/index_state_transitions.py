"""The transitions between the states of the index; docs/architecture.md has the diagram."""

import logging
import sqlite3
from dataclasses import dataclass, field

from feeds.errors import IndexUnavailable, WrongFile
from feeds.index import (
    Index,
    IndexFacts,
    IndexState,
    lock_file,
    rebuild_if_corrupt,
    reread_corrupt_rows,
)
from feeds.locks import LeaderLock, locked

log = logging.getLogger(__name__)


@dataclass(slots=True)
class IndexLifecycle:
    """Determines the state of an index, and moves it to the next."""

    index: Index
    #: Held by the process that watches the folder and refreshes the index.
    leader_lock: LeaderLock
    #: The settings and the version of this process, as the index names those it was built for.
    made_for: str
    #: The content folder, as the index names it.
    folder: str
    _is_examined: bool = field(default=False, init=False)

    @property
    def state(self) -> IndexState:
        """The state of the index for these settings and this content folder."""
        if not self.index.may_be_served():
            return IndexState.BUILDING
        try:
            facts = self.index.facts()
        except IndexUnavailable:
            return IndexState.MISSING
        if not self._is_made_for_us(facts):
            return IndexState.VERIFIED
        return IndexState.SUSPECT if self.index.shared.is_suspect else IndexState.SERVING

    def clear_verified(self) -> None:
        """Let no process serve the index before it is compared with the folder.

        While no server ran, an article may have become a draft.
        """
        self.index.shared.reopen()
        self.index.shared.set_verified(False)

    def mark_verified(self) -> None:
        """Allow all processes of the server to serve the index."""
        if not self.index.shared.is_verified:
            self.index.shared.set_verified(True)

    def heal(self) -> bool:
        """Heal the index if it needs it; return True if the whole folder must be compared again."""
        is_suspect = self.index.shared.is_suspect
        if not is_suspect and self._is_as_published():
            return False
        self.examine()
        if is_suspect:
            with locked(lock_file(self.index.path)):
                reread_corrupt_rows(self.index.path)
            self.index.shared.clear_suspect()
        return True

    def examine(self) -> None:
        """Rebuild the index if it is corrupt, also if no reader has met that yet."""
        with locked(lock_file(self.index.path)):
            rebuild_if_corrupt(self.index.path)
        self._is_examined = True

    def examine_once(self) -> None:
        """Examine the index if neither this process has, nor another one is the leader.

        The caller holds the lock for writing the index.
        """
        if not (self._is_examined or self.leader_lock.is_held_elsewhere()):
            rebuild_if_corrupt(self.index.path)
            self._is_examined = True

    def examine_to_read(self) -> None:
        """Examine the index once for a process that only reads it; a refresh does so by itself.

        While another process refreshes it, do nothing: that one has examined it, and may take
        minutes.
        """
        writing = LeaderLock(lock_file(self.index.path))
        try:
            if writing.try_acquire():
                self.examine_once()
        except (sqlite3.Error, OSError, WrongFile) as error:
            # A full disk, most likely. What is there may still be read.
            log.error("the index cannot be examined: %s", error)
        finally:
            writing.release()

    def _is_as_published(self) -> bool:
        """Return True if the index is readable, as published, and made for these settings.

        A command of an older version with other settings may have rebuilt it. An index that was
        made for other settings stays as it is while a loss is held back.
        """
        try:
            facts = self.index.facts()
        except IndexUnavailable:
            return False
        is_usable = facts.held > 0 or self._is_made_for_us(facts)
        return facts.revision == self.index.shared.revision() and is_usable

    def _is_made_for_us(self, facts: IndexFacts) -> bool:
        return (facts.made_for, facts.content) == (self.made_for, self.folder)
