"""The life of an upload."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wharf.oci.errors import UploadTransitionInvalid
from wharf.oci.ranges import Range
from wharf.oci.uploads import TRANSITIONS, UploadEvent, UploadState, fits, step

CHUNK, RECEIVED, FINISH, CANCEL, EXPIRE = UploadEvent


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([FINISH], UploadState.COMMITTED),
        ([CHUNK, RECEIVED, CHUNK, RECEIVED, FINISH], UploadState.COMMITTED),
        ([FINISH, FINISH], UploadState.COMMITTED),
        ([CHUNK], UploadState.RECEIVING),
        ([CHUNK, CANCEL], UploadState.CANCELLED),
        ([CHUNK, RECEIVED, EXPIRE], UploadState.CANCELLED),
    ],
)
def test_what_happens(events: list[UploadEvent], expected: UploadState) -> None:
    state = UploadState.OPEN
    for event in events:
        state = step(state, event)
    assert expected is state


@pytest.mark.parametrize(
    "events",
    [
        [CHUNK, CHUNK],
        [CHUNK, FINISH],
        [RECEIVED],
        [FINISH, CHUNK],
        [FINISH, CANCEL],
        [FINISH, EXPIRE],
        [CANCEL, CHUNK],
        [CANCEL, FINISH],
        [CANCEL, CANCEL],
        [CHUNK, CANCEL, RECEIVED],
    ],
)
def test_what_does_not(events: list[UploadEvent]) -> None:
    state = UploadState.OPEN
    for event in events[:-1]:
        state = step(state, event)
    with pytest.raises(UploadTransitionInvalid) as invalid:
        step(state, events[-1])
    assert (state, events[-1]) == (invalid.value.state, invalid.value.event)


@given(st.lists(st.sampled_from(UploadEvent)))
def test_no_life_leaves_the_table(events: list[UploadEvent]) -> None:
    state = UploadState.OPEN
    for event in events:
        try:
            state = step(state, event)
        except UploadTransitionInvalid:
            assert (state, event) not in TRANSITIONS


def test_what_has_ended_stays_so() -> None:
    ended = {UploadState.COMMITTED, UploadState.CANCELLED}
    for state, event in itertools.product(ended, UploadEvent):
        assert TRANSITIONS.get((state, event), state) is state


@pytest.mark.parametrize(
    ("place", "length"),
    [(None, None), (None, 5), (Range(10, 15), 5), (Range(10, 15), None)],
)
def test_a_chunk_fits_where_the_upload_ends(place: Range | None, length: int | None) -> None:
    assert fits(10, place, length)


@pytest.mark.parametrize(
    ("place", "length"),
    [(Range(9, 15), 6), (Range(11, 15), 4), (Range(0, 10), 10), (Range(10, 15), 4), (Range(10, 15), 6)],
)
def test_a_chunk_fits_nowhere_else(place: Range, length: int) -> None:
    assert not fits(10, place, length)
