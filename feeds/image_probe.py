"""DOOR: asks other hosts how large their pictures are, by HEAD, and trusts nothing of them.

A picture's address comes from a stranger's article. It is asked only where the whole internet
could ask: the host's name is looked up once, and the address found is the one connected to, also
when another host redirects there.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network
from queue import Empty, SimpleQueue
from urllib.parse import urljoin, urlsplit

from feeds.http_client import FAILURES, Address, IsAllowed, Request, send_request

#: Hosts asked at the same time; each is asked one picture at a time.
CONCURRENCY = 4

#: Seconds for one picture, and for all of one run.
DEADLINE, TOTAL = 10.0, 3600.0

#: Redirects followed for one picture.
REDIRECTS = 3

#: A host that answers so is asked nothing more in this run.
BUSY = (429, 503)

_HEADERS = {
    "User-Agent": "Tributary (asks once how large a picture is, to say so in feeds)",
    "Accept": "image/*",
    "Accept-Encoding": "identity",
}

_GIVEN_OUT = IPv6Network("2000::/3")


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What a host said of a picture; bytes and media type are None when it did not tell."""

    length: int | None = None
    media_type: str | None = None
    is_busy: bool = False


def is_public(address: Address) -> bool:
    """Whether an address is one of the whole internet: not of this machine, nor of its network."""
    if isinstance(address, IPv6Address):
        # What carries an IPv4 address inside may lead to any; 2000::/3 is all that is given out.
        carries = address.ipv4_mapped or address.sixtofour or address.teredo
        return not carries and address.is_global and address in _GIVEN_OUT
    return address.is_global and not address.is_multicast


def probe_all(
    urls: Iterable[str], is_allowed: IsAllowed = is_public, total: float = TOTAL
) -> Iterator[tuple[str, ProbeResult]]:
    """Ask for pictures, host by host; yield each answer as it comes.

    What is not asked before the time is over, or after its host was busy, has none.
    """
    hosts: dict[str, list[str]] = defaultdict(list)
    for url in urls:
        hosts[urlsplit(url).netloc].append(url)
    end = time.monotonic() + total
    answers: SimpleQueue[tuple[str, ProbeResult]] = SimpleQueue()
    pool = ThreadPoolExecutor(CONCURRENCY, "pictures")
    try:
        work = [pool.submit(_probe_host, some, is_allowed, end, answers) for some in hosts.values()]
        while time.monotonic() < end and not (all(w.done() for w in work) and answers.empty()):
            try:
                yield answers.get(timeout=0.1)
            except Empty:
                continue
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _probe_host(
    urls: list[str],
    is_allowed: IsAllowed,
    end: float,
    answers: "SimpleQueue[tuple[str, ProbeResult]]",
) -> None:
    for url in urls:
        head = ask(url, is_allowed, min(DEADLINE, end - time.monotonic()))
        # Cut short by the end of the run it is no answer of the host's.
        if head.is_busy or time.monotonic() >= end:
            return
        answers.put((url, head))


def ask(url: str, is_allowed: IsAllowed = is_public, deadline: float = DEADLINE) -> ProbeResult:
    """Ask for one picture; what refuses, fails or takes too long gives an empty answer."""
    end = time.monotonic() + deadline
    try:
        for _ in range(REDIRECTS + 1):
            found = _asked(url, is_allowed, end)
            if isinstance(found, ProbeResult):
                return found
            url = found
    except FAILURES:
        pass
    return ProbeResult()


def _asked(url: str, is_allowed: IsAllowed, end: float) -> ProbeResult | str:
    """One HEAD: what it tells, or where it redirects to."""
    answer = send_request(Request("HEAD", url, _HEADERS), end, is_allowed)
    location = answer.header("Location")
    if answer.status in (301, 302, 303, 307, 308) and location:
        return urljoin(url, location)
    return _head(answer.status, answer.header)


def _head(status: int, header: Callable[[str], str | None]) -> ProbeResult:
    if status != 200:
        return ProbeResult(is_busy=status in BUSY)
    media_type = (header("Content-Type") or "").partition(";")[0].strip().lower()
    length = header("Content-Length") or ""
    # Anything else is a page that says sorry, or not the bytes that a reader would get.
    if not media_type.startswith("image/") or header("Content-Encoding"):
        return ProbeResult()
    is_number = length.isascii() and length.isdigit() and 0 < len(length) <= 10
    return ProbeResult(int(length) or None if is_number else None, media_type)
