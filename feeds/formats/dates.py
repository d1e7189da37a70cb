"""How each format writes a time; no clock, no locale, whole seconds UTC."""

from datetime import UTC, datetime
from email.utils import formatdate


def rfc822(seconds: int) -> str:
    """As RSS wants it, in English whatever the locale: ``Tue, 30 Jun 2020 20:50:00 GMT``."""
    return formatdate(seconds, usegmt=True)


def rfc3339(seconds: int) -> str:
    """As Atom and JSON Feed want it: ``2020-06-30T20:50:00Z``."""
    whole = datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00")
    return f"{whole}Z"
