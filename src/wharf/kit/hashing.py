"""Digests of bytes while they stream by."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING

from wharf.oci.digest import Digest, new_hasher

if TYPE_CHECKING:
    from hashlib import _Hash as Hasher

Chunk = bytes | memoryview
_INLINE_BYTES = 128 * 1024  # hashing more than this takes longer than handing it to a thread


async def hashed(chunks: AsyncIterator[Chunk], hashers: Iterable["Hasher"]) -> AsyncIterator[Chunk]:
    """Pass `chunks` on while feeding `hashers`; a large chunk is hashed in a thread while the next one is awaited."""
    loop = asyncio.get_running_loop()
    hashers = tuple(hashers)
    running: list[asyncio.Future[None]] = []
    try:
        async for chunk in chunks:
            if running:
                await asyncio.gather(*running)
                running = []
            if len(chunk) <= _INLINE_BYTES:
                for hasher in hashers:
                    hasher.update(chunk)
            else:
                running = [loop.run_in_executor(None, hasher.update, chunk) for hasher in hashers]
            yield chunk
    finally:
        if running:
            await asyncio.gather(*running)


async def digests(chunks: AsyncIterator[Chunk], *algorithms: str) -> tuple[Digest, ...]:
    """Read `chunks` to the end and return their digest by each algorithm."""
    hashers = [new_hasher(algorithm) for algorithm in algorithms]
    async for _ in hashed(chunks, hashers):
        pass
    return tuple(Digest.from_hasher(hasher) for hasher in hashers)
