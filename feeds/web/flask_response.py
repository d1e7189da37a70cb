"""Flask responses of documents and of short texts, and the objects that the routes use."""

from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, cast

from flask import Response, current_app, request
from werkzeug.datastructures import Headers

from feeds.catalog import Catalog
from feeds.deltas import DocumentHistory
from feeds.documents import Document, DocumentPlan
from feeds.encoded_bodies import IDENTITY, Bodies
from feeds.errors import NoDelta
from feeds.logs import LogThrottle
from feeds.metrics import SharedCounters
from feeds.publisher import Publisher
from feeds.subscribers import Subscribers
from feeds.sync import ContentSync
from feeds.urls import Target
from feeds.web.conditional_requests import Conditions, bases, is_unmodified
from feeds.web.document_response import Answer, answer, delta_answer
from feeds.web.negotiation import accepts_delta, coding
from feeds.websub import Outbox

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


@dataclass(frozen=True, slots=True)
class Web:
    """The objects that the routes use."""

    catalog: Catalog
    publisher: Publisher
    history: DocumentHistory
    #: Of mixes and searches, which are apart everywhere: a client can invent any number of them.
    custom_history: DocumentHistory
    sync: ContentSync
    outbox: Outbox
    #: The counters of all processes of this machine.
    counts: SharedCounters
    subscribers: Subscribers
    #: The operator token; empty disables the page of subscribers.
    token: str = field(default="", repr=False)
    #: Limits the log lines about an unreadable index.
    index_log: LogThrottle = field(default_factory=LogThrottle)


def web() -> Web:
    """Return the objects of the current app."""
    return cast(Web, current_app.extensions["tributary"])


@dataclass(frozen=True, slots=True)
class _DeltaTarget:
    """The target of a delta: a feed in a format, and the key of an earlier document of it."""

    full: Target
    base: str


def respond(target: Hashable, plan: Callable[[], DocumentPlan]) -> Response:
    """Answer with the document of a target; the publisher caches it and renders it on change."""
    document = web().publisher.document(target, plan)
    return _response(answer(document, _conditions(_coding())))


def respond_with_delta(
    target: Target, plan: Callable[[], DocumentPlan], delta: Callable[[str], DocumentPlan]
) -> Response:
    """Answer as ``respond``, or with a delta if the client accepts one (RFC 3229).

    ``delta`` returns the plan of the items since the document with a key, or raises NoDelta.
    """
    document = web().publisher.document(target, plan)
    conditions = _conditions(_coding())
    if accepts_delta(request.headers.get("A-IM")) and not is_unmodified(document, conditions):
        found = _delta(target, document, delta, conditions)
        if found is not None:
            return _response(found)
    return _response(answer(document, conditions))


def _delta(
    target: Target, current: Document, delta: Callable[[str], DocumentPlan], conditions: Conditions
) -> Answer | None:
    for base in bases(conditions.if_none_match):
        with suppress(NoDelta):
            found = web().publisher.document(
                _DeltaTarget(target, base.key), partial(delta, base.key), fallback=current
            )
            if found is not current:
                return delta_answer(found, base, conditions.coding)
    return None


def respond_once(plan: Callable[[], DocumentPlan]) -> Response:
    """Answer with a document that is not cached, since a client can invent a million of them.

    It is not compressed either: that would take longer than rendering it.
    """
    # It shows the articles that were selected, even if one is saved before they are read.
    with web().catalog.snapshot():
        planned = plan()
        document = planned.with_bodies(Bodies(planned.render()))
    return _response(answer(document, _conditions(IDENTITY)))


def text_response(status: int, text: str) -> Response:
    """Return a response of one line of plain text."""
    return Response(f"{text}\n", status, content_type="text/plain; charset=utf-8")


def _coding() -> str:
    return coding(request.headers.get("Accept-Encoding"))


def _conditions(coding: str) -> Conditions:
    return Conditions(
        coding,
        request.headers.get("If-None-Match"),
        request.headers.get("If-Modified-Since"),
    )


class DatedResponse(Response):
    """A response that keeps Last-Modified on a 304.

    Werkzeug removes it, and readers then forget the date.
    """

    def get_wsgi_headers(self, environ: "WSGIEnvironment") -> Headers:
        """Return the headers to send."""
        headers = super().get_wsgi_headers(environ)
        if "Last-Modified" in self.headers:
            headers["Last-Modified"] = self.headers["Last-Modified"]
        return headers


class _CompleteResponse(DatedResponse):
    """A response whose headers are sent unchanged: Werkzeug would remove some from a 304.

    It derives from the response class of the app, or Flask would convert it.
    """

    def get_wsgi_headers(self, environ: object) -> Headers:
        """Return the headers to send."""
        return self.headers


def _response(found: Answer) -> Response:
    response = _CompleteResponse(found.body, found.status)
    response.headers = Headers(found.headers)
    return response
