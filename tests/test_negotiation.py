"""Tests of content negotiation: the coding for each Accept-Encoding, valid and invalid."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.encoded_bodies import CODINGS, IDENTITY
from feeds.web.negotiation import coding

#: Accept-Encoding, and the coding of the response.
TABLE = [
    # From readers and browsers.
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
    # Weights come before the preference of the server.
    ("br;q=0.5, gzip", "gzip"),
    ("gzip;q=0.5, zstd;q=0.6", "zstd"),
    ("gzip;q=0.001", "gzip"),
    ("identity;q=0.5, gzip;q=0.4", IDENTITY),
    ("identity;q=0.5, gzip;q=0.5", "gzip"),
    ("identity, gzip", "gzip"),
    # A coding with the weight 0 is refused.
    ("gzip;q=0", IDENTITY),
    ("gzip;q=0.0", IDENTITY),
    ("gzip;q=0.000, *", IDENTITY),
    ("br;q=0, gzip", "gzip"),
    ("br;q=0, zstd;q=0, gzip;q=0", IDENTITY),
    # A coding that is not named is not sent.
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
    # Invalid values.
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
def test_a_client_gets_its_preferred_coding(accept_encoding: str | None, expected: str) -> None:
    """[65, 66]"""
    assert coding(accept_encoding) == expected


_WORDS = st.sampled_from(
    ["gzip", "br", "zstd", "x-gzip", "identity", "*", ";q=0", ";q=1", ",", "="]
)


@given(st.lists(_WORDS | st.text(max_size=5)).map("".join))
def test_only_a_named_coding_is_sent(accept_encoding: str) -> None:
    """[66]"""
    found = coding(accept_encoding)
    assert found in (IDENTITY, *CODINGS)
    assert found == IDENTITY or found in accept_encoding.lower()
