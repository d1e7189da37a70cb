"""Conditional requests: the ETag and the date of a document, and when a client has it already.

RFC 9110, sections 8.8 and 13.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from werkzeug.http import http_date, parse_date
from werkzeug.sansio.http import is_resource_modified

from feeds.documents import Document
from feeds.encoded_bodies import IDENTITY

#: Seconds that a cache may serve a stale document while this server fails (RFC 5861).
STALE_IF_ERROR = 86_400

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


class Conditions(NamedTuple):
    """The conditions of a request on the response to a GET of a document."""

    #: The coding of the body that the client accepts.
    coding: str = IDENTITY
    if_none_match: str | None = None
    if_modified_since: str | None = None


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
    """Return Last-Modified; nothing if an earlier document had the same date.

    A cache in front answers 304 to every client that names the date that it holds. RFC 9110,
    8.8.2.1, asks for a date only if it can be "reasonably and consistently determined".
    """
    is_ours_alone = document.modified < document.changed
    return [("Last-Modified", http_date(document.modified))] if is_ours_alone else []


def etag(document: Document, coding: str) -> str:
    """Return the strong tag of a document in a coding; RFC 9110, 8.8.3.3 requires distinct ones."""
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
