"""`/api/v1/repository/{repository}/permissions/…`: the roles that users, robots and teams were granted."""

from collections.abc import Iterable

from fastapi import APIRouter
from starlette.responses import Response

from wharf.access.actions import Action
from wharf.access.grants import Role
from wharf.access.principals import Principal
from wharf.accounts import organizations, robots, teams, users
from wharf.accounts.teams import Team
from wharf.api.kit import (
    FAILURES,
    Avatar,
    AvatarKind,
    Body,
    Caller,
    NotFound,
    Parts,
    Refused,
    RepositoryAdmin,
    Shape,
    WithParts,
    avatar,
)
from wharf.api.repository.paths import WithName
from wharf.content import repositories, sharing
from wharf.content.repositories import Repository
from wharf.content.sharing import Grant
from wharf.db import Read
from wharf.oci.names import RepositoryName

router = APIRouter(tags=["permission"], responses=FAILURES)


class RoleShape(Shape):
    """A role on a repository."""

    role: Role


class NewRole(Body):
    """The role to grant, instead of any other."""

    role: Role


class UserShape(RoleShape):
    """The role of a user or a robot."""

    name: str
    is_robot: bool
    avatar: Avatar


class TeamShape(RoleShape):
    """The role of a team."""

    name: str
    avatar: Avatar


class Users(Shape):
    """Roles by the names of users and robots."""

    permissions: dict[str, UserShape]


class Teams(Shape):
    """Roles by the names of teams."""

    permissions: dict[str, TeamShape]


class Roles(Shape):
    """The strongest role, or none."""

    permissions: list[RoleShape]


_PATH = "/repository/{repository:path}/permissions"


@router.get(f"{_PATH}/user/", operation_id="listRepoUserPermissions", summary="List users' and robots' roles")
async def list_users(repository: WithName, caller: RepositoryAdmin, parts: WithParts) -> Users:
    """Return what users and robots were granted themselves; a namespace's owner needs no grant."""
    target = await _target(parts, caller, repository)
    async with parts.database.read() as read:
        found = await sharing.list_(read, target)
    return Users(permissions={each.name: _user(each.name, each.role) for each in found if not each.is_team})


@router.get(
    f"{_PATH}/user/{{username}}/transitive",
    operation_id="getUserTransitivePermission",
    summary="Get what a user's grants come to",
)
async def get_transitive(repository: WithName, username: str, caller: RepositoryAdmin, parts: WithParts) -> Roles:
    """Return the role that a user or robot has itself, through its teams, or because it owns the namespace."""
    await _target(parts, caller, repository)
    async with parts.database.read() as read:
        found = await _find_account(read, username)
    if found is None:
        raise NotFound(_unknown(username))
    role = await repositories.role_of(parts.database, found, repository)
    return Roles(permissions=[] if role is None else [RoleShape(role=role)])


@router.get(f"{_PATH}/user/{{username}}", operation_id="getUserPermissions", summary="Get a user's or robot's role")
async def get_user(repository: WithName, username: str, caller: RepositoryAdmin, parts: WithParts) -> UserShape:
    """Return what a user or robot was granted itself."""
    target = await _target(parts, caller, repository)
    async with parts.database.read() as read:
        account = await _account(read, username)
        return _user(account.name, _role(await sharing.list_(read, target), account.name))


@router.put(f"{_PATH}/user/{{username}}", operation_id="changeUserPermissions", summary="Grant a user or robot a role")
async def change_user(
    repository: WithName, username: str, body: NewRole, caller: RepositoryAdmin, parts: WithParts
) -> UserShape:
    """Grant a role, instead of the one that the user or robot had."""
    target = await _target(parts, caller, repository)
    async with parts.database.write() as tx:
        account = await _account(tx, username)
        if account.user_id == target.namespace_id:
            raise Refused("Namespace owner must always be admin.")
        await sharing.grant(tx, target, account, body.role, by=caller.principal, at=parts.clock())
    return _user(account.name, body.role)


