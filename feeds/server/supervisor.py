"""``flask serve``: one process that supervises, and workers that answer.

The supervising process watches the content folder and sends changes to hubs. uvicorn's
``Multiprocess`` starts the workers in it, and replaces those that die, that hang, and all of them
at SIGHUP.
"""

import asyncio
import logging
import logging.config
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import resource_tracker
from types import FrameType

import uvicorn
from uvicorn.supervisors import Multiprocess

from feeds import logs
from feeds.server.listener import BACKLOG, has_waiting, listen
from feeds.server.protocol import DEFAULT_HEADERS, FeedProtocol
from feeds.server.worker import Worker, WorkerApp
from feeds.settings import Environment
from feeds.sync import ContentSync
from feeds.websub import Announcer

log = logging.getLogger(__name__)

#: Seconds in which a worker must finish its requests at its end, start, and answer the supervisor.
PATIENCE = 10

#: Seconds after which uvicorn's protocol closes an idle connection: a day, since `FeedProtocol`
#: does that sooner, and knows of the polls that it answered meanwhile.
_LONG_AFTER = 86_400

#: Seconds before a worker that cannot be loaded ends, and is tried again.
_PAUSE = 5.0

#: Seconds between two looks whether connections wait for a worker that is to stop.
_LOOK_SECONDS = 0.001

#: The priority of the watcher: at the default one, hot polls had a p99 of 48 ms while 99,000
#: articles appeared, instead of 14.
_NICENESS = 10

#: Makes the app of a worker.
Load = Callable[[], WorkerApp]


def serve(
    environment: Environment, sync: ContentSync, announcer: Announcer, site_url: str, load: Load
) -> None:
    """Serve what ``load`` returns in workers until a signal.

    Raise SettingsError if the server cannot listen at its address, or if a server with other
    settings uses the instance folder.
    """
    listener = listen(environment)
    sync.ensure_sole_owner()
    logging.config.dictConfig(logs.configuration(environment.logs_json))
    logs.log_the_uncaught()
    _start_in_background(partial(sync.start, patience=0), announcer.start)
    _log_address(environment, site_url)
    try:
        with _terminal_signals_blocked():
            supervisor = _Supervisor(_configuration(environment, load, listener), [listener])
            _stop_on_signals(supervisor)
            supervisor.run()
    finally:
        announcer.stop()
        sync.stop()


class _Supervisor(Multiprocess):
    """uvicorn's supervisor; after a stop it takes no connection that no worker would accept."""

    def terminate_all(self) -> None:
        """Leave the listening socket to the workers, and send them SIGTERM."""
        # The kernel refuses connections from when the last worker closes it. Connections used to
        # wait for as long as any worker finished a response, up to ten seconds, and were reset.
        for listener in self.sockets:
            listener.close()
        super().terminate_all()


def _log_address(environment: Environment, site_url: str) -> None:
    is_public = site_url != environment.own_url
    readers = f"; readers use {site_url}/" if is_public else ""
    where = f"{environment.own_url}/{readers}"
    log.info("serving %s at %s (Ctrl-C to stop)", environment.content, where)
    if not is_public:
        log.info("this address is for trying out: set FEEDS_URL to the one that readers use")


def _configuration(environment: Environment, load: Load, listener: socket.socket) -> uvicorn.Config:
    return uvicorn.Config(
        partial(_load_worker, load, listener),
        factory=True,
        interface="asgi3",
        lifespan="on",
        http=FeedProtocol,
        ws="none",
        workers=environment.workers,
        backlog=BACKLOG,
        # Any client can write X-Forwarded-For.
        proxy_headers=False,
        server_header=False,
        access_log=False,
        headers=[*DEFAULT_HEADERS],
        timeout_keep_alive=_LONG_AFTER,
        timeout_graceful_shutdown=PATIENCE,
        timeout_worker_healthcheck=PATIENCE,
        log_config=logs.configuration(environment.logs_json),
    )


def _load_worker(load: Load, listener: socket.socket) -> Worker:
    """Return the ASGI app of a worker, in its process."""
    accept_before_stop(listener)
    # Clients must not write to the log: uvicorn logs a warning for each invalid request.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    try:
        return Worker(load())
    except Exception:
        log.exception("a worker cannot be loaded")
        time.sleep(_PAUSE)
        # uvicorn would end with status 3 after some exceptions, which stops the whole server.
        raise SystemExit(1) from None


def accept_before_stop(listener: socket.socket) -> None:
    """Let this worker accept all connections that wait at a signal to stop, then obey it.

    uvicorn closes the socket 0.1 s after the signal. If the process did not run for that long,
    connections waited, and the kernel reset them.
    """
    loop = asyncio.get_running_loop()
    stop = signal.getsignal(signal.SIGTERM)
    assert callable(stop)

    def on_signal(number: int, frame: FrameType | None) -> None:
        # systemd sends a signal to each process of a unit, and the first process another one.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        loop.call_soon_threadsafe(stop_unless_waiting, number, BACKLOG)

    def stop_unless_waiting(number: int, looks: int) -> None:
        # The loop accepts at least one connection between two looks. Those that waited at the
        # signal come first, so there is no need to look more often, however many come after them.
        if looks and has_waiting(listener):
            loop.call_later(_LOOK_SECONDS, stop_unless_waiting, number, looks - 1)
        else:
            stop(number, None)

    signal.signal(signal.SIGTERM, on_signal)


def _start_in_background(*starts: Callable[[], None]) -> None:
    """Call functions that start threads, so that these threads have a lower priority."""

    def start_all() -> None:
        # On Linux a priority belongs to one thread, and to the threads and processes it starts.
        if sys.platform == "linux":
            os.nice(_NICENESS)
        for start in starts:
            start()

    with ThreadPoolExecutor(1) as executor:
        executor.submit(start_all).result()


@contextmanager
def _terminal_signals_blocked() -> Iterator[None]:
    """Let the workers inherit a signal mask that blocks the signals of a terminal.

    A terminal sends Ctrl-C and its hang-up to every process, but only this one decides what
    follows. In this process the kernel delivers them to another thread, the watcher.
    """
    # Python starts this helper beside the first worker, and then unblocks SIGINT.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _stop_on_signals(supervisor: Multiprocess) -> None:
    """Stop the workers at SIGINT and SIGTERM, also during a reload, and within a time limit.

    `Multiprocess` itself handles a signal after a reload, and waits for a hanging worker without
    a limit.
    """

    def stop() -> None:
        supervisor.should_exit.set()
        time.sleep(PATIENCE + 2)
        for child in multiprocessing.active_children():
            log.warning("process %s does not end: it is killed", child.pid)
            child.kill()

    def on_signal(*_: object) -> None:
        # The interrupted code may hold the lock of the event.
        threading.Thread(target=stop, name="stopping", daemon=True).start()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
