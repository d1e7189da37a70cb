"""Tests of the codings of a body, and of sealing it for a cache."""

import gzip
import os
import pickle
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from hashlib import blake2b

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from feeds.encoded_bodies import CODINGS, IDENTITY, Bodies, seal, unseal
from tests.programs import skip_if_quick

BODY = b"<rss>" + b"<item>The same again, and again.</item>" * 100 + b"</rss>"
KEY = "0123456789abcdef"
SEALED = seal(KEY, BODY)

#: The decoders of clients, none of which is ours.
DECODERS: dict[str, Callable[[bytes], bytes]] = {
    IDENTITY: bytes,
    "br": brotli.decompress,
    "zstd": zstandard.ZstdDecompressor().decompress,
    "gzip": gzip.decompress,
}

every_coding = pytest.mark.parametrize("coding", [IDENTITY, *CODINGS])


@every_coding
@given(body=st.binary())
def test_every_coding_decodes_to_the_body(coding: str, body: bytes) -> None:
    """[65]"""
    assert DECODERS[coding](Bodies(body)[coding]) == body


@pytest.mark.parametrize("coding", CODINGS)
def test_every_coding_makes_a_feed_smaller(coding: str) -> None:
    assert len(Bodies(BODY)[coding]) < len(BODY) / 10


def test_the_same_body_has_the_same_bytes_in_another_process_and_at_another_time() -> None:
    skip_if_quick()
    script = "from tests.test_encoded_bodies import *; print(blake2b(SEALED).hexdigest())"
    environ = os.environ | {"PYTHONHASHSEED": "1"}
    found = subprocess.run(
        [sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == blake2b(SEALED).hexdigest()


@every_coding
def test_a_coding_is_made_once(coding: str) -> None:
    bodies = Bodies(BODY)

    assert bodies[coding] is bodies[coding]


@pytest.mark.parametrize("coding", CODINGS)
def test_a_coding_holds_no_more_memory_than_its_bytes(coding: str) -> None:
    """zstandard was seen to return a buffer as large as the whole body; Brotli and gzip do not."""
    large = Bodies(BODY * 200)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        coded = large[coding]
        held = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()

    assert len(coded) < held < 100_000 < len(BODY * 200) / 7


def test_gzip_writes_no_time_into_its_header() -> None:
    assert Bodies(BODY)["gzip"][4:8] == bytes(4)


@given(body=st.binary(), key=st.text(st.characters(codec="utf-8"), max_size=100))
def test_sealed_bytes_are_unsealed_unchanged(body: bytes, key: str) -> None:
    assert unseal(key, seal(key, body)) == body


@given(position=st.integers(0, len(SEALED) - 1), flip=st.integers(1, 255))
def test_any_changed_byte_is_detected(position: int, flip: int) -> None:
    damaged = bytearray(SEALED)
    damaged[position] ^= flip
    assert unseal(KEY, bytes(damaged)) is None


@given(length=st.integers(0, len(SEALED) - 1))
def test_any_missing_end_is_detected(length: int) -> None:
    assert unseal(KEY, SEALED[:length]) is None


@given(rest=st.binary(min_size=1))
def test_additional_bytes_are_detected(rest: bytes) -> None:
    assert unseal(KEY, SEALED + rest) is None


@given(st.binary())
def test_foreign_bytes_are_rejected(data: bytes) -> None:
    assert unseal(KEY, data) is None
    assert unseal(KEY, SEALED[:28] + data) is None


@pytest.mark.parametrize(
    "data", [b"", pickle.dumps(BODY), zlib.compress(BODY), BODY, SEALED.upper(), SEALED[12:]]
)
def test_foreign_values_in_a_cache_are_misses(data: bytes) -> None:
    assert unseal(KEY, data) is None


@pytest.mark.parametrize("key", ["", "0", KEY.upper(), f"{KEY}0", KEY[:-1]])
def test_a_value_of_another_key_is_a_miss(key: str) -> None:
    assert unseal(key, SEALED) is None
