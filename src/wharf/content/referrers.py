"""Referrers: the manifests that name another one as their subject."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from wharf.content.repositories import Repository
from wharf.content.tables import manifest
from wharf.db import Database
from wharf.oci.digest import Digest

_m = manifest.c
_OF = (
    select(_m.media_type, _m.digest, _m.size_bytes, _m.artifact_type, _m.annotations)
    .where(
        _m.repository_id == bindparam("repository"),
        _m.subject == bindparam("subject"),
        _m.digest > bindparam("last"),
        _m.deleted_at.is_(None),
    )
    .order_by(_m.digest)
    .limit(bindparam("count"))
)
_OF_TYPES = _OF.where(_m.artifact_type.in_(bindparam("types", expanding=True)))


@dataclass(frozen=True, slots=True)
class Referrer:
    """One entry of a subject's list of referrers."""

    media_type: str
    digest: Digest
    size_bytes: int
    artifact_type: str | None
    annotations: dict[str, str] | None


async def list_(
    database: Database,
    source: Repository,
    subject: Digest,
    *,
    artifact_types: Collection[str] = (),
    last: str = "",
    count: int,
) -> list[Referrer]:
    """Return up to `count` referrers of `subject` with digests after `last`, of any of the artifact types."""
    given = {"repository": source.id, "subject": subject, "last": last, "count": count}
    async with database.read() as read:
        if artifact_types:
            rows = await read.all(_OF_TYPES, types=list(artifact_types), **given)
        else:
            rows = await read.all(_OF, **given)
    return [Referrer(media_type, Digest(digest), *rest) for media_type, digest, *rest in rows]
