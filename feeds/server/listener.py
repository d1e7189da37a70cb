"""The socket that all workers share."""

import errno
import select
import socket

from feeds.errors import SettingsError
from feeds.server.port_holders import orphaned_workers
from feeds.settings import Environment

#: Connections that wait until a worker accepts them.
BACKLOG = 4096

#: Bytes that the kernel takes for a client before it takes them. By default it took up to 4 MB, so
#: that it could not be seen for a minute whether a slow client takes anything.
_SEND_BUFFER = 256 * 1024


def listen(environment: Environment) -> socket.socket:
    """Return the listening socket of a server; raise SettingsError if it cannot be opened.

    It listens before any worker is loaded and as long as the first process lives: a connection
    waits for the next worker, and no other server can take the address.
    """
    try:
        return open_listener(environment.host, environment.port)
    except OSError as error:
        where = f"HOST, PORT: cannot listen at {environment.own_url}: {error.strerror}"
        if error.errno == errno.EADDRINUSE and (left := orphaned_workers(environment.port)):
            named = ", ".join(map(str, left))
            message = f"{where} by the workers of an earlier server: end processes {named}"
            raise SettingsError(message) from None
        raise SettingsError(f"{where}: name another") from None


def open_listener(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        if family == socket.AF_INET6:
            # "::" stands for the addresses of IPv4, too.
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def has_waiting(listener: socket.socket) -> bool:
    """Return True if a connection waits to be accepted."""
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    return bool(poll.poll(0))
