"""The fast path: serves documents from memory in a few microseconds, before Flask runs.

A request is answered here if its document is in memory and current, with the response that Flask
would send: both take it from `answers`. Plain WSGI, so that any server can run it.
"""

import time
from collections.abc import Hashable
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from feeds.documents import Document
from feeds.encodings import IDENTITY
from feeds.metrics import PASSED_ON, REQUESTS, Counters
from feeds.publisher import Publisher
from feeds.subscribers import LONGEST
from feeds.urls import Urls
from feeds.web.answers import NO_CODING, memoized_answer
from feeds.web.http_rules import date_writer, has_valid_host, refuse_host
from feeds.web.targets import kind, reads_query, target_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_ASCII = bytes(range(128))

#: Status lines that count as a successful poll.
_SUCCESSFUL = ("200", "226", "304")

#: The most paths that are remembered.
MAX_PATHS = 4096

#: The target of a path, its label in the metrics, and whether the query has a meaning.
_Known = tuple[Hashable, str, bool]


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
    hot, known = publisher.hot, dict[str, _Known]()
    numbers, polls = publisher.counts.numbers, publisher.counts.polls
    find = partial(_find, hot, known)
    site_environ, date = _site_environ(urls.site), date_writer(clock)

    # One function with local names only: calls and attribute look-ups dominate the cost here.
    def call(environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        get = environ.get
        path, method = get("PATH_INFO", ""), environ["REQUEST_METHOD"]
        if (method == "GET" or method == "HEAD") and has_valid_host(environ):
            target, label, reads_query = known.get(path) or find(path)
            # Pages and boxes read their query, so Flask handles those that have one.
            document = None if reads_query and get("QUERY_STRING") else hot(target)
            if document is not None:
                found = memoized_answer(
                    document,
                    get("HTTP_ACCEPT_ENCODING"),
                    get("HTTP_IF_NONE_MATCH"),
                    get("HTTP_IF_MODIFIED_SINCE"),
                )
                # Flask serves the deltas (RFC 3229) of clients that name an earlier document.
                if not ("HTTP_A_IM" in environ and get("HTTP_IF_NONE_MATCH") and found.body):
                    numbers[REQUESTS, label, found.status, found.coding] += 1
                    # Truncated to bound the memory of the queue.
                    agent = get("HTTP_USER_AGENT", "")[:LONGEST]
                    polls.append((path, agent, get("REMOTE_ADDR", "")))
                    # A copy, since a server may modify the list.
                    start_response(found.line, [*found.headers, ("Date", date())])
                    # Always a list: granian streams any other iterable, which costs 10 % more.
                    return [found.body] if found.body and method == "GET" else []
        answer = inner if has_valid_host(environ) else refuse_host
        environ.update(site_environ, QUERY_STRING=_encoded_query(get("QUERY_STRING") or ""))
        numbers[PASSED_ON,] += 1
        return answer(environ, _counted(publisher.counts, environ, start_response, date))

    return call


def _find(
    hot: "Callable[[Hashable], Document | None]", known: dict[str, _Known], path: str
) -> _Known:
    """Return what the fast path has to know of a path.

    It is remembered only while its document is in memory: a client can invent a million others.
    """
    target = target_of(path)
    found = target, kind(target), reads_query(target)
    if hot(target) is not None:
        if len(known) >= MAX_PATHS:
            known.clear()
        known[path] = found
    return found


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
            counts.polls.append((path, *client))
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
