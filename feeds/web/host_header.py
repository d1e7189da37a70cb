"""The header field Host of a request: exactly one, with a valid value, under any server."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from feeds.web.headers import with_default_headers

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

#: RFC 9110, 7.2: ``Host = uri-host [ ":" port ]``. Without the comma that RFC 3986 allows in a
#: host: servers join two Host header fields with one.
_HOST = re.compile(r"(?:\[[\w:.~%-]+\]|[\w.~!$&'()*+;=%-]+)(?::[0-9]*)?", re.ASCII)

#: Longest host that is examined, in characters: a name has 253 at most.
_MAX_LENGTH = 300

_REJECTION = b"A request needs exactly one Host header field, with a valid host and port.\n"


def has_valid_host(environ: "WSGIEnvironment") -> bool:
    """Return False for a request that must get a 400 (RFC 9112, 3.2).

    "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that
    lacks a Host header field and to any request message that contains more than one Host header
    field line or a Host header field with an invalid field value."
    """
    host = environ.get("HTTP_HOST")
    # Some servers pass an empty host if the request has none.
    if not host:
        return environ.get("SERVER_PROTOCOL") != "HTTP/1.1"
    return is_valid_host(host)


@lru_cache(1024)
def _is_host(value: str) -> bool:
    return _HOST.fullmatch(value) is not None


def is_valid_host(host: str | None) -> bool:
    """Return True for the value of one valid Host header field."""
    return host is not None and len(host) <= _MAX_LENGTH and _is_host(host)


def reject_host(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answer 400 and close the connection."""
    headers = with_default_headers(
        [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(_REJECTION))),
            ("Connection", "close"),
        ]
    )
    start_response("400 BAD REQUEST", headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [_REJECTION]
