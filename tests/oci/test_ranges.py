"""Ranges of downloads and of upload chunks."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wharf.oci import ranges
from wharf.oci.errors import ContentRangeInvalid, RangeUnsatisfiable
from wharf.oci.ranges import Range

SIZE = 4096

# What of SIZE bytes is asked for; None is all of it, answered with a 200.
ASKED: list[tuple[str | None, Range | None]] = [
    (None, None),
    ("", None),
    ("bytes=500-1499", Range(500, 1500)),
    ("bytes=0-0", Range(0, 1)),
    ("bytes=0-", Range(0, SIZE)),
    ("bytes=500-", Range(500, SIZE)),
    ("bytes=4095-", Range(4095, SIZE)),
    ("bytes=-500", Range(SIZE - 500, SIZE)),
    ("bytes=-5000", Range(0, SIZE)),
    ("bytes=2000-5000", Range(2000, SIZE)),
    ("bytes=0-" + "9" * 40, Range(0, SIZE)),
    ("Bytes= 1-2 ", Range(1, 3)),
    # Several ranges: RFC 9110 lets a server ignore them, and no registry client sends them.
    ("bytes=0-1,5-6", None),
    ("bytes=0-1, -5", None),
    # Other units, and what is malformed.
    ("chars=0-1", None),
    ("bytes=-", None),
    ("bytes=a-b", None),
    ("bytes=1", None),
    ("bytes 1-2", None),
    ("bytes=1-2-3", None),
    ("bytes=٣-", None),
    ("bytes=+1-2", None),
    ("bytes=0-1\n", None),
    ("bytes=" + "9" * 5000 + "-", None),
]


@pytest.mark.parametrize(("header", "expected"), ASKED)
def test_what_is_asked_for(header: str | None, expected: Range | None) -> None:
    assert expected == ranges.parse(header, SIZE)


@pytest.mark.parametrize(
    "header", ["bytes=4096-", "bytes=5000-6000", "bytes=500-0", "bytes=-0", "bytes=9999999999999999999-"]
)
def test_what_cannot_be_satisfied(header: str) -> None:
    with pytest.raises(RangeUnsatisfiable) as unsatisfiable:
        ranges.parse(header, SIZE)
    assert SIZE == unsatisfiable.value.size_bytes


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=0-0", "bytes=-1", "bytes=5-"])
def test_nothing_of_an_empty_blob_is_all_of_it(header: str) -> None:
    assert ranges.parse(header, 0) is None


def test_an_answer_says_which_part_it_is() -> None:
    part = Range(500, 1500)
    assert "bytes 500-1499/4096" == part.content_range(SIZE)
    assert 1000 == part.length_bytes


@pytest.mark.parametrize(
    "header", ["0-9", "bytes 0-9/*", "bytes 0-9/10", "bytes 0-9", "bytes=0-9", " 0-9 ", "Bytes 0-9/*"]
)
def test_a_chunks_place(header: str) -> None:
    assert Range(0, 10) == ranges.parse_content_range(header)


@pytest.mark.parametrize(
    "header", ["", "-", "0", "9-0", "a-b", "-5", "5-", "0-9/", "bytes */10", "0-9,10-19", "0-" + "9" * 19]
)
def test_what_is_no_place(header: str) -> None:
    with pytest.raises(ContentRangeInvalid):
        ranges.parse_content_range(header)


@pytest.mark.parametrize(("size_bytes", "expected"), [(0, "0-0"), (1, "0-0"), (10, "0-9")])
def test_an_upload_says_how_much_it_has(size_bytes: int, expected: str) -> None:
    assert expected == ranges.format_received(size_bytes)


@given(st.integers(1, 10**6), st.data())
def test_a_range_is_the_part_of_the_content_that_was_meant(size_bytes: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, size_bytes - 1))
    last = data.draw(st.integers(start, 2 * size_bytes))
    found = ranges.parse(f"bytes={start}-{last}", size_bytes)
    assert Range(start, min(last + 1, size_bytes)) == found
    assert found == ranges.parse_content_range(found.content_range(size_bytes))


@given(st.one_of(st.text(), st.from_regex(r"\Abytes=[0-9]{0,25}-[0-9]{0,25}\Z")), st.integers(0, 2**63))
def test_any_header_is_a_part_or_all_or_unsatisfiable(header: str, size_bytes: int) -> None:
    try:
        found = ranges.parse(header, size_bytes)
    except RangeUnsatisfiable:
        return
    assert found is None or 0 <= found.start < found.end <= size_bytes


@given(st.text())
def test_any_header_is_a_place_or_invalid(header: str) -> None:
    with contextlib.suppress(ContentRangeInvalid):
        assert ranges.parse_content_range(header).length_bytes > 0
