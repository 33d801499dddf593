"""`…/logs`, `…/aggregatelogs`, `…/logs/stream`: the audit trail of a repository, a user, an organization, or all.

Times are days as Quay's console sends them (`11/24/2026`; the last is included) or moments (`2026-11-24T10:00:00Z`).
Without any it is the last week.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import StreamingResponse

from wharf.access.actions import Action
from wharf.accounts.membership import standing
from wharf.api import log_kinds
from wharf.api.kit import (
    FAILURES,
    Avatar,
    AvatarKind,
    Caller,
    Moment,
    NextPage,
    OrganizationAdmin,
    Page,
    Parts,
    Refused,
    RepositoryAdmin,
    Shape,
    Superuser,
    UserAdmin,
    WithPage,
    WithParts,
    avatar,
)
from wharf.audit import entries, export
from wharf.audit.entries import About, Cursor
from wharf.audit.entry import ActorKind, Entry
from wharf.content import repositories
from wharf.oci.names import RepositoryName

router = APIRouter(tags=["logs"], responses=FAILURES)

_WEEK = timedelta(days=7)
_LONGEST_COUNT = timedelta(days=366)
_DAY_FORMAT = "%m/%d/%Y"


def _is_none(value: object) -> bool:
    return value is None


class Lines(StreamingResponse):
    """JSON lines, one entry each."""

    media_type = "application/jsonl"


class Performer(Shape):
    """Who did it."""

    kind: Literal["user"] = "user"
    name: str
    is_robot: bool
    avatar: Avatar


class Owner(Shape):
    """The user or organization that an entry belongs to."""

    kind: Literal["user", "org"]
    name: str
    avatar: Avatar


class LogShape(Shape):
    """An entry; nobody in particular is no performer. `namespace` is told where several are listed."""

    kind: str
    metadata: dict[str, Any]
    ip: str | None
    datetime: Moment
    performer: Annotated[Performer | None, Field(exclude_if=_is_none)] = None
    namespace: Annotated[Owner | None, Field(exclude_if=_is_none)] = None


class Logs(Shape):
    """Entries, newest first."""

    start_time: Moment
    end_time: Moment
    logs: Sequence[LogShape]
    next_page: NextPage = None


class CountShape(Shape):
    """How many entries of a kind a day has."""

    kind: str
    count: int
    datetime: Moment


class Counts(Shape):
    """Counts by day and kind."""

    aggregated: Sequence[CountShape]


class Span:
    """The time that is asked for."""

    def __init__(
        self,
        parts: WithParts,
        starttime: Annotated[str | None, Query(description="The first day, or the first moment.")] = None,
        endtime: Annotated[str | None, Query(description="The last day, or the moment it ends before.")] = None,
    ) -> None:
        now = parts.clock()
        self.until = _moment(endtime, last=True) if endtime else now + timedelta(seconds=1)
        self.since = _moment(starttime, last=False) if starttime else min(now, self.until) - _WEEK

    def about(self, **which: Any) -> About:
        """Return what is asked for, in this time."""
        return About(since=self.since, until=self.until, **which)


WithSpan = Annotated[Span, Depends()]
WithPerformer = Annotated[str | None, Query(description="Only what this account did.")]


@router.get("/repository/{repository:path}/logs", operation_id="listRepoLogs", summary="List a repository's log")
async def list_repository(
    repository: str, caller: RepositoryAdmin, span: WithSpan, page: WithPage, parts: WithParts
) -> Logs:
    """Return what happened to a repository and in it."""
    return await _list(parts, await _of_repository(parts, caller, span, repository), page)


@router.get("/user/logs", operation_id="listUserLogs", summary="List the caller's log")
async def list_user(
    caller: UserAdmin, span: WithSpan, page: WithPage, parts: WithParts, performer: WithPerformer = None
) -> Logs:
    """Return what happened in the caller's own namespace."""
    return await _list(parts, span.about(namespace_id=caller.user_id, actor=performer), page)


@router.get("/organization/{orgname}/logs", operation_id="listOrgLogs", summary="List an organization's log")
async def list_organization(
    orgname: str,
    caller: OrganizationAdmin,
    span: WithSpan,
    page: WithPage,
    parts: WithParts,
    performer: WithPerformer = None,
) -> Logs:
    """Return what happened in an organization."""
    return await _list(parts, await _of_organization(parts, caller, span, orgname, performer), page)


@router.get("/superuser/logs", operation_id="listAllLogs", summary="List the whole log")
async def list_all(
    caller: Superuser, span: WithSpan, page: WithPage, parts: WithParts, performer: WithPerformer = None
) -> Logs:
    """Return everything that happened."""
    del caller
    return await _list(parts, span.about(actor=performer), page, owners=True)


@router.get(
    "/repository/{repository:path}/aggregatelogs",
    operation_id="getAggregateRepoLogs",
    summary="Count a repository's log",
)
async def count_repository(repository: str, caller: RepositoryAdmin, span: WithSpan, parts: WithParts) -> Counts:
    """Return how often each kind of entry was written a day: what happened to a repository and in it."""
    return await _count(parts, await _of_repository(parts, caller, span, repository))


@router.get("/user/aggregatelogs", operation_id="getAggregateUserLogs", summary="Count the caller's log")
async def count_user(caller: UserAdmin, span: WithSpan, parts: WithParts, performer: WithPerformer = None) -> Counts:
    """Return how often each kind of entry was written a day: what happened in the caller's own namespace."""
    return await _count(parts, span.about(namespace_id=caller.user_id, actor=performer))


