"""File events of a folder, from inotify.

Each real folder below it has a watch of its own, and no link is followed. A library that watched a
tree by itself followed links: with ``today -> news`` it reported ``news/a.md`` as ``today/a.md``.
"""

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from inotify_simple import Event, INotify, flags

from feeds.articles import join
from feeds.sync import scan

#: Seconds: changes form one set if they are less than STEP apart, for at most DEBOUNCE. A writer
#: that does not rename pauses for less than a STEP in the middle of a file.
DEBOUNCE, STEP = 1.0, 0.025

#: Seconds without a change after which a file that is moved into its place is returned at once.
QUIET = 0.1

_MASK = (
    flags.ATTRIB
    | flags.CLOSE_WRITE
    | flags.CREATE
    | flags.DELETE
    | flags.DONT_FOLLOW
    | flags.MODIFY
    | flags.MOVED_FROM
    | flags.MOVED_TO
    | flags.ONLYDIR
)

#: A path that is no folder by now, or unreadable: an event of its parent reports a change.
_PASSING = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES}


class FolderEvents:
    """The changes below a folder, from the moment at which this object was created."""

    def __init__(self, root: Path) -> None:
        """Watch every folder; raise OSError if the kernel's limit of watches is reached."""
        if sys.platform != "linux":
            raise OSError(errno.ENOSYS, "there is no inotify on this system")
        self._root = root
        self._watches: dict[str, int] = {}
        # One folder may be mounted at several paths, and has one watch.
        self._paths: dict[int, set[str]] = {}
        #: True if the kernel dropped events: a new object and a scan of the folder are needed.
        self.are_lost = False
        self._quiet_from = 0.0
        self._inotify = INotify()
        try:
            self._watch("")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop watching."""
        self._inotify.close()

    def wait(self, seconds: float) -> set[str]:
        """Wait that long for changes; return the paths below the folder that changed."""
        found: set[str] = set()
        unfinished: set[int | tuple[int, str]] = set()
        events = self._inotify.read(timeout=int(seconds * 1000))
        began = time.monotonic()
        is_first = began > self._quiet_from
        while events:
            for event in events:
                _note(event, unfinished)
                found.update(self._changed(event.wd, event.mask, event.name))
            self._quiet_from = time.monotonic() + QUIET
            if (is_first and not unfinished) or time.monotonic() > began + DEBOUNCE:
                break
            events = self._inotify.read(timeout=int(STEP * 1000))
        return found

    def _changed(self, watch: int, mask: int, name: str) -> Iterator[str]:
        """Yield the paths that an event is about."""
        if mask & flags.Q_OVERFLOW:
            self.are_lost = True
        elif mask & flags.IGNORED:
            yield from self._unmounted(watch)
        elif not name:
            # For any other folder, an event of its parent reports the same.
            yield from self._paths.get(watch, set()) & {""}
        elif not name.startswith("."):
            for folder in tuple(self._paths.get(watch, ())):
                path = join(folder, name)
                if mask & flags.ISDIR:
                    self._follow(path, mask)
                yield path

    def _follow(self, path: str, mask: int) -> None:
        """Update the watches after an event of a folder."""
        if mask & flags.ATTRIB and path in self._watches:
            return
        self._forget(path)
        if not mask & (flags.DELETE | flags.MOVED_FROM):
            self._watch(path)

    def _watch(self, below: str) -> None:
        """Watch all folders from one on."""
        for path in scan.folders(self._root, below):
            try:
                watch = self._inotify.add_watch(os.path.join(self._root, path), _MASK)
            except OSError as error:
                if error.errno not in _PASSING:
                    raise
                continue
            self._watches[path] = watch
            self._paths.setdefault(watch, set()).add(path)

    def _forget(self, path: str) -> None:
        """Remove the watches of a folder and of all below it."""
        if path not in self._watches:
            return
        for gone in [each for each in self._watches if f"{each}/".startswith(f"{path}/")]:
            watch = self._watches.pop(gone)
            paths = self._paths[watch]
            paths.discard(gone)
            if not paths:
                del self._paths[watch]
                # The kernel has removed that of a folder that is gone.
                with suppress(OSError):
                    self._inotify.rm_watch(watch)

    def _unmounted(self, watch: int) -> Iterator[str]:
        """Watch the folders again that an unmounted file system covered."""
        for path in self._paths.pop(watch, ()):
            self._watches.pop(path, None)
            self._watch(path)
            yield path


def _note(event: Event, unfinished: set[int | tuple[int, str]]) -> None:
    """Add or remove the change that an event begins or ends.

    A file that is moved into its place is complete. One that was closed may be opened again for its
    second half, and one that is deleted or moved away usually has a successor.
    """
    if event.mask & flags.MOVED_TO:
        unfinished.discard(event.cookie)
        return
    unfinished.add((event.wd, event.name))
    if event.mask & flags.MOVED_FROM:
        unfinished.discard((event.wd, event.name))
        unfinished.add(event.cookie)
