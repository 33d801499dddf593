"""The life of an upload."""

import itertools

import pytest

from wharf.oci.ranges import Range
from wharf.oci.uploads import TRANSITIONS, UploadEvent, UploadState, fits, step

CHUNK, FINISH, CANCEL = UploadEvent


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([FINISH], UploadState.COMMITTED),
        ([CHUNK, CHUNK, FINISH], UploadState.COMMITTED),
        ([FINISH, FINISH], UploadState.COMMITTED),
        ([CHUNK], UploadState.OPEN),
        ([CHUNK, CANCEL], UploadState.CANCELLED),
        ([FINISH, CHUNK], None),
        ([FINISH, CANCEL], None),
        ([CANCEL, CHUNK], None),
        ([CANCEL, FINISH], None),
        ([CANCEL, CANCEL], None),
    ],
)
def test_a_life(events: list[UploadEvent], expected: UploadState | None) -> None:
    state: UploadState | None = UploadState.OPEN
    for event in events:
        assert state is not None
        state = step(state, event)
    assert expected is state


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