@router.get(
    "/organization/{orgname}/aggregatelogs", operation_id="getAggregateOrgLogs", summary="Count an organization's log"
)
async def count_organization(
    orgname: str, caller: OrganizationAdmin, span: WithSpan, parts: WithParts, performer: WithPerformer = None
) -> Counts:
    """Return how often each kind of entry was written a day: what happened in an organization."""
    return await _count(parts, await _of_organization(parts, caller, span, orgname, performer))


@router.get("/superuser/aggregatelogs", operation_id="listAllAggregateLogs", summary="Count the whole log")
async def count_all(caller: Superuser, span: WithSpan, parts: WithParts, performer: WithPerformer = None) -> Counts:
    """Return how often each kind of entry was written a day: everything that happened."""
    del caller
    return await _count(parts, span.about(actor=performer))


@router.get(
    "/repository/{repository:path}/logs/stream",
    operation_id="streamRepoLogs",
    summary="Export a repository's log",
    response_class=Lines,
)
async def stream_repository(repository: str, caller: RepositoryAdmin, span: WithSpan, parts: WithParts) -> Lines:
    """Return what happened to a repository and in it, as JSON lines in our own words."""
    return Lines(export.lines(parts.database, await _of_repository(parts, caller, span, repository)))


@router.get("/user/logs/stream", operation_id="streamUserLogs", summary="Export the caller's log", response_class=Lines)
async def stream_user(caller: UserAdmin, span: WithSpan, parts: WithParts, performer: WithPerformer = None) -> Lines:
    """Return what happened in the caller's own namespace, as JSON lines in our own words."""
    return Lines(export.lines(parts.database, span.about(namespace_id=caller.user_id, actor=performer)))


@router.get(
    "/organization/{orgname}/logs/stream",
    operation_id="streamOrgLogs",
    summary="Export an organization's log",
    response_class=Lines,
)
async def stream_organization(
    orgname: str, caller: OrganizationAdmin, span: WithSpan, parts: WithParts, performer: WithPerformer = None
) -> Lines:
    """Return what happened in an organization, as JSON lines in our own words."""
    return Lines(export.lines(parts.database, await _of_organization(parts, caller, span, orgname, performer)))


@router.get(
    "/superuser/logs/stream", operation_id="streamAllLogs", summary="Export the whole log", response_class=Lines
)
async def stream_all(caller: Superuser, span: WithSpan, parts: WithParts, performer: WithPerformer = None) -> Lines:
    """Return everything that happened, as JSON lines in our own words."""
    del caller
    return Lines(export.lines(parts.database, span.about(actor=performer)))


async def _of_repository(parts: Parts, caller: Caller, span: Span, repository: str) -> About:
    name = RepositoryName.parse(repository)
    found = await repositories.access(parts.database, caller.principal, name, Action.ADMIN)
    return span.about(repository_id=found.id)


async def _of_organization(parts: Parts, caller: Caller, span: Span, name: str, performer: str | None) -> About:
    async with parts.database.read() as read:
        organization = await standing.administered(read, caller.principal, name)
    return span.about(namespace_id=organization.id, actor=performer)


async def _list(parts: Parts, about: About, page: Page, *, owners: bool = False) -> Logs:
    last = page.last("")
    async with parts.database.read() as read:
        found = await entries.list_(read, about, after=Cursor.parse(last) if last else None, count=page.count + 1)
        shown, next_page = page.cut(found, lambda entry: str(entries.cursor(entry)))
        organizations = await entries.organizations(read, shown) if owners else None
    return Logs(
        start_time=about.since,
        end_time=about.until,
        logs=[_shape(entry, organizations) for entry in shown],
        next_page=next_page,
    )


async def _count(parts: Parts, about: About) -> Counts:
    if about.until - about.since > _LONGEST_COUNT:
        raise Refused("at most a year can be counted at once")
    async with parts.database.read() as read:
        found = await entries.count(read, about)
    return Counts(
        aggregated=[
            CountShape(
                kind=log_kinds.kind(each.kind), count=each.count, datetime=datetime.combine(each.day, time(), UTC)
            )
            for each in found
        ]
    )


def _shape(entry: Entry, organizations: Collection[int] | None) -> LogShape:
    owner = None
    if organizations is not None and entry.namespace is not None:
        is_organization = entry.namespace_id in organizations
        owner = Owner(
            kind="org" if is_organization else "user",
            name=entry.namespace,
            avatar=avatar(entry.namespace, AvatarKind.ORGANIZATION if is_organization else AvatarKind.USER),
        )
    return LogShape(
        kind=log_kinds.kind(entry.kind),
        metadata=log_kinds.metadata(entry),
        ip=entry.client_ip,
        datetime=entry.at,
        performer=_performer(entry),
        namespace=owner,
    )


def _performer(entry: Entry) -> Performer | None:
    if entry.actor_kind not in {ActorKind.USER, ActorKind.ROBOT}:
        return None
    is_robot = entry.actor_kind is ActorKind.ROBOT
    face = avatar(entry.actor, AvatarKind.ROBOT if is_robot else AvatarKind.USER)
    return Performer(name=entry.actor, is_robot=is_robot, avatar=face)


def _moment(text: str, *, last: bool) -> datetime:
    """Read a day or a moment; of the last day, its end. Raises `Refused`."""
    try:
        day = datetime.strptime(text, _DAY_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        pass
    else:
        return day + timedelta(days=1) if last else day
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(
            f"{text!r} is neither a day such as 11/24/2026 nor a moment such as 2026-11-24T10:00:00Z"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
