"""A crawler that follows every address of a site in any response."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from html import unescape
from http.client import HTTPConnection
from urllib.parse import urldefrag, urljoin, urlsplit

from werkzeug.test import Client, TestResponse

#: Well-known addresses, to which no page links.
KNOWN = (
    "robots.txt", "sitemap.xml", "feeds.json", ".well-known/feeds", ".well-known/feed-menu.json",
    "feed", "feed/", "rss", "feed.xml", "rss.xml", "index.xml", "atom.xml", "feed.json",
)  # fmt: skip

#: Attributes of HTML that hold addresses without a host.
_ATTRIBUTE = re.compile(r"""\b(?:href|src|action)="([^"]*)\"""")
_LINK = re.compile("<([^>]*)>")


@dataclass(frozen=True, slots=True)
class Reply:
    """The parts of a response that the crawler reads."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Crawl:
    """All responses below the address of a site, by address."""

    site: str
    fetch: Callable[[str], Reply]
    found: dict[str, Reply] = field(default_factory=dict)
    #: Addresses of the host outside the site, each with the address that names it.
    outside: set[tuple[str, str]] = field(default_factory=set)

    def run(self) -> "Crawl":
        waiting = [f"{self.site}/", *(f"{self.site}/{name}" for name in KNOWN)]
        while waiting:
            address = waiting.pop()
            if address in self.found:
                continue
            reply = self.found[address] = self.fetch(address)
            for named in _named(reply, address, _origin(self.site)):
                if f"{named}/".startswith(f"{self.site}/"):
                    waiting.append(named)
                else:
                    self.outside.add((address, named))
        return self

    @property
    def refused(self) -> dict[str, int]:
        return {address: reply.status for address, reply in self.found.items()
                if reply.status != 200}  # fmt: skip

    def types(self) -> set[str]:
        """Return the media types of all responses, without parameters."""
        return {reply.headers["content-type"].partition(";")[0] for reply in self.found.values()}


def mounted(app: Callable[..., object]) -> Callable[[str], Reply]:
    """Return a function that requests from a WSGI app, mounted at the root of a host."""
    client: Client = Client(app)  # type: ignore[arg-type]

    def fetch(address: str) -> Reply:
        parts = urlsplit(address)
        response: TestResponse = client.get(
            parts.path, base_url=_origin(address), query_string=parts.query, buffered=True
        )
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status_code, headers, response.data)

    return fetch


def requested(address: str) -> Reply:
    """Return the response of a real server, without following redirects."""
    parts = urlsplit(address)
    with closing(HTTPConnection(parts.netloc, timeout=10)) as connection:
        connection.request("GET", address.removeprefix(_origin(address)) or "/")
        found = connection.getresponse()
        headers = {name.lower(): value for name, value in found.getheaders()}
        return Reply(found.status, headers, found.read())


def _named(reply: Reply, address: str, origin: str) -> Iterator[str]:
    """Yield every address of the host in a response."""
    for text in _texts(reply, origin):
        named = urldefrag(urljoin(address, text)).url
        # An OpenSearch description has address templates, with names in braces.
        if _origin(named) == origin and "{" not in named:
            yield named


def _texts(reply: Reply, origin: str) -> Iterator[str]:
    yield from _LINK.findall(reply.headers.get("link", ""))
    if "location" in reply.headers:
        yield reply.headers["location"]
    kind = reply.headers.get("content-type", "")
    if kind.startswith("image/"):
        return
    text = reply.body.decode()
    if kind.startswith("text/html"):
        found = map(unescape, _ATTRIBUTE.findall(text))
        yield from (value for value in found if value.startswith("/"))
    # Addresses anywhere else: in an element, in JSON, in HTML to copy.
    for each in re.findall(rf"{re.escape(origin)}[^\s\"'<>\\]*", unescape(text)):
        yield unescape(each)


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
