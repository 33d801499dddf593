"""The life of an upload session as a table: whatever is not in it is not allowed.

    OPEN ──chunk──▶ RECEIVING ──received──▶ OPEN ──finish──▶ COMMITTED ──finish──▶ COMMITTED
      └────────────────┴── cancel, expire ──▶ CANCELLED

A finish with a body is a chunk, its receipt and a finish. A finish repeated after success is granted: the client lost
the answer. A chunk while another is received is refused, so two writers never interleave.
"""

from enum import StrEnum

from wharf.oci.errors import UploadTransitionInvalid
from wharf.oci.ranges import Range


class UploadState(StrEnum):
    """Where an upload stands."""

    OPEN = "open"
    RECEIVING = "receiving"
    COMMITTED = "committed"
    CANCELLED = "cancelled"


class UploadEvent(StrEnum):
    """What can happen to an upload."""

    CHUNK = "chunk"
    RECEIVED = "received"
    FINISH = "finish"
    CANCEL = "cancel"
    EXPIRE = "expire"


TRANSITIONS: dict[tuple[UploadState, UploadEvent], UploadState] = {
    (UploadState.OPEN, UploadEvent.CHUNK): UploadState.RECEIVING,
    (UploadState.OPEN, UploadEvent.FINISH): UploadState.COMMITTED,
    (UploadState.OPEN, UploadEvent.CANCEL): UploadState.CANCELLED,
    (UploadState.OPEN, UploadEvent.EXPIRE): UploadState.CANCELLED,
    (UploadState.RECEIVING, UploadEvent.RECEIVED): UploadState.OPEN,
    (UploadState.RECEIVING, UploadEvent.CANCEL): UploadState.CANCELLED,
    (UploadState.RECEIVING, UploadEvent.EXPIRE): UploadState.CANCELLED,
    (UploadState.COMMITTED, UploadEvent.FINISH): UploadState.COMMITTED,
}


def step(state: UploadState, event: UploadEvent) -> UploadState:
    """The state after `event`; raises UploadTransitionInvalid."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise UploadTransitionInvalid(state, event) from None


def fits(received_bytes: int, place: Range | None, content_length: int | None) -> bool:
    """Whether a chunk announced for `place` may follow the bytes received so far.

    Without a Content-Range a chunk is appended. With one it has to start where the upload ends and, when its length is
    announced as well, be as long as its range.
    """
    if place is None:
        return True
    return place.start == received_bytes and content_length in (None, place.length_bytes)
