"""From a path to an outcome: reads and parses a file, and computes what the index stores of it.

An Ingester is plain data, so that other processes can get it when there is much to read.
"""

import os
import threading
import time
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from multiprocessing import current_process, get_context, parent_process
from multiprocessing.process import BaseProcess
from pathlib import Path
from urllib.parse import unquote

import msgspec

from feeds.articles import (
    PICTURES,
    Context,
    faults,
    folder_of,
    glimpse,
    is_foreign,
    is_namable,
    near_misses,
    parse,
    refuse_path,
    split,
)
from feeds.errors import ArticleError, Reason
from feeds.image_sizes import known_facts
from feeds.index import Fault, FileOutcome, IndexEntry, content_hash, searchable_text
from feeds.model import Article, Membership
from feeds.settings import DeclaredFolder
from feeds.sync import containment, scan
from feeds.sync.image_files import image_length, image_type, open_image

#: Seconds for which a file must be unchanged before it counts as broken: writers that do not rename
#: leave half of it there for a moment (2 to 3 % of reads saw that).
STILL = 0.25

#: The most attempts to read a file that changes while it is read.
ATTEMPTS = 4

#: From this many files on, reading them in several processes is faster than starting those.
MANY = 1000

#: The remedy for a file that is no article.
NOT_AN_ARTICLE = (
    "only files whose names end in .md, and do not begin with a dot, are articles; .markdown and"
    " .mdx below a folder of site.yml"
)

_UNREADABLE = (
    "cannot be read, or too deep: make it readable, or move it; its articles stay as they were"
)

#: Files that are read before the index is written. Reading and writing in turn, file by file, each
#: found the caches of the processor filled by the other, and took a tenth longer.
TOGETHER = 50

#: The version of the reading of files: an index that another version made reads every file again.
#: Raise it by one when the outcome of a file changes (its reason, its article, its feeds, its
#: words, its weight), and only then: a test ties it to the outcomes of the golden files.
READING_VERSION = 11


