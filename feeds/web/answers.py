"""Status, headers and body of every response that carries a document.

Pure functions, shared by the fast path and Flask, so that both answer alike.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus

from werkzeug.http import http_date, parse_date
from werkzeug.sansio.http import is_resource_modified

from feeds.documents import Document
from feeds.encodings import IDENTITY
from feeds.web.headers import with_default_headers
from feeds.web.negotiation import coding

#: Seconds that a cache may serve a stale document while this server fails (RFC 5861).
STALE_IF_ERROR = 86_400

#: The coding of a response without a body, in the counters.
NO_CODING = "none"

#: Suffixes that proxies append to the tag of a body, whether they compressed it or not.
_SUFFIX = re.compile(r'(?:[-;](?:gzip|br|zstd|deflate)){1,4}"')

#: A tag of this server, or one that a proxy derived from it.
_OWN_TAG = re.compile(r'("([0-9a-f]{32})(?:[-;](?:gzip|br|zstd|deflate)){0,4}")')

#: Limit of the tags that are looked up for a delta: a client has one earlier document.
_MAX_BASES = 4

#: Characters of a condition that is read: this server never issued a longer one.
_MAX_LENGTH = 8_000

#: Seconds after a change in which a client may still have received the previous document: another
#: process reads the revision up to 5 ms later and serves the previous document while it renders,
#: for LEASE and a little more if another machine renders, and nginx caches a response for a second.
MARGIN = 5

#: Responses memoized per document, and the longest validator that is memoized: pollers send few
#: distinct ones, and a client that invents them must not fill the memory.
MEMOIZED, MAX_MEMOIZED_LENGTH = 32, 100


@dataclass(frozen=True, slots=True)
class Conditions:
    """The request headers that select the response."""

    accept_encoding: str | None = None
    if_none_match: str | None = None
    if_modified_since: str | None = None


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
    chosen = coding(conditions.accept_encoding)
    headers = validators(document, chosen)
    if is_unmodified(document, conditions):
        # RFC 9110, 15.4.5: "a sender SHOULD NOT generate representation metadata" beyond those.
        kept = [each for each in headers if each[0] != "Content-Type"]
        return Answer(304, with_default_headers(kept), b"", NO_CODING)
    return _with_body(200, headers, document, chosen)


def delta_answer(document: Document, base: "Base", accept_encoding: str | None) -> Answer:
    """Return the response with the items that are new since a client's document (RFC 3229)."""
    chosen = coding(accept_encoding)
    # RFC 3229, 10.4.1: a 226 has the tag and the date of the current instance, the full document.
    headers = dict(validators(document, chosen))
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
    return _with_body(226, list(headers.items()), document, chosen)


def _with_body(
    status: int, headers: list[tuple[str, str]], document: Document, coding: str
) -> Answer:
    body = document.bodies[coding]
    headers.append(("Content-Length", str(len(body))))
    if coding != IDENTITY:
        headers.append(("Content-Encoding", coding))
    return Answer(status, with_default_headers(headers), body, coding)


def memoized_answer(
    document: Document, accept_encoding: str | None, tags: str | None, since: str | None
) -> Answer:
    """Return the response of ``answer``, memoized with the document."""
    key = (coding(accept_encoding), tags, since)
    found: Answer | None = document.memo.get(key)
    return found or _memoize(document, key, Conditions(accept_encoding, tags, since))


def _memoize(document: Document, key: tuple[str | None, ...], conditions: Conditions) -> Answer:
    found = answer(document, conditions)
    if max(len(part or "") for part in key) <= MAX_MEMOIZED_LENGTH:
        if len(document.memo) >= MEMOIZED - 1:
            document.memo.clear()
        # All conditions share one 200 and one 304 in each coding.
        found = document.memo.setdefault((found.status, key[0]), found)
        document.memo[key] = found
    return found


def validators(document: Document, coding: str) -> list[tuple[str, str]]:
    """Return the headers that a 200 and a 304 share."""
    lifetime = (
        f"max-age={document.max_age}, stale-while-revalidate={document.max_age}, "
        f"stale-if-error={STALE_IF_ERROR}"
    )
    return [
        ("ETag", etag(document, coding)),
        *_last_modified(document),
        ("Cache-Control", lifetime),
        ("Vary", "Accept-Encoding"),
        *document.headers,
    ]


def _last_modified(document: Document) -> list[tuple[str, str]]:
    """Return no date when it does not stand for the document alone.

    A cache in front answers 304 to whoever names the date that it holds. RFC 9110, 8.8.2.1, asks
    for a date only if it can be "reasonably and consistently determined".
    """
    is_ours_alone = document.modified < document.changed
    return [("Last-Modified", http_date(document.modified))] if is_ours_alone else []


def etag(document: Document, coding: str) -> str:
    """Return the strong tag of a document in a coding; RFC 9110, 8.8.3.3 wants them distinct."""
    suffix = "" if coding == IDENTITY else f"-{coding}"
    return f'"{document.base_key or document.key}{suffix}"'


@dataclass(frozen=True, slots=True)
class Base:
    """An earlier document that a client names in If-None-Match."""

    #: As the client sent it, with its quotation marks.
    tag: str
    key: str


def bases(tags: str | None) -> Iterator[Base]:
    """Yield the first documents of this server that an If-None-Match names."""
    if tags is not None and len(tags) <= _MAX_LENGTH:
        for found, _ in zip(_OWN_TAG.finditer(tags), range(_MAX_BASES), strict=False):
            yield Base(found[1], found[2])


def is_unmodified(document: Document, conditions: Conditions) -> bool:
    """Return True if the client has this document already, in any coding."""
    tags, since = conditions.if_none_match, conditions.if_modified_since
    # RFC 9110, 13.1.3: "A recipient MUST ignore If-Modified-Since if the request contains an
    # If-None-Match header field", even if that is empty or malformed.
    if tags is not None:
        return len(tags) <= _MAX_LENGTH and not is_resource_modified(
            http_if_none_match=_SUFFIX.sub('"', tags), etag=f'"{document.key}"'
        )
    return since is not None and _is_since(document, since)


def _is_since(document: Document, date: str) -> bool:
    """Return True if nothing changed after a date.

    Last-Modified lags behind the change, so it proves nothing about any other date. It identifies
    the document only if it is older than the change: after a burst of changes it is not, and then
    no answer has it.
    """
    try:
        found = parse_date(date)
    except OverflowError:
        # A date with a zone of twenty digits: the standard library catches other errors only.
        return False
    if found is None:
        return False
    since = int(found.timestamp())
    return since == document.modified < document.changed or since > document.changed + MARGIN
