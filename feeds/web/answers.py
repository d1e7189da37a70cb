"""The one place that sets status, validators and body of an answer with a document.

Plain values in, plain values out, so that the fast path and Flask answer alike.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from werkzeug.http import http_date
from werkzeug.sansio.http import is_resource_modified

from feeds.encodings import IDENTITY
from feeds.publisher import Document
from feeds.web.negotiation import coding

#: Seconds that a cache may answer with an old document while we do not (RFC 5861).
STALE_IF_ERROR = 86_400

#: What proxies append to the tag of a body that they compressed, or did not.
_SUFFIX = re.compile(r'(?:[-;](?:gzip|br|zstd|deflate))+"')


@dataclass(frozen=True, slots=True)
class Conditions:
    """The headers of a request that decide what it gets."""

    accept_encoding: str | None = None
    if_none_match: str | None = None
    if_modified_since: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def answer(document: Document, conditions: Conditions) -> Answer:
    """The answer to a GET; for a HEAD the server leaves the body out."""
    chosen = coding(conditions.accept_encoding)
    headers = validators(document, chosen)
    if is_unmodified(document, conditions):
        return Answer(304, headers, b"")
    body = document.bodies[chosen]
    headers.append(("Content-Length", str(len(body))))
    if chosen != IDENTITY:
        headers.append(("Content-Encoding", chosen))
    return Answer(200, headers, body)


def validators(document: Document, coding: str) -> list[tuple[str, str]]:
    """The headers that a 200 and a 304 have in common."""
    lifetime = (
        f"public, max-age={document.max_age}, stale-while-revalidate={document.max_age}, "
        f"stale-if-error={STALE_IF_ERROR}"
    )
    return [
        ("ETag", etag(document, coding)),
        ("Last-Modified", http_date(document.modified)),
        ("Cache-Control", lifetime),
        ("Vary", "Accept-Encoding"),
        *document.headers,
    ]


def etag(document: Document, coding: str) -> str:
    """A strong tag for each coding: RFC 9110, 8.8.3.3 wants them distinct."""
    suffix = "" if coding == IDENTITY else f"-{coding}"
    return f'"{document.key}{suffix}"'


def is_unmodified(document: Document, conditions: Conditions) -> bool:
    """Whether the client has this document already, in whatever coding."""
    if not conditions.if_none_match and not conditions.if_modified_since:
        return False
    tags = _SUFFIX.sub('"', conditions.if_none_match) if conditions.if_none_match else None
    return not is_resource_modified(
        http_if_none_match=tags,
        http_if_modified_since=conditions.if_modified_since,
        etag=f'"{document.key}"',
        last_modified=datetime.fromtimestamp(document.modified, UTC),
    )
