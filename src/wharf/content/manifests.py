"""Manifests: stored byte for byte, linked to what they name, reachable by tag or digest."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, null, or_, select, update

from wharf.access.principals import Principal
from wharf.content import repositories, tags
from wharf.content.errors import ManifestBlobsUnknown, ManifestUnknown
from wharf.content.jobs import CollectRepository
from wharf.content.repositories import Repository
from wharf.content.tables import blob, manifest, manifest_blob, manifest_child, repository_blob, tag
from wharf.db import Conflict, Database, Tx
from wharf.db.dialect import insert
from wharf.events.catalog import ManifestDeleted, ManifestPushed
from wharf.events.publish import publish
from wharf.jobs.queue import enqueue
from wharf.oci.digest import SHA256, Digest
from wharf.oci.manifests import Manifest
from wharf.oci.names import TagName

_m = manifest.c
_TRIES = 12
_PAUSE_SECONDS = 0.005  # at most, after the first try; twice as long after each further one, up to 32 times

_BY_DIGEST = select(_m.digest, _m.media_type, _m.body).where(
    _m.repository_id == bindparam("repository"), _m.digest == bindparam("digest"), _m.deleted_at.is_(None)
)
_BY_TAG = (
    select(_m.digest, _m.media_type, _m.body, tag.c.expires_at)
    .join(tag, tag.c.manifest_id == _m.id)
    .where(
        tag.c.repository_id == bindparam("repository"),
        tag.c.name == bindparam("name"),
        tag.c.ended_at.is_(None),
        or_(tag.c.expires_at.is_(None), tag.c.expires_at > bindparam("now")),
        _m.deleted_at.is_(None),
    )
)
_HOLD_BLOBS = (
    update(repository_blob)
    .where(
        repository_blob.c.repository_id == bindparam("repository"),
        repository_blob.c.blob_id.in_(bindparam("ids", expanding=True)),
        repository_blob.c.deleted_at.is_(None),
    )
    .values(leased_until=null())
)
_LINKED = (
    select(blob.c.id, blob.c.digest, blob.c.sha512, repository_blob.c.leased_until)
    .join(repository_blob, repository_blob.c.blob_id == blob.c.id)
    .where(
        repository_blob.c.repository_id == bindparam("repository"),
        repository_blob.c.deleted_at.is_(None),
        or_(
            blob.c.digest.in_(bindparam("sha256", expanding=True)),
            blob.c.sha512.in_(bindparam("sha512", expanding=True)),
        ),
    )
)
_CHILDREN = (
    select(_m.digest)
    .where(
        _m.repository_id == bindparam("repository"),
        _m.digest.in_(bindparam("digests", expanding=True)),
        _m.deleted_at.is_(None),
    )
    .order_by(_m.digest)  # everybody locks them in this order
    .with_for_update()
)
_ADOPT = (
    update(manifest)
    .where(_m.repository_id == bindparam("repository"), _m.digest.in_(bindparam("digests", expanding=True)))
    .values(root=False)
)
_insert = insert(manifest)
_PUT = _insert.on_conflict_do_update(
    index_elements=[_m.repository_id, _m.digest],
    set_={
        "deleted_at": None,
        "root": _insert.excluded.root,
        "leased_until": _insert.excluded.leased_until,
        "media_type": _insert.excluded.media_type,
        "artifact_type": _insert.excluded.artifact_type,
    },
).returning(_m.id)
_LINK_BLOB = insert(manifest_blob).on_conflict_do_nothing()
_LINK_CHILD = insert(manifest_child).on_conflict_do_nothing()
_REVIVE = update(manifest).where(_m.id == bindparam("manifest_id")).values(deleted_at=null())
_REVIVE_BLOBS = (
    update(repository_blob)
    .where(
        repository_blob.c.deleted_at.is_not(None),
        repository_blob.c.repository_id
        == select(_m.repository_id).where(_m.id == bindparam("manifest_id")).scalar_subquery(),
        repository_blob.c.blob_id.in_(
            select(manifest_blob.c.blob_id).where(manifest_blob.c.manifest_id == bindparam("manifest_id"))
        ),
    )
    .values(deleted_at=null(), leased_until=null())
)
_DELETE = (
    update(manifest)
    .where(_m.repository_id == bindparam("repository"), _m.digest == bindparam("digest_"), _m.deleted_at.is_(None))
    .values(deleted_at=bindparam("at"), root=False)
    .returning(_m.id)
)
_TAGS_OF = (
    select(tag.c.name)
    .where(tag.c.manifest_id == bindparam("manifest_id"), tag.c.ended_at.is_(None))
    .order_by(tag.c.name)
)


@dataclass(frozen=True, slots=True)
class StoredManifest:
    """A manifest as it was pushed."""

    digest: Digest
    media_type: str
    body: bytes
    expires_at: datetime | None = None  # of the tag it was asked for by


async def get(database: Database, source: Repository, reference: TagName | Digest, *, now: datetime) -> StoredManifest:
    """Return what a tag points at, or the manifest of a digest; raises `ManifestUnknown`."""
    memo = database.memo()
    key = ("manifest", source.id, reference)
    found: StoredManifest | None = memo.get(key)
    if found is None or (found.expires_at is not None and found.expires_at <= now):
        found = memo[key] = await _get(database, source, reference, now)
    return found


async def _get(database: Database, source: Repository, reference: TagName | Digest, now: datetime) -> StoredManifest:
    async with database.read() as read:
        if isinstance(reference, Digest):
            row = await read.find(_BY_DIGEST, repository=source.id, digest=reference)
            if row is not None:
                return StoredManifest(Digest(row[0]), row[1], row[2])
        else:
            tagged = await read.find(_BY_TAG, repository=source.id, name=reference, now=now)
            if tagged is not None:
                return StoredManifest(Digest(tagged[0]), *tagged[1:])
    raise ManifestUnknown(reference)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestRules:
    """What a push has to obey and how long what it brings is kept unattached."""

    allow_sparse_indexes: bool
    allow_sparse_images: bool = False
    lease: timedelta


@dataclass(frozen=True, slots=True)
class Push:
    """A manifest on its way into a repository, with the tags that shall point at it."""

    parsed: Manifest
    body: bytes
    digest: Digest
    tags: Sequence[TagName]
    by: Principal
    at: datetime

    @property
    def subject(self) -> Digest | None:
        """What it refers to."""
        return self.parsed.subject.digest if self.parsed.subject else None

    @property
    def children(self) -> list[Digest]:
        """The manifests it names, if it is an index."""
        return [child.digest for child in self.parsed.children]


async def put(database: Database, target: Repository, push: Push, rules: ManifestRules) -> None:
    """Store a manifest and point tags at it, all in one durable transaction. Repeating it changes nothing.

    Raises `ManifestBlobsUnknown` and `TagImmutable`.
    """
    for attempt in range(_TRIES):
        try:
            async with database.write() as tx:
                await _put(tx, target, push, rules)
        except Conflict:
            # Not an error of the caller: somebody moved the same tag, or a blob was collected, between two of our
            # statements. The next try sees what they did.
            if attempt == _TRIES - 1:
                raise
            # Of many who push one tag at once each round lets one pass: spread the others out.
            await asyncio.sleep(random.uniform(0, _PAUSE_SECONDS * 2 ** min(attempt, 5)))  # noqa: S311 - not a secret
        else:
            return


async def _put(tx: Tx, target: Repository, push: Push, rules: ManifestRules) -> None:
    await repositories.hold(tx, target)
    blob_ids = await _hold_blobs(tx, target, push.parsed, allow_absent=rules.allow_sparse_images)
    await _hold_children(tx, target, push.children, allow_absent=rules.allow_sparse_indexes)
    manifest_id = await _store(tx, target, push, leased_until=push.at + rules.lease)
    row = {"manifest_id": manifest_id, "repository_id": target.id}
    await tx.many(_LINK_BLOB, [{**row, "blob_id": blob_id} for blob_id in blob_ids])
    await tx.many(_LINK_CHILD, [{**row, "child_digest": child} for child in push.children])
    for name in sorted(set(push.tags)):  # everybody locks them in this order
        await tags.put(tx, target, name, manifest_id, push.digest, by=push.by, at=push.at)
    if push.subject is not None and not push.tags:
        # Nothing says that the subject will ever come: look again when the lease is over.
        await enqueue(tx, CollectRepository(target.id), run_at=push.at + rules.lease)
    await publish(
        tx,
        ManifestPushed(
            at=push.at,
            by=push.by.name,
            repository_id=target.id,
            repository=target.name,
            digest=push.digest,
            media_type=push.parsed.media_type,
            artifact_type=push.parsed.referrer_type,
            subject=push.subject,
            size_bytes=len(push.body),
            tags=tuple(push.tags),
        ),
    )


async def _store(tx: Tx, target: Repository, push: Push, *, leased_until: datetime) -> int:
    annotations = push.parsed.annotations if push.subject else None  # only lists of referrers show them
    row: tuple[int] = await tx.one(
        _PUT,
        repository_id=target.id,
        digest=push.digest,
        media_type=push.parsed.media_type,
        artifact_type=push.parsed.referrer_type,
        subject=push.subject,
        annotations=dict(annotations) if annotations else None,
        size_bytes=len(push.body),
        body=push.body,
        # Pushed by nothing but its digest: it stands by itself until an index names it.
        root=not push.tags and push.subject is None,
        created_at=push.at,
        leased_until=leased_until,
        deleted_at=None,
    )
    return row[0]


async def _hold_blobs(tx: Tx, target: Repository, parsed: Manifest, *, allow_absent: bool) -> list[int]:
    """Take the manifest's blobs off their leases and return their ids; raises `ManifestBlobsUnknown`."""
    named = [each.digest for each in parsed.blobs]
    if not named:
        return []
    rows = await tx.all(
        _LINKED,
        repository=target.id,
        sha256=[digest for digest in named if digest.algorithm == SHA256],
        sha512=[digest for digest in named if digest.algorithm != SHA256],
    )
    known = {address for _, sha256, sha512, _ in rows for address in (sha256, sha512) if address}
    missing = tuple(digest for digest in parsed.required_blobs if digest not in known)
    if missing and not allow_absent:
        raise ManifestBlobsUnknown(missing)
    leased = [id_ for id_, _, _, leased_until in rows if leased_until is not None]
    if leased and await tx.run(_HOLD_BLOBS, repository=target.id, ids=leased) != len(leased):
        raise Conflict("a blob was collected while its manifest arrived")
    return [row[0] for row in rows]


