"""The server that ``flask serve`` starts: granian, which silent and slow sockets do not block.

Chosen by measuring, see docs/performance.md: of those that install without a compiler it alone
answers HEAD by the book, finishes its answers before it stops, and lets other threads run.
"""

import errno
import logging
import logging.config
import multiprocessing
import os
import socket
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces, RuntimeModes
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server

from feeds import logs
from feeds.errors import SettingsError
from feeds.server.port_holders import orphaned_workers
from feeds.server.supervisor import Workers
from feeds.settings import Environment
from feeds.sync import ContentSync
from feeds.websub import Announcer

log = logging.getLogger(__name__)

#: Sockets that may be open in one worker, and wait to be: silent ones count, so it is generous.
CONNECTIONS, WAITING = 8192, 4096

#: Milliseconds to send a request's headers in, and bytes that they may have; granian counts before
#: it reads on, as much again at most, so that twice as many pass at times.
HEADERS_TIMEOUT, HEADERS_SIZE = 10_000, 32 * 1024


#: Elsewhere the kernel has several sockets at one port, too, but uses the last only.
_CAN_SPREAD = hasattr(socket, "TCP_DEFER_ACCEPT")

#: Makes the app that a worker answers with.
Load = Callable[[], Any]


def serve(
    environment: Environment, sync: ContentSync, announcer: Announcer, site_url: str, load: Load
) -> bool:
    """Serve what ``load`` makes in workers until stopped; False when none can be loaded.

    This process watches the folder and tells hubs; the workers answer, and one of them takes
    over if it dies. Raise SettingsError when it may not listen where it was told to, or when a
    server with other settings uses the instance folder.
    """
    door = _Door(environment)
    sync.ensure_sole_owner()
    logging.config.dictConfig(logs.configuration(environment.logs_json))
    logs.log_the_uncaught()
    sync.start(patience=0)
    announcer.start()
    is_public = site_url != environment.own_url
    readers = f"; readers use {site_url}/" if is_public else ""
    where = f"{environment.own_url}/{readers}"
    log.info("serving %s at %s (Ctrl-C to stop)", environment.content, where)
    if not is_public:
        log.info("this address is for trying out: set FEEDS_URL to the one that readers use")
    # Not by forking: this process has threads, and a lock that one of them holds at that moment
    # stays locked in the worker, which was then seen to hang when it was to stop.
    multiprocessing.set_start_method("spawn", force=True)
    server = make_server(environment)

    def make(number: int, says: Connection) -> BaseProcess:
        work = partial(_work, door.of(number), says)
        process: BaseProcess = server._spawn_worker(number, work, load).inner
        return process

    is_told = Workers(environment.workers, make, door.leave).run()
    announcer.stop()
    sync.stop()
    return is_told


class _Door:
    """Where workers take connections: a socket for each, open as long as this process lives.

    By itself granian opens one in the worker, and closes with it what waits there: a reload was
    seen to lose one connection of 125,000, and the death of the only worker closes the door. At
    one for all, the worker that woke first was seen to take all of 32 that stay open, and three
    others none.
    """

    def __init__(self, environment: Environment) -> None:
        """Open it; raise SettingsError when that may not be."""
        self._address = environment.host, environment.port
        self._family = socket.AF_INET6 if ":" in environment.host else socket.AF_INET
        self._sockets: dict[int, socket.socket] = {}
        try:
            # At once, not when its worker is loaded: so nobody else may listen here.
            self.of(0).listen(WAITING)
        except OSError as error:
            where = f"HOST, PORT: cannot listen at {environment.own_url}: {error.strerror}"
            if error.errno == errno.EADDRINUSE and (left := orphaned_workers(environment.port)):
                named = ", ".join(map(str, left))
                message = f"{where} by the workers of an earlier server: end processes {named}"
                raise SettingsError(message) from None
            raise SettingsError(f"{where}: name another") from None

    def of(self, number: int) -> socket.socket:
        """Return the socket of a worker; the kernel spreads connections over those that listen."""
        if not _CAN_SPREAD:
            number = 0
        if number not in self._sockets:
            made = socket.socket(self._family)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # Passed on to connections: the end of an answer was seen to wait 40 ms without it.
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._family == socket.AF_INET6:
                # At "::" the addresses of IPv4 are meant, too.
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            if self._sockets:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            made.bind(self._address)
            if _CAN_SPREAD:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                # A connection is a worker's only when its request is there, or after a second:
                # granian closes connections without a request at once when it stops.
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 1)
            self._sockets[number] = made
        return self._sockets[number]

    def leave(self, number: int) -> None:
        """Let the others take what would come to a worker that there is none of."""
        if number in self._sockets and len(self._sockets) > 1:
            self._sockets.pop(number).close()


def _work(
    listening: socket.socket,
    says: Connection,
    number: int,
    name: str | None,
    load: Load,
    _: Any,
    *settings: Any,
) -> None:
    """Be one of the workers: granian's own, but at a socket that outlives it."""

    def loaded() -> Any:
        try:
            app = load()
        except Exception:
            log.exception("a worker cannot be loaded")
            raise SystemExit(1) from None
        listening.listen(WAITING)
        listening.close()
        says.send(True)
        return app

    # Its stub knows two of its three arguments.
    shared = SocketHolder(os.dup(listening.fileno()), False, WAITING)  # type: ignore[call-arg]
    Server._spawn_wsgi_worker(number, name, loaded, ((None, shared), None), *settings)


def make_server(environment: Environment) -> Any:
    """Granian's server, set up for short answers from memory: it makes the workers."""
    server: Any = Server(
        "app:app",
        # Not where it listens: `_Door` says that, and granian only tries this address.
        port=0,
        interface=Interfaces.WSGI,
        # Python runs one thread at a time: of 32 connections, one thread answered a third more
        # than two, four or the 512 that are the default, at a smaller p99.
        blocking_threads=1,
        # One thread for the sockets too: "mt" was slower by a tenth.
        runtime_mode=RuntimeModes.st,
        http=HTTPModes.http1,
        websockets=False,
        backlog=WAITING,
        backpressure=CONNECTIONS,
        http1_settings=HTTP1Settings(
            header_read_timeout=HEADERS_TIMEOUT, max_buffer_size=HEADERS_SIZE
        ),
        log_level=LogLevels.warning,
        log_dictconfig=logs.configuration(environment.logs_json),
        log_access=False,
    )
    server._init_shared_socket()
    return server
