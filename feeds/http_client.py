"""DOOR: one request to another host and the head of its answer, within one deadline.

No redirect is followed, no body is read. The host's name is looked up once, and the address that
was found and allowed is the one connected to.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPSConnection
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
IsAllowed = Callable[[Address], bool]


class RequestRefused(Exception):
    """The request is not made: its address may not be asked, or there is no time left."""


#: All errors that a failing ``send_request`` may raise.
FAILURES = (RequestRefused, OSError, HTTPException, ValueError)


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """The head of an answer."""

    status: int
    headers: HTTPMessage

    def header(self, name: str) -> str | None:
        """The value of a header."""
        return self.headers.get(name)


def allow_any(address: Address) -> bool:
    """Allow any address: for those that the operator chose."""
    return True


def send_request(request: Request, end: float, is_allowed: IsAllowed = allow_any) -> ResponseHead:
    """Make a request and read the head of its answer; raise one of FAILURES.

    ``end`` is a moment of time.monotonic(): the whole exchange is over by then, however slowly
    the other side sends. Only looking up the name has a time-out of the system's own.
    """
    parts = urlsplit(request.url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise RequestRefused(request.url)
    # Host leaves out the port that is the default of the connection's own scheme.
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    port = parts.port or kind.default_port
    connection = kind(parts.hostname, port)
    address = _resolve(parts.hostname, port, is_allowed)
    connection.sock = _connect(address, port, parts.scheme == "https", parts.hostname, end)
    # Each read may take as long as is left, so that many of them could take for ever.
    watch = threading.Timer(max(0.0, end - time.monotonic()), _cut, [connection.sock])
    watch.start()
    try:
        if isinstance(connection.sock, ssl.SSLSocket):
            connection.sock.do_handshake()
        target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        connection.request(request.method, target, request.body, dict(request.headers))
        response = connection.getresponse()
        # Cut off in the middle of a header, what came looks like a whole answer.
        if time.monotonic() >= end:
            raise TimeoutError
        return ResponseHead(response.status, response.headers)
    finally:
        watch.cancel()
        connection.close()


def _resolve(host: str, port: int, is_allowed: IsAllowed) -> str:
    """The address to connect to; every one that the name has must be allowed."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses or not all(is_allowed(ip_address(address)) for address in addresses):
        raise RequestRefused(host)
    return addresses[0]


def _connect(address: str, port: int, is_tls: bool, host: str, end: float) -> socket.socket:
    left = end - time.monotonic()
    if left <= 0:
        raise RequestRefused(host)
    opened = socket.create_connection((address, port), left)
    if not is_tls:
        return opened
    # The handshake is for the caller, whose watch is on it.
    context = ssl.create_default_context()
    return context.wrap_socket(opened, server_hostname=host, do_handshake_on_connect=False)


def _cut(connected: socket.socket) -> None:
    try:
        connected.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
