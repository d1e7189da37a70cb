"""Normalizes addresses and rejects unusable ones, without requests and without exceptions."""

import re
from urllib.parse import quote, unquote, urlsplit

from ada_url import URL

from feeds.host_names import LABEL, MAX_HOST, authority_host, host_name

#: Characters of an address; longer ones are rejected, since every feed repeats them.
MAX_LENGTH = 2_000

# Addresses that are normal already, but for segments such as ".."; in 253 characters no host and
# no label is too long.
_CLEAN = re.compile(
    rf"https?://(?:{LABEL}\.)*[a-z](?:[a-z0-9_-]{{0,61}}[a-z0-9_])?"
    r"(?:[/?#][A-Za-z0-9/?#:@!$&'()*+,;=._~-]*)?"
)
# The "&" of an address that was escaped, once or several times, by hand or by a generator.
_AMPERSAND = re.compile("&(?:(?:amp|#0*38|#x0*26);)+", re.IGNORECASE)
# An address as the parser writes it; one with a user name has none of this form.
_WRITTEN = re.compile(
    r"(?P<scheme>https?)://(?P<host>[^/?#@:]+|\[[^\]]+\])(?P<port>:[0-9]+)?(?P<rest>/.*)", re.DOTALL
)
# The complement of RFC 3986, 2 for path, query and fragment; "%" is safe only before two digits.
_UNSAFE = re.compile(r"[^A-Za-z0-9/?#:@!$&'()*+,;=._~%-]+|%(?![0-9A-Fa-f]{2})")
# The WHATWG parser, as in every browser, removes these everywhere in an address.
_BREAKS = str.maketrans("", "", "\t\r\n")
# It replaces these, which no encoding has.
_SURROGATE = re.compile("[\ud800-\udfff]")
_EDGES = "".join(map(chr, range(0x21)))
_TRACKING = re.compile(
    r"(?:(?:utm|mtm)_.*|fbclid|gclid|dclid|msclkid|mc_cid|mc_eid|yclid|twclid)",
    re.IGNORECASE | re.DOTALL,
)


def clean_url(raw: str, base: str | None = None) -> str | None:
    """Return the normalized absolute http(s) address, or None if it is unusable.

    A relative address is resolved against ``base``, if given, as a browser does it. Addresses with
    a user name are rejected: feeds are public, and ``https://bank.example@evil.example`` deceives
    readers.
    """
    text = _trimmed(raw)
    if "&" in text:
        text = _AMPERSAND.sub("&", text)
    if not text or len(text) > MAX_LENGTH:
        return None
    if len(text) <= MAX_HOST and _CLEAN.fullmatch(text) and "/." not in text:
        return text
    try:
        url = _rebuild(URL(_SURROGATE.sub("\ufffd", text), base).href)
    except ValueError:
        return None
    return url if url and len(url) <= MAX_LENGTH else None


def site_url(raw: str, site: str) -> str | None:
    """Return the absolute address of a reference in the site's own files, as ``clean_url``.

    ``/pictures/a.jpg`` is relative to the address of the site, which may have a path, so a content
    folder works under any address.
    """
    text = _trimmed(raw)
    is_rooted = text.startswith("/") and not text.startswith("//")
    return clean_url(f".{text}" if is_rooted else text, f"{site}/")


def _trimmed(raw: str) -> str:
    # Nothing that is trimmed can be printed, but for the space: this takes a tenth of the time.
    return raw.strip(" ") if raw.isprintable() else raw.translate(_BREAKS).strip(_EDGES)


def domain(raw: str) -> str:
    """Return the domain of a provider, given as host or address; empty if it is neither."""
    text = raw.strip()
    if "//" in text:
        return host(clean_url(text, "https://localhost/") or "")
    return (host_name(text) or "").removeprefix("www.")


def host(url: str) -> str:
    """Return the host of an address, in lower case, without ``www.``; empty without a host."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def without_tracking(url: str) -> str:
    """Return an address without tracking parameters.

    All other bytes stay: a re-encoded parameter may lead to another page.
    """
    address, hash_mark, fragment = url.partition("#")
    path, question_mark, query = address.partition("?")
    return path + _untracked(question_mark, query) + _untracked(hash_mark, fragment)


def key(url: str) -> str:
    """Return a key that all addresses of one page share, to detect duplicates."""
    page = without_tracking(url).partition("#")[0].partition("://")[2]
    authority, slash, path = page.removeprefix("www.").partition("/")
    return authority.lower() + (slash + path).rstrip("/")


def _untracked(mark: str, parameters: str) -> str:
    if not parameters:
        return mark
    kept = [part for part in parameters.split("&") if not _is_tracking(part)]
    return mark + "&".join(kept) if kept else ""


def _is_tracking(parameter: str) -> bool:
    return _TRACKING.fullmatch(unquote(parameter.partition("=")[0])) is not None


def _rebuild(href: str) -> str | None:
    """Return an address that the parser has written, in characters of RFC 3986."""
    split = _WRITTEN.fullmatch(href)
    if split is None or split["port"] == ":0":
        return None
    name = authority_host(split["host"], split["host"].strip("[]"))
    if name is None:
        return None
    rest = _UNSAFE.sub(_encoded, split["rest"])
    return f"{split['scheme']}://{name}{split['port'] or ''}{rest}"


def _encoded(found: re.Match[str]) -> str:
    return quote(found[0], safe="")
