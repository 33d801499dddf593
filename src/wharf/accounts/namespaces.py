"""Namespaces: what users and organizations have in common, a name that repositories begin with."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import bindparam, select

from wharf.accounts.errors import AccountNameInvalid, AccountNameTaken, NamespaceUnknown
from wharf.accounts.tables import namespace, oauth_application, organization, robot, team, user_account
from wharf.db import Read, Tx
from wharf.db.dialect import insert
from wharf.oci.errors import NameInvalid
from wharf.oci.names import RepositoryName

# Leaves room for the rest of a repository's name, which has 255 characters altogether.
MAX_NAME_LENGTH = 100


class NamespaceKind(StrEnum):
    """Who stands behind a namespace."""

    USER = "user"
    ORGANIZATION = "organization"


@dataclass(frozen=True, slots=True)
class Namespace:
    """A user or an organization, as the owner of repositories."""

    id: int
    kind: NamespaceKind
    name: str
    enabled: bool
    time_machine_seconds: int | None
    created_at: datetime


_n = namespace.c
_INSERT = insert(namespace).on_conflict_do_nothing(index_elements=[_n.name]).returning(_n.id)
COLUMNS = (_n.id, _n.kind, _n.name, _n.enabled, _n.time_machine_seconds, _n.created_at)
"""What `from_row` reads."""
_BY_NAME = select(*COLUMNS).where(_n.name == bindparam("name"), _n.deleted_at.is_(None))
_LOCK = select(_n.id).where(_n.id == bindparam("id"), _n.deleted_at.is_(None)).with_for_update()
_RETIRE = (
    namespace.update()
    .where(_n.id == bindparam("namespace_id"), _n.deleted_at.is_(None))
    .values(name=bindparam("retired"), enabled=False, deleted_at=bindparam("at"))
)
_FORGET = tuple(
    table.delete().where(table.c.namespace_id == bindparam("of"))
    for table in (robot, team, oauth_application, user_account, organization)
)
_SET_ENABLED = namespace.update().where(_n.id == bindparam("namespace_id")).values(enabled=bindparam("on"))
_SET_TIME_MACHINE = (
    namespace.update().where(_n.id == bindparam("namespace_id")).values(time_machine_seconds=bindparam("seconds"))
)


def check_name(name: str) -> str:
    """Return `name` if it may name a user, an organization, a robot or a team; raises AccountNameInvalid.

    It has to be a component of a repository name, which leaves `+` to separate a robot from its owner.
    """
    try:
        RepositoryName.parse(name)
    except NameInvalid:
        raise AccountNameInvalid(name[:MAX_NAME_LENGTH]) from None
    if "/" in name or len(name) > MAX_NAME_LENGTH:
        raise AccountNameInvalid(name[:MAX_NAME_LENGTH])
    return name


async def insert_(tx: Tx, kind: NamespaceKind, name: str, at: datetime) -> int:
    """Insert the row that makes a name taken, and return its id; for the verbs `create` of users and organizations.

    Raises AccountNameInvalid and AccountNameTaken.
    """
    id_: int | None = await tx.scalar(
        _INSERT,
        kind=kind,
        name=check_name(name),
        enabled=True,
        time_machine_seconds=None,
        created_at=at,
        deleted_at=None,
    )
    if id_ is None:
        raise AccountNameTaken(name)
    return id_


async def find(read: Read, name: str) -> Namespace | None:
    """Return the namespace called `name`, or None."""
    row = await read.find(_BY_NAME, name=name)
    return from_row(*row) if row else None


async def get(read: Read, name: str) -> Namespace:
    """Return the namespace called `name`; raises NamespaceUnknown."""
    found = await find(read, name)
    if found is None:
        raise NamespaceUnknown(name)
    return found


async def set_enabled(tx: Tx, namespace_id: int, *, enabled: bool) -> None:
    """Disable a user or an organization with its repositories and robots, or enable it again.

    Tokens it already has are not taken back; they end by themselves within minutes, and until then the door to
    repositories refuses what is in a disabled namespace.
    """
    await tx.run(_SET_ENABLED, namespace_id=namespace_id, on=enabled)


async def set_time_machine(tx: Tx, namespace_id: int, seconds: int | None) -> None:
    """Choose how long the namespace's tags can be brought back; None for the installation's default."""
    await tx.run(_SET_TIME_MACHINE, namespace_id=namespace_id, seconds=seconds)


async def hold(tx: Tx, target: Namespace) -> None:
    """Let nobody else change who belongs to the namespace until `tx` ends; raises NamespaceUnknown if it is gone."""
    if await tx.find(_LOCK, id=target.id) is None:
        raise NamespaceUnknown(target.name)


async def retire(tx: Tx, target: Namespace, *, at: datetime) -> None:
    """Give the name free and forget robots, teams, applications and the account; raises NamespaceUnknown if it is gone.

    For `content.owners.deletion`, which takes the repositories as well.
    """
    if not await tx.run(_RETIRE, namespace_id=target.id, retired=f"#{target.id}", at=at):
        raise NamespaceUnknown(target.name)
    for statement in _FORGET:
        await tx.run(statement, of=target.id)


def from_row(id_: int, kind: str, name: str, *rest: Any) -> Namespace:
    """Make a namespace of its columns in the order of the dataclass."""
    return Namespace(id_, NamespaceKind(kind), name, *rest)
