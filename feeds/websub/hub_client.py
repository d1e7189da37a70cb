"""Sends one announcement to a hub and classifies its reply."""

import time
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import urlencode

from feeds.http_client import FAILURES, Request, send_request

#: Seconds that one request to a hub may take.
DEADLINE = 5.0

#: Longest Retry-After that is honoured, in seconds.
MAX_RETRY_AFTER = 86_400

_HEADERS = {
    "User-Agent": "Tributary (announces to a hub that a feed changed)",
    "Content-Type": "application/x-www-form-urlencoded",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """The outcome of a request to a hub: its status, or None and the error."""

    status: int | None
    error: str = ""
    #: The Retry-After of the hub, in seconds.
    retry_after: float = 0.0

    @property
    def is_success(self) -> bool:
        """True if the hub accepted the announcement."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_refusal(self) -> bool:
        """True if the hub rejected this address for good, but may accept others."""
        return (
            self.status is not None and 400 <= self.status < 500 and self.status not in (408, 429)
        )


def ping(hub: str, address: str, deadline: float = DEADLINE) -> Reply:
    """Announce once to a hub that an address changed; return every failure as a Reply."""
    # The W3C leaves the form to publisher and hub. Hubs follow PubSubHubbub 0.4, 7.1, and read
    # hub.url; Flask-WebSub was seen to answer 400 without hub.topic.
    form = {"hub.mode": "publish", "hub.url": address, "hub.topic": address}
    request = Request("POST", hub, _HEADERS, urlencode(form).encode())
    try:
        response = send_request(request, time.monotonic() + deadline)
    except FAILURES as error:
        return Reply(None, f"no answer ({type(error).__name__})")
    delay = _retry_after(response.header("Retry-After"))
    return Reply(response.status, f"answered {response.status}", delay)


def _retry_after(value: str | None) -> float:
    """Return the seconds of a header; RFC 9110: ``Retry-After = HTTP-date / delay-seconds``."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), MAX_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
        # Without a zone, as in the obsolete form of asctime, or with "-0000": an HTTP-date "is
        # assumed to be in UTC" (RFC 9110, 5.6.7); Python would read it as local time.
        known = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return min(max(known.timestamp() - time.time(), 0.0), MAX_RETRY_AFTER)
    except (ValueError, OverflowError):
        return 0.0
