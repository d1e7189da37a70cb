"""What HTTP asks of every request and answer: one valid Host, and a Date that follows the clock.

Both are kept here rather than by the server, which the rules then do not depend on.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from werkzeug.http import http_date

from feeds.web.headers import completed

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

#: RFC 9110, 7.2: ``Host = uri-host [ ":" port ]``. Without the comma that RFC 3986 allows in a
#: host: servers join two Host header fields with one.
_HOST = re.compile(r"(?:\[[\w:.~%-]+\]|[\w.~!$&'()*+;=%-]+)(?::[0-9]*)?", re.ASCII)

#: Characters of a host that is looked at: a name has 253 at most.
_LONGEST = 300

_REFUSAL = b"A request has one Host header field, with the host and the port that it is for.\n"


def has_valid_host(environ: "WSGIEnvironment") -> bool:
    """Return False for a request that RFC 9112, 3.2 wants answered with 400.

    "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that
    lacks a Host header field and to any request message that contains more than one Host header
    field line or a Host header field with an invalid field value."
    """
    host = environ.get("HTTP_HOST")
    # Granian gives an empty host for none.
    if not host:
        return environ.get("SERVER_PROTOCOL") != "HTTP/1.1"
    return len(host) <= _LONGEST and _is_host(host)


@lru_cache(1024)
def _is_host(value: str) -> bool:
    return _HOST.fullmatch(value) is not None


def refuse_host(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answer 400 and close the connection."""
    headers = completed(
        [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(_REFUSAL))),
            ("Connection", "close"),
        ]
    )
    start_response("400 BAD REQUEST", headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [_REFUSAL]


def date_writer(clock: Callable[[], float]) -> Callable[[], str]:
    """Return a function that gives the value of Date now.

    Granian writes a Date of its own into answers without one, and repeats it for as long as its
    clock was set back: an hour of the same second after an hour.
    """
    last = 0, http_date(0)

    def date() -> str:
        nonlocal last
        second = int(clock())
        # Read once, since another thread may replace it.
        known = last
        if known[0] != second:
            known = last = second, http_date(second)
        return known[1]

    return date
