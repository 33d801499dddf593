"""Objects in storage that no row knows: left by a crash between writing bytes and committing their row."""

from collections.abc import AsyncIterator
from datetime import datetime

from sqlalchemy import BindParameter, Integer, String, bindparam, func, literal_column, select, union_all

from wharf.content.gc.collect import CollectionRules
from wharf.content.gc.freed import Freed
from wharf.content.tables import blob, garbage, upload, upload_part
from wharf.db import Database
from wharf.db.dialect import insert
from wharf.oci.digest import SHA256
from wharf.oci.uploads import UploadState
from wharf.storage.base import Found, Storage

_keys: BindParameter[str] = bindparam("keys", expanding=True)
# Cheap, by an index: how nearly every object is found to be known. By key all rows have to be looked at.
_OF_DIGESTS = select(blob.c.storage_key).where(blob.c.digest.in_(bindparam("digests", expanding=True)))
_KNOWN_OBJECTS = union_all(
    select(blob.c.storage_key).where(blob.c.storage_key.in_(_keys)),
    select(garbage.c.storage_key).where(garbage.c.storage_key.in_(_keys)),
)
_KNOWN_STAGES = union_all(
    select(upload_part.c.stage_key).where(upload_part.c.stage_key.in_(_keys)),
    select(garbage.c.storage_key).where(garbage.c.storage_key.in_(_keys)),
)
_UPLOAD_LENGTH = 12  # of an upload's id, in the name of what it wrote
_upload = func.substr(upload.c.id, 1, literal_column(str(_UPLOAD_LENGTH), Integer), type_=String)
_UNFINISHED = select(_upload).where(
    _upload.in_(bindparam("uploads", expanding=True)), upload.c.state == UploadState.OPEN
)
_DISCARD = insert(garbage)


async def find_orphans(
    database: Database, storage: Storage, *, now: datetime, rules: CollectionRules, dry_run: bool = False
) -> Freed:
    """Make garbage of objects and stages older than the rules' orphan age that no row knows; return their count.

    Younger ones may be on their way: their row is written after their bytes.
    """
    freed = Freed()
    for found, stage in ((storage.list_("blobs/"), False), (storage.list_stages(), True)):
        async for batch in _batches(found, before=now - rules.orphan_age, count=rules.batch_count):
            orphans = await _unknown(database, batch, stage=stage)
            freed += Freed(objects=len(orphans), object_bytes=sum(each.size_bytes for each in orphans))
            if orphans and not dry_run:
                async with database.write() as tx:
                    await tx.many(
                        _DISCARD,
                        [
                            {
                                "storage_key": each.key,
                                "stage": stage,
                                "size_bytes": each.size_bytes,
                                "created_at": now,
                            }
                            for each in orphans
                        ],
                    )
    return freed


async def _batches(found: AsyncIterator[Found], *, before: datetime, count: int) -> AsyncIterator[list[Found]]:
    batch: list[Found] = []
    async for each in found:
        if each.modified_at < before:
            batch.append(each)
        if len(batch) >= count:
            yield batch
            batch = []
    if batch:
        yield batch


async def _unknown(database: Database, batch: list[Found], *, stage: bool) -> list[Found]:
    statement = _KNOWN_STAGES if stage else _KNOWN_OBJECTS
    async with database.read() as read:
        if not stage:
            digests = [_digest(each.key) for each in batch]
            batch = _without(batch, await read.all(_OF_DIGESTS, digests=digests))
        if batch:
            batch = _without(batch, await read.all(statement, keys=[each.key for each in batch]))
        if batch and not stage:
            # A commit that failed after the object was written may still be repeated.
            rows = await read.all(_UNFINISHED, uploads=[_upload_of(each.key) for each in batch])
            unfinished = {start for (start,) in rows}
            batch = [each for each in batch if _upload_of(each.key) not in unfinished]
    return batch


def _without(batch: list[Found], rows: list[tuple[str]]) -> list[Found]:
    known = {key for (key,) in rows}
    return [each for each in batch if each.key not in known]


def _upload_of(key: str) -> str:
    return key.rpartition(".")[2]


def _digest(key: str) -> str:
    """The digest of an object that an upload wrote: `blobs/sha256/ab/<hex>.<upload>`."""
    return f"{SHA256}:{key.rpartition('/')[2].partition('.')[0]}"
