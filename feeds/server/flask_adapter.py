"""Flask as an ASGI app: the path of a request from the event loop to the threads of Flask.

Flask runs in two threads. With one, a cold page delayed all other requests by 61 to 95 ms (p99 of
hot polls); four gave no more than two.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from a2wsgi import WSGIMiddleware

from feeds.server.protocol import DEFAULT_HEADERS, FeedProtocol

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: Threads for Flask.
THREADS = 2

#: Bytes of a body that the thread of its request reads; a larger one is streamed by another thread.
#: Without that distinction eight threads ran Python, and hot polls beside cold pages took 200 ms.
FIRST_PART = 256 * 1024

#: Header fields that uvicorn adds to every response of the app.
_DEFAULT_NAMES = {b"date", *(name.encode() for name, _ in DEFAULT_HEADERS)}

#: The keys of a scope under which the rest of its body waits, and what closes the body.
_REST, _CLOSE = "tributary.rest", "tributary.close"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


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
