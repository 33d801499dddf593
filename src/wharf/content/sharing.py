"""Who may use a repository besides its owners: its visibility, and the roles that were granted on it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, or_, select

from wharf.access.grants import Role, Visibility
from wharf.access.principals import Principal
from wharf.accounts.robots import SEPARATOR
from wharf.accounts.tables import namespace, robot, team
from wharf.accounts.teams import Team
from wharf.content.errors import RepositoryUnknown
from wharf.content.repositories import Repository
from wharf.content.tables import repository, repository_grant
from wharf.db import Read, Tx
from wharf.db.dialect import insert
from wharf.events.catalog import RepositoryRoleGranted, RepositoryRoleRevoked, RepositoryVisibilityChanged
from wharf.events.publish import publish

_g = repository_grant.c
_is_grantee = or_(
    _g.user_id == bindparam("to_user"), _g.robot_id == bindparam("to_robot"), _g.team_id == bindparam("to_team")
)
_TAKE = repository_grant.delete().where(_g.repository_id == bindparam("of"), _is_grantee)
_GIVE = insert(repository_grant)
_ALL = (
    select(namespace.c.name, robot.c.name, team.c.name, _g.role)
    .select_from(repository_grant)
    .outerjoin(robot, robot.c.id == _g.robot_id)
    .outerjoin(team, team.c.id == _g.team_id)
    .join(namespace, namespace.c.id == func.coalesce(_g.user_id, robot.c.namespace_id, team.c.namespace_id))
    .where(_g.repository_id == bindparam("of"))
    .order_by(namespace.c.name, robot.c.name, team.c.name)
)
_SET_VISIBILITY = (
    repository.update()
    .where(
        repository.c.id == bindparam("of"),
        repository.c.deleted_at.is_(None),
        repository.c.visibility != bindparam("now"),
    )
    .values(visibility=bindparam("now"))
)
_EXISTS = select(repository.c.id).where(repository.c.id == bindparam("of"), repository.c.deleted_at.is_(None))


@dataclass(frozen=True, slots=True)
class Grant:
    """A role on a repository; `name` is a user's, a robot's (`acme+deploy`) or a team's (`acme/developers`)."""

    name: str
    role: Role

    @property
    def is_team(self) -> bool:
        """Whether a team holds it."""
        return "/" in self.name

    @property
    def is_robot(self) -> bool:
        """Whether a robot holds it."""
        return SEPARATOR in self.name


async def grant(tx: Tx, target: Repository, to: Principal | Team, role: Role, *, by: Principal, at: datetime) -> None:
    """Give `role`, instead of the role that `to` had on this repository; a Conflict if another does so right now."""
    await _take(tx, target, to)
    user_id, robot_id, team_id = _ids(to)
    await tx.run(
        _GIVE,
        repository_id=target.id,
        user_id=user_id,
        robot_id=robot_id,
        team_id=team_id,
        role=role,
        created_at=at,
    )
    given = RepositoryRoleGranted(
        at=at, by=by.name, repository_id=target.id, repository=target.name, **_grantee(to), role=role
    )
    await publish(tx, given)


async def revoke(tx: Tx, target: Repository, to: Principal | Team, *, by: Principal, at: datetime) -> bool:
    """Take away the role that `to` has on this repository; False if it had none. What its teams have, it keeps."""
    if not await _take(tx, target, to):
        return False
    taken = RepositoryRoleRevoked(at=at, by=by.name, repository_id=target.id, repository=target.name, **_grantee(to))
    await publish(tx, taken)
    return True


async def _take(tx: Tx, target: Repository, to: Principal | Team) -> bool:
    user_id, robot_id, team_id = _ids(to)
    return await tx.run(_TAKE, of=target.id, to_user=user_id, to_robot=robot_id, to_team=team_id) > 0


async def list_(read: Read, target: Repository) -> list[Grant]:
    """Return all grants on this repository, by name."""
    return [
        Grant(_name(owner, robot_name, team_name), Role(role))
        for owner, robot_name, team_name, role in await read.all(_ALL, of=target.id)
    ]


async def change_visibility(tx: Tx, target: Repository, visibility: Visibility, *, by: Principal, at: datetime) -> None:
    """Make the repository public or private; nothing happens when it is. Raises `RepositoryUnknown`."""
    if await tx.run(_SET_VISIBILITY, of=target.id, now=visibility):
        changed = RepositoryVisibilityChanged(
            at=at, by=by.name, repository_id=target.id, repository=target.name, visibility=visibility
        )
        await publish(tx, changed)
    elif await tx.find(_EXISTS, of=target.id) is None:
        raise RepositoryUnknown(target.name)


def _ids(to: Principal | Team) -> tuple[int | None, int | None, int | None]:
    if isinstance(to, Team):
        return None, None, to.id
    assert to.id is not None, "nobody in particular cannot be granted anything; make the repository public"
    return to.user_id, to.robot_id, None


def _grantee(to: Principal | Team) -> dict[str, str]:
    return {"to_team": to.name} if isinstance(to, Team) else {"to": to.name}


def _name(owner: str, robot_name: str | None, team_name: str | None) -> str:
    if robot_name is not None:
        return f"{owner}{SEPARATOR}{robot_name}"
    return owner if team_name is None else f"{owner}/{team_name}"
