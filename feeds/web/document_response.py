"""Status, headers and body of every response that carries a document.

Pure functions, shared by the fast path and Flask, so that both answer alike.
"""

from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus

from feeds.documents import Document
from feeds.encoded_bodies import IDENTITY
from feeds.web.conditional_requests import Base, Conditions, is_unmodified, validators
from feeds.web.headers import with_default_headers

#: The coding of a response without a body, in the counters.
NO_CODING = "none"

#: Responses memoized per document, and the longest validator that is memoized: pollers send few
#: distinct ones, and a client that invents them must not fill the memory.
MEMOIZED, MAX_MEMOIZED_LENGTH = 32, 100


@dataclass(frozen=True)
class Answer:
    """Status, headers and body of a response."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    #: The coding of the body; NO_CODING without a body.
    coding: str

    @property
    def line(self) -> str:
        """The status line of WSGI."""
        return _LINES[self.status]

    @cached_property
    def head(self) -> bytes:
        """The status line and the headers as HTTP/1.1 has them, without the empty line."""
        phrase = HTTPStatus(self.status).phrase
        fields = "".join(f"{name.lower()}: {value}\r\n" for name, value in self.headers)
        return f"HTTP/1.1 {self.status} {phrase}\r\n{fields}".encode("latin-1")


_LINES = {200: "200 OK", 304: "304 NOT MODIFIED"}


def answer(document: Document, conditions: Conditions) -> Answer:
    """Return the response to a GET; the server drops the body for a HEAD."""
    headers = validators(document, conditions.coding)
    if is_unmodified(document, conditions):
        # RFC 9110, 15.4.5: "a sender SHOULD NOT generate representation metadata" beyond those.
        kept = [each for each in headers if each[0] != "Content-Type"]
        return Answer(304, with_default_headers(kept), b"", NO_CODING)
    return _with_body(200, headers, document, conditions.coding)


def delta_answer(document: Document, base: Base, coding: str) -> Answer:
    """Return the response with the items that are new since a client's document (RFC 3229)."""
    # RFC 3229, 10.4.1: a 226 has the tag and the date of the current instance, the full document.
    headers = dict(validators(document, coding))
    headers |= {
        "IM": "feed",
        # 10.5.1: "MUST be included … if the request included more than one entity tag".
        "Delta-Base": base.tag,
        # Only a cache that implements RFC 3229 may store this: to any other client it is no feed.
        # Therefore the 200 and the 304 of this address need no Vary on A-IM. A cache without
        # RFC 3229 stores and serves full documents only, which suit every client; with a Vary on
        # If-None-Match it would store one for each client.
        "Cache-Control": "no-store, im",
        "Vary": "Accept-Encoding, A-IM, If-None-Match",
    }
    return _with_body(226, list(headers.items()), document, coding)


def _with_body(
    status: int, headers: list[tuple[str, str]], document: Document, coding: str
) -> Answer:
    body = document.bodies[coding]
    headers.append(("Content-Length", str(len(body))))
    if coding != IDENTITY:
        headers.append(("Content-Encoding", coding))
    return Answer(status, with_default_headers(headers), body, coding)


def memoized_answer(document: Document, conditions: Conditions) -> Answer:
    """Return the response of ``answer``, memoized with the document."""
    found: Answer | None = document.memo.get(conditions)
    return found or _memoize(document, conditions)


def _memoize(document: Document, conditions: Conditions) -> Answer:
    found = answer(document, conditions)
    if max(len(part or "") for part in conditions) <= MAX_MEMOIZED_LENGTH:
        if len(document.memo) >= MEMOIZED - 1:
            document.memo.clear()
        # All conditions share one 200 and one 304 in each coding.
        found = document.memo.setdefault((found.status, conditions.coding), found)
        document.memo[conditions] = found
    return found