@dataclass(frozen=True, slots=True)
class Ingester:
    """Reads files of a content folder."""

    content: Path
    site_url: str
    #: In which feeds an article is.
    memberships: Callable[[Article], tuple[Membership, ...]]
    #: The most bytes that an article takes in a document.
    weigh: Callable[[Article], int]
    #: Leaves out of an article what its provider does not publish.
    public: Callable[[Article], Article]
    #: The database of image sizes that other hosts reported.
    answers: Path | None = None
    #: The folders that site.yml declares, the innermost first.
    folders: tuple[DeclaredFolder, ...] = ()

    def ingest(self, path: str, now: int) -> FileOutcome | None:
        """Return the outcome of a file now; None if it is missing."""
        folder, name = split(path)
        if not name:
            return FileOutcome(folder, name, scan.UNREADABLE, Reason.UNREADABLE, _UNREADABLE)
        try:
            return self._ingest_when_still(path, now)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            message = f"{error.strerror}: make it readable"
            return FileOutcome(folder, name, "", Reason.UNREADABLE, message)
        except Exception as error:
            # A fault in our code must not stop the reading of all other files.
            return self._fault(path, now, error)

    def _fault(self, path: str, now: int, error: Exception) -> FileOutcome:
        """Return the outcome of a file on which our code fails; a hidden article stays hidden."""
        fault = ArticleError(Reason.FAULT, _where(error))
        # The faulty code may be called here, too.
        with suppress(Exception):
            glimpse(scan.read(self.content, path), self._context(path, now), fault)
        is_hidden = fault.hidden is not None
        return FileOutcome(*split(path), "", fault.reason, fault.message, due=fault.due,
                           is_hidden=is_hidden)  # fmt: skip

    def _ingest_when_still(self, path: str, now: int) -> FileOutcome:
        """Return the outcome of a file; wait and read again while it is being written."""
        outcome = FileOutcome(*split(path), "")
        if not is_namable(path):
            # It may stand for another name, so it is not looked up on the disk.
            return self._parsed(outcome, now, partial(scan.read, self.content, path))
        for _ in range(ATTEMPTS):
            with containment.entry(self.content, path) as entry:
                outcome = replace(outcome, stamp=scan.stamp(entry.status()))
                found = self._parsed(outcome, now, partial(scan.read_entry, entry))
                status = entry.status()
            age = time.time() - status.st_mtime
            is_whole = found.reason is None or found.reason.is_deliberate
            is_same = found.stamp == scan.stamp(status)
            if is_same and (is_whole or not 0 <= age < STILL):
                break
            time.sleep(min(max(STILL - age, 0), STILL))
        return found

    def _parsed(
        self, outcome: FileOutcome, now: int, read_bytes: Callable[[], bytes]
    ) -> FileOutcome:
        """Return an outcome with what was found by reading the file once."""
        path = outcome.path
        try:
            refuse_path(path)
            own: dict[str, int | None] = {}
            context = self._context(path, now, own)
            text = read_bytes()
            if context.folder is None and is_foreign(path):
                raise ArticleError(Reason.NOT_AN_ARTICLE, NOT_AN_ARTICLE)
            parsed = parse(text, path, context)
        except ArticleError as error:
            return replace(outcome, reason=error.reason, message=error.message,
                           line=error.line, key=error.key, due=error.due, expired=error.expired,
                           is_hidden=error.hidden is not None)  # fmt: skip
        return replace(outcome, message="; ".join(parsed.notes), due=parsed.due,
                       id=parsed.article.id,
                       entry=self.entry(parsed.article, parsed.expires, own))  # fmt: skip

    def faults(self, path: str, now: int) -> tuple[Fault, ...]:
        """Return all faults in the text of a file; none if it cannot be read."""
        try:
            found = faults(scan.read(self.content, path), path, self._context(path, now))
        except (ArticleError, OSError):
            return ()
        except Exception as error:
            return (Fault(Reason.FAULT, _where(error), None, None),)
        return tuple(Fault(each.reason, each.message, each.line, each.key) for each in found)

    def hints(self, outcome: FileOutcome, now: int) -> tuple[str, ...]:
        """Return what an editor probably overlooked in a file that is served; for people only.

        These are no part of the outcome of the file: the index keeps no unknown key.
        """
        if outcome.entry is None:
            return ()
        context = self._context(outcome.path, now)
        try:
            hints = list(near_misses(scan.read(self.content, outcome.path), context))
        except (ArticleError, OSError):
            # The file has changed since it was read.
            return ()
        article = msgspec.json.decode(outcome.entry.body, type=Article)
        for url in (image.url for image in article.images if self.is_ours(image.url)):
            if self.picture_length(url) is None:
                path = url.removeprefix(self.site_url)
                hints.append(f"images: {path}: no such image: add the file, or correct the address")
        return tuple(hints)

    def _context(self, path: str, now: int, own: dict[str, int | None] | None = None) -> Context:
        """Return the context of a file; ``own`` receives the lengths of our images that it names.

        These decide what its article shows, so a change of one makes the file be read again.
        """

        def length(url: str) -> int | None:
            found = self.picture_length(url)
            if own is not None and self.is_ours(url):
                own[url] = found
            return found

        folder = folder_of(path, self.folders)
        return Context(self.site_url, length, now, self.picture_type, folder)

    def resolved(self) -> "Ingester":
        """Return an Ingester bound to the real path that the content folder has now."""
        return replace(self, content=Path(os.path.realpath(self.content)))

    def entry(
        self, article: Article, expires: int | None, own: Mapping[str, int | None] | None = None
    ) -> IndexEntry:
        """Return all that the index keeps of an article, which expires at a moment or never.

        ``own`` holds the lengths of our images that its file names, those that are missing as None.
        """
        article = self.public(article)
        feeds = self.memberships(article)
        shown = {image.url: image.length for image in article.images if self.is_ours(image.url)}
        return IndexEntry(
            id=article.id,
            published=article.published,
            updated=article.updated,
            weight=self.weigh(article),
            hash=content_hash(article),
            feeds=feeds,
            body=msgspec.json.encode(article),
            tokens=searchable_text(article, feeds),
            pictures=tuple((shown | dict(own or {})).items()),
            expires=expires,
        )

    def is_ours(self, url: str) -> bool:
        """Return True if this site serves the image at a URL."""
        return url.startswith(f"{self.site_url}/{PICTURES}/")

    def picture_length(self, url: str) -> int | None:
        """Return the size of an image in bytes, measured here or reported by its host; or None."""
        if not self.is_ours(url):
            return known_facts(self.answers, url).length if self.answers else None
        return image_length(self.content, self._picture_name(url))

    def picture_type(self, url: str) -> str | None:
        """Return the media type of an image, by its bytes or as its host reported it; or None."""
        if not self.is_ours(url):
            return known_facts(self.answers, url).media_type if self.answers else None
        try:
            file = open_image(self.content, self._picture_name(url))
        except OSError:
            return None
        if file is None:
            return None
        with file:
            return image_type(file)

    def _picture_name(self, url: str) -> str:
        return unquote(url.removeprefix(f"{self.site_url}/{PICTURES}/"))


def outcomes(reader: Ingester, paths: Collection[str], now: int) -> Iterator[FileOutcome]:
    """Yield the outcome of each file; a file missing by now has none, a later refresh finds it."""
    ingest = partial(reader.ingest, now=now)
    # A worker that its server calls a daemon may not have processes of its own.
    if len(paths) < MANY or current_process().daemon:
        for some in _batches(paths, TOGETHER):
            yield from list(filter(None, map(ingest, some)))
        return
    # Spawned, since a server has threads, whose locks would stay locked in a forked child.
    spawn = get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), spawn, initializer=_end_with_parent) as pool:
        for some in _batches(paths, 4000):
            yield from filter(None, pool.map(ingest, some, chunksize=100))


def _end_with_parent() -> None:
    """End this process with its parent: a killed parent was seen to leave its readers behind.

    They would wait for its next file without end.
    """
    threading.Thread(target=_end_after, args=(parent_process(),), daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def _batches(paths: Collection[str], size: int) -> Iterator[list[str]]:
    rest = iter(paths)
    while some := list(islice(rest, size)):
        yield some


def _where(error: Exception) -> str:
    """Return the place of a failure without the message of the error, which may quote the text."""
    *_, last = traceback.extract_tb(error.__traceback__)
    place = f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
    return f"a fault of ours ({place}): report it; change the file until it is served"
