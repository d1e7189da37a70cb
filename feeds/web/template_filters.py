"""Shortened texts. Pure."""


def shortened(text: str, length: int) -> str:
    """Return a text up to the last whole word that fits."""
    if len(text) <= length:
        return text
    head, space, _ = text[:length].rpartition(" ")
    return f"{(head if space else text[: length - 1]).rstrip('.,;:–— …')}…"
