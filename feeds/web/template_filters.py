"""Times for programs, and shortened texts: pure. The dates for people are in feeds/languages."""

from datetime import UTC, datetime


def iso(moment: int) -> str:
    """Return ``2026-11-20T12:00:00Z``, for ``<time>``."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def shortened(text: str, length: int) -> str:
    """Return a text up to the last whole word that fits."""
    if len(text) <= length:
        return text
    head, space, _ = text[:length].rpartition(" ")
    return f"{(head if space else text[: length - 1]).rstrip('.,;:–— …')}…"
