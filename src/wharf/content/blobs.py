"""Blobs: bytes that all repositories share, reachable through the repositories that link to them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, bindparam, case, func, null, select, update

from wharf.access.principals import Principal
from wharf.content import repositories
from wharf.content.errors import BlobInUse, BlobUnknown
from wharf.content.repositories import Repository, from_row, visible, visible_to
from wharf.content.tables import blob as blob_table
from wharf.content.tables import garbage, manifest, manifest_blob, repository, repository_blob
from wharf.db import Database, Read, Tx
from wharf.db.dialect import insert
from wharf.oci.digest import Digest

_b = blob_table.c


@dataclass(frozen=True, slots=True)
class Blob:
    """A stored blob. `digest` is the address it was asked for by."""

    id: int
    digest: Digest
    size_bytes: int
    storage_key: str
    leased_until: datetime | None = None


def _linked(address: str) -> Select[int, int, str, datetime | None]:
    return (
        select(_b.id, _b.size_bytes, _b.storage_key, repository_blob.c.leased_until)
        .join(repository_blob, repository_blob.c.blob_id == _b.id)
        .where(
            repository_blob.c.repository_id == bindparam("repository_id"),
            repository_blob.c.deleted_at.is_(None),
            _b[address] == bindparam("digest"),
        )
    )


_FIND = {"sha256": _linked("digest"), "sha512": _linked("sha512")}
_STORED = select(_b.id).where(_b.digest == bindparam("digest"))
_CLAIM = (
    update(blob_table)
    .where(_b.digest == bindparam("address"))
    .values(doomed_at=null(), sha512=func.coalesce(_b.sha512, bindparam("second", type_=_b.sha512.type)))
    .returning(_b.id, _b.size_bytes, _b.storage_key)
)
_CLAIM_ID = update(blob_table).where(_b.id == bindparam("blob")).values(doomed_at=null())
_insert = insert(blob_table)
_PUT = _insert.on_conflict_do_update(
    index_elements=[_b.digest],
    set_={"doomed_at": None, "sha512": func.coalesce(_b.sha512, _insert.excluded.sha512)},
).returning(_b.id, _b.size_bytes, _b.storage_key)
_discard = insert(garbage)
_link_insert = insert(repository_blob)
_LINK = _link_insert.on_conflict_do_update(
    index_elements=[repository_blob.c.repository_id, repository_blob.c.blob_id],
    # NULL says that a manifest holds the blob, which is better than any lease.
    set_={
        "deleted_at": None,
        "leased_until": case(
            (repository_blob.c.leased_until.is_(None), None), else_=_link_insert.excluded.leased_until
        ),
    },
)
_RENEW = (
    update(repository_blob)
    .where(
        repository_blob.c.repository_id == bindparam("repository"),
        repository_blob.c.blob_id == bindparam("blob"),
        repository_blob.c.deleted_at.is_(None),
        repository_blob.c.leased_until.is_not(None),
    )
    .values(leased_until=bindparam("until"))
)


def _readable(address: str, *, everything: bool) -> Select[int, int, str, str, str]:
    r = repository.c
    statement = (
        select(r.id, r.namespace_id, r.name, r.visibility, r.state)
        .join(repository_blob, repository_blob.c.repository_id == r.id)
        .join(blob_table, _b.id == repository_blob.c.blob_id)
        .where(_b[address] == bindparam("digest"), repository_blob.c.deleted_at.is_(None), r.deleted_at.is_(None))
        .limit(1)
    )
    return statement if everything else statement.where(visible)


_READABLE = {
    (algorithm, everything): _readable(address, everything=everything)
    for algorithm, address in (("sha256", "digest"), ("sha512", "sha512"))
    for everything in (True, False)
}
_HELD = (
    select(manifest.c.id)
    .join(manifest_blob, manifest_blob.c.manifest_id == manifest.c.id)
    .where(
        manifest_blob.c.repository_id == bindparam("repository_id"),
        manifest_blob.c.blob_id == bindparam("blob_id"),
        manifest.c.deleted_at.is_(None),
    )
    .limit(1)
)
_HIDE = (
    update(repository_blob)
    .where(repository_blob.c.repository_id == bindparam("repository"), repository_blob.c.blob_id == bindparam("blob"))
    # A lease ends at once, so the next sweep unlinks the blob unless a manifest holds it.
    .values(
        deleted_at=bindparam("at"),
        leased_until=case((repository_blob.c.leased_until.is_(None), None), else_=bindparam("at")),
    )
)
_DOOM_UNLINKED = (
    update(blob_table)
    .where(
        _b.id.in_(bindparam("ids", expanding=True)),
        _b.doomed_at.is_(None),
        ~select(repository_blob.c.blob_id).where(repository_blob.c.blob_id == _b.id).exists(),
    )
    .values(doomed_at=bindparam("at"))
)


async def find(database: Database, repository: Repository, digest: Digest) -> Blob | None:
    """Return the blob if `repository` holds it."""
    memo = database.memo()
    key = ("blob", repository.id, digest)
    found: Blob | None = memo.get(key)
    if found is None:
        async with database.read() as read:
            found = await _find(read, repository.id, digest)
        if found is not None:
            memo[key] = found
    return found


async def get(read: Read, repository_id: int, digest: Digest) -> Blob:
    """Return the blob if the repository holds it; raises `BlobUnknown`."""
    found = await _find(read, repository_id, digest)
    if found is None:
        raise BlobUnknown(digest)
    return found


async def _find(read: Read, repository_id: int, digest: Digest) -> Blob | None:
    row = await read.find(_FIND[digest.algorithm], repository_id=repository_id, digest=digest)
    return None if row is None else Blob(row[0], digest, row[1], row[2], row[3])


async def find_stored(read: Read, address: Digest) -> int | None:
    """Return the id of the blob with this SHA-256 wherever it is linked, or None."""
    return await read.scalar(_STORED, digest=address)


async def claim(tx: Tx, address: Digest, sha512: Digest | None = None) -> Blob | None:
    """Save a stored blob from collection so that it can be linked; None when it is gone."""
    row = await tx.find(_CLAIM, address=address, second=sha512)
    return None if row is None else Blob(row[0], sha512 or address, row[1], row[2])


async def put(tx: Tx, address: Digest, sha512: Digest | None, size_bytes: int, key: str, *, at: datetime) -> Blob:
    """Record an object that has been written; when somebody else was first, theirs stays and this one is garbage."""
    id_, size, kept = await tx.one(
        _PUT,
        digest=address,
        sha512=sha512,
        size_bytes=size_bytes,
        storage_key=key,
        created_at=at,
        doomed_at=None,
        verified_at=None,
    )
    if kept != key:
        await tx.run(_discard, storage_key=key, stage=False, size_bytes=size_bytes, created_at=at)
    return Blob(id_, sha512 or address, size, kept)


async def link(tx: Tx, repository_id: int, blob: Blob, *, leased_until: datetime) -> None:
    """Make the blob part of the repository, kept until `leased_until` even when no manifest needs it."""
    await tx.run(_LINK, repository_id=repository_id, blob_id=blob.id, leased_until=leased_until, deleted_at=None)


async def mount(
    tx: Tx, target: Repository, source: Repository, digest: Digest, *, leased_until: datetime
) -> Blob | None:
    """Link a blob of `source` into `target`; None when `source` does not hold it."""
    found = await _find(tx, source.id, digest)
    if found is None or not await tx.run(_CLAIM_ID, blob=found.id):
        return None
    await link(tx, target.id, found, leased_until=leased_until)
    return found


async def find_readable(database: Database, principal: Principal, digest: Digest) -> Repository | None:
    """Return a repository that `principal` may pull from and that holds the blob; for mounts that name no source."""
    async with database.read() as read:
        statement = _READABLE[digest.algorithm, principal.superuser]
        given = {} if principal.superuser else visible_to(principal)
        row = await read.find(statement, digest=digest, **given)
    return None if row is None else from_row(*row)


async def renew(database: Database, target: Repository, blob: Blob, *, at: datetime, until: datetime) -> None:
    """Prolong a lease of which less than half is left: the client is told that it need not upload the blob.

    Raises `BlobUnknown` when the blob was collected since it was found.
    """
    if blob.leased_until is None or blob.leased_until - at > (until - at) / 2:
        return
    async with database.write(durable=False) as tx:
        if not await tx.run(_RENEW, repository=target.id, blob=blob.id, until=until):
            await get(tx, target.id, blob.digest)  # a manifest holds it by now, or it is gone


async def delete(tx: Tx, target: Repository, digest: Digest, *, at: datetime) -> None:
    """Serve the blob no longer; raises `BlobUnknown`, and `BlobInUse` when a manifest needs it."""
    # A manifest that needs it may be on its way.
    await repositories.hold_alone(tx, target)
    found = await _find(tx, target.id, digest)
    if found is None:
        raise BlobUnknown(digest)
    if await tx.find(_HELD, repository_id=target.id, blob_id=found.id) is not None:
        raise BlobInUse(digest)
    await tx.run(_HIDE, repository=target.id, blob=found.id, at=at)


async def doom_unlinked(tx: Tx, ids: list[int], *, at: datetime) -> None:
    """Start the grace period of those blobs that no repository links to any more."""
    await tx.run(_DOOM_UNLINKED, ids=ids, at=at)
