"""Robots: credentials for machines. A robot belongs to a user or an organization and signs in as `owner+name`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select

from wharf.access.principals import Principal, PrincipalKind
from wharf.accounts import namespaces
from wharf.accounts.errors import AccountNameTaken, RobotUnknown
from wharf.accounts.tables import namespace, robot
from wharf.db import Read, Tx
from wharf.db.dialect import insert
from wharf.events.catalog import RobotCreated, RobotDeleted, RobotTokenReplaced
from wharf.events.publish import publish
from wharf.kit.clock import utc_now
from wharf.kit.crypto import SecretBox, hash_token, random_token

SEPARATOR = "+"
# Recognisable, so that scanners for leaked secrets can find it in a public repository.
TOKEN_PREFIX = "whr_"  # noqa: S105 - what tokens begin with, not one of them
_PURPOSE = "robot token"


@dataclass(frozen=True, slots=True)
class Robot:
    """A machine's account; `full_name` is what it signs in with."""

    id: int
    namespace_id: int
    owner: str
    name: str
    description: str
    enabled: bool
    created_at: datetime
    token_created_at: datetime
    #: What its owners note about it; nothing here is checked or acted upon.
    details: dict[str, Any] | None = None

    @property
    def full_name(self) -> str:
        """The login name, `acme+deploy`."""
        return f"{self.owner}{SEPARATOR}{self.name}"

    @property
    def principal(self) -> Principal:
        """The robot as a caller."""
        return Principal(PrincipalKind.ROBOT, self.id, self.full_name, namespace_id=self.namespace_id)


class CreatedRobot(NamedTuple):
    """A new robot and its token: kept as a hash, and sealed as well where it is to be shown again."""

    robot: Robot
    token: str


_r = robot.c
_ROBOT = select(
    *(_r.id, _r.namespace_id, namespace.c.name, _r.name, _r.description, _r.enabled),
    *(_r.created_at, _r.token_created_at, _r.details),
).join(namespace)
_BY_NAME = _ROBOT.where(namespace.c.name == bindparam("owner"), _r.name == bindparam("name"))
_ALL = _ROBOT.where(_r.namespace_id == bindparam("namespace_id")).order_by(_r.name)
_SEALED = select(_r.id, _r.sealed_token).where(_r.namespace_id == bindparam("namespace_id"))
_INSERT = insert(robot).on_conflict_do_nothing(index_elements=[_r.namespace_id, _r.name]).returning(_r.id)
_SET_TOKEN = (
    robot.update()
    .where(_r.id == bindparam("robot_id"))
    .values(token_hash=bindparam("hashed"), sealed_token=bindparam("sealed"), token_created_at=bindparam("at"))
)
_SET_ENABLED = robot.update().where(_r.id == bindparam("robot_id")).values(enabled=bindparam("on"))
_DELETE = robot.delete().where(_r.id == bindparam("robot_id"))


async def create(
    tx: Tx,
    owner: str,
    name: str,
    *,
    description: str = "",
    details: dict[str, Any] | None = None,
    box: SecretBox | None = None,
    by: Principal | None = None,
    at: datetime | None = None,
) -> CreatedRobot:
    """Create a robot of the user or organization `owner`; with `box`, its token can be shown again.

    Raises NamespaceUnknown, AccountNameInvalid and AccountNameTaken.
    """
    at = at or utc_now()
    namespace_id = (await namespaces.get(tx, owner)).id
    token = TOKEN_PREFIX + random_token()
    id_ = await tx.scalar(
        _INSERT,
        namespace_id=namespace_id,
        name=namespaces.check_name(name),
        description=description,
        token_hash=hash_token(token),
        sealed_token=_seal(box, token),
        details=details,
        enabled=True,
        created_at=at,
        token_created_at=at,
    )
    if id_ is None:
        raise AccountNameTaken(f"{owner}{SEPARATOR}{name}")
    created = Robot(id_, namespace_id, owner, name, description, True, at, at, details)
    await publish(tx, RobotCreated(at=at, by=by.name if by else "", robot_id=id_, robot=created.full_name))
    return CreatedRobot(created, token)


async def find(read: Read, full_name: str) -> Robot | None:
    """Return the robot that signs in as `full_name`, or None."""
    owner, _, name = full_name.partition(SEPARATOR)
    row = await read.find(_BY_NAME, owner=owner, name=name)
    return Robot(*row) if row else None


async def get(read: Read, full_name: str) -> Robot:
    """Return the robot that signs in as `full_name`; raises RobotUnknown."""
    found = await find(read, full_name)
    if found is None:
        raise RobotUnknown(full_name)
    return found


async def list_(read: Read, namespace_id: int) -> list[Robot]:
    """Return the robots of a user or an organization by name."""
    return [Robot(*row) for row in await read.all(_ALL, namespace_id=namespace_id)]


async def tokens(read: Read, box: SecretBox, namespace_id: int) -> dict[int, str]:
    """Return the tokens of a namespace's robots that can be shown again, by the robot's id."""
    return {
        id_: box.unseal(sealed, _PURPOSE).decode()
        for id_, sealed in await read.all(_SEALED, namespace_id=namespace_id)
        if sealed is not None
    }


async def regenerate_token(
    tx: Tx,
    target: Robot,
    *,
    box: SecretBox | None = None,
    by: Principal | None = None,
    at: datetime | None = None,
) -> str:
    """Replace the robot's token and return the new one; the old one is refused from now on."""
    at, token = at or utc_now(), TOKEN_PREFIX + random_token()
    await tx.run(_SET_TOKEN, robot_id=target.id, hashed=hash_token(token), sealed=_seal(box, token), at=at)
    await publish(tx, RobotTokenReplaced(at=at, by=by.name if by else "", robot_id=target.id, robot=target.full_name))
    return token


async def set_enabled(tx: Tx, target: Robot, *, enabled: bool) -> None:
    """Refuse the robot's sign-ins, or accept them again."""
    await tx.run(_SET_ENABLED, robot_id=target.id, on=enabled)


async def delete(tx: Tx, target: Robot, *, by: Principal | None = None, at: datetime | None = None) -> None:
    """Delete the robot with everything it was granted."""
    await tx.run(_DELETE, robot_id=target.id)
    await publish(
        tx,
        RobotDeleted(at=at or utc_now(), by=by.name if by else "", robot_id=target.id, robot=target.full_name),
    )


def _seal(box: SecretBox | None, token: str) -> bytes | None:
    return box.seal(token.encode(), _PURPOSE) if box else None
