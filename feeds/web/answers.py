"""The one place that sets status, validators and body of an answer with a document.

Plain values in, plain values out, so that the front and Flask answer alike.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from werkzeug.http import http_date, parse_date
from werkzeug.sansio.http import is_resource_modified

from feeds.documents import Document
from feeds.encodings import IDENTITY
from feeds.web.headers import completed
from feeds.web.negotiation import coding

#: Seconds that a cache may answer with an old document while we do not (RFC 5861).
STALE_IF_ERROR = 86_400

#: What an answer without a body is encoded in, as it is counted.
NO_CODING = "none"

#: What proxies append to the tag of a body that they compressed, or did not.
_SUFFIX = re.compile(r'(?:[-;](?:gzip|br|zstd|deflate)){1,4}"')

#: A tag as we issue it, or as a proxy made it of ours.
_OURS = re.compile(r'("([0-9a-f]{32})(?:[-;](?:gzip|br|zstd|deflate)){0,4}")')

#: Of the earlier documents that a client names, so many are looked for: it has one.
_BASES = 4

#: Characters of a condition that is read: longer ones are nothing that we issued.
_LONGEST = 8_000

#: Seconds after a change in which somebody may still have been served what was before it: another
#: process looks at the revision 5 ms later, goes on with it while it renders, for LEASE and a
#: little more if another machine does, and nginx in front keeps an answer for a second.
MARGIN = 5

#: Answers remembered with a document, and characters of a validator worth remembering: pollers
#: send few different ones, and who makes them up must not fill the memory.
REMEMBERED, LONGEST = 32, 100


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
    #: How the body is encoded, and NO_CODING when there is none.
    coding: str

    @property
    def line(self) -> str:
        """The status with its words, as WSGI has it."""
        return _LINES[self.status]


_LINES = {200: "200 OK", 304: "304 NOT MODIFIED"}


def answer(document: Document, conditions: Conditions) -> Answer:
    """The answer to a GET; for a HEAD the server leaves the body out."""
    chosen = coding(conditions.accept_encoding)
    headers = validators(document, chosen)
    if is_unmodified(document, conditions):
        # RFC 9110, 15.4.5: "a sender SHOULD NOT generate representation metadata" beyond those.
        told = [each for each in headers if each[0] != "Content-Type"]
        return Answer(304, completed(told), b"", NO_CODING)
    return _with_body(200, headers, document, chosen)


def delta_answer(document: Document, base: "Base", accept_encoding: str | None) -> Answer:
    """The answer with what is new since a document that the client has (RFC 3229)."""
    chosen = coding(accept_encoding)
    # RFC 3229, 10.4.1: a 226 has the tag and the date of the current instance, which is the whole.
    told = dict(validators(document, chosen))
    told |= {
        "IM": "feed",
        # 10.5.1: "MUST be included … if the request included more than one entity tag".
        "Delta-Base": base.tag,
        # No cache may keep it but one that knows RFC 3229 well: for anybody else it is no feed.
        # Therefore the 200 and the 304 of the same address need not say that A-IM has a say in
        # them. A cache that knows nothing of it keeps and gives whole documents only, which are
        # right for everybody; told to vary by If-None-Match, it would keep one for each client.
        "Cache-Control": "no-store, im",
        "Vary": "Accept-Encoding, A-IM, If-None-Match",
    }
    return _with_body(226, list(told.items()), document, chosen)


def _with_body(
    status: int, headers: list[tuple[str, str]], document: Document, coding: str
) -> Answer:
    body = document.bodies[coding]
    headers.append(("Content-Length", str(len(body))))
    if coding != IDENTITY:
        headers.append(("Content-Encoding", coding))
    return Answer(status, completed(headers), body, coding)


def remembered(
    document: Document, accept_encoding: str | None, tags: str | None, since: str | None
) -> Answer:
    """The same answer, worked out once for conditions that come again."""
    key = (coding(accept_encoding), tags, since)
    found: Answer | None = document.memo.get(key)
    return found or _remember(document, key, Conditions(accept_encoding, tags, since))


def _remember(document: Document, key: tuple[str | None, ...], conditions: Conditions) -> Answer:
    found = answer(document, conditions)
    if max(len(part or "") for part in key) <= LONGEST:
        if len(document.memo) >= REMEMBERED - 1:
            document.memo.clear()
        # Whatever the conditions were, there is one 200 and one 304 in each coding.
        found = document.memo.setdefault((found.status, key[0]), found)
        document.memo[key] = found
    return found


def validators(document: Document, coding: str) -> list[tuple[str, str]]:
    """The headers that a 200 and a 304 have in common."""
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
    """A strong tag for each coding: RFC 9110, 8.8.3.3 wants them distinct."""
    suffix = "" if coding == IDENTITY else f"-{coding}"
    return f'"{document.base_key or document.key}{suffix}"'


@dataclass(frozen=True, slots=True)
class Base:
    """An earlier document that a client says it has."""

    #: As the client names it, with its quotation marks.
    tag: str
    key: str


def bases(tags: str | None) -> Iterator[Base]:
    """The documents of ours that an If-None-Match names, the first few."""
    if tags is not None and len(tags) <= _LONGEST:
        for found, _ in zip(_OURS.finditer(tags), range(_BASES), strict=False):
            yield Base(found[1], found[2])


def is_unmodified(document: Document, conditions: Conditions) -> bool:
    """Whether the client has this document already, in whatever coding."""
    tags, since = conditions.if_none_match, conditions.if_modified_since
    # RFC 9110, 13.1.3: "A recipient MUST ignore If-Modified-Since if the request contains an
    # If-None-Match header field", be that empty or not to be read.
    if tags is not None:
        return len(tags) <= _LONGEST and not is_resource_modified(
            http_if_none_match=_SUFFIX.sub('"', tags), etag=f'"{document.key}"'
        )
    return since is not None and _is_since(document, since)


def _is_since(document: Document, date: str) -> bool:
    """Return whether nothing changed after a date.

    Last-Modified lags behind the change, so that it says nothing of any other date. It stands for
    the document alone if it is older than the change: after a burst of changes it is not, and then
    no answer has it.
    """
    try:
        found = parse_date(date)
    except OverflowError:
        # PollRecord with a zone of twenty digits: the standard library catches other errors only.
        return False
    if found is None:
        return False
    since = int(found.timestamp())
    return since == document.modified < document.changed or since > document.changed + MARGIN
