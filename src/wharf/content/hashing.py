"""SHA-256 of an upload while it streams, continued from request to request where this process can."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING

from wharf.oci.digest import Digest, new_hasher

if TYPE_CHECKING:
    from hashlib import _Hash as Hasher

Chunk = bytes | memoryview
_INLINE_BYTES = 128 * 1024  # hashing more than this takes longer than handing it to a thread
_KEPT = 10_000


class Hashers:
    """Half-finished hashes of this process's uploads, the most recently used ones.

    Another replica, or this one after a restart, reads the bytes again instead.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[int, Hasher]] = OrderedDict()

    def take(self, upload_id: str, offset_bytes: int) -> "Hasher | None":
        """Return the hash of the first `offset_bytes` bytes, and forget it: its next user changes it."""
        if offset_bytes == 0:
            return new_hasher()
        offset, hasher = self._kept.pop(upload_id, (-1, None))
        return hasher if offset == offset_bytes else None

    def keep(self, upload_id: str, offset_bytes: int, hasher: "Hasher | None") -> None:
        """Remember the hash of the first `offset_bytes` bytes."""
        if hasher is None or offset_bytes == 0:
            return
        self._kept[upload_id] = (offset_bytes, hasher)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)


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
