"""The fast path: serves documents from memory in a few microseconds, before Flask runs.

A request is answered here if its document is in memory and current, with the response that Flask
would send: both take it from `document_response`. Two callers use it: the server's own protocol,
which responds in its event loop, and `with_fast_path`, a WSGI middleware for every other server.
"""

import time
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlsplit

from feeds.encoded_bodies import IDENTITY
from feeds.metrics import PASSED_ON, REQUESTS, Counters
from feeds.publisher import Publisher
from feeds.subscribers import LONGEST
from feeds.urls import PathTarget, Target, Urls, decoded, read, read_feed
from feeds.web.conditional_requests import Conditions
from feeds.web.date_header import date_writer
from feeds.web.document_response import NO_CODING, Answer, memoized_answer
from feeds.web.embed import Box
from feeds.web.host_header import has_valid_host, is_valid_host, reject_host
from feeds.web.metric_labels import kind
from feeds.web.negotiation import coding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_ASCII = bytes(range(128))

#: Status lines that count as a successful poll.
_SUCCESSFUL = ("200", "226", "304")

#: The most paths that are remembered.
MAX_PATHS = 4096

#: Pages with a form, whose query is what people chose in it.
_FORMS = (PathTarget("/embed"), PathTarget("/mix"))

#: The target of a path, its label in the metrics, and whether the query has a meaning.
_Known = tuple[Hashable, str, bool]


class RequestFields(NamedTuple):
    """The fields of a GET or HEAD that select its response, as WSGI represents them."""

    path: str
    query: str
    host: str | None
    accept_encoding: str | None
    if_none_match: str | None
    if_modified_since: str | None


class DocumentRequest(NamedTuple):
    """A request for a document: what decides its response, and what is counted of it."""

    #: The document, as the publisher knows it.
    target: Hashable
    path: str
    #: The label of the target in the metrics.
    label: str
    conditions: Conditions


class FastPath:
    """Answers polls from the publisher's memory."""

    def __init__(self, publisher: Publisher) -> None:
        """Take the documents."""
        self._hot = publisher.hot
        self._numbers = publisher.counts.numbers
        self._polled = publisher.counts.polled
        self._known: dict[str, _Known] = {}

    def document_request(self, fields: RequestFields) -> DocumentRequest | None:
        """Return the request for a document that a GET or HEAD is; None if Flask must answer it.

        The result depends on the fields alone, so it may be memoized.
        """
        if not is_valid_host(fields.host):
            return None
        path = fields.path
        target, label, reads_query = self._known.get(path) or self._find(path)
        # Pages and boxes read their query.
        if fields.query and reads_query:
            return None
        conditions = Conditions(
            coding(fields.accept_encoding), fields.if_none_match, fields.if_modified_since
        )
        return DocumentRequest(target, path, label, conditions)

    def _find(self, path: str) -> _Known:
        """Return the target of a path, and what follows from it.

        It is remembered only while its document is in memory: a client can invent a million others.
        """
        target = target_of(path)
        found = target, kind(target), _reads_query(target)
        if self._hot(target) is not None:
            if len(self._known) >= MAX_PATHS:
                self._known.clear()
            self._known[path] = found
        return found

    def answer(self, request: DocumentRequest) -> Answer | None:
        """Return the response to a GET if the document is in memory and current, else None."""
        document = self._hot(request.target)
        return None if document is None else memoized_answer(document, request.conditions)

    def count(self, request: DocumentRequest, answer: Answer, user_agent: str, client: str) -> None:
        """Count a response; ``client`` is an IP address, or empty if there is none."""
        self._numbers[REQUESTS, request.label, answer.status, answer.coding] += 1
        # Truncated to bound the memory of what waits.
        self._polled(request.path, user_agent[:LONGEST], client)


