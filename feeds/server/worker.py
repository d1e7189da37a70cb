"""The ASGI app of one worker: its start and stop, and the path of a request to Flask.

Flask runs in two threads. With one, a cold page delayed all other requests by 61 to 95 ms (p99 of
hot polls); four gave no more than two.
"""

import asyncio
import gc
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from a2wsgi import WSGIMiddleware

from feeds.server.connection_limits import Connections, Limits
from feeds.server.poll_responder import PollResponder
from feeds.server.protocol import DEFAULT_HEADERS, FeedProtocol
from feeds.web import FastPath

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: Threads for Flask.
THREADS = 2

#: Bytes of a body that the thread of its request reads; a larger one is streamed by another thread.
#: Without that distinction eight threads ran Python, and hot polls beside cold pages took 200 ms.
FIRST_PART = 256 * 1024

#: Seconds after which a thread lets another one run Python. The default of 0.005 gave hot polls a
#: median of 1.3 ms beside cold pages instead of 0.8; 0.0001 gave 2.2.
SWITCH_INTERVAL = 0.0005

#: Allocations before a collection of garbage: reading 30,000 new heads a second began one all the
#: time with the default.
GC_THRESHOLD = 20_000, 20, 20

#: Header fields that uvicorn adds to every response of the app.
_DEFAULT_NAMES = {b"date", *(name.encode() for name, _ in DEFAULT_HEADERS)}

#: The keys of a scope under which the rest of its body waits, and what closes the body.
_REST, _CLOSE = "tributary.rest", "tributary.close"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class WorkerApp:
    """The app that a worker serves, with its parts."""

    wsgi: "WSGIApplication"
    fast_path: FastPath
    #: Starts the threads of the process; returns when the index may be served, or soon after.
    start: Callable[[], None]
    #: Stops counting after the last counts are written.
    stop: Callable[[], None]


class FlaskAdapter:
    """Flask as an ASGI app: it answers every request that the fast path does not answer."""

    def __init__(self, wsgi: "WSGIApplication") -> None:
        """Take the WSGI app."""
        self._app = WSGIMiddleware(partial(_call, wsgi), workers=THREADS)
        self._reader = ThreadPoolExecutor(1, "body")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        # WSGI does not distinguish Accept_Encoding from Accept-Encoding.
        scope["headers"] = [each for each in scope["headers"] if b"_" not in each[0]]
        sender = _ResponseSender(send, scope["state"].get("connection"))
        try:
            await self._app(scope, receive, sender.send)  # type: ignore[arg-type]
            if _REST in scope:
                await sender.stream(scope[_REST], self._reader)
            await sender.end()
        finally:
            if _CLOSE in scope:
                scope[_CLOSE]()


def _call(
    wsgi: "WSGIApplication", environ: "WSGIEnvironment", start_response: "StartResponse"
) -> Iterable[bytes]:
    """Call a WSGI app; return the first part of its body, and leave the rest in the scope."""
    body, scope = wsgi(environ, start_response), environ["asgi.scope"]
    if close := getattr(body, "close", None):
        scope[_CLOSE] = close
    chunks, first = iter(body), bytearray()
    for chunk in chunks:
        first += chunk
        if len(first) >= FIRST_PART:
            scope[_REST] = chunks
            break
    return [bytes(first)]


class _ResponseSender:
    """A sender of the parts of one response to the client."""

    def __init__(self, send: Send, connection: FeedProtocol | None) -> None:
        self._send = send
        self._connection = connection
        self._end: Any = None

    @property
    def _is_open(self) -> bool:
        # uvicorn's protocol closes the connection if invalid bytes follow a request. A write would
        # then raise, and clients could fill the log with tracebacks.
        return self._connection is None or not self._connection.is_closing

    async def send(self, message: Any) -> None:
        """Send a message of the app; keep the last one until the body is sent."""
        if message["type"] == "http.response.start":
            kept = [each for each in message["headers"] if each[0] not in _DEFAULT_NAMES]
            message["headers"] = kept
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self._end = message
        elif self._is_open:
            await self._send(message)

    async def stream(self, rest: Iterator[bytes], reader: ThreadPoolExecutor) -> None:
        """Send the rest of a body as fast as the client takes it: no thread waits meanwhile."""
        loop = asyncio.get_running_loop()
        while self._is_open and (chunk := await loop.run_in_executor(reader, _next, rest)):
            await self.send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def end(self) -> None:
        """Send the last message."""
        if self._is_open:
            await self._send(self._end)


def _next(chunks: Iterator[bytes]) -> bytes:
    """Return the next chunk that is not empty; an empty one at the end."""
    return next((chunk for chunk in chunks if chunk), b"")


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
