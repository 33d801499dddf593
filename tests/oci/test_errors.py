"""Error codes."""

import pytest

from wharf.oci.errors import ErrorCode, shorten


@pytest.mark.parametrize("code", ErrorCode)
def test_every_code_has_a_message_and_is_its_own_name(code: ErrorCode) -> None:
    assert code.message
    assert code.name == code.value


def test_a_hostile_text_is_cut() -> None:
    assert "abc" == shorten("abc")
    assert 100 == len(shorten("x" * 10_000))
