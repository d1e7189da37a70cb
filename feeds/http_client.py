"""An HTTP client: one request to another host, within one deadline.

It follows no redirect, and reads no more of a body than the caller wants. It resolves the name of
the host once and connects to the address that it has checked.
"""

import socket
import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPSConnection
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
IsAllowed = Callable[[Address], bool]


class RequestRefused(Exception):
    """The request is not sent: its address is not allowed, or no time is left."""


#: The exceptions of a failed ``send_request``.
FAILURES = (RequestRefused, OSError, HTTPException, ValueError)


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """The status and the headers of a response, and the beginning of its body."""

    status: int
    headers: HTTPMessage
    #: As it was sent, in its coding; empty unless the caller wants it.
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return the value of a header; None without it."""
        return self.headers.get(name)


def allow_any(address: Address) -> bool:
    """Allow any address, for URLs that the operator has configured."""
    return True


def by_host(urls: Iterable[str]) -> list[list[str]]:
    """Return URLs in a list for each host, for which callers send one request at a time."""
    hosts: dict[str, list[str]] = defaultdict(list)
    for url in urls:
        hosts[urlsplit(url).netloc].append(url)
    return [*hosts.values()]


def send_request(
    request: Request, end: float, is_allowed: IsAllowed = allow_any, most: int = 0
) -> ResponseHead:
    """Send a request and return the head of its response; raise one of FAILURES.

    Of the body it returns the first ``most`` bytes. ``end`` is a time of time.monotonic() that
    limits the whole exchange, however slowly the other side sends. Only the resolution of the name
    has a time-out of the system instead.
    """
    parts = urlsplit(request.url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise RequestRefused(request.url)
    # http.client omits the default port of its scheme from Host, so the class must match.
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    port = parts.port or kind.default_port
    connection = kind(parts.hostname, port)
    address = _resolve(parts.hostname, port, is_allowed)
    connection.sock = _connect(address, port, parts.scheme == "https", parts.hostname, end)
    # The time-out of the socket holds for each read: many slow reads could take without end.
    timer = threading.Timer(max(0.0, end - time.monotonic()), _shut_down, [connection.sock])
    timer.start()
    try:
        if isinstance(connection.sock, ssl.SSLSocket):
            connection.sock.do_handshake()
        target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        connection.request(request.method, target, request.body, dict(request.headers))
        response = connection.getresponse()
        body = response.read(most) if most else b""
        # A response that is cut off within a header looks complete.
        if time.monotonic() >= end:
            raise TimeoutError
        return ResponseHead(response.status, response.headers, body)
    finally:
        timer.cancel()
        connection.close()


def _resolve(host: str, port: int, is_allowed: IsAllowed) -> str:
    """Return the address to connect to; every address of the name must be allowed."""
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
    # The caller does the handshake, under its timer.
    context = ssl.create_default_context()
    return context.wrap_socket(opened, server_hostname=host, do_handshake_on_connect=False)


def _shut_down(connected: socket.socket) -> None:
    try:
        connected.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
