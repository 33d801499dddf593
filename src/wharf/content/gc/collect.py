"""Collecting one repository: what its tags, indexes and subjects no longer lead to."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, func, literal_column, or_, select, update

from wharf.accounts.tables import namespace
from wharf.content.gc.freed import Freed
from wharf.content.gc.graph import Candidate, Moment, candidates, collectable, parts
from wharf.content.jobs import CollectRepository
from wharf.content.tables import (
    manifest,
    manifest_blob,
    repository,
    repository_blob,
    tag,
    upload,
)
from wharf.db import Database, Tx
from wharf.jobs.queue import enqueue

_m = manifest.c

_REPOSITORY = (
    select(repository.c.deleted_at, namespace.c.time_machine_seconds)
    .join(namespace, namespace.c.id == repository.c.namespace_id)
    .where(repository.c.id == bindparam("id"))
)
_LOCK = select(repository.c.id).where(repository.c.id == bindparam("id")).with_for_update()
_OLD_TAGS = (
    select(tag.c.id)
    # "+ 0": no index on the repository, in which nearly all tags are current, but the one on what has ended.
    .where(tag.c.repository_id + literal_column("0") == bindparam("repository"), tag.c.ended_at <= bindparam("since"))
    .limit(bindparam("count"))
)
_ALL_TAGS = select(tag.c.id).where(tag.c.repository_id == bindparam("repository")).limit(bindparam("count"))
_FORGET_TAGS = delete(tag).where(tag.c.id.in_(bindparam("ids", expanding=True)))
_ALL_MANIFESTS = (
    select(_m.id, _m.digest, _m.subject, _m.size_bytes)
    .where(_m.repository_id == bindparam("repository"))
    .limit(bindparam("count"))
)
_BLOBS_OF = (
    select(manifest_blob.c.blob_id).distinct().where(manifest_blob.c.manifest_id.in_(bindparam("ids", expanding=True)))
)
_FORGET_MANIFESTS = delete(manifest).where(_m.id.in_(bindparam("ids", expanding=True)))
_RELEASE_BLOBS = (
    update(repository_blob)
    .where(
        repository_blob.c.repository_id == bindparam("repository"),
        repository_blob.c.blob_id.in_(bindparam("ids", expanding=True)),
        repository_blob.c.leased_until.is_(None),
        ~select(manifest_blob.c.manifest_id)
        .where(
            manifest_blob.c.repository_id == repository_blob.c.repository_id,
            manifest_blob.c.blob_id == repository_blob.c.blob_id,
        )
        .exists(),
    )
    .values(leased_until=bindparam("until"))
)
_NEXT_LEASE = select(func.min(_m.leased_until)).where(
    _m.repository_id == bindparam("repository"),
    _m.leased_until > bindparam("now"),
    ~_m.root,
    ~select(tag.c.id).where(tag.c.manifest_id == _m.id).exists(),
)
_END_LEASES = (
    update(repository_blob)
    .where(
        repository_blob.c.repository_id == bindparam("repository"),
        or_(repository_blob.c.leased_until.is_(None), repository_blob.c.leased_until > bindparam("until")),
    )
    .values(leased_until=bindparam("until"))
)
_END_UPLOADS = (
    update(upload).where(upload.c.repository_id == bindparam("repository")).values(expires_at=bindparam("until"))
)
_FORGET_REPOSITORY = delete(repository).where(
    repository.c.id == bindparam("id"),
    ~select(repository_blob.c.blob_id).where(repository_blob.c.repository_id == repository.c.id).exists(),
    ~select(upload.c.id).where(upload.c.repository_id == repository.c.id).exists(),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionRules:
    """How patient the collector is, and how much it does in one transaction."""

    time_machine: timedelta
    blob_lease: timedelta
    grace: timedelta
    orphan_age: timedelta
    batch_count: int
    max_deletions_per_second: int


async def collect_repository(database: Database, repository_id: int, *, now: datetime, rules: CollectionRules) -> Freed:
    """Forget old lifetimes of tags and the manifests nothing leads to; give their blobs back to their leases.

    Returns what was forgotten. Does nothing when the repository is gone.
    """
    async with database.read() as read:
        row = await read.find(_REPOSITORY, id=repository_id)
    if row is None:
        return Freed()
    deleted_at, seconds = row
    if deleted_at is not None:
        return await _empty(database, repository_id, now=now, rules=rules)
    window = rules.time_machine if seconds is None else timedelta(seconds=seconds)
    moment = Moment(now, now - window)
    freed = Freed(tags=await _forget_tags(database, repository_id, moment, rules))
    # What is collected may have been the last holder of something: again, until a round finds nothing.
    while (round_ := await _round(database, repository_id, moment, rules)).manifests:
        freed += round_
    await _look_again(database, repository_id, now)
    return freed


async def _forget_tags(database: Database, repository_id: int, at: Moment, rules: CollectionRules) -> int:
    count = 0
    while True:
        async with database.write() as tx:
            rows = await tx.all(_OLD_TAGS, repository=repository_id, since=at.since, count=rules.batch_count)
            if rows:
                count += await tx.run(_FORGET_TAGS, ids=[id_ for (id_,) in rows])
        if len(rows) < rules.batch_count:
            return count


async def _round(database: Database, repository_id: int, at: Moment, rules: CollectionRules) -> Freed:
    freed = Freed()
    after = ""
    while True:
        async with database.write() as tx:
            await tx.all(_LOCK, id=repository_id)
            some = await candidates(tx, repository_id, at, after=after, count=rules.batch_count)
            gone = await collectable(tx, repository_id, some, at)
            freed += await _forget(tx, repository_id, gone, until=at.now + rules.blob_lease)
        if len(some) < rules.batch_count:
            return freed
        after = some[-1].digest


async def _forget(tx: Tx, repository_id: int, gone: list[Candidate], *, until: datetime) -> Freed:
    if not gone:
        return Freed()
    ids = [each.id for each in gone]
    blob_ids = [id_ for (id_,) in await tx.all(_BLOBS_OF, ids=ids)]
    await tx.run(_FORGET_MANIFESTS, ids=ids)
    # A client that was told "we have this blob" while the manifest stood may be pushing another one right now.
    for some in parts(blob_ids):
        await tx.run(_RELEASE_BLOBS, repository=repository_id, ids=some, until=until)
    return Freed(manifests=len(gone), manifest_bytes=sum(each.size_bytes for each in gone))


async def _look_again(database: Database, repository_id: int, now: datetime) -> None:
    """Come back when the next lease of something unattached ends."""
    async with database.write() as tx:
        due = await tx.scalar(_NEXT_LEASE, repository=repository_id, now=now)
        if due is not None:
            await enqueue(tx, CollectRepository(repository_id), run_at=due)


async def _empty(database: Database, repository_id: int, *, now: datetime, rules: CollectionRules) -> Freed:
    """Take a deleted repository apart; its row goes when the sweeps have unlinked its blobs and uploads."""
    freed = Freed()
    busy = True
    while busy:
        async with database.write() as tx:
            tags = await tx.all(_ALL_TAGS, repository=repository_id, count=rules.batch_count)
            freed += Freed(tags=await tx.run(_FORGET_TAGS, ids=[id_ for (id_,) in tags]))
            rows = []
            if len(tags) < rules.batch_count:
                rows = await tx.all(_ALL_MANIFESTS, repository=repository_id, count=rules.batch_count)
                freed += await _forget(tx, repository_id, [Candidate(*row) for row in rows], until=now)
        busy = len(tags) == rules.batch_count or bool(rows)
    async with database.write() as tx:
        await tx.run(_END_LEASES, repository=repository_id, until=now)
        await tx.run(_END_UPLOADS, repository=repository_id, until=now)
        await tx.run(_FORGET_REPOSITORY, id=repository_id)
    return freed
