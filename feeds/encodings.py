"""Content codings: one document's bytes in each, made once, and how they travel through a cache."""

import gzip
import struct
from collections.abc import Mapping
from hashlib import blake2b

import brotli
import zstandard

IDENTITY = "identity"

#: Best first, when a client likes several equally. Measured on a feed of 50 articles, 100 kB:
#: br 15 kB in 3 ms, zstd 16 kB in 2 ms, gzip 18 kB in 3 ms.
CODINGS = ("br", "zstd", "gzip")

#: Names the layout below; another layout, another name.
_MAGIC = b"tributary-1\0"
_LENGTHS = struct.Struct(">4I")
_DIGEST = 16

Bodies = Mapping[str, bytes]


def encode(body: bytes) -> Bodies:
    """The body in every coding; the same bytes whenever and wherever it is done."""
    return {
        IDENTITY: body,
        "br": brotli.compress(body, quality=5),
        "zstd": zstandard.ZstdCompressor(level=9).compress(body),
        # mtime: gzip would write the clock into its header.
        "gzip": gzip.compress(body, compresslevel=6, mtime=0),
    }


def pack(key: str, bodies: Bodies) -> bytes:
    """The bodies as one run of bytes that says by itself whether it is whole and belongs to key."""
    parts = [bodies[coding] for coding in (IDENTITY, *CODINGS)]
    return seal(key, _LENGTHS.pack(*map(len, parts)) + b"".join(parts))


def unpack(key: str, packed: bytes) -> Bodies | None:
    """The bodies, or None when the bytes are damaged, foreign, or belong to another key."""
    rest = unseal(key, packed)
    if rest is None or len(rest) < _LENGTHS.size:
        return None
    lengths = _LENGTHS.unpack_from(rest)
    bodies, position = {}, _LENGTHS.size
    for coding, length in zip((IDENTITY, *CODINGS), lengths, strict=True):
        bodies[coding] = rest[position : position + length]
        position += length
    return bodies


def seal(key: str, data: bytes) -> bytes:
    """Any bytes as a run that says by itself whether it is whole and belongs to key."""
    return _MAGIC + _digest(key, data) + data


def unseal(key: str, sealed: bytes) -> bytes | None:
    """The bytes, or None when they are damaged, foreign, or belong to another key."""
    start = len(_MAGIC) + _DIGEST
    data = sealed[start:]
    return data if sealed[:start] == _MAGIC + _digest(key, data) else None


def _digest(key: str, rest: bytes) -> bytes:
    return blake2b(rest, digest_size=_DIGEST, person=b"tributary", key=key.encode()[:64]).digest()
