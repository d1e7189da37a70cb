"""Tells one hub of one address, and judges what it says."""

import random
import time
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import urlencode

from feeds.http_client import FAILURES, Request, send_request

#: Seconds that one hub may take to hear of one address.
DEADLINE = 5.0

#: Seconds until a hub that failed is tried again, doubled with each failure up to the most.
FIRST, MOST = 10.0, 3600.0

#: Seconds that a hub may ask to be left alone.
LONGEST_WISH = 86_400

_HEADERS = {
    "User-Agent": "Tributary (tells a hub that a feed changed)",
    "Content-Type": "application/x-www-form-urlencoded",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of telling a hub: its status, or None and what failed."""

    status: int | None
    error: str = ""
    #: Seconds that it asks to be left alone.
    wish: float = 0.0

    @property
    def is_success(self) -> bool:
        """Whether it took it."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_refusal(self) -> bool:
        """Whether it will not have this address, and has nothing against others."""
        return (
            self.status is not None and 400 <= self.status < 500 and self.status not in (408, 429)
        )


def ping(hub: str, address: str, deadline: float = DEADLINE) -> Reply:
    """Tell a hub once that an address shows something else; never fails."""
    # The W3C leaves the form to publisher and hub; hubs follow PubSubHubbub 0.4, 7.1, and read
    # hub.url, but Flask-WebSub was seen to answer 400 without hub.topic.
    form = {"hub.mode": "publish", "hub.url": address, "hub.topic": address}
    request = Request("POST", hub, _HEADERS, urlencode(form).encode())
    try:
        answer = send_request(request, time.monotonic() + deadline)
    except FAILURES as error:
        return Reply(None, f"no answer ({type(error).__name__})")
    return Reply(answer.status, f"answered {answer.status}", _wish(answer.header("Retry-After")))


def _wish(retry_after: str | None) -> float:
    """RFC 9110, 10.2.3: ``Retry-After = HTTP-date / delay-seconds``."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_WISH)
    try:
        moment = parsedate_to_datetime(text)
        # Without a zone, as in the obsolete form of asctime, or with "-0000": an HTTP-date "is
        # assumed to be in UTC" (RFC 9110, 5.6.7); Python would take it for local time.
        known = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return min(max(known.timestamp() - time.time(), 0.0), LONGEST_WISH)
    except (ValueError, OverflowError):
        return 0.0


def delay(failures: int) -> float:
    """Seconds to wait after so many failures, not the same twice: hubs' clients must not march."""
    return min(MOST, FIRST * 2.0 ** min(failures - 1, 20)) * random.uniform(0.5, 1.0)