def with_fast_path(
    inner: "WSGIApplication",
    publisher: Publisher,
    urls: Urls,
    clock: "Callable[[], float]" = time.time,
) -> "WSGIApplication":
    """Return a WSGI app that serves the documents in the publisher's memory.

    Every other request goes to ``inner``, with the configured host, scheme and prefix of the site
    in place of those that the client sent. A request without a valid Host is rejected. The clock
    provides Date.
    """
    fast_path, counts = FastPath(publisher), publisher.counts
    site_environ, date = _site_environ(urls.site), date_writer(clock)

    def call(environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        """Answer from memory, else by the inner app."""
        method = environ["REQUEST_METHOD"]
        is_read = method in ("GET", "HEAD")
        request = fast_path.document_request(_fields(environ)) if is_read else None
        found = fast_path.answer(request) if request else None
        if request and found and not _wants_delta(environ, found):
            user_agent = environ.get("HTTP_USER_AGENT", "")
            fast_path.count(request, found, user_agent, environ.get("REMOTE_ADDR", ""))
            # A copy, since a server may modify the list.
            start_response(found.line, [*found.headers, ("Date", date())])
            return [found.body] if found.body and method == "GET" else []
        answer = inner if has_valid_host(environ) else reject_host
        query = _encoded_query(environ.get("QUERY_STRING") or "")
        environ.update(site_environ, QUERY_STRING=query)
        counts.numbers[PASSED_ON,] += 1
        return answer(environ, _counted(counts, environ, start_response, date))

    return call


def _fields(environ: "WSGIEnvironment") -> RequestFields:
    get = environ.get
    return RequestFields(
        path=get("PATH_INFO", ""),
        query=get("QUERY_STRING", ""),
        host=get("HTTP_HOST"),
        accept_encoding=get("HTTP_ACCEPT_ENCODING"),
        if_none_match=get("HTTP_IF_NONE_MATCH"),
        if_modified_since=get("HTTP_IF_MODIFIED_SINCE"),
    )


def _wants_delta(environ: "WSGIEnvironment", found: Answer) -> bool:
    """Return True if Flask may have a delta (RFC 3229) since the document that a client names."""
    return bool("HTTP_A_IM" in environ and environ.get("HTTP_IF_NONE_MATCH") and found.body)


def _counted(
    counts: Counters,
    environ: "WSGIEnvironment",
    start_response: "StartResponse",
    date: "Callable[[], str]",
) -> "StartResponse":
    """Return a start_response that counts the response and adds Date."""
    path = environ.get("PATH_INFO", "")
    client = environ.get("HTTP_USER_AGENT", "")[:LONGEST], environ.get("REMOTE_ADDR", "")

    def start(line: str, headers: list[tuple[str, str]], *error: Any) -> "Callable[..., Any]":
        counts.numbers[REQUESTS, kind(target_of(path)), int(line[:3]), _coding(line, headers)] += 1
        if line.startswith(_SUCCESSFUL):
            counts.polled(path, *client)
        dated = [each for each in headers if each[0] != "Date"]
        return start_response(line, [*dated, ("Date", date())], *error)

    return start


def _coding(line: str, headers: list[tuple[str, str]]) -> str:
    if line.startswith(("204", "304")):
        return NO_CODING
    return dict(headers).get("Content-Encoding", IDENTITY)


def _encoded_query(query: str) -> str:
    # Werkzeug raises on raw bytes that are not UTF-8, but not on percent-encoded ones.
    return quote(query.encode("latin-1", "replace"), safe=_ASCII)


def _site_environ(site: str) -> dict[str, str]:
    parts = urlsplit(site)
    return {
        "HTTP_HOST": parts.netloc,
        "SCRIPT_NAME": parts.path,
        "wsgi.url_scheme": parts.scheme,
    }


def target_of(path: str) -> Target | PathTarget | Box:
    """Return the target of a path as WSGI passes it; its document need not exist.

    It is equal to the target that the route of the path passes to the publisher.
    """
    slash, name = path[:1], decoded(path[1:])
    # Flask redirects a path without a slash in front.
    if slash != "/" or name.endswith(".opml"):
        return PathTarget(f"{slash}{name}")
    if name.startswith("embed/") and (feed := read_feed(name.removeprefix("embed/"))):
        return Box(feed)
    return read(name) or PathTarget(f"/{name}")


def _reads_query(target: Target | PathTarget | Box) -> bool:
    """Return True if the query of a request may select another document than the target's."""
    is_page = isinstance(target, Target) and target.format is None
    return is_page or isinstance(target, Box) or target in _FORMS
