"""Requests pages of articles, to learn whether their links lead anywhere.

Only public addresses are requested, since links come from untrusted articles.
"""

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus

from feeds.http_client import FAILURES, IsAllowed, Request, by_host, send_request

#: Hosts that are requested at the same time; each host gets one request at a time.
CONCURRENCY = 4

#: Seconds for one page.
DEADLINE = 10.0

_HEADERS = {
    "User-Agent": "Tributary (looks whether a page is there, for feeds)",
    "Accept": "text/html, */*;q=0.1",
    "Accept-Encoding": "identity",
}


@dataclass(frozen=True, slots=True)
class LinkResult:
    """The response to the request of a page."""

    url: str
    #: In words, for people.
    answer: str
    #: True if the page is there, or redirects.
    is_there: bool


def check_links(urls: Iterable[str], is_allowed: IsAllowed) -> list[LinkResult]:
    """Request each page once; return the results, host by host."""
    with ThreadPoolExecutor(CONCURRENCY, "link-check") as pool:
        found = pool.map(lambda some: [_check(url, is_allowed) for url in some], by_host(urls))
        return [result for results in found for result in results]


def _check(url: str, is_allowed: IsAllowed) -> LinkResult:
    request = Request("GET", url, _HEADERS)
    try:
        status = send_request(request, time.monotonic() + DEADLINE, is_allowed).status
    except FAILURES as error:
        return LinkResult(url, f"no answer ({type(error).__name__})", is_there=False)
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
    return LinkResult(url, f"{status} {phrase}".strip(), is_there=200 <= status < 400)
