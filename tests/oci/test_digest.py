"""Digests."""

import contextlib
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wharf.oci.digest import EMPTY_BLOB, EMPTY_JSON, SHA256, SHA512, Digest, new_hasher
from wharf.oci.errors import DigestInvalid, DigestUnsupported

HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256",
        "sha256:",
        f"sha256:{HEX[:-1]}",
        f"sha256:{HEX}0",
        f"SHA256:{HEX}",
        f"sha256:{HEX.upper()}",
        f"sha512:{HEX}",
        f"sha256:{HEX}\n",
        f" sha256:{HEX}",
        f"sha256:{HEX[:-1]}٣",
        "sha256:baddigeststring",
        f"sha256:{HEX}:{HEX}",
        ":",
        "a" * 1_000_000,
    ],
)
def test_what_is_no_digest(text: str) -> None:
    with pytest.raises(DigestInvalid) as invalid:
        Digest.parse(text)
    assert not isinstance(invalid.value, DigestUnsupported)
    assert len(str(invalid.value)) < 300


@pytest.mark.parametrize("text", [f"sha1:{HEX[:40]}", f"blake3:{HEX}", "sha256+b64:abc=", "md5:x"])
def test_what_is_a_digest_we_cannot_make(text: str) -> None:
    with pytest.raises(DigestUnsupported):
        Digest.parse(text)


def test_the_well_known_digests() -> None:
    assert EMPTY_JSON == Digest.of(b"{}")
    assert EMPTY_BLOB == Digest.of(b"")


@pytest.mark.parametrize("algorithm", ["sha1", "SHA256", "", "sha384", "shake_128"])
def test_only_two_algorithms_can_be_asked_for(algorithm: str) -> None:
    with pytest.raises(DigestUnsupported):
        new_hasher(algorithm)


@given(st.binary(), st.sampled_from([SHA256, SHA512]))
def test_a_digest_comes_back_as_it_was_written(data: bytes, algorithm: str) -> None:
    digest = Digest.of(data, algorithm)
    assert digest == Digest.parse(str(digest))
    assert (algorithm, hashlib.new(algorithm, data).hexdigest()) == (digest.algorithm, digest.hex)


@given(st.integers(0, 64), st.binary())
def test_a_stream_has_the_digest_of_its_bytes(cut: int, data: bytes) -> None:
    hasher = new_hasher()
    hasher.update(data[:cut])
    hasher.update(memoryview(data)[cut:])
    assert Digest.of(data) == Digest.from_hasher(hasher)


@given(st.one_of(st.text(), st.from_regex(r"\A[a-z0-9+._-]*:[a-zA-Z0-9=_-]*\Z")))
def test_any_text_is_a_digest_or_invalid(text: str) -> None:
    with contextlib.suppress(DigestInvalid):
        assert text == Digest.parse(text)
