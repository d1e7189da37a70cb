"""Examines the responses at the public address of a feed: responses in, findings out. Pure."""

import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from html import unescape
from io import BytesIO
from urllib.parse import urljoin, urlsplit

from feeds.model import Format

#: The most bytes of a document, as it is sent and decoded.
MAX_BODY = 2_000_000

#: The longest ETag, in characters: it is sent back with every request.
MAX_TAG = 200

#: Seconds by which the clock of the public address may differ from ours.
CLOCK = 30

#: The statuses of responses that lead to another address.
REDIRECTED = (301, 302, 303, 307, 308)

#: The beginning of the failure of a request that TLS or its certificate ended.
CERTIFICATE, HANDSHAKE = "certificate: ", "TLS: "

#: The media types of feeds, by the ending of the address.
_TYPES = {format.value: format.media_type for format in Format}
# Text from another host is matched without backtracking, which could take minutes.
_LINK = re.compile(r"<(?:atom:)?link\b[^<>]*+>", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"""(?<![a-z-])([a-z-]++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)')""", re.IGNORECASE
)
_HUB = re.compile(r'<([^<>]*+)>\s*+;\s*+rel="?hub')
_SUFFIX = re.compile(r'^(?:W/)?"(.*?)(?:[-;](?:gzip|br|zstd|deflate))*"$')


@dataclass(frozen=True, slots=True)
class Reply:
    """A response, or the reason why there is none."""

    status: int = 0
    #: By name in lower case.
    headers: Mapping[str, str] = field(default_factory=dict)
    #: As it was sent.
    body: bytes = b""
    failure: str = ""

    def header(self, name: str) -> str:
        """Return the value of a header; empty without it."""
        return self.headers.get(name, "")

    @property
    def text(self) -> str:
        """The decoded body; empty if it cannot be decoded."""
        try:
            return _decoded(self).decode("utf-8", "replace")
        except (OSError, EOFError, zlib.error):
            return ""

    @property
    def is_feed(self) -> bool:
        """Return True for a 200 whose body begins as a feed does."""
        start = self.text[:2_000]
        begins = re.search(r"<rss\b|<feed\b|^\s*\{\s*\"version\"", start)
        return self.status == 200 and begins is not None

    @property
    def outcome(self) -> str:
        """The response in a few words."""
        return self.failure or f"{self.status} {self.header('content-type').partition(';')[0]}"


@dataclass(frozen=True, slots=True)
class Hop:
    """A redirect."""

    status: int
    address: str


