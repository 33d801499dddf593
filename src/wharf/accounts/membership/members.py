"""The people of an organization: everybody who is in a team of it. Somebody is always left to administer it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, or_, select

from wharf.access.grants import TeamRole
from wharf.access.principals import Principal
from wharf.accounts import namespaces, teams
from wharf.accounts.errors import LastAdministrator, MemberKnown, MemberUnknown, NotInTeam
from wharf.accounts.namespaces import Namespace
from wharf.accounts.organizations import OWNERS
from wharf.accounts.tables import namespace, team, team_member
from wharf.accounts.teams import Team
from wharf.db import Read, Tx
from wharf.events.catalog import TeamChanged, TeamCreated, TeamDeleted, TeamMemberAdded, TeamMemberRemoved
from wharf.events.publish import publish


class Member(NamedTuple):
    """A user, and the teams that it is in, by name."""

    id: int
    name: str
    teams: Sequence[str]


_m, _t = team_member.c, team.c
_PEOPLE = (
    select(namespace.c.id, namespace.c.name, _t.name)
    .select_from(team_member)
    .join(team, _t.id == _m.team_id)
    .join(namespace, namespace.c.id == _m.user_id)
    .where(_t.namespace_id == bindparam("organization_id"))
    .order_by(namespace.c.name, _t.name)
)
_COUNTS = (
    select(_t.id, func.count(_m.id))
    .select_from(team)
    .outerjoin(team_member, _m.team_id == _t.id)
    .where(_t.namespace_id == bindparam("organization_id"))
    .group_by(_t.id)
)
_ADMINISTRATOR = (
    select(_m.id)
    .join(team, _t.id == _m.team_id)
    .join(namespace, namespace.c.id == _m.user_id)
    .where(_t.namespace_id == bindparam("organization_id"), _t.role == TeamRole.ADMIN, namespace.c.enabled.is_(True))
    .limit(1)
)
_IS_IN = select(_m.id).where(
    _m.team_id == bindparam("team_id"),
    or_(_m.user_id == bindparam("user_id"), _m.robot_id == bindparam("robot_id")),
)


async def list_(read: Read, organization: Namespace) -> list[Member]:
    """Return the members by name."""
    found: dict[int, tuple[str, list[str]]] = {}
    for id_, name, team_name in await read.all(_PEOPLE, organization_id=organization.id):
        found.setdefault(id_, (name, []))[1].append(team_name)
    return [Member(id_, name, of) for id_, (name, of) in found.items()]


async def get(read: Read, organization: Namespace, name: str) -> Member:
    """Return the member called `name`; raises MemberUnknown."""
    for member in await list_(read, organization):
        if member.name == name:
            return member
    raise MemberUnknown(name)


async def counts(read: Read, organization: Namespace) -> dict[int, int]:
    """Return how many members, robots included, each team has, by the team's id."""
    return dict(await read.all(_COUNTS, organization_id=organization.id))


async def join(
    tx: Tx, organization: Namespace, target: Team, member: Principal, *, by: Principal, at: datetime
) -> None:
    """Add a user or a robot to a team; raises MemberKnown and MemberUnsuitable."""
    await namespaces.hold(tx, organization)
    if await _is_in(tx, target, member):
        raise MemberKnown(member.name)
    await teams.add_member(tx, target, member, at=at)
    await publish(tx, TeamMemberAdded(**_facts(organization, target, by, at), member=member.name))


async def leave(
    tx: Tx, organization: Namespace, target: Team, member: Principal, *, by: Principal, at: datetime
) -> None:
    """Remove a user or a robot from a team; raises NotInTeam and LastAdministrator."""
    await namespaces.hold(tx, organization)
    if not await _is_in(tx, target, member):
        raise NotInTeam(member.name)
    await teams.remove_member(tx, target, member)
    await publish(tx, TeamMemberRemoved(**_facts(organization, target, by, at), member=member.name))
    await _check_administered(tx, organization)


async def expel(tx: Tx, organization: Namespace, member: Principal, *, by: Principal, at: datetime) -> None:
    """Remove a user from every team; raises MemberUnknown and LastAdministrator."""
    await namespaces.hold(tx, organization)
    left = [each for each in await teams.list_(tx, organization) if await _is_in(tx, each, member)]
    if not left:
        raise MemberUnknown(member.name)
    for each in left:
        await leave(tx, organization, each, member, by=by, at=at)


async def take_over(tx: Tx, organization: Namespace, *, by: Principal, at: datetime) -> None:
    """Add `by` to a team that administers the organization; for superusers, where nobody else is left."""
    ruling = [each for each in await teams.list_(tx, organization) if each.role is TeamRole.ADMIN]
    if not ruling:
        ruling = [await create_team(tx, organization, OWNERS, TeamRole.ADMIN, "", by=by, at=at)]
    if not any([await _is_in(tx, each, by) for each in ruling]):
        await join(tx, organization, ruling[0], by, by=by, at=at)


async def create_team(
    tx: Tx, organization: Namespace, name: str, role: TeamRole, description: str, *, by: Principal, at: datetime
) -> Team:
    """Create a team without members; raises AccountNameInvalid and AccountNameTaken."""
    created = await teams.create(tx, organization, name, role, description=description, at=at)
    await publish(tx, TeamCreated(**_facts(organization, created, by, at), role=role))
    return created


async def change_team(
    tx: Tx, organization: Namespace, target: Team, role: TeamRole, description: str, *, by: Principal, at: datetime
) -> None:
    """Give a team another role and description; raises LastAdministrator."""
    await namespaces.hold(tx, organization)
    await teams.change(tx, target, role=role, description=description)
    await publish(tx, TeamChanged(**_facts(organization, target, by, at), role=role))
    await _check_administered(tx, organization)


async def delete_team(tx: Tx, organization: Namespace, target: Team, *, by: Principal, at: datetime) -> None:
    """Delete a team with what it was granted; raises LastAdministrator."""
    await namespaces.hold(tx, organization)
    await teams.delete(tx, target)
    await publish(tx, TeamDeleted(**_facts(organization, target, by, at)))
    await _check_administered(tx, organization)


def _facts(organization: Namespace, target: Team, by: Principal, at: datetime) -> dict[str, Any]:
    return {
        "at": at,
        "by": by.name,
        "organization_id": organization.id,
        "organization": organization.name,
        "team": target.name,
    }


async def _is_in(read: Read, target: Team, member: Principal) -> bool:
    row = await read.find(_IS_IN, team_id=target.id, user_id=member.user_id, robot_id=member.robot_id)
    return row is not None


async def _check_administered(tx: Tx, organization: Namespace) -> None:
    """Raise, which undoes what was done, if nobody is left in a team that administers the organization."""
    if await tx.find(_ADMINISTRATOR, organization_id=organization.id) is None:
        raise LastAdministrator(organization.name)
