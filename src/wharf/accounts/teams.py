"""Teams: users and robots of an organization that hold a role, and grants, together."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, func, or_, select

from wharf.access.grants import TeamRole, strongest_team_role
from wharf.access.principals import Principal, PrincipalKind
from wharf.accounts import namespaces
from wharf.accounts.errors import AccountNameTaken, MemberUnsuitable, TeamUnknown
from wharf.accounts.namespaces import Namespace
from wharf.accounts.robots import SEPARATOR
from wharf.accounts.tables import namespace, robot, team, team_member
from wharf.db import Read, Tx
from wharf.db.dialect import insert
from wharf.kit.clock import utc_now


@dataclass(frozen=True, slots=True)
class Team:
    """A team of an organization."""

    id: int
    namespace_id: int
    name: str
    role: TeamRole
    description: str


class Membership(NamedTuple):
    """An organization that somebody is in, and the strongest role among its teams."""

    organization: str
    role: TeamRole


_t, _m = team.c, team_member.c
_TEAM = select(_t.id, _t.namespace_id, _t.name, _t.role, _t.description).where(
    _t.namespace_id == bindparam("namespace_id")
)
_BY_NAME = _TEAM.where(_t.name == bindparam("name"))
_ALL = _TEAM.order_by(_t.name)
_INSERT = insert(team).on_conflict_do_nothing(index_elements=[_t.namespace_id, _t.name]).returning(_t.id)
_SET = (
    team.update()
    .where(_t.id == bindparam("team_id"))
    .values(role=bindparam("new_role"), description=bindparam("new_description"))
)
_DELETE = team.delete().where(_t.id == bindparam("team_id"))
_ADD = insert(team_member).on_conflict_do_nothing()
_is_member = or_(_m.user_id == bindparam("user_id"), _m.robot_id == bindparam("robot_id"))
_REMOVE = team_member.delete().where(_m.team_id == bindparam("team_id"), _is_member)
_MEMBERS = (
    select(namespace.c.name, robot.c.name)
    .select_from(team_member)
    .outerjoin(robot, robot.c.id == _m.robot_id)
    .join(namespace, namespace.c.id == func.coalesce(_m.user_id, robot.c.namespace_id))
    .where(_m.team_id == bindparam("team_id"))
    .order_by(namespace.c.name, func.coalesce(robot.c.name, ""))
)

_NAMES = select(_t.name).join(team_member, _m.team_id == _t.id).where(_is_member).order_by(_t.name)
_ORGANIZATIONS = (
    select(namespace.c.name, _t.role)
    .select_from(team_member)
    .join(team, _t.id == _m.team_id)
    .join(namespace, namespace.c.id == _t.namespace_id)
    .where(_m.user_id == bindparam("user_id"), namespace.c.enabled.is_(True))
    .order_by(namespace.c.name)
)


async def create(
    tx: Tx,
    organization: Namespace,
    name: str,
    role: TeamRole = TeamRole.MEMBER,
    *,
    description: str = "",
    at: datetime | None = None,
) -> Team:
    """Create a team without members; raises AccountNameInvalid and AccountNameTaken."""
    id_ = await tx.scalar(
        _INSERT,
        namespace_id=organization.id,
        name=namespaces.check_name(name),
        role=role,
        description=description,
        created_at=at or utc_now(),
    )
    if id_ is None:
        raise AccountNameTaken(name)
    return Team(id_, organization.id, name, role, description)


async def find(read: Read, organization: Namespace, name: str) -> Team | None:
    """Return the organization's team called `name`, or None."""
    row = await read.find(_BY_NAME, namespace_id=organization.id, name=name)
    return _from_row(*row) if row else None


async def get(read: Read, organization: Namespace, name: str) -> Team:
    """Return the organization's team called `name`; raises TeamUnknown."""
    found = await find(read, organization, name)
    if found is None:
        raise TeamUnknown(name)
    return found


async def list_(read: Read, organization: Namespace) -> list[Team]:
    """Return the organization's teams by name."""
    return [_from_row(*row) for row in await read.all(_ALL, namespace_id=organization.id)]


async def change(tx: Tx, target: Team, *, role: TeamRole, description: str) -> None:
    """Give the team another role and description."""
    await tx.run(_SET, team_id=target.id, new_role=role, new_description=description)


async def delete(tx: Tx, target: Team) -> None:
    """Delete the team; its members keep what they were granted otherwise."""
    await tx.run(_DELETE, team_id=target.id)


async def add_member(tx: Tx, target: Team, member: Principal, *, at: datetime | None = None) -> None:
    """Add a user, or a robot of the same organization; nothing happens if it is in. Raises MemberUnsuitable."""
    is_own_robot = member.kind is PrincipalKind.ROBOT and member.namespace_id == target.namespace_id
    if member.kind is not PrincipalKind.USER and not is_own_robot:
        raise MemberUnsuitable(member.name)
    await tx.run(_ADD, team_id=target.id, user_id=member.user_id, robot_id=member.robot_id, created_at=at or utc_now())


async def remove_member(tx: Tx, target: Team, member: Principal) -> None:
    """Remove a user or a robot; nothing happens if it is not in."""
    await tx.run(_REMOVE, team_id=target.id, user_id=member.user_id, robot_id=member.robot_id)


async def members(read: Read, target: Team) -> list[str]:
    """Return the members as they sign in: `ada`, `acme+deploy`."""
    rows = await read.all(_MEMBERS, team_id=target.id)
    return [f"{owner}{SEPARATOR}{machine}" if machine else owner for owner, machine in rows]


async def names_of(read: Read, member: Principal) -> list[str]:
    """Return the names of all teams that a user or a robot is in."""
    rows = await read.all(_NAMES, user_id=member.user_id, robot_id=member.robot_id)
    return [name for (name,) in rows]


async def organizations_of(read: Read, user_id: int) -> list[Membership]:
    """Return the organizations that a user is in, by name."""
    roles: dict[str, TeamRole | None] = {}
    for name, role in await read.all(_ORGANIZATIONS, user_id=user_id):
        roles[name] = strongest_team_role(roles.get(name), TeamRole(role))
    return [Membership(name, role) for name, role in roles.items() if role]


def _from_row(id_: int, namespace_id: int, name: str, role: str, description: str) -> Team:
    return Team(id_, namespace_id, name, TeamRole(role), description)
