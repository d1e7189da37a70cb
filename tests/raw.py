"""Requests as they are written, byte for byte: no client puts them right on their way."""

import socket
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPMessage, HTTPResponse

#: Seconds after which a client gives up.
PATIENCE = 20


@dataclass(frozen=True)
class RawAnswer:
    """The answer to a request."""

    status: int
    headers: HTTPMessage
    body: bytes


def exchange(port: int, request: bytes, method: str = "GET") -> RawAnswer:
    """Send bytes to a port of this machine and read the answer to a request of this method."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        client.sendall(request)
        with closing(HTTPResponse(client, method=method)) as response:
            response.begin()
            return RawAnswer(response.status, response.headers, response.read())


def request(
    target: str, *headers: str, method: str = "GET", host: str = "Host: a", body: bytes = b""
) -> bytes:
    """The bytes of a request for a target, on a connection that is closed after the answer."""
    lines = [f"{method} {target} HTTP/1.1", host, "Connection: close", *headers]
    return "\r\n".join([*filter(None, lines), "", ""]).encode("latin-1") + body
