"""The fast path: serves documents from memory in a few microseconds, before Flask runs.

A request is answered here if its document is in memory and current, with the response that Flask
would send: both take it from `answers`. Plain WSGI, so that any server can run it.
"""

import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from feeds.encodings import IDENTITY
from feeds.metrics import PASSED_ON, REQUESTS, Counters
from feeds.model import Format
from feeds.publisher import Publisher
from feeds.subscribers import LONGEST
from feeds.urls import ALL, GUESSES, Urls
from feeds.web.answers import NO_CODING, memoized_answer
from feeds.web.http_rules import date_writer, has_valid_host, refuse_host
from feeds.web.metric_labels import kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_ASCII = bytes(range(128))

#: Status lines that count as a successful poll.
_SUCCESSFUL = ("200", "226", "304")

#: Endings of addresses whose responses ignore the query.
_QUERY_IGNORED = tuple(f".{format.value}" for format in Format)


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
    hot, site = publisher.hot, urls.site
    numbers, polls = publisher.counts.numbers, publisher.counts.polls
    # Only for paths in memory: a client can invent a million others.
    kind_of = lru_cache(4096)(kind)
    guessed = {f"/{path}": urls.feed(ALL, format) for path, format in GUESSES.items()}
    site_environ, date = _site_environ(site), date_writer(clock)

    # One function with local names only: calls and attribute look-ups dominate the cost here.
    def call(environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        get = environ.get
        path, method = get("PATH_INFO", ""), environ["REQUEST_METHOD"]
        # Pages and boxes read their query, so Flask handles those that have one.
        is_plain = not get("QUERY_STRING") or path.endswith(_QUERY_IGNORED) or path in guessed
        if is_plain and (method == "GET" or method == "HEAD") and has_valid_host(environ):
            # A decoded "%" or "?" would change the meaning of the address.
            is_clean = path.isascii() and "%" not in path and "?" not in path
            document = hot(guessed.get(path) or site + (path if is_clean else _quoted(path)))
            if document is not None:
                found = memoized_answer(
                    document,
                    get("HTTP_ACCEPT_ENCODING"),
                    get("HTTP_IF_NONE_MATCH"),
                    get("HTTP_IF_MODIFIED_SINCE"),
                )
                # Flask serves the deltas (RFC 3229) of clients that name an earlier document.
                if not ("HTTP_A_IM" in environ and get("HTTP_IF_NONE_MATCH") and found.body):
                    numbers[REQUESTS, kind_of(path), found.status, found.coding] += 1
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
        counts.numbers[REQUESTS, kind(path), int(line[:3]), _coding(line, headers)] += 1
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


def _quoted(path: str) -> str:
    # WSGI decodes each byte of the path to one character.
    return quote(path.encode("latin-1", "replace"))


def _site_environ(site: str) -> dict[str, str]:
    parts = urlsplit(site)
    return {
        "HTTP_HOST": parts.netloc,
        "SCRIPT_NAME": parts.path,
        "wsgi.url_scheme": parts.scheme,
    }
