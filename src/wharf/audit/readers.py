"""Who may read which part of the trail: whoever administers what the entries belong to."""

from collections.abc import Iterable

from sqlalchemy import bindparam, or_, select

from wharf.access import decide
from wharf.access.actions import Action
from wharf.access.grants import Grants, Resource, TeamRole, strongest_team_role
from wharf.access.principals import Principal, PrincipalKind
from wharf.accounts.errors import NamespaceUnknown
from wharf.accounts.namespaces import NamespaceKind
from wharf.accounts.tables import namespace, team, team_member
from wharf.audit.entry import Entry
from wharf.content.errors import AccessDenied
from wharf.db import Read

_n = namespace.c
_own_teams = select(team_member.c.team_id).where(
    or_(team_member.c.user_id == bindparam("user_id"), team_member.c.robot_id == bindparam("robot_id"))
)
_ORGANIZATION = (
    select(_n.id, team.c.role)
    .select_from(namespace)
    .outerjoin(team, (team.c.namespace_id == _n.id) & team.c.id.in_(_own_teams))
    .where(_n.name == bindparam("name"), _n.kind == NamespaceKind.ORGANIZATION)
)
_ORGANIZATIONS = select(_n.id).where(_n.id.in_(bindparam("ids", expanding=True)), _n.kind == NamespaceKind.ORGANIZATION)


async def organizations_among(read: Read, entries: Iterable[Entry]) -> frozenset[int]:
    """Return the numbers of those namespaces of `entries` that are organizations."""
    ids = {entry.namespace_id for entry in entries if entry.namespace_id is not None}
    return frozenset(id_ for (id_,) in await read.all(_ORGANIZATIONS, ids=sorted(ids))) if ids else frozenset()


async def organization(read: Read, principal: Principal, name: str) -> int:
    """Return the number of an organization whose entries `principal` may read.

    Raises `NamespaceUnknown` and `AccessDenied`.
    """
    rows = await read.all(_ORGANIZATION, name=name, user_id=principal.user_id, robot_id=principal.robot_id)
    if not rows:
        raise NamespaceUnknown(name)
    namespace_id: int = rows[0][0]
    grants = Grants(None, strongest_team_role(*(TeamRole(role) for _, role in rows if role)))
    decision = decide.decide(principal, Action.ADMIN, Resource(namespace_id), grants)
    if not decision.allowed:
        raise AccessDenied(name, Action.ADMIN, decision.reason, principal.kind is not PrincipalKind.ANONYMOUS)
    return namespace_id
