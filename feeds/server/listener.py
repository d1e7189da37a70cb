"""The socket that all workers share, and which processes hold its port already."""

import errno
import os
import select
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from feeds.errors import SettingsError
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


def orphaned_workers(port: int) -> list[int]:
    """Return the workers that listen at a port though the process that started them is dead.

    They go on answering without it. Empty when any other process listens there, too, since the
    first process of a server keeps the sockets of its workers open; and where the kernel does not
    show: on other systems than Linux, and for processes of other users.
    """
    sockets = set(_listening_sockets(port))
    holders = [each for each in Path("/proc").glob("[0-9]*") if sockets & set(_open_files(each))]
    return sorted(int(each.name) for each in holders) if all(map(_is_worker, holders)) else []


def _listening_sockets(port: int) -> Iterator[str]:
    for name in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in Path(f"/proc/net/{name}").read_text().splitlines():
                fields = line.split()
                if fields[1].endswith(f":{port:04X}") and fields[3] == "0A":
                    yield f"socket:[{fields[9]}]"


def _open_files(process: Path) -> Iterator[str]:
    with suppress(OSError):
        for file in (process / "fd").iterdir():
            with suppress(OSError):
                yield os.readlink(file)


def _is_worker(process: Path) -> bool:
    with suppress(OSError):
        return b"multiprocessing.spawn" in (process / "cmdline").read_bytes()
    return False