async def _hold_children(tx: Tx, target: Repository, children: list[Digest], *, allow_absent: bool) -> None:
    if not children:
        return
    rows = await tx.all(_CHILDREN, repository=target.id, digests=children)
    known = {digest for (digest,) in rows}
    missing = tuple(child for child in children if child not in known)
    if missing and not allow_absent:
        raise ManifestBlobsUnknown(missing)
    await tx.run(_ADOPT, repository=target.id, digests=children)


async def delete(tx: Tx, target: Repository, digest: Digest, *, by: Principal, at: datetime) -> None:
    """Take the manifest and all tags that point at it out of the repository. Its rows stay for the time machine.

    An index that names it stays and names an absent platform then, as in a sparse index.
    Raises `ManifestUnknown`, and `TagImmutable` when one of the tags may not go.
    """
    manifest_id = await tx.scalar(_DELETE, repository=target.id, digest_=digest, at=at)
    if manifest_id is None:
        raise ManifestUnknown(digest)
    names = await tx.all(_TAGS_OF, manifest_id=manifest_id)
    for (name,) in names:
        await tags.delete(tx, target, TagName(name), by=by, at=at)
    await publish(
        tx,
        ManifestDeleted(
            at=at,
            by=by.name,
            repository_id=target.id,
            repository=target.name,
            digest=digest,
            tags=tuple(name for (name,) in names),
        ),
    )


async def revive(tx: Tx, manifest_id: int) -> None:
    """Serve a deleted manifest and its blobs again."""
    await tx.run(_REVIVE, manifest_id=manifest_id)
    await tx.run(_REVIVE_BLOBS, manifest_id=manifest_id)
