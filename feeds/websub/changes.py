"""Sees which documents are others than they were, from the index alone: nothing is rendered."""

from collections.abc import Iterator, Mapping
from hashlib import blake2b

from feeds.catalog import Catalog
from feeds.errors import MovedFeed, RetiredFeed, UnknownFeed
from feeds.index import Index
from feeds.model import FeedId, Format
from feeds.websub.outbox import DocumentState, Outbox


class ChangeDetector:
    """Looks at the documents of a site."""

    def __init__(self, catalog: Catalog, index: Index, outbox: Outbox, version: str) -> None:
        """Take what may change and the version of the code that renders it, which has a say."""
        self._catalog = catalog
        self._index = index
        self._queue = outbox
        self._version = catalog.files.fingerprint + version.encode()

    def changed_documents(self, known: Mapping[str, str]) -> Iterator[DocumentState]:
        """Every document whose stamp is another than is known of it, as it is now."""
        for path, modified in self._catalog.moments().items():
            stamp = self._stamp(modified)
            if known.get(path) != stamp:
                yield from self._documents(FeedId(path), stamp)
                # A change in a month is one in its feed.
                yield from self._archives(path, self._queue.months(path) if known else {})

    def _archives(self, path: str, known: Mapping[str, str]) -> Iterator[DocumentState]:
        was_moved = False
        for month in self._index.months(path):
            stamp = self._stamp(month.modified)
            is_moved = known.get(month.name) != stamp
            # The month before it names its oldest document, which may be another now.
            if is_moved or was_moved:
                yield from self._documents(FeedId(path, month.name), stamp)
            was_moved = is_moved or (was_moved and not month.count)

    def _documents(self, id: FeedId, stamp: str) -> Iterator[DocumentState]:
        """A feed, or all parts of a month of it."""
        try:
            selections = self._catalog.selections(id)
        except (MovedFeed, RetiredFeed, UnknownFeed):
            # An answer without a body of ours; when one comes back, that is a change.
            yield DocumentState(id, stamp, "")
            return
        for found in selections:
            key = blake2b(self._version + found.fingerprint, digest_size=16).hexdigest()
            addresses = tuple(self._catalog.urls.feed(found.id, format) for format in Format)
            yield DocumentState(found.id, stamp, key, addresses)

    def _stamp(self, modified: int) -> str:
        return blake2b(self._version + str(modified).encode(), digest_size=16).hexdigest()
