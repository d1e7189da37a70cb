"""The command that requests the public address of a feed, as readers do.

``flask doctor``
"""

import json
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from urllib.parse import SplitResult, unquote, urlsplit

import click
from flask.cli import with_appcontext

from feeds.cli.command_setup import Tools, given_tools
from feeds.doctor_findings import (
    CERTIFICATE,
    HANDSHAKE,
    MAX_BODY,
    REDIRECTED,
    Finding,
    Hop,
    Replies,
    Reply,
    absolute,
    entity_tag,
    findings,
)
from feeds.host_names import DEFAULT_PORTS
from feeds.http_client import FAILURES, Request, send_request
from feeds.model import Format
from feeds.urls import ALL

#: Seconds for one request, and for all.
DEADLINE, TOTAL = 10.0, 90.0

#: The most redirects that are followed.
REDIRECTS = 4

#: The User-Agents of readers.
READERS = {
    "Feedly": "Feedly/1.0 (+https://www.feedly.com/fetcher.html; like FeedFetcher-Google)",
    "Miniflux": "Mozilla/5.0 (compatible; Miniflux/2.2.0; +https://miniflux.app)",
    "NetNewsWire": "NetNewsWire (RSS Reader; https://netnewswire.com/)",
    "feedparser": "feedparser/6.0.11 +https://github.com/kurtmckee/feedparser/",
    "a client without a name": "",
}


@click.command("doctor")
@click.argument("url", default="")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list, for programs.")
@with_appcontext
def doctor(url: str, as_json: bool) -> None:
    """Request a public feed as readers do; show what is right, and what to do about the rest.

    URL is a feed, or a site, whose main feed is requested; without it, the main feed of this site.
    """
    tools = given_tools()
    found = findings(_Visit(_feed_address(tools, url)).replies(tools))
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in found], indent=1))
    else:
        click.echo("\n".join(_lines(found)))
    if any(finding.is_right is False for finding in found):
        raise SystemExit(1)


def _feed_address(tools: Tools, url: str) -> str:
    """Return the address of the feed to request; complete that of a site."""
    if not url:
        return tools.catalog.urls.feed(ALL, Format.RSS)
    parts = _parsed(url)
    if parts is None or not parts.hostname or parts.username is not None:
        raise click.UsageError(f"{url!r} is not a web address: write https://…")
    is_feed = parts.path.rpartition(".")[2] in {format.value for format in Format}
    return url if is_feed else f"{url.rstrip('/')}/all.rss"


def _lines(found: list[Finding]) -> Iterator[str]:
    marks = {True: "ok", False: "WRONG", None: "-"}
    width = max(len(finding.check) for finding in found)
    for finding in found:
        # Text from another host must not control the terminal.
        text = "".join(c if c.isprintable() else "?" for c in finding.found)[:300]
        yield f"{marks[finding.is_right]:6} {finding.check:{width}}  {text}"
        if finding.is_right is False:
            yield f"{'':6} {'':{width}}  → {finding.todo}"


