"""The life of an upload session as a table: whatever is not in it is not allowed.

    OPEN ──chunk──▶ OPEN ──finish──▶ COMMITTED ──finish──▶ COMMITTED
      └── cancel ──▶ CANCELLED

A finish with a body is a chunk and a finish. A finish repeated after success is granted: the client lost the answer.
"""

from enum import StrEnum

from wharf.oci.ranges import Range


class UploadState(StrEnum):
    """Where an upload stands."""

    OPEN = "open"
    COMMITTED = "committed"
    CANCELLED = "cancelled"


class UploadEvent(StrEnum):
    """What a client can do to an upload."""

    CHUNK = "chunk"
    FINISH = "finish"
    CANCEL = "cancel"


TRANSITIONS: dict[tuple[UploadState, UploadEvent], UploadState] = {
    (UploadState.OPEN, UploadEvent.CHUNK): UploadState.OPEN,
    (UploadState.OPEN, UploadEvent.FINISH): UploadState.COMMITTED,
    (UploadState.OPEN, UploadEvent.CANCEL): UploadState.CANCELLED,
    (UploadState.COMMITTED, UploadEvent.FINISH): UploadState.COMMITTED,
}


def step(state: UploadState, event: UploadEvent) -> UploadState | None:
    """The state after `event`, None where the table does not have it."""
    return TRANSITIONS.get((state, event))


def fits(received_bytes: int, place: Range | None, content_length: int | None) -> bool:
    """Whether a chunk announced for `place` may follow the bytes received so far.

    Without a Content-Range a chunk is appended. With one it has to start where the upload ends and, when its length is
    announced as well, be as long as its range.
    """
    if place is None:
        return True
    return place.start == received_bytes and content_length in (None, place.length_bytes)
