"""The ownership of an instance folder: one server at a time, with all of its processes."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

from feeds.errors import SettingsError
from feeds.locks import Claim, LeaderLock

#: The settings by which owners may differ, in the order of ``owner_name``.
_SETTINGS = ("FEEDS_CONTENT_DIR", "FEEDS_URL", "the files of the site, or the version")

#: Seconds in which the kernel drops all locks of a process that died.
DYING = 2.0


def owner_name(content: Path, url: str, fingerprint: bytes) -> str:
    """Return the name of the server of these settings: a digest of each of `_SETTINGS`."""
    parts = (os.fsencode(content), url.encode(), fingerprint)
    return " ".join(blake2b(part, digest_size=16).hexdigest() for part in parts)


class Ownership:
    """The claim of a server on its instance folder, as one of its processes has it."""

    def __init__(
        self,
        instance: Path,
        name: str,
        leader_lock: LeaderLock,
        on_first: Callable[[], None],
    ) -> None:
        """Take the instance folder, the name of the owner, and the leader lock of the folder.

        ``on_first`` is called when the first process of a server claims the folder.
        """
        self.name = name
        #: Why this process may serve nothing: a server with other settings owns the folder.
        self.refusal = ""
        self._instance = instance
        self._leader_lock = leader_lock
        self._claim = Claim(instance / "owner", name, on_first)
        self._has_owned = False

    @property
    def is_held(self) -> bool:
        """Return True if the folder belongs to the server of this process."""
        return self._claim.is_held

    def acquire(self) -> None:
        """Claim the folder for a server with these settings, until ``release``.

        A server calls this before it touches the index: two servers that start together on an
        empty folder find no trace of each other in it. Commands never call this. Raise
        SettingsError while a process of a server with other settings lives.
        """
        with named_by_path(self._instance):
            if not self._has_owned:
                self._ensure_no_older_server()
            is_ours = self._claim.acquire()
        if not is_ours:
            self.refusal = f"{self._difference()}: name another folder, or stop that server"
            raise SettingsError(self.refusal)
        self._has_owned = True
        self.refusal = ""

    def ensure_no_other(self) -> None:
        """Raise SettingsError if a server with other settings owns the instance folder.

        Commands call this, and claim nothing: a server may start while a command runs.
        """
        with named_by_path(self._instance):
            if self._claim.other_owner() is not None:
                advice = "give the command the same variables, or name another folder"
                raise SettingsError(f"{self._difference()}: {advice}")
            if not self._has_owned:
                self._ensure_no_older_server()

    def release(self) -> None:
        """Give up the share of this process in the claim."""
        self._claim.release()

    def _ensure_no_older_server(self) -> None:
        """Raise SettingsError if a server of a version that made no claims uses the folder.

        Servers of this version claim before they watch, and stop watching before they release.
        """
        end = time.monotonic() + DYING
        while not self._claim.is_claimed() and self._leader_lock.is_held_elsewhere():
            if time.monotonic() > end:
                where = f"FEEDS_INSTANCE_DIR: {self._instance}"
                self.refusal = f"{where}: in use by a server of another version: stop it first"
                raise SettingsError(self.refusal)
            time.sleep(0.05)

    def _difference(self) -> str:
        """Return a message that names the settings of the owner that differ from these."""
        theirs = (self._claim.other_owner() or "").split()
        pairs = zip(_SETTINGS, self.name.split(), theirs, strict=False)
        names = [name for name, our, their in pairs if our != their]
        # The URL is part of what the last digest is made of.
        shown = ", ".join(names[:-1] if "FEEDS_URL" in names else names)
        where = f"FEEDS_INSTANCE_DIR: {self._instance}: in use by a server with other settings"
        return f"{where} ({shown})" if shown else where


@contextmanager
def named_by_path(instance: Path) -> Iterator[None]:
    """Turn an error of a file in the instance folder into a sentence that names it."""
    try:
        yield
    except OSError as error:
        where = f"FEEDS_INSTANCE_DIR: {error.filename or instance}: {error.strerror}"
        message = f"{where}: let this user write it, or remove it"
        raise SettingsError(message) from error
