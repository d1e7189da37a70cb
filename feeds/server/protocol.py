"""The protocol of one connection, which uvicorn takes by its setting ``http``.

It answers a plain poll of a document in memory where its bytes arrive, in the event loop. All other
bytes go unchanged to uvicorn's own protocol, which it holds and does not subclass, and from there
to Flask.

The states of a connection::

    OWN ────── a request for the app ──────▶ WAITING ────── the app answered ──────▶ OWN
     │
     └──────── a body, or not a valid request ──────▶ HANDED_OVER, until it is closed
"""

import asyncio
from enum import Enum, auto
from functools import partial
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from feeds.server.connection_limits import Connections
from feeds.server.poll_responder import PollRequest, PollResponder
from feeds.server.request_parser import HEAD_END, Handling, PartialHead

#: Header fields that uvicorn adds to every response, also to those that it writes by itself.
DEFAULT_HEADERS = (("x-content-type-options", "nosniff"),)

_CLOSE = b"connection: close\r\n"


class State(Enum):
    """The protocol that handles the next bytes of a connection."""

    OWN = auto()
    WAITING = auto()
    HANDED_OVER = auto()


class FeedProtocol(asyncio.Protocol):
    """A connection: polls are answered here, other requests by uvicorn's protocol."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Take what uvicorn passes to each of its protocols."""
        self._config = config
        self._server_state = server_state
        self._app_state = app_state
        self._loop = _loop or asyncio.get_running_loop()
        self._responder: PollResponder = app_state["responder"]
        self._recall = self._responder.recall
        self._connections: Connections = app_state["connections"]
        self._limits = self._connections.limits
        self._transport: asyncio.Transport
        self._client = ""
        self._state = State.OWN
        self._inner: HttpToolsProtocol | None = None
        #: The bytes received and not handled yet, and how many of them hold no end of a head.
        self._received = bytearray()
        self._searched = 0
        self._partial: PartialHead | None = None
        #: True while the client does not take what was written, and when the worker stops.
        self._is_full = self._is_draining = False
        self._unsent = self._unanswered = self._under_way = 0
        #: The time when the current wait began, and the seconds that it may last.
        self._since = self._connections.now
        self._patience = self._limits.head_seconds

    # Called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start; close the connection if there are too many."""
        # The transports of uvloop are no subclasses of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self._client = str(peer[0]) if isinstance(peer, tuple) else ""
        # Its type names uvicorn's own protocols only.
        self._server_state.connections.add(self)  # type: ignore[arg-type]
        if not self._connections.admit(self):
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Answer a head like one that was read before; collect anything else."""
        if self._state is State.OWN and not self._received and not self._is_full:
            request = self._recall(data)
            if request is not None and self._answer(request):
                return
        self._collect(data)

    def eof_received(self) -> bool:
        """Return True to keep the connection for the response that is under way."""
        self._is_draining = True
        return self._is_busy

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._server_state.connections.discard(self)
        self._connections.dismiss(self)
        if self._inner is not None:
            # Always None: else uvicorn's protocol does not cancel its timer.
            self._inner.connection_lost(None)

    def pause_writing(self) -> None:
        """Stop answering until the client takes what was written."""
        self._is_full = True
        self._unsent = self._transport.get_write_buffer_size()
        self._wait(self._limits.stall_seconds)
        self._allow_reading(False)
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Continue with what arrived meanwhile."""
        self._is_full = False
        self._wait(self._limits.idle_seconds)
        if self._inner is not None:
            self._inner.resume_writing()
        self._advance()
        self._allow_reading(self._state is not State.WAITING)

    # Called by the server.

    @property
    def is_closing(self) -> bool:
        """True if nothing more can be sent."""
        return self._transport.is_closing()

    def abort(self) -> None:
        """Close the connection at once."""
        self._transport.abort()

    def shutdown(self) -> None:
        """Finish what is under way, and what arrives within the grace period; then close."""
        self._is_draining = True
        if self._state is not State.OWN and self._inner is not None:
            self._inner.shutdown()
        # In two steps: if the process stood still meanwhile, it reads what arrived in between.
        last = partial(self._loop.call_later, 0.01, self._close_if_idle)
        self._loop.call_later(self._limits.grace_seconds, last)

    def app_called(self) -> None:
        """Record that the app has a request of this connection."""
        self._under_way += 1

    def app_answered(self) -> None:
        """Continue after the app has answered a request."""
        self._under_way -= 1
        self._unanswered = 0
        self._wait(self._limits.idle_seconds)
        if self._state is State.WAITING:
            self._state = State.OWN
            self._advance()
            self._allow_reading(self._state is not State.WAITING and not self._is_full)
        if self._is_draining:
            self._close_if_idle()

    def check(self) -> None:
        """Close the connection if its current wait has lasted too long."""
        must_take = self._is_full or self._transport.is_closing()
        if must_take:
            self._note_progress()
        is_at_work = self._under_way > 0 and not must_take
        if is_at_work or self._connections.now - self._since <= self._patience:
            return
        if must_take:
            self._transport.abort()
        elif self._received:
            self._reject(b"408 Request Timeout", b"The request took too long to arrive.\n")
        else:
            self._close()

    # Everything that is not a known head.

    def _collect(self, data: bytes) -> None:
        if self._state is State.HANDED_OVER:
            self._pass_on(data)
            return
        if not self._received:
            # The head has its time from here on, however slowly the rest arrives.
            self._wait(self._limits.head_seconds)
        self._received += data
        self._advance()

    def _advance(self) -> None:
        """Answer or pass on every whole head that has arrived, in order."""
        while self._received and self._state is State.OWN and not self._is_full:
            if self._transport.is_closing():
                return
            # RFC 9112, 2.2: "a server that is expecting to receive and parse a request-line SHOULD
            # ignore at least one empty line (CRLF) received prior to the request-line."
            if self._searched == 0 and self._received.startswith(b"\r\n"):
                del self._received[:2]
                continue
            start = max(0, self._searched - len(HEAD_END) + 1)
            end = self._received.find(HEAD_END, start)
            size = len(self._received) if end < 0 else end + len(HEAD_END)
            if size > self._limits.head:
                text = f"The headers are over {self._limits.head} bytes: send fewer.\n"
                self._reject(b"431 Request Header Fields Too Large", text.encode())
            elif end < 0:
                self._await_rest()
                return
            else:
                self._handle(bytes(self._received[:size]))

    def _handle(self, head: bytes) -> None:
        self._searched, self._partial = 0, None
        request = self._responder.read(head)
        if request is Handling.HAND_OVER:
            self._hand_over()
            return
        del self._received[: len(head)]
        if isinstance(request, Handling) or not self._answer(request):
            self._state = State.WAITING
            self._allow_reading(False)
            self._general().data_received(head)
            if self._is_draining:
                self._general().shutdown()

    def _answer(self, request: PollRequest) -> bool:
        """Answer a poll; return False if its document is not in memory."""
        answer = self._responder.respond(request, self._client)
        if answer is None:
            return False
        is_last = self._is_draining or not request.is_kept_alive
        closing = _CLOSE if is_last else b""
        head = b"".join((answer.head, self._connections.date, closing, b"\r\n"))
        if answer.body and not request.is_head:
            self._transport.writelines((head, answer.body))
        else:
            self._transport.write(head)
        if is_last:
            self._close()
        elif not self._is_full:
            self._wait(self._limits.idle_seconds)
        return True

    def _await_rest(self) -> None:
        """Wait for the rest of a head, unless it cannot become valid."""
        if self._partial is None:
            self._partial = PartialHead()
            self._wait(self._limits.head_seconds)
        piece = bytes(self._received[self._searched :])
        self._searched = len(self._received)
        if self._partial.is_rejected(piece):
            self._hand_over()

    def _hand_over(self) -> None:
        self._state, self._partial = State.HANDED_OVER, None
        data, self._received = bytes(self._received), bytearray()
        self._pass_on(data)

    def _pass_on(self, data: bytes) -> None:
        if self._unanswered == 0:
            self._wait(self._limits.head_seconds)
        self._unanswered += len(data)
        if self._unanswered > self._limits.unanswered:
            self._transport.abort()
        else:
            self._general().data_received(data)

    def _general(self) -> HttpToolsProtocol:
        """Return uvicorn's protocol for this connection."""
        if self._inner is None:
            state = {**self._app_state, "connection": self}
            self._inner = HttpToolsProtocol(self._config, self._server_state, state, self._loop)
            self._inner.connection_made(self._transport)
            # When the server stops, this protocol acts for both.
            self._server_state.connections.discard(self._inner)
        return self._inner

    # Small steps.

    @property
    def _is_busy(self) -> bool:
        return self._state is State.WAITING or self._under_way > 0

    def _wait(self, seconds: int) -> None:
        """Start a wait that may last so many seconds."""
        self._since, self._patience = self._connections.now, seconds

    def _note_progress(self) -> None:
        unsent = self._transport.get_write_buffer_size()
        if unsent < self._unsent:
            self._wait(self._limits.stall_seconds)
        self._unsent = unsent

    def _allow_reading(self, is_allowed: bool) -> None:
        # The transports of uvloop raise RuntimeError if they are closing.
        if self._transport.is_closing():
            return
        if is_allowed:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _close_if_idle(self) -> None:
        if not self._is_busy and not self._transport.is_closing():
            self._close()

    def _close(self) -> None:
        """Close the connection once the client has taken what was written."""
        self._wait(self._limits.stall_seconds)
        self._transport.close()

    def _reject(self, status: bytes, text: bytes) -> None:
        defaults = "".join(f"{name}: {value}\r\n" for name, value in DEFAULT_HEADERS).encode()
        self._transport.write(
            b"HTTP/1.1 %b\r\n%b%bcontent-type: text/plain; charset=utf-8\r\n"
            b"content-length: %d\r\n%b\r\n%b"
            % (status, self._connections.date, defaults, len(text), _CLOSE, text)
        )
        self._received.clear()
        self._close()
