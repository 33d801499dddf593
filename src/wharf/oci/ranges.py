"""Byte ranges: `Range` of a GET (RFC 9110, section 14), `Content-Range` of a chunk, `Range` of an upload's answer."""

import re
from typing import NamedTuple

from wharf.oci.errors import ContentRangeInvalid, RangeUnsatisfiable

_FLAGS = re.IGNORECASE | re.ASCII
# Forty digits are more than any size; a longer number is not worth the arithmetic.
_RANGE = re.compile(r"bytes=[ \t]*(?P<first>[0-9]{0,40})-(?P<last>[0-9]{0,40})[ \t]*", _FLAGS)
# The distribution specification has "<start>-<end>"; RFC 9110's "bytes a-b/size" is sent by generic HTTP clients.
_CONTENT_RANGE = re.compile(r"(?:bytes[ =])?([0-9]{1,18})-([0-9]{1,18})(?:/(?:[0-9]{1,18}|\*))?", _FLAGS)


class Range(NamedTuple):
    """The bytes from `start` up to but not including `end`."""

    start: int
    end: int

    @property
    def length_bytes(self) -> int:
        """How many bytes the range covers."""
        return self.end - self.start

    def content_range(self, size_bytes: int) -> str:
        """The Content-Range header of the answer."""
        return f"bytes {self.start}-{self.end - 1}/{size_bytes}"


def parse(header: str | None, size_bytes: int) -> Range | None:
    """The part of `size_bytes` that a Range header asks for, or None where the whole is to be answered with a 200.

    That is so for other units, several ranges and anything malformed (RFC 9110 has servers ignore those), and for empty
    content, where no range could be satisfied and clients that send `bytes=0-` with every request expect a success.
    Raises RangeUnsatisfiable for a range that starts past the end, or ends before it starts.
    """
    match = _RANGE.fullmatch(header) if header else None
    if match is None or size_bytes == 0:
        return None
    first, last = match["first"], match["last"]
    if first:
        start = int(first)
        end = min(int(last) + 1, size_bytes) if last else size_bytes
    elif last:
        start = max(size_bytes - int(last), 0)
        end = size_bytes
    else:
        return None
    if start >= end:
        raise RangeUnsatisfiable(size_bytes)
    return Range(start, end)


def parse_content_range(header: str) -> Range:
    """The place of a chunk in its upload, from `a-b` or `bytes a-b/*`; raises ContentRangeInvalid."""
    match = _CONTENT_RANGE.fullmatch(header.strip())
    if match is None or int(match[1]) > int(match[2]):
        raise ContentRangeInvalid(header)
    return Range(int(match[1]), int(match[2]) + 1)


def format_received(size_bytes: int) -> str:
    """The Range header in which an upload says how much it has; an empty one says `0-0` (distribution-spec, end-13)."""
    return f"0-{max(size_bytes - 1, 0)}"
