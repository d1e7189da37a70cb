"""Probes images on other hosts for their length and media type, by HEAD requests.

The address of an image comes from an untrusted article, so only public addresses are probed: the
name of a host is resolved once, and the checked address is the one connected to, after redirects
as well.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network
from queue import Empty, SimpleQueue
from urllib.parse import urljoin

from feeds.http_client import FAILURES, Address, IsAllowed, Request, by_host, send_request

#: Hosts probed at the same time; each host gets one request at a time.
CONCURRENCY = 4

#: Seconds for one image, and for a whole run.
DEADLINE, TOTAL = 10.0, 3600.0

#: Redirects followed for one image.
REDIRECTS = 3

#: Statuses after which a host gets no further request in this run.
BUSY = (429, 503)

_HEADERS = {
    "User-Agent": "Tributary (reads the size of an image once, for feeds)",
    "Accept": "image/*",
    "Accept-Encoding": "identity",
}

_ALLOCATED = IPv6Network("2000::/3")


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The result of a probe: bytes and media type, each None if the host gave none."""

    length: int | None = None
    media_type: str | None = None
    is_busy: bool = False


def is_public(address: Address) -> bool:
    """Return True for a public address: not of this machine or of a private network."""
    if isinstance(address, IPv6Address):
        # An embedded IPv4 address may be private; IANA allocates public addresses in 2000::/3 only.
        embedded = address.ipv4_mapped or address.sixtofour or address.teredo
        return not embedded and address.is_global and address in _ALLOCATED
    return address.is_global and not address.is_multicast


def probe_all(
    urls: Iterable[str], is_allowed: IsAllowed = is_public, total: float = TOTAL
) -> Iterator[tuple[str, ProbeResult]]:
    """Probe images host by host; yield each result as it arrives.

    Images are left out that the time does not suffice for, or whose host was busy.
    """
    end = time.monotonic() + total
    results: SimpleQueue[tuple[str, ProbeResult]] = SimpleQueue()
    pool = ThreadPoolExecutor(CONCURRENCY, "image-probe")
    try:
        work = [pool.submit(_probe_host, some, is_allowed, end, results) for some in by_host(urls)]
        while time.monotonic() < end and not (all(w.done() for w in work) and results.empty()):
            try:
                yield results.get(timeout=0.1)
            except Empty:
                continue
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _probe_host(
    urls: list[str],
    is_allowed: IsAllowed,
    end: float,
    results: "SimpleQueue[tuple[str, ProbeResult]]",
) -> None:
    for url in urls:
        result = probe(url, is_allowed, min(DEADLINE, end - time.monotonic()))
        # A result that the end of the run cut short is not the host's.
        if result.is_busy or time.monotonic() >= end:
            return
        results.put((url, result))


def probe(url: str, is_allowed: IsAllowed = is_public, deadline: float = DEADLINE) -> ProbeResult:
    """Probe one image; a refusal, a failure or a time-out gives an empty result."""
    end = time.monotonic() + deadline
    try:
        for _ in range(REDIRECTS + 1):
            found = _probe_once(url, is_allowed, end)
            if isinstance(found, ProbeResult):
                return found
            url = found
    except FAILURES:
        pass
    return ProbeResult()


def _probe_once(url: str, is_allowed: IsAllowed, end: float) -> ProbeResult | str:
    """Send one HEAD request; return its result or the target of its redirect."""
    response = send_request(Request("HEAD", url, _HEADERS), end, is_allowed)
    location = response.header("Location")
    if response.status in (301, 302, 303, 307, 308) and location:
        return urljoin(url, location)
    return _result(response.status, response.header)


def _result(status: int, header: Callable[[str], str | None]) -> ProbeResult:
    if status != 200:
        return ProbeResult(is_busy=status in BUSY)
    media_type = (header("Content-Type") or "").partition(";")[0].strip().lower()
    length = header("Content-Length") or ""
    # Anything else is an error page, or encoded: not the bytes that a reader would download.
    if not media_type.startswith("image/") or header("Content-Encoding"):
        return ProbeResult()
    is_number = length.isascii() and length.isdigit() and 0 < len(length) <= 10
    return ProbeResult(int(length) or None if is_number else None, media_type)
