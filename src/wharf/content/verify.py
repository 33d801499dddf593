"""Scrub: read stored blobs again and say which are missing or not what their digest says."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select, update

from wharf.content.tables import blob
from wharf.db import Database
from wharf.kit.clock import Clock, utc_now
from wharf.kit.hashing import digests
from wharf.oci.digest import SHA256, Digest
from wharf.storage.base import Storage
from wharf.storage.errors import ObjectMissing

_BATCH = 200
_PAGE = (
    select(blob.c.id, blob.c.digest, blob.c.size_bytes, blob.c.storage_key)
    .where(blob.c.id > bindparam("after"))
    .order_by(blob.c.id)
    .limit(bindparam("count"))
)
_STILL = select(blob.c.id).where(blob.c.id == bindparam("id"), blob.c.storage_key == bindparam("key"))
_VERIFIED = (
    update(blob)
    .where(blob.c.id == bindparam("blob_id"), blob.c.storage_key == bindparam("key"))
    .values(verified_at=bindparam("at"))
)


@dataclass(frozen=True, slots=True)
class Damage:
    """A stored blob that cannot be served."""

    digest: Digest
    storage_key: str
    fact: str  # "missing", or "corrupt" with the digest found


@dataclass(frozen=True, slots=True)
class Checked:
    """One blob that was read."""

    digest: Digest
    size_bytes: int
    damage: Damage | None


async def verify(
    database: Database, storage: Storage, *, bytes_per_second: int | None = None, clock: Clock = utc_now
) -> AsyncIterator[Checked]:
    """Read every stored blob and yield what was found, at most `bytes_per_second` on average.

    A blob that is collected while this runs is passed over.
    """
    after = 0
    while True:
        async with database.read() as read:
            rows = await read.all(_PAGE, after=after, count=_BATCH)
        verified: list[tuple[int, str]] = []
        for id_, digest, size_bytes, key in rows:
            started = clock()
            checked = await _check(database, storage, id_, Digest(digest), size_bytes, key)
            if checked is not None:
                yield checked
                if checked.damage is None:
                    verified.append((id_, key))
            if bytes_per_second:
                await _pace(size_bytes / bytes_per_second, started, clock)
        async with database.write() as tx:
            await tx.many(_VERIFIED, [{"blob_id": id_, "key": key, "at": clock()} for id_, key in verified])
        if len(rows) < _BATCH:
            return
        after = rows[-1][0]


async def _check(
    database: Database, storage: Storage, id_: int, digest: Digest, size_bytes: int, key: str
) -> Checked | None:
    try:
        (got,) = await digests(storage.open(key), SHA256)
    except ObjectMissing:
        async with database.read() as read:
            if await read.find(_STILL, id=id_, key=key) is None:
                return None
        return Checked(digest, size_bytes, Damage(digest, key, "missing"))
    damage = None if got == digest else Damage(digest, key, f"corrupt: {got}")
    return Checked(digest, size_bytes, damage)


async def _pace(seconds: float, started: datetime, clock: Clock) -> None:
    left = seconds - (clock() - started).total_seconds()
    if left > 0:
        await asyncio.sleep(left)
