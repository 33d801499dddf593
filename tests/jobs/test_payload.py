from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wharf.jobs.payload import PayloadInvalid, dump, load
from wharf.oci.digest import Digest


@dataclass(frozen=True, slots=True)
class Inner:
    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Outer:
    number: int
    flag: bool
    texts: tuple[str, ...]
    inner: Inner
    maybe: str | None
    digest: Digest
    since_release_two: int = 2


OUTERS = st.builds(
    Outer,
    number=st.integers(-(2**53), 2**53),
    inner=st.builds(Inner, name=st.text(), at=st.datetimes(timezones=st.just(UTC))),
    texts=st.lists(st.text()).map(tuple),
    digest=st.binary().map(Digest.of),
)


@given(OUTERS)
def test_a_payload_survives_its_journey_through_json(value: Outer) -> None:
    assert value == load(Outer, orjson.loads(orjson.dumps(dump(value))))


def _stored() -> dict[str, object]:
    inner = Inner("a", datetime(2030, 1, 1, tzinfo=UTC))
    return dump(Outer(1, True, ("x",), inner, None, Digest.of(b"")))


def test_a_field_added_later_has_its_default() -> None:
    stored = _stored()
    del stored["since_release_two"]
    assert 2 == load(Outer, stored).since_release_two


def test_a_field_of_a_later_release_is_ignored() -> None:
    assert 1 == load(Outer, {**_stored(), "since_release_three": "?"}).number


def test_a_refined_string_is_itself_again() -> None:
    assert isinstance(load(Outer, _stored()).digest, Digest)


@pytest.mark.parametrize("stored", [{}, {**_stored(), "number": "1"}, {**_stored(), "digest": 5}, [], None])
def test_anything_else_is_invalid(stored: object) -> None:
    with pytest.raises(PayloadInvalid):
        load(Outer, stored)


def test_what_cannot_be_stored_is_refused_when_it_is_enqueued() -> None:
    @dataclass(frozen=True)
    class Strange:
        value: object

    with pytest.raises(TypeError):
        dump(Strange(timedelta.resolution.__class__))
