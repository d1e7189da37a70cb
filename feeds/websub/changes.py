"""Detects changed documents by comparing content hashes from the index, without rendering."""

from collections.abc import Iterator, Mapping
from hashlib import blake2b

from feeds.catalog import Catalog
from feeds.errors import MovedFeed, RetiredFeed, UnknownFeed
from feeds.index import Index
from feeds.model import FeedId, Format
from feeds.websub.outbox import DocumentState, Outbox


class ChangeDetector:
    """Detects which documents of a site changed."""

    def __init__(self, catalog: Catalog, index: Index, outbox: Outbox, version: str) -> None:
        """Watch ``catalog``; a new ``version`` of the rendering code changes every document."""
        self._catalog = catalog
        self._index = index
        self._outbox = outbox
        self._version = catalog.files.fingerprint + version.encode()

    def changed_documents(self, known: Mapping[str, str]) -> Iterator[DocumentState]:
        """Yield the current state of every document whose stamp differs from the known one."""
        for path, modified in self._catalog.change_times().items():
            stamp = self._stamp(modified)
            if known.get(path) != stamp:
                yield from self._documents(FeedId(path), stamp)
                # A change in a month always changes the stamp of its feed.
                yield from self._archives(path, self._outbox.months(path) if known else {})

    def _archives(self, path: str, known: Mapping[str, str]) -> Iterator[DocumentState]:
        has_earlier_changed = False
        for month in self._index.months(path):
            stamp = self._stamp(month.modified)
            has_changed = known.get(month.name) != stamp
            # A month links to the oldest document of its neighbour, which may have changed.
            if has_changed or has_earlier_changed:
                yield from self._documents(FeedId(path, month.name), stamp)
            has_earlier_changed = has_changed or (has_earlier_changed and not month.count)

    def _documents(self, id: FeedId, stamp: str) -> Iterator[DocumentState]:
        """Yield the state of a feed, or of all parts of a month."""
        try:
            selections = self._catalog.selections(id)
        except (MovedFeed, RetiredFeed, UnknownFeed):
            # No document is served here; a later return counts as a change.
            yield DocumentState(id, stamp, "")
            return
        for found in selections:
            key = blake2b(self._version + found.fingerprint, digest_size=16).hexdigest()
            addresses = tuple(self._catalog.urls.feed(found.id, format) for format in Format)
            yield DocumentState(found.id, stamp, key, addresses)

    def _stamp(self, modified: int) -> str:
        return blake2b(self._version + str(modified).encode(), digest_size=16).hexdigest()
