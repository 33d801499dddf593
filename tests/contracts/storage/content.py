"""Bytes for the tests, and short words for putting them into a store and getting them out again."""

import random
from collections.abc import AsyncIterator, Iterable, Iterator

from wharf.storage import Found, Stage, Storage

KIB, MIB = 1024, 1024 * 1024
KEY = "blobs/sha256/ab/" + "ab" * 32
OTHER_KEY = "blobs/sha256/cd/" + "cd" * 32
BLOCK = random.Random(7).randbytes(MIB)


def some(size_bytes: int, seed: int = 0) -> bytes:
    """Return bytes in which a wrong order, a gap or a repetition shows."""
    return random.Random(seed).randbytes(size_bytes)


def cut(data: bytes, size_bytes: int) -> Iterator[bytes]:
    """Cut `data` into chunks of at most `size_bytes`."""
    for start in range(0, len(data), size_bytes):
        yield data[start : start + size_bytes]


async def body(*chunks: bytes | memoryview) -> AsyncIterator[bytes | memoryview]:
    """Arrive as a request body does."""
    for chunk in chunks:
        yield chunk


async def staged(storage: Storage, data: bytes, chunk_bytes: int = 64 * KIB) -> Stage:
    """Stage `data` as the body of one request."""
    return await storage.stage(body(*cut(data, chunk_bytes)), hint_bytes=len(data))


async def published(storage: Storage, data: bytes, key: str = KEY) -> None:
    """Store `data` under `key`."""
    await storage.compose([await staged(storage, data)], key)


async def all_of(chunks: AsyncIterator[bytes]) -> bytes:
    """Read to the end."""
    return b"".join([chunk async for chunk in chunks])


async def found(listed: AsyncIterator[Found]) -> list[Found]:
    """List to the end."""
    return [each async for each in listed]


async def keys(listed: AsyncIterator[Found]) -> list[str]:
    """List to the end, and return the keys alone."""
    return [each.key async for each in listed]


def total(stages: Iterable[Stage]) -> int:
    """Return the size of all stages together."""
    return sum(stage.size_bytes for stage in stages)
