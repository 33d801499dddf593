"""Repositories, and the only door to them."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, bindparam, or_, select, true

from wharf.access import decide
from wharf.access.actions import Action
from wharf.access.grants import (
    NO_GRANTS,
    ROLE_ACTIONS,
    Grants,
    RepositoryState,
    Resource,
    Role,
    TeamRole,
    Visibility,
    strongest_role,
    strongest_team_role,
)
from wharf.access.principals import ANONYMOUS, Principal, PrincipalKind
from wharf.accounts.tables import namespace, robot, team, team_member, user_account
from wharf.content.errors import (
    AccessDenied,
    NamespaceUnknown,
    RepositoryExists,
    RepositoryHidden,
    RepositoryUnknown,
)
from wharf.content.jobs import CollectRepository
from wharf.content.tables import repository, repository_grant
from wharf.db import Database, Read, Tx
from wharf.db.dialect import insert
from wharf.events.catalog import (
    RepositoryCreated,
    RepositoryDeleted,
    RepositoryDescriptionChanged,
    RepositoryStateChanged,
)
from wharf.events.publish import publish
from wharf.jobs.queue import enqueue
from wharf.oci.names import RepositoryName

_r = repository.c


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository that its holder may use; only this module makes them."""

    id: int
    namespace_id: int
    name: RepositoryName
    visibility: Visibility
    state: RepositoryState


class Rights(NamedTuple):
    """A repository, and what somebody may do to it: to pull, at least."""

    repository: Repository
    actions: frozenset[Action]


_is_caller = or_(team_member.c.user_id == bindparam("user_id"), team_member.c.robot_id == bindparam("robot_id"))
_own_teams = select(team_member.c.team_id).where(_is_caller)
_own_grant = or_(
    repository_grant.c.user_id == bindparam("user_id"),
    repository_grant.c.robot_id == bindparam("robot_id"),
    repository_grant.c.team_id.in_(_own_teams),
)
_own_team = team.c.id.in_(_own_teams)
# What the caller is now, whatever its token said minutes ago.
_owner = namespace.alias("caller_namespace")
_superuser = (
    select(user_account.c.superuser)
    .join(_owner, _owner.c.id == user_account.c.namespace_id)
    .where(_owner.c.id == bindparam("user_id"), _owner.c.enabled == true())
    .scalar_subquery()
)
_robot = (
    select(robot.c.enabled)
    .join(_owner, _owner.c.id == robot.c.namespace_id)
    .where(robot.c.id == bindparam("robot_id"), _owner.c.enabled == true())
    .scalar_subquery()
)
_ACCESS = (
    select(_r.id, _r.namespace_id, _r.visibility, _r.state, repository_grant.c.role, team.c.role, _superuser, _robot)
    .select_from(repository)
    .join(namespace, namespace.c.id == _r.namespace_id)
    .outerjoin(repository_grant, (repository_grant.c.repository_id == _r.id) & _own_grant)
    .outerjoin(team, (team.c.namespace_id == _r.namespace_id) & _own_team)
    .where(_r.name == bindparam("name"), namespace.c.enabled == true())
)
_NAMESPACE = (
    select(namespace.c.id, team.c.role)
    .select_from(namespace)
    .outerjoin(team, (team.c.namespace_id == namespace.c.id) & _own_team)
    .where(namespace.c.name == bindparam("name"), namespace.c.enabled == true())
)
# Its name goes first when a namespace is deleted: whoever waited for that finds none.
_HOLD_NAMESPACE = (
    select(namespace.c.id)
    .where(namespace.c.id == bindparam("id"), namespace.c.deleted_at.is_(None))
    .with_for_update(read=True, key_share=True)
)
_CREATE = insert(repository).on_conflict_do_nothing(index_elements=[_r.name]).returning(_r.id)
_GRANT = insert(repository_grant)
_RETIRE = (
    repository.update()
    .where(_r.id == bindparam("repository_id"), _r.deleted_at.is_(None))
    .values(name=bindparam("retired"), deleted_at=bindparam("at"))
)

_UPDATE = repository.update().where(_r.id == bindparam("repository_id"), _r.deleted_at.is_(None))
_DESCRIBE = _UPDATE.values(description=bindparam("said"))
_SET_STATE = _UPDATE.values(state=bindparam("now"))

# By its name too: on SQLite the number of a collected repository may be given to a new one.
_held = select(_r.id).where(_r.id == bindparam("id"), _r.name == bindparam("name"))
_HOLD = _held.with_for_update(read=True, key_share=True)
_HOLD_ALONE = _held.with_for_update()

granted: ColumnElement[bool] = or_(
    _r.namespace_id == bindparam("own_namespace_id"),
    _r.id.in_(select(repository_grant.c.repository_id).where(_own_grant)),
    _r.namespace_id.in_(select(team.c.namespace_id).where(_own_team, team.c.role == TeamRole.ADMIN)),
)
"""What the caller may pull from although it were private, as SQL; parameters from `visible_to`."""

