"""`/api/v1/organization/…`: organizations, their members, and others who work on their repositories."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from wharf.access.api_scopes import ApiScope
from wharf.access.grants import TeamRole
from wharf.accounts import namespaces, organizations, teams, users
from wharf.accounts.membership import members, standing
from wharf.accounts.membership.members import Member
from wharf.accounts.membership.standing import Standing
from wharf.accounts.teams import Team
from wharf.api.kit import (
    FAILURES,
    Anyone,
    Avatar,
    AvatarKind,
    Body,
    Caller,
    FreshOrganizationAdmin,
    OrganizationAdmin,
    Parts,
    Shape,
    UserAdmin,
    WithParts,
    avatar,
)
from wharf.content.owners import deletion, holdings
from wharf.content.owners.holdings import Direct
from wharf.db import Read

router = APIRouter(tags=["organization"], responses=FAILURES)


def _is_none(value: object) -> bool:
    return value is None


class NewOrganization(Body):
    """A new organization."""

    name: str
    email: str | None = None


class Changes(Body):
    """What is to change; a field that is not there stays as it is."""

    email: str | None = None
    invoice_email: bool | None = None
    invoice_email_address: str | None = None
    tag_expiration_s: Annotated[int | None, Field(ge=0, le=2**31 - 1)] = None


class TeamShape(Shape):
    """A team; no team is synchronised with a directory."""

    name: str
    description: str
    role: TeamRole
    avatar: Avatar
    can_view: bool
    repo_count: int
    member_count: int
    is_synced: bool = False


class OrganizationShape(Shape):
    """What everybody may know of an organization."""

    name: str
    email: str
    avatar: Avatar
    is_admin: bool
    is_member: bool
    teams: Annotated[Mapping[str, TeamShape] | None, Field(exclude_if=_is_none)] = None
    ordered_teams: Annotated[Sequence[str] | None, Field(exclude_if=_is_none)] = None


class AdministeredShape(OrganizationShape):
    """The same for those who administer it."""

    invoice_email: bool
    invoice_email_address: str | None
    tag_expiration_s: int
    is_free_account: bool = True


class TeamName(Shape):
    """A team that a member is in."""

    name: str
    avatar: Avatar


class MemberShape(Shape):
    """A member; `repositories` are those on which it has a role of its own, besides those of its teams."""

    name: str
    kind: Literal["user"] = "user"
    avatar: Avatar
    teams: Sequence[TeamName]
    repositories: Sequence[str]


class Members(Shape):
    """All of them, by name."""

    members: Sequence[MemberShape]


class CollaboratorShape(Shape):
    """Somebody who is no member and has a role on `repositories`."""

    kind: Literal["user", "robot"]
    name: str
    avatar: Avatar
    repositories: Sequence[str]


class Collaborators(Shape):
    """All of them, by name."""

    collaborators: Sequence[CollaboratorShape]


@router.post("/organization/", operation_id="createOrganization", summary="Create an organization", status_code=201)
async def create(body: NewOrganization, caller: UserAdmin, parts: WithParts) -> Literal["Created"]:
    """Create an organization, which the caller administers."""
    async with parts.database.write() as tx:
        organization = await organizations.create(tx, body.name, by=caller.principal, at=parts.clock())
        if body.email:
            await organizations.change_details(tx, organization, organizations.Details(email=body.email))
    return "Created"


@router.get("/organization/{orgname}", operation_id="getOrganization", summary="Get an organization")
async def get_(orgname: str, caller: Anyone, parts: WithParts) -> AdministeredShape | OrganizationShape:
    """Return what the caller may know of an organization: members see its teams."""
    async with parts.database.read() as read:
        return await _shape(read, parts, caller, await standing.of(read, caller.principal, orgname))


@router.put("/organization/{orgname}", operation_id="changeOrganizationDetails", summary="Change an organization")
async def change(
    orgname: str, body: Changes, caller: OrganizationAdmin, parts: WithParts
) -> AdministeredShape | OrganizationShape:
    """Change what is given."""
    given = body.model_dump(include=body.model_fields_set - {"tag_expiration_s"})
    if given.get("invoice_email", False) is None:
        del given["invoice_email"]
    async with parts.database.write() as tx:
        organization = await standing.administered(tx, caller.principal, orgname)
        if given:
            said = await organizations.details(tx, organization)
            await organizations.change_details(tx, organization, replace(said, **given))
        if body.tag_expiration_s is not None:
            await namespaces.set_time_machine(tx, organization.id, body.tag_expiration_s)
        return await _shape(tx, parts, caller, await standing.of(tx, caller.principal, orgname))


@router.delete(
    "/organization/{orgname}",
    operation_id="deleteAdminedOrganization",
    summary="Delete an organization",
    status_code=204,
)
async def delete(orgname: str, caller: FreshOrganizationAdmin, parts: WithParts) -> Response:
    """Delete an organization with its repositories, robots and teams."""
    async with parts.database.write() as tx:
        organization = await standing.administered(tx, caller.principal, orgname)
        await deletion.delete_namespace(tx, organization, by=caller.principal, at=parts.clock())
    return Response(status_code=204)


@router.get(
    "/organization/{orgname}/members", operation_id="getOrganizationMembers", summary="List an organization's members"
)
async def list_members(orgname: str, caller: OrganizationAdmin, parts: WithParts) -> Members:
    """Return everybody who is in a team."""
    async with parts.database.read() as read:
        organization = await standing.administered(read, caller.principal, orgname)
        found = await members.list_(read, organization)
        held = await holdings.direct(read, organization)
    return Members(members=[_member(each, held) for each in found])


@router.get(
    "/organization/{orgname}/members/{membername}", operation_id="getOrganizationMember", summary="Get a member"
)
async def get_member(orgname: str, membername: str, caller: OrganizationAdmin, parts: WithParts) -> MemberShape:
    """Return somebody who is in a team."""
    async with parts.database.read() as read:
        organization = await standing.administered(read, caller.principal, orgname)
        found = await members.get(read, organization, membername)
        return _member(found, await holdings.direct(read, organization))


@router.delete(
    "/organization/{orgname}/members/{membername}",
    operation_id="removeOrganizationMember",
    summary="Remove a member",
    status_code=204,
)
async def remove_member(orgname: str, membername: str, caller: OrganizationAdmin, parts: WithParts) -> Response:
    """Remove somebody from every team."""
    async with parts.database.write() as tx:
        organization = await standing.administered(tx, caller.principal, orgname)
        member = await members.get(tx, organization, membername)
        user = await users.get(tx, member.name)
        await members.expel(tx, organization, user.principal, by=caller.principal, at=parts.clock())
    return Response(status_code=204)


@router.get(
    "/organization/{orgname}/collaborators",
    operation_id="getOrganizationCollaborators",
    summary="List who works on an organization's repositories without being a member",
)
async def list_collaborators(orgname: str, caller: OrganizationAdmin, parts: WithParts) -> Collaborators:
    """Return users and foreign robots that have a role on a repository and are in no team."""
    async with parts.database.read() as read:
        organization = await standing.administered(read, caller.principal, orgname)
        names = {member.name for member in await members.list_(read, organization)}
        held = await holdings.direct(read, organization)
    own_robots = f"{organization.name}+"
    return Collaborators(
        collaborators=[
            CollaboratorShape(
                kind="robot" if each.is_robot else "user",
                name=each.name,
                avatar=avatar(each.name, AvatarKind.ROBOT if each.is_robot else AvatarKind.USER),
                repositories=[repository.short_name for repository in each.repositories],
            )
            for each in held
            if each.name not in names and not each.name.startswith(own_robots)
        ]
    )


async def _shape(read: Read, parts: Parts, caller: Caller, found: Standing) -> AdministeredShape | OrganizationShape:
    # A token that was not given for organizations sees what strangers see.
    trusted = ApiScope.ORG_ADMIN in caller.scopes
    is_admin, is_member = trusted and found.is_admin, trusted and found.is_member
    organization = found.organization
    fields: dict[str, Any] = {
        "name": organization.name,
        "email": "",
        "avatar": avatar(organization.name, AvatarKind.ORGANIZATION),
        "is_admin": is_admin,
        "is_member": is_member,
    }
    if is_admin or is_member:
        listed = await _teams(read, found)
        fields |= {"teams": {team.name: team for team in listed}, "ordered_teams": [team.name for team in listed]}
    if not is_admin:
        return OrganizationShape(**fields)
    said = await organizations.details(read, organization)
    default, own = parts.config.registry.time_machine_seconds, organization.time_machine_seconds
    fields["email"] = said.email or ""
    return AdministeredShape(
        **fields,
        invoice_email=said.invoice_email,
        invoice_email_address=said.invoice_email_address,
        tag_expiration_s=default if own is None else own,
    )


async def _teams(read: Read, found: Standing) -> list[TeamShape]:
    member_counts = await members.counts(read, found.organization)
    repository_counts = await holdings.counts_by_team(read, found.organization)

    def shape(team: Team) -> TeamShape:
        return TeamShape(
            name=team.name,
            description=team.description,
            role=team.role,
            avatar=avatar(team.name, AvatarKind.TEAM),
            can_view=found.is_admin or team.id in found.team_ids,
            repo_count=repository_counts.get(team.id, 0),
            member_count=member_counts.get(team.id, 0),
        )

    return [shape(team) for team in await teams.list_(read, found.organization)]


def _member(member: Member, held: Sequence[Direct]) -> MemberShape:
    return MemberShape(
        name=member.name,
        avatar=avatar(member.name, AvatarKind.USER),
        teams=[TeamName(name=name, avatar=avatar(name, AvatarKind.TEAM)) for name in member.teams],
        repositories=[name.short_name for each in held if each.name == member.name for name in each.repositories],
    )
