"""The bytes of a request."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from wharf.v2.errors import BodyTooLarge, BodyTruncated
from wharf.v2.request import Body


def _receive(*messages: bytes | None, more: bool = False) -> Callable[[], Awaitable[dict[str, Any]]]:
    """Messages in order; None hangs up, and `more` leaves the end open."""
    waiting = list(messages)

    async def receive() -> dict[str, Any]:
        chunk = waiting.pop(0)
        if chunk is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": chunk, "more_body": more or bool(waiting)}

    return receive


async def test_chunks_as_they_come() -> None:
    body = Body(_receive(b"ab", b"", b"c"), 3)
    assert [b"ab", b"c"] == [chunk async for chunk in body]
    assert (3, True, False) == (body.received_bytes, body.ended, body.truncated)
    assert [] == [chunk async for chunk in body]


@pytest.mark.parametrize("length", [None, 100])
async def test_a_client_that_hangs_up(length: int | None) -> None:
    body = Body(_receive(b"ab", None), length)
    assert [b"ab"] == [chunk async for chunk in body]
    assert (2, True, True) == (body.received_bytes, body.ended, body.truncated)


async def test_less_than_was_announced() -> None:
    body = Body(_receive(b"ab"), 3)
    assert [b"ab"] == [chunk async for chunk in body]
    assert body.truncated


@pytest.mark.parametrize(
    ("messages", "length", "empty"),
    [
        ([b""], 0, True),
        ([b"x"], 1, False),
        ([b""], None, True),
        ([b"", b""], None, True),
        ([b"", b"x"], None, False),
        ([b"x"], None, False),
        ([None], None, True),
    ],
)
async def test_whether_there_is_anything(messages: list[bytes | None], length: int | None, empty: bool) -> None:  # noqa: FBT001
    body = Body(_receive(*messages), length)
    assert empty is await body.is_empty()
    assert b"".join(filter(None, messages)) == b"".join([chunk async for chunk in body])


async def test_reading_all_of_it() -> None:
    assert b"abc" == await Body(_receive(b"ab", b"c"), None).read(3)
    assert b"" == await Body(_receive(b""), 0).read(3)


async def test_reading_too_much() -> None:
    untouched = Body(_receive(), 4)
    with pytest.raises(BodyTooLarge):
        await untouched.read(3)
    with pytest.raises(BodyTooLarge):
        await Body(_receive(b"ab", b"cd", more=True), None).read(3)


async def test_reading_half_of_it() -> None:
    with pytest.raises(BodyTruncated):
        await Body(_receive(b"ab", None), None).read(3)


async def test_draining() -> None:
    body = Body(_receive(b"x" * 10, b"x" * 10, b"x" * 10, more=True), None)
    await body.drain(15)
    assert 20 == body.received_bytes
    assert not body.ended
