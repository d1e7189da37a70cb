"""Host names in one canonical form: ASCII and lower case, as in an address."""

import re
from ipaddress import IPv6Address, ip_address

import idna

#: The port of an address that names none, by scheme.
DEFAULT_PORTS = {"http": 80, "https": 443}

#: The longest host name, in characters (RFC 1035).
MAX_HOST = 253

LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"{LABEL}(?:\.{LABEL})*")


def host_name(raw: str) -> str | None:
    """Return the canonical form of a host name; None if it is not a host name."""
    name = raw.lower().removesuffix(".")
    if not name or len(name) > MAX_HOST:
        return None
    try:
        name = name if name.isascii() else idna.encode(name, uts46=True).decode().lower()
        last = name.rpartition(".")[2]
        # WHATWG URL: a host whose last label is a number is parsed as an IPv4 address.
        if last.isdecimal() or last.startswith("0x"):
            return str(ip_address(name))
    except ValueError:
        return None
    return name if len(name) <= MAX_HOST and _HOST.fullmatch(name) else None


def authority_host(netloc: str, name: str | None) -> str | None:
    """Return the canonical host of an authority that urlsplit found; None if it has none.

    An authority with a user name has none. Raise ValueError for a malformed IPv6 address.
    """
    if "@" in netloc or not name:
        return None
    if netloc.startswith("["):
        return f"[{IPv6Address(name)}]" if "%" not in name else None
    return host_name(name)
