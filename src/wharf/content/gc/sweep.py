"""The regular rounds: whatever has run out since the last one."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sqlalchemy import and_, bindparam, delete, literal_column, select, update

from wharf.accounts.tables import namespace
from wharf.content.blobs import doom_unlinked
from wharf.content.gc.collect import CollectionRules
from wharf.content.gc.freed import Freed
from wharf.content.jobs import CollectRepository
from wharf.content.tables import (
    blob,
    garbage,
    manifest,
    manifest_blob,
    repository,
    repository_blob,
    tag,
    upload,
    upload_part,
)
from wharf.db import Database, Read
from wharf.db.dialect import insert
from wharf.events.catalog import TagDeleted
from wharf.events.publish import publish
from wharf.jobs.queue import enqueue
from wharf.oci.digest import Digest
from wharf.storage.base import Stage, Storage, inline_bytes

_DELETIONS_AT_ONCE = 16

_rb = repository_blob.c
_held = (
    select(manifest_blob.c.manifest_id)
    .where(manifest_blob.c.repository_id == _rb.repository_id, manifest_blob.c.blob_id == _rb.blob_id)
    .exists()
)
_unlinked = ~select(_rb.blob_id).where(_rb.blob_id == blob.c.id).exists()

_EXPIRED_TAGS = (
    select(tag.c.id, tag.c.name, tag.c.expires_at, manifest.c.digest, repository.c.id, repository.c.name)
    .join(manifest, manifest.c.id == tag.c.manifest_id)
    .join(repository, repository.c.id == tag.c.repository_id)
    .where(tag.c.expires_at <= bindparam("now"), tag.c.ended_at.is_(None))
    .limit(bindparam("count"))
    .with_for_update(of=tag, skip_locked=True)
)
_END_TAG = update(tag).where(tag.c.id == bindparam("tag_id")).values(ended_at=bindparam("at"))

_EXPIRED_UPLOADS = (
    select(upload.c.id)
    .where(upload.c.expires_at <= bindparam("now"))
    .limit(bindparam("count"))
    .with_for_update(skip_locked=True)
)
_PARTS_OF = select(upload_part.c.stage_key, upload_part.c.size_bytes).where(
    upload_part.c.upload_id.in_(bindparam("ids", expanding=True))
)
_FORGET_UPLOADS = delete(upload).where(upload.c.id.in_(bindparam("ids", expanding=True)))

# The blobs are locked as well, so that nobody links one while we find out that it has no link left. And as this never
# waits, it is never part of a deadlock.
_ENDED_LEASES = (
    select(_rb.repository_id, _rb.blob_id, _held)
    .join(blob, blob.c.id == _rb.blob_id)
    .where(_rb.leased_until <= bindparam("now"))
    .limit(bindparam("count"))
    .with_for_update(of=[repository_blob, blob], skip_locked=True)
)
_same_link = and_(
    _rb.repository_id == bindparam("repository"),
    _rb.blob_id == bindparam("blob"),
    _rb.leased_until <= bindparam("now"),
)
_HOLD = update(repository_blob).where(_same_link, _held).values(leased_until=None)
_UNLINK = delete(repository_blob).where(_same_link, ~_held)

_DOOMED = (
    select(blob.c.id, blob.c.storage_key, blob.c.size_bytes)
    .where(blob.c.doomed_at <= bindparam("before"), _unlinked)
    .limit(bindparam("count"))
    .with_for_update(skip_locked=True)
)
_FORGET_BLOBS = (
    delete(blob)
    .where(blob.c.id.in_(bindparam("ids", expanding=True)), _unlinked)
    .returning(blob.c.storage_key, blob.c.size_bytes)
)
_DISCARD = insert(garbage)
_GARBAGE = (
    select(garbage.c.id, garbage.c.storage_key, garbage.c.size_bytes, garbage.c.stage)
    .where(garbage.c.id > bindparam("after"))
    .order_by(garbage.c.id)
    .limit(bindparam("count"))
)
_FORGET_GARBAGE = delete(garbage).where(garbage.c.id.in_(bindparam("ids", expanding=True)))

_WINDOWS = select(namespace.c.time_machine_seconds).distinct()


_default_or = namespace.c.time_machine_seconds.is_not_distinct_from(bindparam("seconds"))
_DUE_BY_TAGS = (
    # "+ 0": else SQLite reads all tags in the order of their repositories, to find each of these but once.
    select(tag.c.repository_id + literal_column("0"))
    .distinct()
    .join(repository, repository.c.id == tag.c.repository_id)
    .join(namespace, namespace.c.id == repository.c.namespace_id)
    .where(tag.c.ended_at <= bindparam("since"), _default_or)
)
_DUE_BY_MANIFESTS = (
    select(manifest.c.repository_id + literal_column("0"))
    .distinct()
    .join(repository, repository.c.id == manifest.c.repository_id)
    .join(namespace, namespace.c.id == repository.c.namespace_id)
    .where(manifest.c.deleted_at <= bindparam("since"), _default_or)
)
_DELETED_REPOSITORIES = select(repository.c.id).where(repository.c.deleted_at.is_not(None))


async def sweep(database: Database, storage: Storage, *, now: datetime, rules: CollectionRules) -> Freed:
    """Do one round of everything, each in batches until nothing is left, and return what was freed."""
    freed = Freed(tags=await _drain(lambda: _expire_tags(database, now, rules.batch_count), rules))
    freed += Freed(uploads=await _drain(lambda: _expire_uploads(database, now, rules.batch_count), rules))
    freed += Freed(links=await _drain(lambda: _end_leases(database, now, rules.batch_count), rules))
    freed += Freed(blobs=await _drain(lambda: _forget_blobs(database, now, rules), rules))
    freed += await empty_garbage(database, storage, rules)
    await storage.abort_unfinished(now - rules.orphan_age)
    await enqueue_due(database, now=now, rules=rules)
    return freed


async def _drain(batch: Callable[[], Awaitable[int]], rules: CollectionRules) -> int:
    total = 0
    while (count := await batch()) > 0:
        total += count
        if count < rules.batch_count:
            break
    return total


async def _expire_tags(database: Database, now: datetime, count: int) -> int:
    """End the tags whose time is over, at the moment it was."""
    async with database.write() as tx:
        rows = await tx.all(_EXPIRED_TAGS, now=now, count=count)
        for tag_id, name, expired_at, digest, repository_id, repository_name in rows:
            assert expired_at is not None
            await tx.run(_END_TAG, tag_id=tag_id, at=expired_at)
            await publish(
                tx,
                TagDeleted(
                    at=expired_at,
                    by="",
                    repository_id=repository_id,
                    repository=repository_name,
                    tag=name,
                    digest=Digest(digest),
                ),
            )
    return len(rows)


async def _expire_uploads(database: Database, now: datetime, count: int) -> int:
    """Forget sessions that nobody continued, and those that ended; their stages become garbage."""
    async with database.write() as tx:
        ids = [id_ for (id_,) in await tx.all(_EXPIRED_UPLOADS, now=now, count=count)]
        if ids:
            stages = await tx.all(_PARTS_OF, ids=ids)
            await tx.many(
                _DISCARD,
                [
                    {"storage_key": key, "stage": True, "size_bytes": size, "created_at": now}
                    for key, size in stages
                    if inline_bytes(key) is None  # else its bytes went with its row
                ],
            )
            await tx.run(_FORGET_UPLOADS, ids=ids)
    return len(ids)


async def _end_leases(database: Database, now: datetime, count: int) -> int:
    """Unlink blobs that no manifest of their repository needs; those it does need are off their leases from now on."""
    async with database.write() as tx:
        rows = await tx.all(_ENDED_LEASES, now=now, count=count)
        links = [{"repository": repository_id, "blob": blob_id, "now": now} for repository_id, blob_id, _ in rows]
        await tx.many(_HOLD, links)
        await tx.many(_UNLINK, links)
        await doom_unlinked(tx, [blob_id for _, blob_id, held in rows if not held], at=now)
    return len(rows)


async def _forget_blobs(database: Database, now: datetime, rules: CollectionRules) -> int:
    """Forget doomed blobs after their grace; a blob linked since then is not doomed any more."""
    async with database.write() as tx:
        rows = await tx.all(_DOOMED, before=now - rules.grace, count=rules.batch_count)
        if not rows:
            return 0
        gone = await tx.all(_FORGET_BLOBS, ids=[row[0] for row in rows])
        await tx.many(
            _DISCARD,
            [{"storage_key": key, "stage": False, "size_bytes": size, "created_at": now} for key, size in gone],
        )
    return len(gone)


async def empty_garbage(database: Database, storage: Storage, rules: CollectionRules) -> Freed:
    """Delete forgotten objects from storage, then their garbage rows, not faster than the rules say.

    An object that cannot be deleted keeps its row and holds up no other. Raises the last such failure in the end, or at
    once when storage deletes nothing at all.
    """
    freed = Freed()
    failure: BaseException | None = None
    after = 0
    loop = asyncio.get_running_loop()
    while True:
        started = loop.time()
        async with database.read() as read:
            rows = await read.all(_GARBAGE, after=after, count=rules.batch_count)
        if not rows:
            break
        after = rows[-1][0]
        limit = asyncio.Semaphore(_DELETIONS_AT_ONCE)
        failures = await asyncio.gather(
            *(_delete(storage, limit, key, size, stage=stage) for _, key, size, stage in rows), return_exceptions=True
        )
        failure = next(filter(None, failures), failure)
        gone = [row for row, failed in zip(rows, failures, strict=True) if failed is None]
        if not gone:
            break
        async with database.write() as tx:
            await tx.run(_FORGET_GARBAGE, ids=[row[0] for row in gone])
        freed += Freed(objects=len(gone), object_bytes=sum(size for _, _, size, _ in gone))
        await asyncio.sleep(max(0.0, len(rows) / rules.max_deletions_per_second - (loop.time() - started)))
    if failure is not None:
        raise failure
    return freed


async def _delete(storage: Storage, limit: asyncio.Semaphore, key: str, size: int, *, stage: bool) -> None:
    async with limit:
        if stage:
            await storage.discard([Stage(key, size)])
        else:
            await storage.delete(key)


async def enqueue_due(database: Database, *, now: datetime, rules: CollectionRules) -> None:
    """Enqueue a collection for every repository of which some past has left the time machine."""
    async with database.read() as read:
        due = await due_repositories(read, now=now, rules=rules)
    if due:
        async with database.write() as tx:
            for repository_id in sorted(due):
                await enqueue(tx, CollectRepository(repository_id), run_at=now)


async def due_repositories(read: Read, *, now: datetime, rules: CollectionRules) -> set[int]:
    """Return the repositories whose past reaches out of the time machine's window, and the deleted ones."""
    due = {id_ for (id_,) in await read.all(_DELETED_REPOSITORIES)}
    for (seconds,) in await read.all(_WINDOWS):
        window = rules.time_machine if seconds is None else timedelta(seconds=seconds)
        for statement in (_DUE_BY_TAGS, _DUE_BY_MANIFESTS):
            due |= {id_ for (id_,) in await read.all(statement, since=now - window, seconds=seconds)}
    return due
