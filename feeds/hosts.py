"""Names of hosts, written one way: ASCII and lower case, as they stand in an address."""

import re
from ipaddress import IPv6Address, ip_address

import idna

#: Characters of a host, as in RFC 1035.
MAX_HOST = 253

LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"{LABEL}(?:\.{LABEL})*")


def host_name(raw: str) -> str | None:
    """The host as it may stand in an address: ASCII, lower case; None when it is not one."""
    name = raw.lower().removesuffix(".")
    if not name or len(name) > MAX_HOST:
        return None
    try:
        name = name if name.isascii() else idna.encode(name, uts46=True).decode().lower()
        last = name.rpartition(".")[2]
        # WHATWG: a last label that is a number makes the host an IPv4 address.
        if last.isdecimal() or last.startswith("0x"):
            return str(ip_address(name))
    except ValueError:
        return None
    return name if len(name) <= MAX_HOST and _HOST.fullmatch(name) else None


def authority_host(netloc: str, name: str | None) -> str | None:
    """The host of an authority that urlsplit found, as it stands in an address, or None.

    Raise ValueError for what only looks like an IPv6 address. An authority with a user is None.
    """
    if "@" in netloc or not name:
        return None
    if netloc.startswith("["):
        return f"[{IPv6Address(name)}]" if "%" not in name else None
    return host_name(name)
