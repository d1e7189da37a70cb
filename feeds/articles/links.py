"""Addresses: what may be linked to, written one way; never a request, never an exception."""

import re
from urllib.parse import quote, unquote, urljoin, urlsplit

from feeds.hosts import LABEL, MAX_HOST, authority_host, host_name

#: Characters of an address; longer ones are refused, since every feed repeats them.
MAX_LENGTH = 2_000

# What would be written again as it is; a host and its labels are never too long in 253 characters.
_CLEAN = re.compile(
    rf"https?://(?:{LABEL}\.)*[a-z](?:[a-z0-9_-]{{0,61}}[a-z0-9_])?"
    r"(?:[/?#][A-Za-z0-9/?#:@!$&'()*+,;=._~-]*)?"
)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
# RFC 3986, 2: what may stand in a path, query or fragment, and "%" only before two digits.
_UNSAFE = re.compile(r"[^A-Za-z0-9/?#:@!$&'()*+,;=._~%-]+|%(?![0-9A-Fa-f]{2})")
# The WHATWG parser removes these wherever they stand, and so does every browser.
_BREAKS = str.maketrans("", "", "\t\r\n")
_EDGES = "".join(map(chr, range(0x21)))
_TRACKING = re.compile(
    r"(?:(?:utm|mtm)_.*|fbclid|gclid|dclid|msclkid|mc_cid|mc_eid|yclid|twclid)",
    re.IGNORECASE | re.DOTALL,
)
_DEFAULT_PORTS = {"http": 80, "https": 443}


def clean_url(raw: str, base: str | None = None) -> str | None:
    """The absolute http(s) address that is meant, or None when there is no usable one.

    A relative address is resolved against ``base``, when given. Addresses with a user name are
    refused: feeds are public, and ``https://bank.example@evil.example`` deceives.
    """
    text = _trimmed(raw)
    if not text or len(text) > MAX_LENGTH:
        return None
    if len(text) <= MAX_HOST and _CLEAN.fullmatch(text):
        return text
    try:
        url = _rebuild(text if base is None or _SCHEME.match(text) else urljoin(base, text))
    except ValueError:
        # urlsplit raises on an open bracket, on some Unicode in hosts and on bad ports.
        return None
    return url if url and len(url) <= MAX_LENGTH else None


def site_url(raw: str, site: str) -> str | None:
    """Return the absolute address of what the site's own files name, or None as ``clean_url``.

    ``/pictures/a.jpg`` is below the address of the site, which may have a path: a content folder
    stays the same wherever it is served.
    """
    text = _trimmed(raw)
    is_rooted = text.startswith("/") and not text.startswith("//")
    return clean_url(f".{text}" if is_rooted else text, f"{site}/")


def _trimmed(raw: str) -> str:
    return raw.translate(_BREAKS).strip(_EDGES)


def domain(raw: str) -> str:
    """The domain of a provider, given as a host or as an address; empty when it is neither."""
    text = raw.strip()
    if "//" in text:
        return host(clean_url(text, "https:") or "")
    return (host_name(text) or "").removeprefix("www.")


def host(url: str) -> str:
    """The host of an address, lower case, without ``www.``; empty when there is none."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def without_tracking(url: str) -> str:
    """The address without the parameters that only follow people around.

    Everything else keeps its bytes: a re-encoded parameter may no longer be the same page.
    """
    address, hash_mark, fragment = url.partition("#")
    path, question_mark, query = address.partition("?")
    return path + _kept(question_mark, query) + _kept(hash_mark, fragment)


def key(url: str) -> str:
    """What two addresses of one page have in common, for telling repeats."""
    page = without_tracking(url).partition("#")[0].partition("://")[2]
    authority, slash, path = page.removeprefix("www.").partition("/")
    return authority.lower() + (slash + path).rstrip("/")


def _kept(mark: str, parameters: str) -> str:
    if not parameters:
        return mark
    kept = [part for part in parameters.split("&") if not _tracks(part)]
    return mark + "&".join(kept) if kept else ""


def _tracks(parameter: str) -> bool:
    return _TRACKING.fullmatch(unquote(parameter.partition("=")[0])) is not None


def _rebuild(text: str) -> str | None:
    split = urlsplit(text)
    name = authority_host(split.netloc, split.hostname)
    if split.scheme not in _DEFAULT_PORTS or name is None:
        return None
    port = split.port
    if port == 0:
        return None
    suffix = "" if port in (None, _DEFAULT_PORTS[split.scheme]) else f":{port}"
    rest = text[text.index("//") + 2 + len(split.netloc) :]
    return f"{split.scheme}://{name}{suffix}{_UNSAFE.sub(_encoded, rest)}"


def _encoded(found: re.Match[str]) -> str:
    # "replace": a lone surrogate has no bytes.
    return quote(found[0], safe="", errors="replace")
