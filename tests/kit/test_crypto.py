import pytest
from hypothesis import given
from hypothesis import strategies as st

from wharf.kit.crypto import SealBroken, SecretBox, equal, hash_token, random_token

BOX = SecretBox("k" * 32)


@given(st.binary(max_size=200))
def test_what_is_sealed_can_be_unsealed(plain: bytes) -> None:
    assert plain == BOX.unseal(BOX.seal(plain, "robot"), "robot")


@given(st.binary(max_size=60), st.integers(min_value=0, max_value=10_000))
def test_no_changed_byte_goes_unnoticed(plain: bytes, position: int) -> None:
    sealed = bytearray(BOX.seal(plain, "robot"))
    sealed[position % len(sealed)] ^= 1
    with pytest.raises(SealBroken):
        BOX.unseal(bytes(sealed), "robot")


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01short", b"\x02" + bytes(40)])
def test_foreign_bytes_are_refused(sealed: bytes) -> None:
    with pytest.raises(SealBroken):
        BOX.unseal(sealed, "robot")


def test_another_purpose_or_key_cannot_unseal() -> None:
    sealed = BOX.seal(b"value", "robot")
    with pytest.raises(SealBroken):
        BOX.unseal(sealed, "mirror")
    with pytest.raises(SealBroken):
        SecretBox("l" * 32).unseal(sealed, "robot")


def test_equal_texts_are_never_sealed_alike() -> None:
    assert BOX.seal(b"value", "robot") != BOX.seal(b"value", "robot")


def test_tokens_are_random_and_compared_by_value() -> None:
    token = random_token()
    assert 43 == len(token)
    assert token != random_token()
    assert 32 == len(hash_token(token))
    assert equal(token, token)
    assert equal(token.encode(), token)
    assert not equal(token, token + "x")
    assert not equal("ä", "a")
