"""The arithmetic of parts, without a store."""

from hypothesis import given
from hypothesis import strategies as st

from wharf.storage import Stage
from wharf.storage.s3.plan import LEAST_PART_BYTES, MIB, SENT_PART_BYTES, Part, part_bytes, plan, plan_equal

GIB = 1024 * MIB
SIZES = st.one_of(
    st.integers(0, 2 * LEAST_PART_BYTES),
    st.sampled_from([0, 1, LEAST_PART_BYTES - 1, LEAST_PART_BYTES, LEAST_PART_BYTES + 1, GIB, 5 * GIB + 1, 70 * GIB]),
)


def is_the_concatenation(parts: list[Part], stages: list[Stage]) -> bool:
    pieces = [piece for part in parts for piece in part.slices]
    joined: dict[str, int] = {}
    for piece in pieces:
        assert joined.get(piece.key, 0) == piece.start < piece.end
        joined[piece.key] = piece.end
    return list(joined.items()) == [(stage.key, stage.size_bytes) for stage in stages if stage.size_bytes]


@given(st.lists(SIZES, max_size=40))
def test_the_parts_are_the_stages_in_order_and_the_rules_of_s3_hold(sizes: list[int]) -> None:
    stages = [Stage(f"stages/{number}", size) for number, size in enumerate(sizes)]
    for parts in (plan(stages), plan_equal(stages)):
        assert is_the_concatenation(parts, stages)
        lengths = [part.size_bytes for part in parts]
        assert all(LEAST_PART_BYTES <= length for length in lengths[:-1])
        assert all(length <= 5 * GIB for length in lengths)
        assert len(parts) <= 10_000
    *equal, last = [part.size_bytes for part in plan_equal(stages)] or [0]
    assert not equal or ({equal[0]} == set(equal) and last <= equal[0])


@given(st.lists(SIZES, max_size=40))
def test_what_a_store_can_copy_does_not_travel(sizes: list[int]) -> None:
    parts = plan([Stage(f"stages/{number}", size) for number, size in enumerate(sizes)])
    least = max(LEAST_PART_BYTES, -(-sum(sizes) // 9_000))
    for part in parts:
        if part.copied:
            assert 1 == len(part.slices)
        else:
            assert part.size_bytes <= least


def test_ten_thousand_small_stages_fit() -> None:
    assert len(plan([Stage(f"stages/{number}", 4 * MIB) for number in range(30_000)])) <= 10_000


def test_a_terabyte_that_was_announced_fits() -> None:
    assert SENT_PART_BYTES == part_bytes(None) == part_bytes(1)
    assert 1024 * GIB <= 10_000 * part_bytes(1024 * GIB)
