"""`/api/v1/organization/{orgname}/team/…`: teams, who is in them, and what they have been granted."""

from collections.abc import Sequence
from typing import Literal

from fastapi import APIRouter, Response

from wharf.access.grants import Role, TeamRole, Visibility
from wharf.access.principals import Principal
from wharf.accounts import robots, teams, users
from wharf.accounts.membership import members, standing
from wharf.accounts.robots import SEPARATOR
from wharf.api.kit import (
    FAILURES,
    Avatar,
    AvatarKind,
    Body,
    Forbidden,
    OrganizationAdmin,
    Shape,
    WithParts,
    avatar,
)
from wharf.content.owners import holdings
from wharf.db import Read

router = APIRouter(tags=["team"], responses=FAILURES)


class WantedTeam(Body):
    """What a team is to be; without a description it keeps the one it has."""

    role: TeamRole
    description: str | None = None


class TeamShape(Shape):
    """A team."""

    name: str
    description: str
    can_view: bool = True
    role: TeamRole
    avatar: Avatar
    new_team: bool


class MemberShape(Shape):
    """A user or a robot in a team; nobody is only invited."""

    name: str
    kind: Literal["user"] = "user"
    is_robot: bool
    avatar: Avatar
    invited: bool = False


class TeamMembers(Shape):
    """All of them, by name."""

    name: str
    members: Sequence[MemberShape]
    can_edit: bool


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


@router.put(
    "/organization/{orgname}/team/{teamname}",
    operation_id="updateOrganizationTeam",
    summary="Create or change a team",
)
async def put(orgname: str, teamname: str, body: WantedTeam, caller: OrganizationAdmin, parts: WithParts) -> TeamShape:
    """Create the team, or give it another role and description."""
    by, at = caller.principal, parts.clock()
    async with parts.database.write() as tx:
        organization = await standing.administered(tx, by, orgname)
        known = await teams.find(tx, organization, teamname)
        description = body.description if body.description is not None else known.description if known else ""
        if known is None:
            await members.create_team(tx, organization, teamname, body.role, description, by=by, at=at)
        else:
            await members.change_team(tx, organization, known, body.role, description, by=by, at=at)
    face = avatar(teamname, AvatarKind.TEAM)
    return TeamShape(name=teamname, description=description, role=body.role, avatar=face, new_team=known is None)


@router.delete(
    "/organization/{orgname}/team/{teamname}",
    operation_id="deleteOrganizationTeam",
    summary="Delete a team",
    status_code=204,
)
async def delete(orgname: str, teamname: str, caller: OrganizationAdmin, parts: WithParts) -> Response:
    """Delete a team with what it was granted."""
    async with parts.database.write() as tx:
        organization = await standing.administered(tx, caller.principal, orgname)
        team = await teams.get(tx, organization, teamname)
        await members.delete_team(tx, organization, team, by=caller.principal, at=parts.clock())
    return Response(status_code=204)


@router.get(
    "/organization/{orgname}/team/{teamname}/members",
    operation_id="getOrganizationTeamMembers",
    summary="List a team's members",
)
async def list_members(
    orgname: str,
    teamname: str,
    caller: OrganizationAdmin,
    parts: WithParts,
) -> TeamMembers:
    """Return who is in a team, for those who are in it or administer the organization."""
    async with parts.database.read() as read:
        found = await standing.joined(read, caller.principal, orgname)
        team = await teams.get(read, found.organization, teamname)
        if not found.is_admin and team.id not in found.team_ids:
            raise Forbidden
        names = await teams.members(read, team)
    return TeamMembers(name=team.name, members=[_member(name) for name in names], can_edit=found.is_admin)


@router.put(
    "/organization/{orgname}/team/{teamname}/members/{membername}",
    operation_id="updateOrganizationTeamMember",
    summary="Add a member to a team",
)
async def add_member(
    orgname: str, teamname: str, membername: str, caller: OrganizationAdmin, parts: WithParts
) -> MemberShape:
    """Add a user, or a robot of the organization."""
    async with parts.database.write() as tx:
        organization = await standing.administered(tx, caller.principal, orgname)
        team = await teams.get(tx, organization, teamname)
        member = await _principal(tx, membername)
        await members.join(tx, organization, team, member, by=caller.principal, at=parts.clock())
    return _member(member.name)


@router.delete(
    "/organization/{orgname}/team/{teamname}/members/{membername}",
    operation_id="deleteOrganizationTeamMember",
    summary="Remove a member from a team",
    status_code=204,
)
async def remove_member(
    orgname: str, teamname: str, membername: str, caller: OrganizationAdmin, parts: WithParts
) -> Response:
    """Remove a user or a robot."""
    async with parts.database.write() as tx:
        organization = await standing.administered(tx, caller.principal, orgname)
        team = await teams.get(tx, organization, teamname)
        member = await _principal(tx, membername)
        await members.leave(tx, organization, team, member, by=caller.principal, at=parts.clock())
    return Response(status_code=204)


@router.get(
    "/organization/{orgname}/team/{teamname}/permissions",
    operation_id="getOrganizationTeamPermissions",
    summary="List what a team has been granted",
)
async def list_permissions(orgname: str, teamname: str, caller: OrganizationAdmin, parts: WithParts) -> Permissions:
    """Return the repositories on which a team has a role."""
    async with parts.database.read() as read:
        organization = await standing.administered(read, caller.principal, orgname)
        found = await holdings.of(read, await teams.get(read, organization, teamname))
    return Permissions(
        permissions=[
            PermissionShape(
                repository=RepositoryShape(
                    name=each.repository.short_name, is_public=each.visibility is Visibility.PUBLIC
                ),
                role=each.role,
            )
            for each in found
        ]
    )


async def _principal(read: Read, name: str) -> Principal:
    if SEPARATOR in name:
        return (await robots.get(read, name)).principal
    return (await users.get(read, name)).principal


def _member(name: str) -> MemberShape:
    is_robot = SEPARATOR in name
    return MemberShape(
        name=name, is_robot=is_robot, avatar=avatar(name, AvatarKind.ROBOT if is_robot else AvatarKind.USER)
    )