visible: ColumnElement[bool] = or_(_r.visibility == Visibility.PUBLIC, granted)
"""What `decide` says of PULL for someone who is no superuser, as SQL; parameters from `visible_to`."""

_PAGE = (
    select(_r.name)
    .join(namespace, namespace.c.id == _r.namespace_id)
    .where(_r.name > bindparam("last"), _r.deleted_at.is_(None), namespace.c.enabled == true())
    .order_by(_r.name)
    .limit(bindparam("count"))
)
_VISIBLE_PAGE = _PAGE.where(visible)


async def access(database: Database, principal: Principal, name: RepositoryName, action: Action) -> Repository:
    """Return the repository if `principal` may do `action` to it.

    Raises `RepositoryUnknown` when there is none or the caller may not even pull, so that the two look the same, and
    `AccessDenied` otherwise.
    """
    memo = database.memo()
    key = ("access", principal, name, action)
    allowed: Repository | None = memo.get(key)
    if allowed is None:
        async with database.read() as read:
            allowed = memo[key] = await _access(read, principal, name, action)
    return allowed


async def rights(database: Database, principal: Principal, name: RepositoryName) -> Rights:
    """Return the repository and all that `principal` may do to it; raises `RepositoryUnknown`."""
    async with database.read() as read:
        caller, found, grants = await _look_up(read, principal, name)
    allowed = frozenset(action for action in Action if decide.decide(caller, action, _resource(found), grants).allowed)
    if Action.PULL not in allowed:
        raise RepositoryHidden(name, Action.PULL)
    return Rights(found, allowed)


async def role_of(database: Database, principal: Principal, name: RepositoryName) -> Role | None:
    """Return the role that comes to what `principal` owns or was granted, itself or through teams.

    Neither the repository's state nor what everybody may do counts. Raises `RepositoryUnknown` when there is none.
    """
    async with database.read() as read:
        caller, found, grants = await _look_up(read, principal, name)
    resource = Resource(found.namespace_id)
    allowed = {action for action in Action if decide.decide(caller, action, resource, grants).allowed}
    return next((role for role in reversed(Role) if ROLE_ACTIONS[role] <= allowed), None)


async def _access(read: Read, principal: Principal, name: RepositoryName, action: Action) -> Repository:
    caller, found, grants = await _look_up(read, principal, name)
    decision = decide.decide(caller, action, _resource(found), grants)
    if decision.allowed:
        return found
    if not decide.decide(caller, Action.PULL, _resource(found), grants).allowed:
        raise RepositoryHidden(name, action)
    raise AccessDenied(name, action, decision.reason, caller.kind is not PrincipalKind.ANONYMOUS)


async def _look_up(read: Read, principal: Principal, name: RepositoryName) -> tuple[Principal, Repository, Grants]:
    """Return what `decide` needs: the caller as of now, the repository, the caller's grants."""
    rows = await read.all(_ACCESS, name=name, user_id=principal.user_id, robot_id=principal.robot_id)
    if not rows:
        raise RepositoryUnknown(name)
    id_, namespace_id, visibility, state, _, _, superuser, robot_enabled = rows[0]
    found = from_row(id_, namespace_id, name, visibility, state)
    principal = _as_of_now(principal, superuser=superuser, robot_enabled=robot_enabled)
    grants = NO_GRANTS  # also for a caller who was disabled: what it was granted waits for it
    if principal.kind is not PrincipalKind.ANONYMOUS:
        grants = Grants(
            strongest_role(*(Role(row[4]) for row in rows if row[4])),
            strongest_team_role(*(TeamRole(row[5]) for row in rows if row[5])),
        )
    return principal, found, grants


def _resource(of: Repository) -> Resource:
    return Resource(of.namespace_id, of.visibility, of.state)


def _as_of_now(principal: Principal, *, superuser: bool | None, robot_enabled: bool | None) -> Principal:
    """Return the caller with the powers it has now; one that was disabled or deleted is nobody."""
    match principal.kind:
        case PrincipalKind.USER if superuser is not None:
            # Not more than it came with either: a token may have been issued for less.
            return replace(principal, superuser=principal.superuser and superuser)
        case PrincipalKind.ROBOT if robot_enabled:
            return principal
    return ANONYMOUS


