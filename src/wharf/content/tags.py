"""Tags: names that point at manifests for a while.

Moving or deleting one ends its lifetime; `time_machine` brings the past back.
"""

from datetime import datetime

from sqlalchemy import bindparam, or_, select, update

from wharf.access.principals import Principal
from wharf.content.errors import TagImmutable, TagUnknown
from wharf.content.repositories import Repository
from wharf.content.tables import manifest, tag
from wharf.db import Database, Tx
from wharf.db.dialect import insert
from wharf.events.catalog import TagDeleted, TagMoved
from wharf.events.publish import publish
from wharf.oci.digest import Digest
from wharf.oci.names import TagName

_t = tag.c
_current = (_t.repository_id == bindparam("repository"), _t.ended_at.is_(None))
_alive = or_(_t.expires_at.is_(None), _t.expires_at > bindparam("now"))

_CURRENT = (
    select(_t.id, _t.manifest_id, manifest.c.digest, _t.immutable)
    .join(manifest, manifest.c.id == _t.manifest_id)
    .where(*_current, _t.name == bindparam("name"))
    .with_for_update(of=tag)
)
_IS_THERE = select(_t.id).where(*_current, _t.name == bindparam("name"))
_END = update(tag).where(_t.id == bindparam("tag_id"), _t.ended_at.is_(None)).values(ended_at=bindparam("at"))
_START = insert(tag)
_NAMES = (
    select(_t.name).where(*_current, _alive, _t.name > bindparam("last")).order_by(_t.name).limit(bindparam("count"))
)


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
        tag_id, current_manifest_id, current_digest, immutable = current
        if current_manifest_id == manifest_id:
            return
        if immutable:
            raise TagImmutable(name)
        was = Digest(current_digest)
        await tx.run(_END, tag_id=tag_id, at=at)
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
    tag_id, _, digest, immutable = current
    if immutable:
        raise TagImmutable(name)
    await tx.run(_END, tag_id=tag_id, at=at)
    await publish(
        tx,
        TagDeleted(at=at, by=by.name, repository_id=target.id, repository=target.name, tag=name, digest=Digest(digest)),
    )


async def _lock(tx: Tx, target: Repository, name: TagName) -> tuple[int, int, str, bool] | None:
    """Keep the tag as it is until `tx` ends, and return its id, manifest, digest and immutability; None: no such tag.

    Who waited for another writer on PostgreSQL is shown neither the lifetime that has ended meanwhile nor the one that
    began, and has to look again.
    """
    while (current := await tx.find(_CURRENT, repository=target.id, name=name)) is None:
        if await tx.find(_IS_THERE, repository=target.id, name=name) is None:
            return None
    return current
