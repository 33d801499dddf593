"""Tags as they are listed: the lifetimes of a repository's tags, the newest first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, or_, select

from wharf.content.repositories import Repository
from wharf.content.tables import blob, manifest, manifest_blob, tag
from wharf.db import Read
from wharf.oci import media_types
from wharf.oci.digest import Digest
from wharf.oci.names import TagName

_t, _m = tag.c, manifest.c

_size = (
    select(func.sum(blob.c.size_bytes))
    .join(manifest_blob, manifest_blob.c.blob_id == blob.c.id)
    .where(manifest_blob.c.manifest_id == _m.id)
    .scalar_subquery()
)
_ALL = (
    select(_t.name, _m.digest, _m.media_type, _size, _t.started_at, _t.ended_at, _t.expires_at, _t.immutable)
    .join(manifest, _m.id == _t.manifest_id)
    .where(_t.repository_id == bindparam("repository"))
    .order_by(_t.started_at.desc(), _t.id.desc())
    .limit(bindparam("count"))
    .offset(bindparam("skip"))
)
_active = (_t.ended_at.is_(None), or_(_t.expires_at.is_(None), _t.expires_at > bindparam("now")))
_named = _t.name == bindparam("name")
_like = func.lower(_t.name).like(bindparam("pattern"), escape="\\")
# By: only active ones, one name, a part of the name.
_STATEMENTS = {
    (False, False, False): _ALL,
    (False, True, False): _ALL.where(_named),
    (False, False, True): _ALL.where(_like),
    (True, False, False): _ALL.where(*_active),
    (True, True, False): _ALL.where(*_active, _named),
    (True, False, True): _ALL.where(*_active, _like),
}


@dataclass(frozen=True, slots=True)
class Lifetime:
    """What a tag points at, or did; `size_bytes` are those of all blobs of an image, None for an index."""

    name: TagName
    digest: Digest
    media_type: str
    size_bytes: int | None
    started_at: datetime
    ended_at: datetime | None
    expires_at: datetime | None
    immutable: bool

    @property
    def is_index(self) -> bool:
        """Whether it points at an index of manifests."""
        return self.media_type in media_types.INDEXES


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """The lifetimes that are asked for: of one tag, or of those with a text in their names, in whatever case."""

    active_only: bool = False
    name: str | None = None
    part: str | None = None


async def list_(
    read: Read, target: Repository, which: Which, *, now: datetime, skip: int, count: int
) -> list[Lifetime]:
    """Return up to `count` lifetimes of tags, the newest first."""
    given: dict[str, Any] = {"repository": target.id, "skip": skip, "count": count}
    if which.active_only:
        given["now"] = now
    if which.name is not None:
        given["name"] = which.name
    elif which.part is not None:
        escaped = "".join(f"\\{each}" if each in "\\%_" else each for each in which.part.lower())
        given["pattern"] = f"%{escaped}%"
    rows = await read.all(_STATEMENTS[which.active_only, "name" in given, "pattern" in given], **given)
    return [
        Lifetime(TagName(name), Digest(digest), media_type, None if size is None else int(size), *rest)
        for name, digest, media_type, size, *rest in rows
    ]
