"""`/api/v1/repository/{repository}/tag/…`: a repository's tags and their past, moving them and bringing them back."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from wharf.access.actions import Action
from wharf.api.kit import (
    FAILURES,
    Body,
    Moment,
    Refused,
    RepositoryReader,
    RepositoryWriter,
    Shape,
    WithParts,
)
from wharf.api.repository.paths import WithName
from wharf.content import repositories, tags, time_machine
from wharf.content.browse import tags as browse
from wharf.content.browse.tags import Lifetime, Which
from wharf.oci.digest import Digest
from wharf.oci.names import TagName

router = APIRouter(tags=["tag"], responses=FAILURES)

_MAX_COUNT = 100
_MAX_PAGE = 100_000


def _is_none(value: object) -> bool:
    return value is None


class TagShape(Shape):
    """What a tag points at, or pointed at until `end_ts`; the size of an index is null."""

    name: str
    reversion: bool = False
    immutable: bool
    start_ts: int
    end_ts: Annotated[int | None, Field(exclude_if=_is_none)]
    manifest_digest: str
    is_manifest_list: bool
    size: int | None
    last_modified: Moment
    expiration: Annotated[Moment | None, Field(exclude_if=_is_none)]


class Tags(Shape):
    """A page of tags, the newest first."""

    tags: list[TagShape]
    page: int
    has_additional: bool


class Change(Body):
    """What shall be another way; what is not said stays. `expiration` is in seconds since 1970, null for never."""

    manifest_digest: str | None = None
    expiration: float | None = None
    immutable: bool | None = None


class Restored(Body):
    """What to point at again."""

    manifest_digest: str


class Nothing(Shape):
    """There is nothing to say."""


@router.get("/repository/{repository:path}/tag/", operation_id="listRepoTags", summary="List tags")
async def list_(
    repository: WithName,
    caller: RepositoryReader,
    parts: WithParts,
    *,
    name: Annotated[str, Query(alias="specificTag", description="Only this tag.")] = "",
    name_filter: Annotated[
        str, Query(alias="filter_tag_name", description="`eq:` and a name, or `like:` and a part of one.")
    ] = "",
    active_only: Annotated[bool, Query(alias="onlyActiveTags", description="Leave the past out.")] = False,
    limit: Annotated[int, Query(description=f"Tags per page, {_MAX_COUNT} at most.")] = 50,
    page: Annotated[int, Query(description="The page, from 1.", le=_MAX_PAGE)] = 1,
) -> Tags:
    """Return tags and, unless only active ones are asked for, what they were within the time machine's window."""
    target = await repositories.access(parts.database, caller.principal, repository, Action.PULL)
    which = Which(active_only=active_only, **_names(name, name_filter))
    limit, page = min(max(limit, 1), _MAX_COUNT), max(page, 1)
    async with parts.database.read() as read:
        found = await browse.list_(read, target, which, now=parts.clock(), skip=(page - 1) * limit, count=limit + 1)
    return Tags(tags=[_shape(each) for each in found[:limit]], page=page, has_additional=len(found) > limit)


@router.put(
    "/repository/{repository:path}/tag/{tag}", operation_id="changeTag", summary="Move or keep a tag", status_code=201
)
async def change(
    repository: WithName, tag: str, body: Change, caller: RepositoryWriter, parts: WithParts
) -> Literal["Updated"]:
    """Point a tag at a manifest, say when it ends, or let nobody move it; administrators alone let go again."""
    action = Action.ADMIN if body.immutable is False else Action.PUSH
    target = await repositories.access(parts.database, caller.principal, repository, action)
    name, now = TagName.parse(tag), parts.clock()
    expires_at = _expiration(body, now)
    who: dict[str, Any] = {"by": caller.principal, "at": now}
    async with parts.database.write() as tx:
        if body.immutable is False:
            await tags.change_immutability(tx, target, name, immutable=False, **who)
        if body.manifest_digest is not None:
            await tags.move(tx, target, name, Digest.parse(body.manifest_digest), **who)
        if "expiration" in body.model_fields_set:
            await tags.change_expiration(tx, target, name, expires_at, **who)
        if body.immutable:
            await tags.change_immutability(tx, target, name, immutable=True, **who)
    return "Updated"


@router.delete(
    "/repository/{repository:path}/tag/{tag}", operation_id="deleteFullTag", summary="Delete a tag", status_code=204
)
async def delete(repository: WithName, tag: str, caller: RepositoryWriter, parts: WithParts) -> Response:
    """End a tag; it can be restored within the time machine's window."""
    target = await repositories.access(parts.database, caller.principal, repository, Action.DELETE)
    async with parts.database.write() as tx:
        await tags.delete(tx, target, TagName.parse(tag), by=caller.principal, at=parts.clock())
    return Response(status_code=204)


@router.post(
    "/repository/{repository:path}/tag/{tag}/restore", operation_id="restoreTag", summary="Restore a tag's past"
)
async def restore(
    repository: WithName, tag: str, body: Restored, caller: RepositoryWriter, parts: WithParts
) -> Nothing:
    """Point a tag at a manifest that it pointed at before."""
    target = await repositories.access(parts.database, caller.principal, repository, Action.PUSH)
    async with parts.database.write() as tx:
        await time_machine.restore(
            tx,
            target,
            TagName.parse(tag),
            Digest.parse(body.manifest_digest),
            by=caller.principal,
            at=parts.clock(),
            default_window=timedelta(seconds=parts.config.registry.time_machine_seconds),
        )
    return Nothing()


def _names(name: str, name_filter: str) -> dict[str, str]:
    """Read the two ways of asking for names; raises `Refused`."""
    if name:
        return {"name": name}
    if not name_filter:
        return {}
    operator, _, text = name_filter.partition(":")
    if operator not in {"eq", "like"} or not text:
        raise Refused("filter_tag_name is eq:<name> or like:<part of a name>")
    return {"name" if operator == "eq" else "part": text}


def _expiration(body: Change, now: datetime) -> datetime | None:
    """Return when the tag shall end; raises `Refused` for what is past, or no time."""
    if body.expiration is None:
        return None
    try:
        at = datetime.fromtimestamp(body.expiration, UTC)
    except (ValueError, OverflowError, OSError):
        raise Refused("expiration is not a time in seconds since 1970") from None
    if at <= now:
        raise Refused("expiration has to be in the future")
    return at


def _shape(each: Lifetime) -> TagShape:
    end = each.ended_at or each.expires_at
    return TagShape(
        name=each.name,
        immutable=each.immutable,
        start_ts=int(each.started_at.timestamp()),
        end_ts=None if end is None else int(end.timestamp()),
        manifest_digest=each.digest,
        is_manifest_list=each.is_index,
        size=each.size_bytes,
        last_modified=each.started_at,
        expiration=end,
    )
