"""Raw requests, sent byte for byte: no client corrects them."""

import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPMessage, HTTPResponse

#: Seconds after which a client gives up.
PATIENCE = 20


#: Replacements of each slash of a path, and additions at its end.
SLASHES = ["//", "///", "/./", "/x/../", "/%2e/", "/x/%2e%2e/", "/;/", "/%2f/", "/\\"]
ENDS = ["/", "//", "/.", "/..", ".", "%2e", ";", ";x=1", "%00", "%20", "%0a", "%3f", "%3Fq=z",
        "%23", "#", "#x", "#/topics/ai.rss", "%ff", "\xff", "\\", "*", "~", "/../all.rss",
        "/%2e%2e/all.rss", "%2fall.rss", "?", "??"]  # fmt: skip


@dataclass(frozen=True)
class RawAnswer:
    """The response to a request."""

    status: int
    headers: HTTPMessage
    body: bytes


def send_request(port: int, request: bytes, method: str = "GET") -> RawAnswer:
    """Send bytes to a port of this machine; return the response to a request with this method."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        client.sendall(request)
        with closing(HTTPResponse(client, method=method)) as response:
            response.begin()
            return RawAnswer(response.status, response.headers, response.read())


def request(
    target: str, *headers: str, method: str = "GET", host: str = "Host: a", body: bytes = b""
) -> bytes:
    """Return the bytes of a request for a target, with `Connection: close`."""
    lines = [f"{method} {target} HTTP/1.1", host, "Connection: close", *headers]
    return "\r\n".join([*filter(None, lines), "", ""]).encode("latin-1") + body


def spellings(path: str) -> Iterator[str]:
    """Yield other spellings of a path: of the same address, of another one, or of none."""
    for i in sorted({0, len(path) // 2, len(path) - 1}):
        yield from (f"{path[:i]}%{ord(path[i]):{form}}{path[i + 1 :]}" for form in ("02x", "02X"))
    yield "/" + "".join(f"%{ord(letter):02X}" for letter in path[1:])
    yield from (path.replace("/", slash) for slash in SLASHES)
    yield from (path + end for end in ENDS)
    yield from (path.upper(), path.swapcase(), path.lower(), f"http://evil.example{path}")
    yield from (f"HTTP://evil.example:8080{path}", f"/x/..{path}", f"/.{path}")
