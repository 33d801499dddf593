"""Tags: names that point at manifests for a while.

Moving or deleting one ends its lifetime; `time_machine` brings the past back.
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, or_, select, update

from wharf.access.principals import Principal
from wharf.content import repositories
from wharf.content.errors import ManifestUnknown, TagImmutable, TagUnknown
from wharf.content.repositories import Repository
from wharf.content.tables import manifest, tag
from wharf.db import Database, Tx
from wharf.db.dialect import insert
from wharf.events.catalog import TagDeleted, TagExpirationChanged, TagImmutabilityChanged, TagMoved
from wharf.events.publish import publish
from wharf.oci.digest import Digest
from wharf.oci.names import TagName

_t = tag.c
_current = (_t.repository_id == bindparam("repository"), _t.ended_at.is_(None))
_alive = or_(_t.expires_at.is_(None), _t.expires_at > bindparam("now"))

_CURRENT = (
    select(_t.id, _t.manifest_id, manifest.c.digest, _t.expires_at, _t.immutable)
    .join(manifest, manifest.c.id == _t.manifest_id)
    .where(*_current, _t.name == bindparam("name"))
    .with_for_update(of=tag)
)
_IS_THERE = select(_t.id).where(*_current, _t.name == bindparam("name"))
_END = update(tag).where(_t.id == bindparam("tag_id"), _t.ended_at.is_(None)).values(ended_at=bindparam("at"))
_START = insert(tag)
_SET = update(tag).where(_t.id == bindparam("tag_id"), _t.ended_at.is_(None))
_EXPIRE = _SET.values(expires_at=bindparam("until"))
_PROTECT = _SET.values(immutable=bindparam("on"))
_MANIFEST = select(manifest.c.id).where(
    manifest.c.repository_id == bindparam("repository"),
    manifest.c.digest == bindparam("digest"),
    manifest.c.deleted_at.is_(None),
)
_NAMES = (
    select(_t.name).where(*_current, _alive, _t.name > bindparam("last")).order_by(_t.name).limit(bindparam("count"))
)


class _Current(NamedTuple):
    """A tag as it is, locked."""

    id: int
    manifest_id: int
    digest: str
    expires_at: datetime | None
    immutable: bool

    def has_expired(self, at: datetime) -> bool:
        """Whether it is nothing but a row that waits for the collector."""
        return self.expires_at is not None and self.expires_at <= at


async def list_(database: Database, target: Repository, *, last: str, count: int, now: datetime) -> list[str]:
    """Return up to `count` tag names after `last` in byte order."""
    async with database.read() as read:
        return [name for (name,) in await read.all(_NAMES, repository=target.id, last=last, count=count, now=now)]


async def put(
    tx: Tx, target: Repository, name: TagName, manifest_id: int, digest: Digest, *, by: Principal, at: datetime
) -> None:
    """Point a tag at a manifest. Pointing it where it points already changes nothing. Raises `TagImmutable`.

    Two writers of a new tag meet at the unique index of current tags: the second gets `Conflict` and tries again.
    """
    current = await _lock(tx, target, name)
    was: Digest | None = None
    if current is not None:
        if not current.has_expired(at):
            if current.manifest_id == manifest_id:
                return
            if current.immutable:
                raise TagImmutable(name)
            was = Digest(current.digest)
        await tx.run(_END, tag_id=current.id, at=at)
    await tx.run(
        _START,
        repository_id=target.id,
        name=name,
        manifest_id=manifest_id,
        started_at=at,
        ended_at=None,
        expires_at=None,
        immutable=False,
    )
    await publish(
        tx,
        TagMoved(
            at=at,
            by=by.name,
            repository_id=target.id,
            repository=target.name,
            tag=name,
            digest=digest,
            previous_digest=was,
        ),
    )


async def delete(tx: Tx, target: Repository, name: TagName, *, by: Principal, at: datetime) -> None:
    """End a tag's lifetime. Raises `TagUnknown` and `TagImmutable`."""
    current = await _lock(tx, target, name)
    if current is None:
        raise TagUnknown(name)
    if current.immutable:
        raise TagImmutable(name)
    await tx.run(_END, tag_id=current.id, at=at)
    await publish(
        tx,
        TagDeleted(
            at=at, by=by.name, repository_id=target.id, repository=target.name, tag=name, digest=Digest(current.digest)
        ),
    )


async def move(tx: Tx, target: Repository, name: TagName, digest: Digest, *, by: Principal, at: datetime) -> None:
    """Point a tag at a manifest that the repository holds. Raises `ManifestUnknown` and `TagImmutable`."""
    await repositories.hold(tx, target)
    manifest_id = await tx.scalar(_MANIFEST, repository=target.id, digest=digest)
    if manifest_id is None:
        raise ManifestUnknown(digest)
    await put(tx, target, name, manifest_id, digest, by=by, at=at)


async def change_expiration(
    tx: Tx, target: Repository, name: TagName, until: datetime | None, *, by: Principal, at: datetime
) -> None:
    """Let a tag end by itself at `until`, or never. Raises `TagUnknown` and `TagImmutable`."""
    current = await _get(tx, target, name, at)
    if current.immutable:
        raise TagImmutable(name)
    if current.expires_at == until:
        return
    await tx.run(_EXPIRE, tag_id=current.id, until=until)
    await publish(
        tx,
        TagExpirationChanged(
            at=at,
            by=by.name,
            repository_id=target.id,
            repository=target.name,
            tag=name,
            digest=current.digest,
            expires_at=until,
            previously_expires_at=current.expires_at,
        ),
    )


async def change_immutability(
    tx: Tx, target: Repository, name: TagName, *, immutable: bool, by: Principal, at: datetime
) -> None:
    """Let nobody move or delete a tag, or let them again; what is immutable does not expire. Raises `TagUnknown`."""
    current = await _get(tx, target, name, at)
    if current.immutable == immutable:
        return
    if immutable:
        await change_expiration(tx, target, name, None, by=by, at=at)
    await tx.run(_PROTECT, tag_id=current.id, on=immutable)
    await publish(
        tx,
        TagImmutabilityChanged(
            at=at,
            by=by.name,
            repository_id=target.id,
            repository=target.name,
            tag=name,
            digest=current.digest,
            immutable=immutable,
        ),
    )


async def _get(tx: Tx, target: Repository, name: TagName, at: datetime) -> _Current:
    current = await _lock(tx, target, name)
    if current is None or current.has_expired(at):
        raise TagUnknown(name)
    return current


async def _lock(tx: Tx, target: Repository, name: TagName) -> _Current | None:
    """Keep the tag as it is until `tx` ends, and return it; None: no such tag.

    Who waited for another writer on PostgreSQL is shown neither the lifetime that has ended meanwhile nor the one that
    began, and has to look again.
    """
    while (row := await tx.find(_CURRENT, repository=target.id, name=name)) is None:
        if await tx.find(_IS_THERE, repository=target.id, name=name) is None:
            return None
    return _Current(*row)
