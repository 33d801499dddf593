"""What teams, robots and people have been granted, seen from their side."""

from typing import NamedTuple

from sqlalchemy import bindparam, func, or_, select

from wharf.access.grants import Role, Visibility
from wharf.access.principals import Principal
from wharf.accounts.namespaces import Namespace
from wharf.accounts.robots import SEPARATOR
from wharf.accounts.tables import namespace, robot, team
from wharf.accounts.teams import Team
from wharf.content.tables import repository, repository_grant
from wharf.db import Read
from wharf.oci.names import RepositoryName


class Holding(NamedTuple):
    """A role on a repository."""

    repository: RepositoryName
    visibility: Visibility
    role: Role


class Direct(NamedTuple):
    """A user or a robot and the repositories of one namespace on which it has a role of its own, not by a team."""

    name: str
    is_robot: bool
    repositories: list[RepositoryName]


_g, _r = repository_grant.c, repository.c
_HELD = (
    select(_r.name, _r.visibility, _g.role)
    .select_from(repository_grant)
    .join(repository, _r.id == _g.repository_id)
    .where(
        or_(
            _g.team_id == bindparam("of_team"), _g.robot_id == bindparam("of_robot"), _g.user_id == bindparam("of_user")
        ),
        _r.deleted_at.is_(None),
    )
    .order_by(_r.name)
)
_COUNTS = (
    select(team.c.id, func.count(_r.id))
    .select_from(team)
    .join(repository_grant, _g.team_id == team.c.id)
    .join(repository, _r.id == _g.repository_id)
    .where(team.c.namespace_id == bindparam("owner_id"), _r.deleted_at.is_(None))
    .group_by(team.c.id)
)
_DIRECT = (
    select(namespace.c.name, robot.c.name, _r.name)
    .select_from(repository_grant)
    .join(repository, _r.id == _g.repository_id)
    .outerjoin(robot, robot.c.id == _g.robot_id)
    .join(namespace, namespace.c.id == func.coalesce(_g.user_id, robot.c.namespace_id))
    .where(_r.namespace_id == bindparam("owner_id"), _r.deleted_at.is_(None))
    .order_by(namespace.c.name, func.coalesce(robot.c.name, ""), _r.name)
)


async def of(read: Read, holder: Principal | Team) -> list[Holding]:
    """Return what a team, a user or a robot has been granted itself, by the repository's name."""
    if isinstance(holder, Team):
        rows = await read.all(_HELD, of_team=holder.id, of_robot=None, of_user=None)
    else:
        rows = await read.all(_HELD, of_team=None, of_robot=holder.robot_id, of_user=holder.user_id)
    return [Holding(RepositoryName(name), Visibility(visibility), Role(role)) for name, visibility, role in rows]


async def counts_by_team(read: Read, organization: Namespace) -> dict[int, int]:
    """Return on how many repositories each team has a role, by the team's id; teams without any are left out."""
    return dict(await read.all(_COUNTS, owner_id=organization.id))


async def direct(read: Read, owner: Namespace) -> list[Direct]:
    """Return who has a role of its own on repositories of a namespace, by name."""
    found: dict[str, Direct] = {}
    for name, robot_name, repository_name in await read.all(_DIRECT, owner_id=owner.id):
        full = name if robot_name is None else f"{name}{SEPARATOR}{robot_name}"
        holder = found.setdefault(full, Direct(full, robot_name is not None, []))
        holder.repositories.append(RepositoryName(repository_name))
    return list(found.values())
