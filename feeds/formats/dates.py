"""The time formats of the feed formats: no clock, no locale, whole seconds UTC."""

from datetime import datetime, timedelta
from email.utils import formatdate

_EPOCH = datetime(1970, 1, 1)


def rfc822(seconds: int) -> str:
    """Return a time for RSS, in English in any locale: ``Tue, 30 Jun 2020 20:50:00 GMT``."""
    return formatdate(seconds, usegmt=True)


def rfc3339(seconds: int) -> str:
    """Return a time for Atom and JSON Feed: ``2020-06-30T20:50:00Z``."""
    return f"{(_EPOCH + timedelta(seconds=seconds)).isoformat()}Z"