async def create(
    tx: Tx, name: RepositoryName, *, by: Principal, visibility: Visibility, at: datetime, description: str = ""
) -> Repository:
    """Create a repository in the namespace its name begins with; its creator may administer it.

    Raises `NamespaceUnknown`, `AccessDenied` and `RepositoryExists`.
    """
    namespace_id = await _creatable(tx, name, by)
    if await tx.find(_HOLD_NAMESPACE, id=namespace_id) is None:
        raise NamespaceUnknown(name.namespace or "")
    id_ = await tx.scalar(
        _CREATE,
        namespace_id=namespace_id,
        name=name,
        visibility=visibility,
        state=RepositoryState.NORMAL,
        description=description,
        created_at=at,
        deleted_at=None,
    )
    if id_ is None:
        raise RepositoryExists(name)
    if namespace_id != by.id or by.kind is not PrincipalKind.USER:
        await tx.run(
            _GRANT,
            repository_id=id_,
            user_id=by.user_id,
            robot_id=by.robot_id,
            team_id=None,
            role=Role.ADMIN,
            created_at=at,
        )
    await publish(tx, RepositoryCreated(at=at, by=by.name, repository_id=id_, repository=name, visibility=visibility))
    return Repository(id_, namespace_id, name, visibility, RepositoryState.NORMAL)


async def may_create(database: Database, principal: Principal, name: RepositoryName) -> bool:
    """Tell whether `principal` may create a repository of this name, if there is none yet."""
    try:
        async with database.read() as read:
            await _creatable(read, name, principal)
    except (NamespaceUnknown, AccessDenied):
        return False
    return True


async def _creatable(read: Read, name: RepositoryName, by: Principal) -> int:
    owner = name.namespace or ""
    rows = await read.all(_NAMESPACE, name=owner, user_id=by.user_id, robot_id=by.robot_id)
    if not rows:
        raise NamespaceUnknown(owner)
    namespace_id: int = rows[0][0]
    grants = Grants(None, strongest_team_role(*(TeamRole(role) for _, role in rows if role)))
    decision = decide.decide(by, Action.CREATE, Resource(namespace_id), grants)
    if not decision.allowed:
        raise AccessDenied(name, Action.CREATE, decision.reason, by.kind is not PrincipalKind.ANONYMOUS)
    return namespace_id


async def describe(tx: Tx, target: Repository, description: str, *, by: Principal, at: datetime) -> None:
    """Replace what is said about the repository; raises `RepositoryUnknown`."""
    if not await tx.run(_DESCRIBE, repository_id=target.id, said=description):
        raise RepositoryUnknown(target.name)
    await publish(tx, RepositoryDescriptionChanged(at=at, by=by.name, repository_id=target.id, repository=target.name))


async def change_state(tx: Tx, target: Repository, state: RepositoryState, *, by: Principal, at: datetime) -> None:
    """Say what may be written to the repository from now on; raises `RepositoryUnknown`."""
    if not await tx.run(_SET_STATE, repository_id=target.id, now=state):
        raise RepositoryUnknown(target.name)
    await publish(
        tx, RepositoryStateChanged(at=at, by=by.name, repository_id=target.id, repository=target.name, state=state)
    )


async def delete(tx: Tx, target: Repository, *, by: Principal, at: datetime) -> None:
    """Take the repository away at once and give its name free; its content is collected afterwards."""
    if not await tx.run(_RETIRE, repository_id=target.id, retired=f"#{target.id}", at=at):
        raise RepositoryUnknown(target.name)
    await publish(tx, RepositoryDeleted(at=at, by=by.name, repository_id=target.id, repository=target.name))
    await enqueue(tx, CollectRepository(target.id), run_at=at)


async def hold(tx: Tx, target: Repository) -> None:
    """Keep deletion and collection out of the repository until `tx` ends; pushes do not hinder each other.

    Raises `RepositoryUnknown` when it has been deleted.
    """
    if await tx.find(_HOLD, id=target.id, name=target.name) is None:
        raise RepositoryUnknown(target.name)


async def hold_alone(tx: Tx, target: Repository) -> None:
    """Keep pushes out of the repository as well until `tx` ends; raises `RepositoryUnknown` when it was deleted."""
    if await tx.find(_HOLD_ALONE, id=target.id, name=target.name) is None:
        raise RepositoryUnknown(target.name)


async def list_(database: Database, principal: Principal, *, last: str, count: int) -> list[RepositoryName]:
    """Return up to `count` names after `last` in byte order, of repositories that `principal` may pull from."""
    async with database.read() as read:
        if principal.superuser:
            rows = await read.all(_PAGE, last=last, count=count)
        else:
            rows = await read.all(_VISIBLE_PAGE, last=last, count=count, **visible_to(principal))
    return [RepositoryName(name) for (name,) in rows]


def from_row(id_: int, namespace_id: int, name: str, visibility: str, state: str) -> Repository:
    """Make a repository of its columns; for statements of this room that have checked access themselves."""
    return Repository(id_, namespace_id, RepositoryName(name), Visibility(visibility), RepositoryState(state))


def visible_to(principal: Principal) -> dict[str, int | None]:
    """Return the parameters of `visible`."""
    return {
        "user_id": principal.user_id,
        "robot_id": principal.robot_id,
        "own_namespace_id": principal.user_id,
    }
