"""The connections of one worker: how many there may be, and how long each may be idle."""

import logging
import resource
import time
from dataclasses import dataclass
from email.utils import formatdate
from typing import Protocol

log = logging.getLogger(__name__)

#: File descriptors that connections leave for SQLite, articles and images.
SPARE_DESCRIPTORS = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a client."""

    #: Bytes of a request head.
    head: int = 32 * 1024
    #: Bytes that a client sends on a connection before uvicorn's protocol answers.
    unanswered: int = 1024 * 1024
    #: Connections of a worker; fewer if the process may open fewer files.
    connections: int = 8192
    #: Seconds to send a head, also on a connection that has sent nothing yet.
    head_seconds: int = 10
    #: Seconds between two requests.
    idle_seconds: int = 75
    #: Seconds in which a client that reads a response must take some of it.
    stall_seconds: int = 30
    #: Seconds for which a stopping worker waits for requests that are on their way. With none, 2 of
    #: 64,000 connections were lost in a reload.
    grace_seconds: float = 1.0


class Connection(Protocol):
    """The interface of a connection that is checked once a second."""

    def check(self) -> None:
        """Close the connection if it has been idle for too long."""


class Connections:
    """The open connections of a worker, and the clock that they share."""

    def __init__(self, limits: Limits) -> None:
        """Take the limits of each connection."""
        self.limits = limits
        #: The time by a clock that is never set, in seconds, as of the last tick.
        self.now = time.monotonic()
        #: The header field Date with its line end.
        self.date = b""
        self._open: set[Connection] = set()
        self._most = _most_connections(limits)
        self._set_date()

    def admit(self, connection: Connection) -> bool:
        """Add a connection; return False if this process already has as many as it may."""
        self._open.add(connection)
        return len(self._open) <= self._most

    def dismiss(self, connection: Connection) -> None:
        """Remove a closed connection."""
        self._open.discard(connection)

    def tick(self) -> None:
        """Read the clock and check all connections."""
        self.now = time.monotonic()
        self._set_date()
        for connection in tuple(self._open):
            try:
                connection.check()
            except Exception:
                # One connection must end neither the clock nor the checks of the others.
                self.dismiss(connection)
                log.exception("a connection cannot be checked")

    def _set_date(self) -> None:
        self.date = f"date: {formatdate(time.time(), usegmt=True)}\r\n".encode()


def _most_connections(limits: Limits) -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return limits.connections
    # Beside its socket each may hold the file that it is answered with.
    return min(limits.connections, max(1, (soft - SPARE_DESCRIPTORS) // 2))
