"""What garbage collection would do now, without doing it."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, select

from wharf.accounts.tables import namespace
from wharf.content.gc.collect import CollectionRules
from wharf.content.gc.freed import Freed
from wharf.content.gc.graph import Moment, candidates, collectable
from wharf.content.gc.orphans import find_orphans
from wharf.content.tables import blob, garbage, manifest_blob, repository, repository_blob, tag, upload
from wharf.db import Database
from wharf.storage.base import Storage

_rb = repository_blob.c
_REPOSITORIES = (
    select(repository.c.id, namespace.c.time_machine_seconds)
    .join(namespace, namespace.c.id == repository.c.namespace_id)
    .where(repository.c.id > bindparam("after"), repository.c.deleted_at.is_(None))
    .order_by(repository.c.id)
    .limit(bindparam("count"))
)
_OLD_TAGS = select(func.count()).where(
    tag.c.repository_id == bindparam("repository"), tag.c.ended_at <= bindparam("since")
)
_UPLOADS = select(func.count()).where(upload.c.expires_at <= bindparam("now"))
_LINKS = select(func.count()).where(
    _rb.leased_until <= bindparam("now"),
    ~select(manifest_blob.c.manifest_id)
    .where(manifest_blob.c.repository_id == _rb.repository_id, manifest_blob.c.blob_id == _rb.blob_id)
    .exists(),
)
_BLOBS = select(func.count(), func.coalesce(func.sum(blob.c.size_bytes), 0)).where(
    blob.c.doomed_at <= bindparam("before")
)
_GARBAGE = select(func.count(), func.coalesce(func.sum(garbage.c.size_bytes), 0))


async def report(database: Database, storage: Storage, *, now: datetime, rules: CollectionRules) -> Freed:
    """Count what a sweep and the due collections would free at `now`; later steps of the same content come later."""
    freed = await find_orphans(database, storage, now=now, rules=rules, dry_run=True)
    async with database.read() as read:
        blobs, blob_bytes = await read.one(_BLOBS, before=now - rules.grace)
        objects, object_bytes = await read.one(_GARBAGE)
        freed += Freed(
            uploads=await read.scalar(_UPLOADS, now=now) or 0,
            links=await read.scalar(_LINKS, now=now) or 0,
            blobs=blobs,
            objects=objects + blobs,
            object_bytes=int(object_bytes) + int(blob_bytes),
        )
    return freed + await _repositories(database, now, rules)


async def _repositories(database: Database, now: datetime, rules: CollectionRules) -> Freed:
    freed = Freed()
    after = 0
    while True:
        async with database.read() as read:
            rows = await read.all(_REPOSITORIES, after=after, count=rules.batch_count)
        for repository_id, seconds in rows:
            window = rules.time_machine if seconds is None else timedelta(seconds=seconds)
            freed += await _repository(database, repository_id, Moment(now, now - window), rules)
        if len(rows) < rules.batch_count:
            return freed
        after = rows[-1][0]


async def _repository(database: Database, repository_id: int, at: Moment, rules: CollectionRules) -> Freed:
    freed = Freed()
    after = ""
    async with database.read() as read:
        freed += Freed(tags=await read.scalar(_OLD_TAGS, repository=repository_id, since=at.since) or 0)
        while True:
            some = await candidates(read, repository_id, at, after=after, count=rules.batch_count)
            gone = await collectable(read, repository_id, some, at)
            freed += Freed(manifests=len(gone), manifest_bytes=sum(each.size_bytes for each in gone))
            if len(some) < rules.batch_count:
                return freed
            after = some[-1].digest