@dataclass(frozen=True, slots=True)
class Replies:
    """All responses of one examination."""

    #: The address that was named, and the one at the end of its redirects.
    requested: str
    address: str
    hops: tuple[Hop, ...]
    #: True if the last redirect leads to another host, which gets no request, or to no address.
    leads_away: bool
    #: To a client that accepts gzip; if it failed, there are no others.
    packed: Reply
    #: To a client that accepts no coding.
    plain: Reply = Reply()
    #: By the name of a reader.
    readers: Mapping[str, Reply] = field(default_factory=dict)
    #: By what the request named: responses that should be 304.
    known: Mapping[str, Reply] = field(default_factory=dict)
    page: Reply = Reply()
    #: Of the same address over http; None if there is no such address.
    unencrypted: Reply | None = None
    #: Of each hub in site.yml.
    hubs: Mapping[str, Reply] = field(default_factory=dict)
    #: Of this node itself; None if it has no such document.
    own: Reply | None = None
    #: Seconds UTC, when the first request was sent.
    now: float = 0

    @property
    def is_loop(self) -> bool:
        """Return True if the last redirect leads to an address that was requested before."""
        requested = [self.requested, *(hop.address for hop in self.hops)]
        return requested[-1] in requested[:-1]


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check."""

    check: str
    #: None if the check does not apply.
    is_right: bool | None
    found: str
    #: The remedy if it is wrong.
    todo: str = ""


def findings(replies: Replies) -> list[Finding]:
    """Return the result of every check, in the order in which to correct what is wrong."""
    first = [_reachable(replies), _redirects(replies), _encryption(replies)]
    if replies.packed.status in REDIRECTED:
        # Every reader gets the same redirect: checks of each would only repeat the finding.
        return first
    if not replies.packed.is_feed:
        return [*first, *_readers(replies)]
    return [*first, *_readers(replies), *(check(replies) for check in _CHECKS)]


def entity_tag(value: str) -> str:
    """Return an ETag without what proxies add to it: W/ and the name of a coding."""
    found = _SUFFIX.match(value) if len(value) <= MAX_TAG else None
    return found[1] if found else value


def absolute(base: str, address: str) -> str:
    """Return an address as seen from another one; as it is if it cannot be parsed."""
    try:
        return urljoin(base, address)
    except ValueError:
        return address


def _reachable(replies: Replies) -> Finding:
    reply = replies.packed
    found = (
        f"{reply.outcome}, no feed" if reply.status == 200 and not reply.is_feed else reply.outcome
    )
    todo = "make the address answer 200 with the feed: check DNS, the port, and the proxy"
    return Finding("reachable", reply.is_feed, found, todo)


def _redirects(replies: Replies) -> Finding:
    chain = " → ".join(f"{hop.status} {hop.address}" for hop in replies.hops)
    if replies.leads_away:
        todo = "remove the redirect, or name the other address: flask doctor URL"
        where = "another host, port or scheme, or no address"
        return Finding("redirects", False, f"{chain}, {where}: not followed", todo)
    if replies.is_loop:
        todo = "end the loop: often http and https, or proxy and server, lead to each other"
        return Finding("redirects", False, f"a loop: {chain}", todo)
    permanent = all(hop.status in (301, 308) for hop in replies.hops)
    todo = "use one 301, straight to the address of the feed: readers keep no other"
    return Finding("redirects", permanent and len(replies.hops) < 2, chain or "none", todo)


def _encryption(replies: Replies) -> Finding:
    parts = urlsplit(replies.address)
    if parts.scheme != "https":
        is_local = parts.hostname in ("127.0.0.1", "::1", "localhost")
        todo = "serve https, and set FEEDS_URL to that address"
        return Finding("TLS", None if is_local else False, "not used", todo)
    if replies.packed.failure.startswith(HANDSHAKE):
        todo = "let the port of https answer by TLS 1.2 or later"
        return Finding("TLS", False, replies.packed.failure, todo)
    if replies.packed.failure.startswith(CERTIFICATE):
        todo = "install the full chain of a certificate for this host, and renew it in time"
        return Finding("TLS", False, replies.packed.failure, todo)
    if replies.packed.failure:
        return Finding("TLS", None, "not reached")
    plain = replies.unencrypted
    if plain is None or plain.failure:
        return Finding("TLS", True, "a valid certificate")
    leads = plain.header("location")
    is_right = plain.status in (301, 308) and leads == replies.address
    todo = "answer http with a 301 to the same address with https"
    return Finding("TLS", is_right, f"valid; http: {plain.outcome} {leads}".rstrip(), todo)


def _readers(replies: Replies) -> Iterator[Finding]:
    for name, reply in replies.readers.items():
        todo = "let programs fetch feeds: exempt these paths from bot protection and challenges"
        is_page = "html" in reply.header("content-type") or "<html" in reply.text[:2_000].lower()
        found = f"{reply.outcome}, a page instead of the feed" if is_page else reply.outcome
        is_quiet = "set-cookie" not in reply.headers
        yield Finding(f"as {name}", reply.is_feed and is_quiet, found, todo)


def _media_type(replies: Replies) -> Finding:
    found = replies.packed.header("content-type")
    ending = urlsplit(replies.address).path.rpartition(".")[2]
    wanted = _TYPES.get(ending, found.partition(";")[0])
    todo = f"pass the header on: Content-Type: {wanted}; charset=utf-8"
    return Finding("media type", found.partition(";")[0].strip() == wanted, found or "none", todo)


def _entity_tags(replies: Replies) -> Finding:
    tag = replies.packed.header("etag")
    if len(tag) > MAX_TAG:
        todo = f"send an ETag of at most {MAX_TAG} characters"
        return Finding("ETag and 304", False, f"an ETag of {len(tag)} characters", todo)
    wrong = [f"{name}: {reply.outcome}" for name, reply in replies.known.items()
             if reply.status != 304]  # fmt: skip
    todo = "pass ETag, If-None-Match and If-Modified-Since on unchanged (nginx: no etag off)"
    found = "; ".join(wrong) or f"304 to {', '.join(replies.known)}"
    return Finding("ETag and 304", bool(tag) and not wrong, found if tag else "no ETag", todo)


def _gzip(replies: Replies) -> Finding:
    coding = replies.packed.header("content-encoding") or "none"
    is_same = bool(replies.plain.text) and replies.packed.text == replies.plain.text
    is_plain = not replies.plain.header("content-encoding")
    todo = "pass Accept-Encoding on to the server, and do not compress its responses again"
    found = coding if is_same else f"{coding}, another document than without it"
    return Finding("gzip", coding == "gzip" and is_same and is_plain, found, todo)


def _vary(replies: Replies) -> Finding:
    found = replies.packed.header("vary")
    names = {name.strip().lower() for name in found.split(",")}
    is_right = "accept-encoding" in names and not names & {"*", "cookie", "user-agent"}
    todo = "send Vary: Accept-Encoding, and nothing that gives each client a copy of its own"
    return Finding("Vary", is_right, found or "none", todo)


def _sharing(replies: Replies) -> Finding:
    found = replies.packed.header("access-control-allow-origin")
    todo = "send the header once: Access-Control-Allow-Origin: *"
    return Finding("CORS", found == "*", found or "none", todo)


def _self(replies: Replies) -> Finding:
    found = _self_link(replies.packed.text)
    todo = "set FEEDS_URL to the address that readers use, or ask for the one that the feed names"
    return Finding("rel=self", found == replies.requested, found or "none", todo)


def _freshness(replies: Replies) -> Finding:
    if replies.own is None:
        return Finding("copy of the proxy", None, "this node has no such document to compare with")
    tags = [entity_tag(reply.header("etag")) for reply in (replies.packed, replies.own)]
    age = replies.packed.header("age")
    todo = "purge the cache, and let it keep feeds no longer than their max-age"
    is_same = tags[0] == tags[1]
    found = "the document of this node" if is_same else "another document than that of this node"
    return Finding("copy of the proxy", is_same, f"{found}{f', Age {age}' if age else ''}", todo)


def _hub(replies: Replies) -> Finding:
    named = set(_HUB.findall(replies.packed.header("link")))
    if not replies.hubs and not named:
        return Finding("hub", None, "none in site.yml")
    silent = [f"{hub}: {reply.outcome}" for hub, reply in replies.hubs.items()
              if reply.failure or reply.status >= 500]  # fmt: skip
    is_known = named == set(replies.hubs)
    found = "; ".join(silent) or f"answers: {', '.join(sorted(replies.hubs)) or 'none asked'}"
    todo = "name hubs that work in site.yml, and pass the header Link on"
    named_text = "" if is_known else f"; the feed names {', '.join(sorted(named)) or 'none'}"
    return Finding("hub", is_known and not silent, f"{found}{named_text}", todo)


def _discovery(replies: Replies) -> Finding:
    if replies.page.status != 200:
        todo = "make the page of the feed answer 200"
        return Finding("discovery", False, f"page: {replies.page.outcome}", todo)
    links = map(_attributes, _LINK.findall(replies.page.text))
    feeds = [
        absolute(replies.address, link.get("href", ""))
        for link in links
        if "alternate" in link.get("rel", "").split() and link.get("type") in _TYPES.values()
    ]
    todo = "let the page name the feed: <link rel=alternate>; do not rewrite pages on the way"
    return Finding("discovery", replies.address in feeds, f"{len(feeds)} feeds on the page", todo)


def _clock(replies: Replies) -> Finding:
    value = replies.packed.header("date")
    todo = "set the clocks of the server, the proxy and this machine (NTP)"
    try:
        apart = abs(parsedate_to_datetime(value).timestamp() - replies.now)
    except (TypeError, ValueError, OverflowError):
        return Finding("Date", False, value or "none", todo)
    # A cache repeats the Date of the response that it holds.
    age = replies.packed.header("age")
    late = int(age) if age.isascii() and age.isdigit() and len(age) < 9 else 0
    return Finding("Date", apart - late <= CLOCK, f"{apart - late:.0f} s from our clock", todo)


_CHECKS: tuple[Callable[[Replies], Finding], ...] = (
    _media_type, _entity_tags, _gzip, _vary, _sharing, _self, _freshness, _hub, _discovery, _clock,
)  # fmt: skip


def _self_link(text: str) -> str:
    if text.lstrip().startswith("{"):
        try:
            found = json.loads(text)
            return str(found.get("feed_url", "")) if isinstance(found, dict) else ""
        except (ValueError, RecursionError):
            return ""
    head = re.split(r"<(?:item|entry)[\s>]", text, maxsplit=1)[0]
    links = map(_attributes, _LINK.findall(head))
    return next((link.get("href", "") for link in links if link.get("rel") == "self"), "")


def _attributes(tag: str) -> dict[str, str]:
    found = _ATTRIBUTE.findall(tag)
    return {name.lower(): unescape(double or single) for name, double, single in found}


def _decoded(reply: Reply) -> bytes:
    """Return the body without gzip, of which no more is unpacked than MAX_BODY."""
    if reply.header("content-encoding") != "gzip":
        return reply.body
    with gzip.open(BytesIO(reply.body)) as unpacked:
        return unpacked.read(MAX_BODY)