class _Visit:
    """The requests of one examination: to the named host, and to the hubs of site.yml."""

    def __init__(self, requested: str) -> None:
        self._requested = requested
        self._end = time.monotonic() + TOTAL

    def replies(self, tools: Tools) -> Replies:
        """Return all responses."""
        agent = {"User-Agent": READERS["feedparser"]}
        now = time.time()
        address, hops, leads_away, packed = self._follow(agent | {"Accept-Encoding": "gzip"})
        if packed.failure:
            return Replies(self._requested, address, hops, leads_away, packed)
        plain = self._get(address, agent | {"Accept-Encoding": "identity"})
        hubs = tools.catalog.files.site.hubs
        return Replies(
            requested=self._requested,
            address=address,
            hops=hops,
            leads_away=leads_away,
            packed=packed,
            plain=plain,
            readers=self._as_readers(address),
            known=self._conditional(address, packed, plain),
            page=self._get(_page(address), agent),
            unencrypted=self._unencrypted(address, agent),
            hubs={hub: self._get(hub, agent) for hub in hubs},
            own=_own(tools, address),
            now=now,
        )

    def _follow(self, headers: Mapping[str, str]) -> tuple[str, tuple[Hop, ...], bool, Reply]:
        """Ask the named address and follow its redirects, as long as they stay at its host."""
        address, hops, seen = self._requested, list[Hop](), set[str]()
        reply = self._get(address, headers)
        while reply.status in REDIRECTED and len(hops) < REDIRECTS and address not in seen:
            seen.add(address)
            target = absolute(address, reply.header("location"))
            hops.append(Hop(reply.status, target))
            if not _is_same_host(self._requested, target):
                return address, tuple(hops), True, reply
            address = target
            reply = self._get(address, headers)
        return address, tuple(hops), False, reply

    def _as_readers(self, address: str) -> dict[str, Reply]:
        return {
            name: self._get(
                address, {"Accept-Encoding": "gzip"} | ({"User-Agent": agent} if agent else {})
            )
            for name, agent in READERS.items()
        }

    def _conditional(self, address: str, packed: Reply, plain: Reply) -> dict[str, Reply]:
        """Return the responses to requests that name what they have."""
        tag, modified = packed.header("etag"), packed.header("last-modified")
        names = {
            "its ETag": {"If-None-Match": tag, "Accept-Encoding": "gzip"},
            "the ETag without gzip": {"If-None-Match": plain.header("etag")},
            "W/": {"If-None-Match": f"W/{tag.removeprefix('W/')}", "Accept-Encoding": "gzip"},
            "-gzip": {"If-None-Match": f'"{entity_tag(tag)}-gzip"', "Accept-Encoding": "gzip"},
        }
        if modified:
            names["Last-Modified"] = {"If-Modified-Since": modified}
        return {name: self._get(address, headers) for name, headers in names.items()}

    def _unencrypted(self, address: str, headers: Mapping[str, str]) -> Reply | None:
        parts = urlsplit(address)
        # If https has a port of its own, that of http is unknown.
        if parts.scheme != "https" or parts.port not in (None, 443):
            return None
        return self._get(
            parts._replace(scheme="http", netloc=parts.hostname or "").geturl(), headers
        )

    def _get(self, address: str, headers: Mapping[str, str]) -> Reply:
        end = min(self._end, time.monotonic() + DEADLINE)
        # http.client would offer identity only, which few readers do.
        given = {"Accept-Encoding": "identity", "Origin": "https://reader.example", **headers}
        try:
            head = send_request(Request("GET", address, given), end, most=MAX_BODY)
        except FAILURES as error:
            return Reply(failure=_failure(error)[:200])
        return Reply(head.status, _headers(head.headers.items()), head.body)


def _failure(error: Exception) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"{CERTIFICATE}{error.verify_message}"
        # A host that ends the connection may have any reason.
        case ssl.SSLError(reason=str(reason)) if not isinstance(error, ssl.SSLEOFError):
            return f"{HANDSHAKE}{reason.replace('_', ' ').lower()}"
    return f"{type(error).__name__}: {error}"


def _headers(items: list[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in items:
        name = name.lower()
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _page(address: str) -> str:
    """Return the page of a feed: its address without the ending."""
    parts = urlsplit(address)
    path = parts.path.rpartition(".")[0]
    return parts._replace(path=path.removesuffix("all") if path.endswith("/all") else path).geturl()


def _parsed(address: str) -> SplitResult | None:
    """Return the parts of an address of http or https; None if it is none."""
    try:
        parts = urlsplit(address)
        # Only its access parses the port.
        return parts if parts.scheme in ("http", "https") and parts.port != 0 else None
    except ValueError:
        return None


def _is_same_host(one: str, other: str) -> bool:
    """Return True if two addresses are at one host; http may become https."""
    a, b = urlsplit(one), _parsed(other)
    if b is None or a.hostname != b.hostname:
        return False
    is_upgrade = (a.scheme, b.scheme) == ("http", "https") and b.port in (None, 443)
    is_same = (a.port or DEFAULT_PORTS[a.scheme]) == (b.port or DEFAULT_PORTS[b.scheme])
    return is_upgrade or is_same


def _own(tools: Tools, address: str) -> Reply | None:
    """Return the response of this node itself; None if the address is not one of its own."""
    site = tools.catalog.files.site.url
    if not address.startswith(f"{site}/"):
        return None
    # Werkzeug would read a host after two slashes.
    path = "/" + unquote(address.removeprefix(site)).lstrip("/")
    response = tools.quiet_app().test_client().get(path, buffered=True)
    if response.status_code != 200:
        return None
    return Reply(200, _headers(list(response.headers.items())), response.data)
