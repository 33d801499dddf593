"""How stages become the parts of one S3 object. Pure.

S3 allows at most 10,000 parts, each of 5 MiB to 5 GiB, only the last one smaller. So a stage that is large enough is
copied inside the store, and small neighbours travel through Wharf to be sent as one part. Cloudflare R2 wants parts of
one size, which makes more of them travel.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from wharf.storage.base import Stage

MIB = 1024 * 1024
LEAST_PART_BYTES = 5 * MIB
MOST_PART_BYTES = 1024 * MIB  # allowed are 5 GiB; copies of less run side by side
SENT_PART_BYTES = 8 * MIB
COPY_OBJECT_BYTES = 5 * 1024 * MIB
_COUNT = 9_000


@dataclass(frozen=True, slots=True)
class Slice:
    """The bytes of a stage from `start` up to, not including, `end`."""

    key: str
    start: int
    end: int

    @property
    def size_bytes(self) -> int:
        """How many bytes these are."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an object: a single slice that the store copies by itself, or slices to be fetched and sent."""

    slices: tuple[Slice, ...]
    copied: bool

    @property
    def size_bytes(self) -> int:
        """How many bytes these are."""
        return sum(piece.size_bytes for piece in self.slices)


def part_bytes(hint_bytes: int | None) -> int:
    """Return the size of the parts in which a stage of about `hint_bytes` is sent.

    All are of one size. Without a hint a stage may have 78 GiB.
    """
    return max(SENT_PART_BYTES, -(-(hint_bytes or 0) // _COUNT))


def plan(stages: Sequence[Stage]) -> list[Part]:
    """Return the parts that together are the concatenation of `stages`."""
    least = max(LEAST_PART_BYTES, -(-sum(stage.size_bytes for stage in stages) // _COUNT))
    parts: list[Part] = []
    loose: list[Slice] = []
    for stage in stages:
        if not stage.size_bytes:
            continue
        start = 0
        if loose:  # fill it up from the beginning of this stage
            start = min(stage.size_bytes, least - sum(piece.size_bytes for piece in loose))
            loose.append(Slice(stage.key, 0, start))
            if sum(piece.size_bytes for piece in loose) == least:
                parts.append(Part(tuple(loose), copied=False))
                loose = []
        rest = Slice(stage.key, start, stage.size_bytes)
        if rest.size_bytes >= least:
            parts.extend(Part((piece,), copied=True) for piece in _split(rest))
        elif rest.size_bytes:
            loose = [rest]
    if loose:
        parts.append(Part(tuple(loose), copied=False))
    return parts


def plan_equal(stages: Sequence[Stage]) -> list[Part]:
    """Return parts of one size, the last one smaller, that together are the concatenation of `stages`."""
    size = part_bytes(sum(stage.size_bytes for stage in stages))
    parts: list[Part] = []
    pieces: list[Slice] = []
    room = size
    for stage in stages:
        start = 0
        while start < stage.size_bytes:
            end = min(stage.size_bytes, start + room)
            pieces.append(Slice(stage.key, start, end))
            room -= end - start
            start = end
            if not room:
                parts.append(Part(tuple(pieces), copied=len(pieces) == 1))
                pieces, room = [], size
    if pieces:
        parts.append(Part(tuple(pieces), copied=False))
    return parts


def _split(whole: Slice) -> list[Slice]:
    """Cut into equal pieces, so that none is too small."""
    count = -(-whole.size_bytes // MOST_PART_BYTES)
    cuts = [whole.start + whole.size_bytes * number // count for number in range(count + 1)]
    return [Slice(whole.key, start, end) for start, end in pairwise(cuts)]
