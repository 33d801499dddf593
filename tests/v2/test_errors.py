"""The table of errors."""

import inspect
import json
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wharf.access.actions import Action
from wharf.oci.digest import Digest
from wharf.oci.errors import ErrorCode
from wharf.v2 import errors
from wharf.v2.errors import ERRORS, AuthenticationRequired

_SAMPLES: dict[Any, Any] = {int: 7, bool: True, Action: Action.PUSH, Digest: Digest("sha256:" + "a" * 64)}


def _sample(kind: type[Exception]) -> Exception:
    """An instance, its arguments made up from their annotations."""
    if kind.__init__ in {Exception.__init__, ValueError.__init__}:
        return kind()
    parameters = [
        parameter
        for parameter in inspect.signature(kind).parameters.values()
        if parameter.kind is not parameter.VAR_POSITIONAL and parameter.default is parameter.empty
    ]
    hints = get_type_hints(kind.__init__)
    values = {}
    for parameter in parameters:
        hint = hints.get(parameter.name, str)
        values[parameter.name] = ("a", "b") if "tuple" in str(hint) else _SAMPLES.get(hint, "text")
    return kind(**values)


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_each_fact_can_be_told(kind: type[Exception]) -> None:
    answer = errors.render(_sample(kind))
    assert 400 <= answer.status < 600
    assert (b"content-type", b"application/json") in answer.headers
    assert all(type(part) is bytes for header in answer.headers for part in header)
    document = json.loads(answer.body)
    for error in document["errors"]:
        assert error["code"] in set(ErrorCode)
        assert error["message"]


def test_a_bug_has_no_details() -> None:
    answer = errors.render(KeyError("secret"))
    assert 500 == answer.status
    assert b"secret" not in answer.body


@given(st.text(), st.text(), st.text())
def test_a_challenge_is_ascii_and_quoted_whatever_the_path_was(realm: str, service: str, scope: str) -> None:
    for fact in (AuthenticationRequired(scope, "invalid_token"), AuthenticationRequired(basic=True)):
        name, value = errors.challenge(realm, service, fact)
        assert b"www-authenticate" == name
        text = value.decode("ascii")
        assert text.isprintable()
        assert 0 == text.count('"') % 2
        assert "\\" not in text
