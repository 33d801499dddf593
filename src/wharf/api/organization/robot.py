"""`/api/v1/user/robots` and `/api/v1/organization/{orgname}/robots`: robots, their tokens and what they may use."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from wharf.access.grants import Role, Visibility
from wharf.access.principals import Principal
from wharf.accounts import robots, teams
from wharf.accounts.membership import standing
from wharf.accounts.robots import SEPARATOR, Robot
from wharf.api.kit import (
    FAILURES,
    Avatar,
    AvatarKind,
    Body,
    LeftOut,
    Moment,
    OrganizationAdmin,
    Parts,
    Shape,
    UserAdmin,
    WithParts,
    avatar,
)
from wharf.content.owners import holdings
from wharf.db import Read

router = APIRouter(tags=["robot"], responses=FAILURES)


def _is_none(value: object) -> bool:
    return value is None


class NewRobot(Body):
    """What is noted about a new robot."""

    description: Annotated[str | None, Field(max_length=255)] = None
    unstructured_metadata: dict[str, Any] | None = None


class TeamShape(Shape):
    """A team that the robot is in."""

    name: str
    avatar: Avatar


class RobotShape(Shape):
    """A robot; `token` is null where it cannot be shown again."""

    name: str
    created: Moment
    last_accessed: Moment | None = None
    description: str
    token: str | None


class DetailedShape(RobotShape):
    """A robot with what was noted about it."""

    unstructured_metadata: dict[str, Any] | None


class ListedShape(Shape):
    """A robot in a list: only what was asked for, and may be seen."""

    name: str
    created: Moment
    last_accessed: Moment | None = None
    teams: Annotated[Sequence[TeamShape] | None, Field(exclude_if=_is_none)] = None
    repositories: Annotated[Sequence[str] | None, Field(exclude_if=_is_none)] = None
    description: str
    token: LeftOut = None


class Robots(Shape):
    """All of them, by name."""

    robots: Sequence[ListedShape]


class RepositoryShape(Shape):
    """The repository of a permission; `name` is without the namespace."""

    name: str
    is_public: bool


class PermissionShape(Shape):
    """A role on a repository."""

    repository: RepositoryShape
    role: Role


class Permissions(Shape):
    """All of them, by the repository's name."""

    permissions: Sequence[PermissionShape]


WithPermissions = Annotated[bool, Query(description="With the teams and repositories of each robot.")]
WithToken = Annotated[bool, Query(description="With the token of each robot.")]
WithLimit = Annotated[int | None, Query(description="Not more than this.", ge=1)]


@router.get("/user/robots", operation_id="getUserRobots", summary="List the caller's robots")
async def list_own(
    caller: UserAdmin,
    parts: WithParts,
    *,
    permissions: WithPermissions = False,
    token: WithToken = True,
    limit: WithLimit = None,
) -> Robots:
    """Return the robots of the caller."""
    async with parts.database.read() as read:
        return await _list(read, parts, caller.user_id, permissions=permissions, token=token, limit=limit)


@router.get("/organization/{orgname}/robots", operation_id="getOrgRobots", summary="List an organization's robots")
async def list_of_organization(
    orgname: str,
    caller: OrganizationAdmin,
    parts: WithParts,
    *,
    permissions: WithPermissions = False,
    token: WithToken = True,
    limit: WithLimit = None,
) -> Robots:
    """Return the robots of an organization; members who do not administer it see neither tokens nor permissions."""
    async with parts.database.read() as read:
        found = await standing.joined(read, caller.principal, orgname)
        permissions, token = permissions and found.is_admin, token and found.is_admin
        return await _list(read, parts, found.organization.id, permissions=permissions, token=token, limit=limit)


@router.get("/user/robots/{robot_shortname}", operation_id="getUserRobot", summary="Get one of the caller's robots")
async def get_own(robot_shortname: str, caller: UserAdmin, parts: WithParts) -> DetailedShape:
    """Return a robot of the caller with its token."""
    return await _get(parts, caller.principal.name, robot_shortname)


@router.get(
    "/organization/{orgname}/robots/{robot_shortname}",
    operation_id="getOrgRobot",
    summary="Get a robot of an organization",
)
async def get_of_organization(
    orgname: str, robot_shortname: str, caller: OrganizationAdmin, parts: WithParts
) -> DetailedShape:
    """Return a robot of an organization with its token."""
    return await _get(parts, await _administered(parts, caller.principal, orgname), robot_shortname)


@router.put(
    "/user/robots/{robot_shortname}",
    operation_id="createUserRobot",
    summary="Create a robot of the caller",
    status_code=201,
)
async def create_own(
    robot_shortname: str, caller: UserAdmin, parts: WithParts, body: NewRobot | None = None
) -> DetailedShape:
    """Create a robot of the caller."""
    return await _create(parts, caller.principal, caller.principal.name, robot_shortname, body)


@router.put(
    "/organization/{orgname}/robots/{robot_shortname}",
    operation_id="createOrgRobot",
    summary="Create a robot of an organization",
    status_code=201,
)
async def create_of_organization(
    orgname: str,
    robot_shortname: str,
    caller: OrganizationAdmin,
    parts: WithParts,
    body: NewRobot | None = None,
) -> DetailedShape:
    """Create a robot of an organization."""
    owner = await _administered(parts, caller.principal, orgname)
    return await _create(parts, caller.principal, owner, robot_shortname, body)


@router.delete(
    "/user/robots/{robot_shortname}",
    operation_id="deleteUserRobot",
    summary="Delete one of the caller's robots",
    status_code=204,
)
async def delete_own(robot_shortname: str, caller: UserAdmin, parts: WithParts) -> Response:
    """Delete a robot of the caller."""
    return await _delete(parts, caller.principal, caller.principal.name, robot_shortname)


