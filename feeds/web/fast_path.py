"""What is asked for all the time is answered here, before Flask is entered: a few microseconds.

Nothing is decided here that `answers` has not decided: a request is answered when its document is
in memory and known to be right, and then with the very answer that Flask would have been given.
Plain WSGI, so that any server can start it.
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
from feeds.web.answers import NO_CODING, remembered
from feeds.web.http_rules import date_writer, has_valid_host, refuse_host
from feeds.web.metric_labels import kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_ASCII = bytes(range(128))

#: How answers to a poll begin that was not in vain.
_ANSWERED = ("200", "226", "304")

#: Endings of addresses for which a query changes nothing.
_WHATEVER_IS_ASKED = tuple(f".{format.value}" for format in Format)


def front(
    inner: "WSGIApplication",
    publisher: Publisher,
    urls: Urls,
    clock: "Callable[[], float]" = time.time,
) -> "WSGIApplication":
    """Put the documents that the publisher keeps in memory in front of an app.

    Every other request goes to ``inner``, with the host, the scheme and the prefix of the site as
    it is configured: nothing that a client says of them gets any further. A request without a valid
    Host is refused. The clock is for Date.
    """
    hot, site = publisher.hot, urls.site
    numbers, seen = publisher.counts.numbers, publisher.counts.polls
    # Of what is in memory only: anybody can think of a million other paths.
    kind_of = lru_cache(4096)(kind)
    guessed = {f"/{path}": urls.feed(ALL, format) for path, format in GUESSES.items()}
    place, date = _place(site), date_writer(clock)

    # One function with all it needs in reach: calls and attributes are what costs here.
    def call(environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        get = environ.get
        path, method = get("PATH_INFO", ""), environ["REQUEST_METHOD"]
        # Pages and boxes read their query: those that have one are for Flask to look at.
        is_unasked = not get("QUERY_STRING") or path.endswith(_WHATEVER_IS_ASKED) or path in guessed
        if is_unasked and (method == "GET" or method == "HEAD") and has_valid_host(environ):
            # What is plain stands in an address as it is; "%" and "?" would mean something there.
            plain = path.isascii() and "%" not in path and "?" not in path
            document = hot(guessed.get(path) or site + (path if plain else _quoted(path)))
            if document is not None:
                found = remembered(
                    document,
                    get("HTTP_ACCEPT_ENCODING"),
                    get("HTTP_IF_NONE_MATCH"),
                    get("HTTP_IF_MODIFIED_SINCE"),
                )
                # Who has an earlier document and asks for what is new since gets that from Flask.
                if not ("HTTP_A_IM" in environ and get("HTTP_IF_NONE_MATCH") and found.body):
                    numbers[REQUESTS, kind_of(path), found.status, found.coding] += 1
                    # Cut, so that a queue of them stays small.
                    agent = get("HTTP_USER_AGENT", "")[:LONGEST]
                    seen.append((path, agent, get("REMOTE_ADDR", "")))
                    # A copy: a server may do with the list whatever it likes.
                    start_response(found.line, [*found.headers, ("Date", date())])
                    # A list in any case: for granian all else is a stream, by a tenth dearer.
                    return [found.body] if found.body and method == "GET" else []
        answer = inner if has_valid_host(environ) else refuse_host
        environ.update(place, QUERY_STRING=_readable(get("QUERY_STRING") or ""))
        numbers[PASSED_ON,] += 1
        return answer(environ, _counted(publisher.counts, environ, start_response, date))

    return call


def _counted(
    counts: Counters,
    environ: "WSGIEnvironment",
    start_response: "StartResponse",
    date: "Callable[[], str]",
) -> "StartResponse":
    """Count an answer when it begins, and date it."""
    path = environ.get("PATH_INFO", "")
    asker = environ.get("HTTP_USER_AGENT", "")[:LONGEST], environ.get("REMOTE_ADDR", "")

    def start(line: str, headers: list[tuple[str, str]], *error: Any) -> "Callable[..., Any]":
        counts.numbers[REQUESTS, kind(path), int(line[:3]), _coding(line, headers)] += 1
        if line.startswith(_ANSWERED):
            counts.polls.append((path, *asker))
        dated = [each for each in headers if each[0] != "Date"]
        return start_response(line, [*dated, ("Date", date())], *error)

    return start


def _coding(line: str, headers: list[tuple[str, str]]) -> str:
    if line.startswith(("204", "304")):
        return NO_CODING
    return dict(headers).get("Content-Encoding", IDENTITY)


def _readable(query: str) -> str:
    # Werkzeug raises on bytes that are not UTF-8; encoded, it reads any.
    return quote(query.encode("latin-1", "replace"), safe=_ASCII)


def _quoted(path: str) -> str:
    # WSGI gives each byte of the path as one character.
    return quote(path.encode("latin-1", "replace"))


def _place(site: str) -> dict[str, str]:
    parts = urlsplit(site)
    return {
        "HTTP_HOST": parts.netloc,
        "SCRIPT_NAME": parts.path,
        "wsgi.url_scheme": parts.scheme,
    }
