"""The ASGI app of one worker: its start, its stop and its clock."""

import asyncio
import gc
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from feeds.server.connection_limits import Connections, Limits
from feeds.server.flask_adapter import FlaskAdapter, Receive, Scope, Send
from feeds.server.poll_responder import PollResponder
from feeds.server.protocol import FeedProtocol
from feeds.web import FastPath

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

#: Seconds after which a thread lets another one run Python. The default of 0.005 gave hot polls a
#: median of 1.3 ms beside cold pages instead of 0.8; 0.0001 gave 2.2.
SWITCH_INTERVAL = 0.0005

#: Allocations before a collection of garbage: reading 30,000 new heads a second began one all the
#: time with the default.
GC_THRESHOLD = 20_000, 20, 20


@dataclass(frozen=True, slots=True)
class WorkerApp:
    """The app that a worker serves, with its parts."""

    wsgi: "WSGIApplication"
    fast_path: FastPath
    #: Starts the threads of the process; returns when the index may be served, or soon after.
    start: Callable[[], None]
    #: Stops counting after the last counts are written.
    stop: Callable[[], None]


class Worker:
    """The ASGI app of one process, and what its connections share."""

    def __init__(self, app: WorkerApp, limits: Limits | None = None) -> None:
        """Take the app and the limits of clients."""
        self._app = app
        self._flask = FlaskAdapter(app.wsgi)
        self._responder = PollResponder(app.fast_path)
        self._connections = Connections(limits or Limits())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the lifetime of the process, or one request by Flask."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        connection: FeedProtocol = scope["state"]["connection"]
        connection.app_called()
        try:
            await self._flask(scope, receive, send)
        except asyncio.CancelledError:
            # At a stop uvicorn cancels what its client does not take in time. It would log a
            # traceback, and send a 500 where a proxy could ask another node.
            connection.abort()
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            # Afterwards: uvicorn's protocol may still write the response to an exception.
            asyncio.get_running_loop().call_soon(connection.app_answered)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        scope["state"].update(responder=self._responder, connections=self._connections)
        await asyncio.to_thread(self._app.start)
        _tune_interpreter()
        clock = asyncio.create_task(self._tick())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        clock.cancel()
        with suppress(asyncio.CancelledError):
            await clock
        # Here and not at exit: uvicorn ends its process by the signal that it received.
        await asyncio.to_thread(self._app.stop)
        await send({"type": "lifespan.shutdown.complete"})

    async def _tick(self) -> None:
        while True:
            # Just after each second. Timers of uvloop are early by up to a millisecond.
            await asyncio.sleep(1.002 - time.time() % 1)
            self._connections.tick()


def _tune_interpreter() -> None:
    sys.setswitchinterval(SWITCH_INTERVAL)
    gc.collect()
    # Loaded modules stay. Examining them again doubled the p99 of hot polls beside cold pages.
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLD)