@router.delete(
    f"{_PATH}/user/{{username}}",
    operation_id="deleteUserPermissions",
    summary="Take a user's or robot's role",
    status_code=204,
)
async def delete_user(repository: WithName, username: str, caller: RepositoryAdmin, parts: WithParts) -> Response:
    """Take away what a user or robot was granted itself."""
    target = await _target(parts, caller, repository)
    async with parts.database.write() as tx:
        account = await _account(tx, username)
        if not await sharing.revoke(tx, target, account, by=caller.principal, at=parts.clock()):
            raise Refused(_none(username))
    return Response(status_code=204)


@router.get(f"{_PATH}/team/", operation_id="listRepoTeamPermissions", summary="List teams' roles")
async def list_teams(repository: WithName, caller: RepositoryAdmin, parts: WithParts) -> Teams:
    """Return what teams were granted; a team of administrators needs no grant."""
    target = await _target(parts, caller, repository)
    async with parts.database.read() as read:
        found = await sharing.list_(read, target)
    listed = [_team(each.name.partition("/")[2], each.role) for each in found if each.is_team]
    return Teams(permissions={each.name: each for each in listed})


@router.get(f"{_PATH}/team/{{teamname}}", operation_id="getTeamPermissions", summary="Get a team's role")
async def get_team(repository: WithName, teamname: str, caller: RepositoryAdmin, parts: WithParts) -> RoleShape:
    """Return what a team was granted."""
    target = await _target(parts, caller, repository)
    async with parts.database.read() as read:
        team = await _find_team(read, target, teamname)
        name = f"{target.name.namespace}/{team.name}"
        return RoleShape(role=_role(await sharing.list_(read, target), name))


@router.put(f"{_PATH}/team/{{teamname}}", operation_id="changeTeamPermissions", summary="Grant a team a role")
async def change_team(
    repository: WithName, teamname: str, body: NewRole, caller: RepositoryAdmin, parts: WithParts
) -> TeamShape:
    """Grant a role, instead of the one that the team had."""
    target = await _target(parts, caller, repository)
    async with parts.database.write() as tx:
        team = await _find_team(tx, target, teamname)
        await sharing.grant(tx, target, team, body.role, by=caller.principal, at=parts.clock())
    return _team(team.name, body.role)


@router.delete(
    f"{_PATH}/team/{{teamname}}", operation_id="deleteTeamPermissions", summary="Take a team's role", status_code=204
)
async def delete_team(repository: WithName, teamname: str, caller: RepositoryAdmin, parts: WithParts) -> Response:
    """Take away what a team was granted."""
    target = await _target(parts, caller, repository)
    async with parts.database.write() as tx:
        team = await _find_team(tx, target, teamname)
        if not await sharing.revoke(tx, target, team, by=caller.principal, at=parts.clock()):
            raise Refused(_none(teamname))
    return Response(status_code=204)


async def _target(parts: Parts, caller: Caller, name: RepositoryName) -> Repository:
    return await repositories.access(parts.database, caller.principal, name, Action.ADMIN)


async def _account(read: Read, name: str) -> Principal:
    found = await _find_account(read, name)
    if found is None:
        raise Refused(_unknown(name))
    return found


async def _find_account(read: Read, name: str) -> Principal | None:
    if robots.SEPARATOR in name:
        robot = await robots.find(read, name)
        return robot.principal if robot else None
    user = await users.find(read, name)
    return user.principal if user else None


async def _find_team(read: Read, target: Repository, name: str) -> Team:
    """Return a team of the organization that the repository belongs to; raises `Refused`."""
    organization = await organizations.find(read, target.name.namespace or "")
    found = await teams.find(read, organization, name) if organization else None
    if found is None:
        raise Refused(f"There is no team {name} that could be granted anything here")
    return found


def _role(grants: Iterable[Grant], name: str) -> Role:
    for each in grants:
        if each.name == name:
            return each.role
    raise Refused(_none(name))


def _unknown(name: str) -> str:
    return f"There is no user or robot {name}"


def _none(name: str) -> str:
    return f"{name} has not been granted anything here"


def _user(name: str, role: Role) -> UserShape:
    is_robot = robots.SEPARATOR in name
    face = avatar(name, AvatarKind.ROBOT if is_robot else AvatarKind.USER)
    return UserShape(role=role, name=name, is_robot=is_robot, avatar=face)


def _team(name: str, role: Role) -> TeamShape:
    return TeamShape(role=role, name=name, avatar=avatar(name, AvatarKind.TEAM))
