"""What routes answer from, and how: documents that are kept, others that are not, and words."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from flask import Response, current_app, request
from werkzeug.datastructures import Headers

from feeds.catalog import Catalog
from feeds.deltas import DocumentHistory
from feeds.documents import Document, DocumentPlan
from feeds.encodings import IDENTITY
from feeds.errors import NoDelta
from feeds.logs import LogThrottle
from feeds.metrics import SharedCounters
from feeds.publisher import Publisher
from feeds.subscribers import Subscribers
from feeds.sync import ContentSync
from feeds.web.answers import Answer, Conditions, answer, bases, delta_answer, is_unmodified
from feeds.web.dated import DatedResponse
from feeds.web.negotiation import wants_news
from feeds.websub import Outbox


@dataclass(frozen=True, slots=True)
class Web:
    """What the routes answer from."""

    catalog: Catalog
    publisher: Publisher
    history: DocumentHistory
    sync: ContentSync
    #: What hubs are to be told.
    outbox: Outbox
    #: What all processes of this machine counted.
    counts: SharedCounters
    subscribers: Subscribers
    #: What operators know; empty when nobody is to see their page.
    token: str = field(default="", repr=False)
    #: For complaints about the index.
    complains: LogThrottle = field(default_factory=LogThrottle)


def web() -> Web:
    """What the app that answers now was given."""
    return cast(Web, current_app.extensions["tributary"])


def respond(address: str, plan: Callable[[], DocumentPlan]) -> Response:
    """Answer with the document at an address, made when it has changed and kept."""
    document = web().publisher.document(address, plan)
    return _response(answer(document, _conditions(request.headers.get("Accept-Encoding"))))


def respond_with_news(
    address: str, plan: Callable[[], DocumentPlan], delta: Callable[[str], DocumentPlan]
) -> Response:
    """Likewise, but to who asks for it only what is new since a document that it has (RFC 3229).

    The plan of that is made from the key of the earlier document, or raises NoDelta.
    """
    document = web().publisher.document(address, plan)
    conditions = _conditions(request.headers.get("Accept-Encoding"))
    if wants_news(request.headers.get("A-IM")) and not is_unmodified(document, conditions):
        found = _delta(address, document, delta, conditions)
        if found is not None:
            return _response(found)
    return _response(answer(document, conditions))


def _delta(
    address: str, whole: Document, delta: Callable[[str], DocumentPlan], conditions: Conditions
) -> Answer | None:
    for base in bases(conditions.if_none_match):
        with suppress(NoDelta):
            # The front never asks for this address: of a path it would quote the question mark.
            found = web().publisher.document(
                f"{address}?since={base.key}", partial(delta, base.key), fallback=whole
            )
            if found is not whole:
                return delta_answer(found, base, conditions.accept_encoding)
    return None


def respond_once(plan: DocumentPlan) -> Response:
    """Answer with a document that is not kept, since anybody can think of a million of them.

    Nor is it encoded: that takes longer than making it.
    """
    bodies = {IDENTITY: plan.render()}
    document = Document(plan.key, plan.modified, plan.changed, plan.max_age, plan.headers, bodies)
    return _response(answer(document, _conditions(None)))


def say(status: int, text: str) -> Response:
    """A short answer in words."""
    return Response(f"{text}\n", status, content_type="text/plain; charset=utf-8")


def _conditions(accept_encoding: str | None) -> Conditions:
    return Conditions(
        accept_encoding,
        request.headers.get("If-None-Match"),
        request.headers.get("If-Modified-Since"),
    )


class _Answered(DatedResponse):
    """An answer whose headers are complete: Werkzeug would take some from a 304.

    Of the app's own class, or Flask would make another answer of it.
    """

    def get_wsgi_headers(self, environ: object) -> Headers:
        """The headers that are sent."""
        return self.headers


def _response(found: Answer) -> Response:
    response = _Answered(found.body, found.status)
    response.headers = Headers(found.headers)
    return response