@router.delete(
    "/organization/{orgname}/robots/{robot_shortname}",
    operation_id="deleteOrgRobot",
    summary="Delete a robot of an organization",
    status_code=204,
)
async def delete_of_organization(
    orgname: str, robot_shortname: str, caller: OrganizationAdmin, parts: WithParts
) -> Response:
    """Delete a robot of an organization."""
    owner = await _administered(parts, caller.principal, orgname)
    return await _delete(parts, caller.principal, owner, robot_shortname)


@router.post(
    "/user/robots/{robot_shortname}/regenerate",
    operation_id="regenerateUserRobotToken",
    summary="Replace the token of one of the caller's robots",
)
async def regenerate_own(robot_shortname: str, caller: UserAdmin, parts: WithParts) -> RobotShape:
    """Give a robot of the caller another token."""
    return await _regenerate(parts, caller.principal, caller.principal.name, robot_shortname)


@router.post(
    "/organization/{orgname}/robots/{robot_shortname}/regenerate",
    operation_id="regenerateOrgRobotToken",
    summary="Replace the token of a robot of an organization",
)
async def regenerate_of_organization(
    orgname: str, robot_shortname: str, caller: OrganizationAdmin, parts: WithParts
) -> RobotShape:
    """Give a robot of an organization another token."""
    owner = await _administered(parts, caller.principal, orgname)
    return await _regenerate(parts, caller.principal, owner, robot_shortname)


@router.get(
    "/user/robots/{robot_shortname}/permissions",
    operation_id="getUserRobotPermissions",
    summary="List what one of the caller's robots has been granted",
)
async def list_own_permissions(robot_shortname: str, caller: UserAdmin, parts: WithParts) -> Permissions:
    """Return the repositories on which a robot of the caller has a role of its own."""
    return await _permissions(parts, caller.principal.name, robot_shortname)


@router.get(
    "/organization/{orgname}/robots/{robot_shortname}/permissions",
    operation_id="getOrgRobotPermissions",
    summary="List what a robot of an organization has been granted",
)
async def list_permissions(orgname: str, robot_shortname: str, caller: UserAdmin, parts: WithParts) -> Permissions:
    """Return the repositories on which a robot of an organization has a role of its own."""
    return await _permissions(parts, await _administered(parts, caller.principal, orgname), robot_shortname)


async def _administered(parts: Parts, caller: Principal, orgname: str) -> str:
    async with parts.database.read() as read:
        return (await standing.administered(read, caller, orgname)).name


async def _list(
    read: Read, parts: Parts, namespace_id: int, *, permissions: bool, token: bool, limit: int | None
) -> Robots:
    found = (await robots.list_(read, namespace_id))[:limit]
    texts = await robots.tokens(read, parts.box, namespace_id) if token else {}
    shown = [
        ListedShape(
            name=each.full_name, created=each.created_at, description=each.description, token=texts.get(each.id)
        )
        for each in found
    ]
    if permissions:
        shown = [shape.model_copy(update=await _used(read, each)) for shape, each in zip(shown, found, strict=True)]
    return Robots(robots=shown)


async def _used(read: Read, robot: Robot) -> dict[str, Any]:
    held = await holdings.of(read, robot.principal)
    names = await teams.names_of(read, robot.principal)
    return {
        "teams": [TeamShape(name=name, avatar=avatar(name, AvatarKind.TEAM)) for name in names],
        "repositories": [each.repository.short_name for each in held],
    }


async def _get(parts: Parts, owner: str, name: str) -> DetailedShape:
    async with parts.database.read() as read:
        found = await robots.get(read, f"{owner}{SEPARATOR}{name}")
        texts = await robots.tokens(read, parts.box, found.namespace_id)
    return _detailed(found, texts.get(found.id))


async def _create(parts: Parts, by: Principal, owner: str, name: str, body: NewRobot | None) -> DetailedShape:
    noted = body or NewRobot()
    async with parts.database.write() as tx:
        created, text = await robots.create(
            tx,
            owner,
            name,
            description=noted.description or "",
            details=noted.unstructured_metadata,
            box=parts.box,
            by=by,
            at=parts.clock(),
        )
    return _detailed(created, text)


async def _delete(parts: Parts, by: Principal, owner: str, name: str) -> Response:
    async with parts.database.write() as tx:
        target = await robots.get(tx, f"{owner}{SEPARATOR}{name}")
        await robots.delete(tx, target, by=by, at=parts.clock())
    return Response(status_code=204)


async def _regenerate(parts: Parts, by: Principal, owner: str, name: str) -> RobotShape:
    async with parts.database.write() as tx:
        target = await robots.get(tx, f"{owner}{SEPARATOR}{name}")
        text = await robots.regenerate_token(tx, target, box=parts.box, by=by, at=parts.clock())
    return RobotShape(name=target.full_name, created=target.created_at, description=target.description, token=text)


async def _permissions(parts: Parts, owner: str, name: str) -> Permissions:
    async with parts.database.read() as read:
        found = await robots.get(read, f"{owner}{SEPARATOR}{name}")
        held = await holdings.of(read, found.principal)
    return Permissions(
        permissions=[
            PermissionShape(
                repository=RepositoryShape(
                    name=each.repository.short_name, is_public=each.visibility is Visibility.PUBLIC
                ),
                role=each.role,
            )
            for each in held
        ]
    )


def _detailed(robot: Robot, text: str | None) -> DetailedShape:
    return DetailedShape(
        name=robot.full_name,
        created=robot.created_at,
        description=robot.description,
        token=text,
        unstructured_metadata=robot.details,
    )
