"""Which coding a client gets: a table of headers, as clients send them and as nobody should."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.encoded_bodies import CODINGS, IDENTITY
from feeds.web.negotiation import coding

#: Accept-Encoding, and what is sent.
TABLE = [
    # As readers and browsers send it.
    (None, IDENTITY),
    ("", IDENTITY),
    ("identity", IDENTITY),
    ("gzip", "gzip"),
    ("gzip, deflate", "gzip"),
    ("gzip, deflate, br", "br"),
    ("gzip, deflate, br, zstd", "br"),
    ("br, gzip", "br"),
    ("zstd", "zstd"),
    ("deflate", IDENTITY),
    ("deflate, compress", IDENTITY),
    ("gzip;q=1.0,deflate;q=0.6,identity;q=0.3", "gzip"),
    # Weights decide before our own taste does.
    ("br;q=0.5, gzip", "gzip"),
    ("gzip;q=0.5, zstd;q=0.6", "zstd"),
    ("gzip;q=0.001", "gzip"),
    ("identity;q=0.5, gzip;q=0.4", IDENTITY),
    ("identity;q=0.5, gzip;q=0.5", "gzip"),
    ("identity, gzip", "gzip"),
    # RequestRefused is refused.
    ("gzip;q=0", IDENTITY),
    ("gzip;q=0.0", IDENTITY),
    ("gzip;q=0.000, *", IDENTITY),
    ("br;q=0, gzip", "gzip"),
    ("br;q=0, zstd;q=0, gzip;q=0", IDENTITY),
    # Never a coding that was not named.
    ("*", IDENTITY),
    ("*;q=0.5", IDENTITY),
    ("*, gzip;q=0.1", "gzip"),
    ("identity;q=0", IDENTITY),
    ("identity;q=0, gzip", "gzip"),
    ("*;q=0", IDENTITY),
    # Spellings.
    ("GZip", "gzip"),
    ("x-gzip", "gzip"),
    ("x-gzip;q=0", IDENTITY),
    ("gzip ; Q=0.5 , br ; q=0.4", "gzip"),
    ("gzip;q=0.5;q=0.9", "gzip"),
    # What nobody should send.
    ("gzip;q=", "gzip"),
    ("gzip;q=high", IDENTITY),
    ("gzip;q=-1", IDENTITY),
    ("gzip;q=nan", IDENTITY),
    ("gzipped", IDENTITY),
    (",,,", IDENTITY),
    (";q=1", IDENTITY),
    ("gzip" + ", x" * 10_000, IDENTITY),
]


@pytest.mark.parametrize(("accept_encoding", "expected"), TABLE)
def test_a_client_gets_the_coding_that_it_likes_best(
    accept_encoding: str | None, expected: str
) -> None:
    """[65, 66]"""
    assert coding(accept_encoding) == expected


_WORDS = st.sampled_from(
    ["gzip", "br", "zstd", "x-gzip", "identity", "*", ";q=0", ";q=1", ",", "="]
)


@given(st.lists(_WORDS | st.text(max_size=5)).map("".join))
def test_never_a_coding_that_was_not_named(accept_encoding: str) -> None:
    """[66]"""
    found = coding(accept_encoding)
    assert found in (IDENTITY, *CODINGS)
    assert found == IDENTITY or found in accept_encoding.lower()
