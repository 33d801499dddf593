"""What a caller is within an organization, and who may do what to it."""

from typing import NamedTuple

from sqlalchemy import bindparam, or_, select

from wharf.access import decide
from wharf.access.actions import Action
from wharf.access.grants import Grants, Resource, TeamRole, strongest_team_role
from wharf.access.principals import Principal
from wharf.accounts import namespaces
from wharf.accounts.errors import NamespaceUnknown, NotAllowed
from wharf.accounts.namespaces import Namespace, NamespaceKind
from wharf.accounts.tables import namespace, team, team_member
from wharf.db import Read

_m = team_member.c
_own_teams = select(_m.team_id).where(or_(_m.user_id == bindparam("user_id"), _m.robot_id == bindparam("robot_id")))
_STANDING = (
    select(*namespaces.COLUMNS, team.c.id, team.c.role)
    .select_from(namespace)
    .outerjoin(team, (team.c.namespace_id == namespace.c.id) & team.c.id.in_(_own_teams))
    .where(
        namespace.c.name == bindparam("name"),
        namespace.c.kind == NamespaceKind.ORGANIZATION,
        namespace.c.deleted_at.is_(None),
    )
)


class Standing(NamedTuple):
    """A caller within an organization; `team_ids` are the teams it is in."""

    organization: Namespace
    is_admin: bool
    role: TeamRole | None
    team_ids: frozenset[int]

    @property
    def is_member(self) -> bool:
        """Whether the caller is in any team."""
        return bool(self.team_ids)


async def of(read: Read, principal: Principal, name: str) -> Standing:
    """Return what `principal` is within the organization called `name`.

    Raises NamespaceUnknown, also for one that is disabled, unless a superuser asks.
    """
    rows = await read.all(_STANDING, name=name, user_id=principal.user_id, robot_id=principal.robot_id)
    if not rows:
        raise NamespaceUnknown(name)
    organization = namespaces.from_row(*rows[0][:-2])
    if not organization.enabled and not principal.superuser:
        raise NamespaceUnknown(name)
    role = strongest_team_role(*(TeamRole(row[-1]) for row in rows if row[-1]))
    decision = decide.decide(principal, Action.ADMIN, Resource(organization.id), Grants(None, role))
    return Standing(organization, decision.allowed, role, frozenset(row[-2] for row in rows if row[-2]))


async def administered(read: Read, principal: Principal, name: str) -> Namespace:
    """Return the organization called `name` if `principal` administers it; raises NamespaceUnknown and NotAllowed."""
    standing = await of(read, principal, name)
    if not standing.is_admin:
        raise NotAllowed(name)
    return standing.organization


async def joined(read: Read, principal: Principal, name: str) -> Standing:
    """Return the standing of `principal` if it is a member or administers; raises NamespaceUnknown and NotAllowed."""
    standing = await of(read, principal, name)
    if not standing.is_admin and not standing.is_member:
        raise NotAllowed(name)
    return standing
