"""The time machine: what a tag pointed at before, and bringing it back.

Each namespace may choose how long its past is kept, the configuration has the default.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, or_, select

from wharf.access.principals import Principal
from wharf.accounts.tables import namespace
from wharf.content import manifests, repositories, tags
from wharf.content.errors import TagHistoryUnknown
from wharf.content.repositories import Repository
from wharf.content.tables import manifest, tag
from wharf.db import Database, Read, Tx
from wharf.events.catalog import TagRestored
from wharf.events.publish import publish
from wharf.oci.digest import Digest
from wharf.oci.names import TagName

_t = tag.c

_WINDOW = select(namespace.c.time_machine_seconds).where(namespace.c.id == bindparam("namespace_id"))
_HISTORY = (
    select(_t.name, manifest.c.digest, _t.started_at, _t.ended_at, _t.expires_at)
    .join(manifest, manifest.c.id == _t.manifest_id)
    .where(_t.repository_id == bindparam("repository"), _t.name == bindparam("name"))
    .order_by(_t.started_at.desc(), _t.id.desc())
    .limit(bindparam("count"))
    .offset(bindparam("skip"))
)
_PAST = (
    select(_t.manifest_id)
    .join(manifest, manifest.c.id == _t.manifest_id)
    .where(
        _t.repository_id == bindparam("repository"),
        _t.name == bindparam("name"),
        manifest.c.digest == bindparam("digest"),
        or_(_t.ended_at.is_(None), _t.ended_at > bindparam("since")),
    )
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class TagLifetime:
    """What a tag pointed at, from when until when."""

    name: TagName
    digest: Digest
    started_at: datetime
    ended_at: datetime | None
    expires_at: datetime | None


async def window(read: Read, namespace_id: int, default: timedelta) -> timedelta:
    """Return how long the namespace keeps its past."""
    seconds = await read.scalar(_WINDOW, namespace_id=namespace_id)
    return default if seconds is None else timedelta(seconds=seconds)


async def history(
    database: Database, target: Repository, name: TagName, *, count: int, skip: int = 0
) -> list[TagLifetime]:
    """Return the lifetimes of a tag, the newest first."""
    async with database.read() as read:
        rows = await read.all(_HISTORY, repository=target.id, name=name, count=count, skip=skip)
    return [
        TagLifetime(TagName(name), Digest(digest), started, ended, expires)
        for name, digest, started, ended, expires in rows
    ]


async def restore(
    tx: Tx,
    target: Repository,
    name: TagName,
    digest: Digest,
    *,
    by: Principal,
    at: datetime,
    default_window: timedelta,
) -> None:
    """Point the tag again at a manifest it pointed at within the time machine's window.

    Raises `TagHistoryUnknown` and `TagImmutable`.
    """
    await repositories.hold(tx, target)
    since = at - await window(tx, target.namespace_id, default_window)
    manifest_id = await tx.scalar(_PAST, repository=target.id, name=name, digest=digest, since=since)
    if manifest_id is None:
        raise TagHistoryUnknown(name, digest)
    await manifests.revive(tx, manifest_id)
    await tags.put(tx, target, name, manifest_id, digest, by=by, at=at)
    await publish(
        tx,
        TagRestored(at=at, by=by.name, repository_id=target.id, repository=target.name, tag=name, digest=digest),
    )
