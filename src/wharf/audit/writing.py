"""Entries become rows: of the trail itself and, for each backend that is to get a copy, of the spool."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, func, select

from wharf.accounts.robots import SEPARATOR
from wharf.accounts.tables import namespace, robot
from wharf.audit.entry import ActorKind, Entry
from wharf.audit.tables import entry as entry_table
from wharf.audit.tables import spool
from wharf.content.tables import repository
from wharf.db import Tx
from wharf.db.dialect import insert

_INSERT = insert(entry_table)
# Events, denials and sign-ins know names only. Numbers survive a renaming, so they are looked up while they are true.
_FIND_USER = select(namespace.c.id).where(namespace.c.name == bindparam("by_user")).scalar_subquery()
_FIND_ROBOT = (
    select(robot.c.id)
    .join(namespace, namespace.c.id == robot.c.namespace_id)
    .where(namespace.c.name == bindparam("by_owner"), robot.c.name == bindparam("by_robot"))
    .scalar_subquery()
)
_FIND_NAMESPACE = select(namespace.c.id).where(namespace.c.name == bindparam("in_namespace")).scalar_subquery()
_FIND_REPOSITORY = select(repository.c.id).where(repository.c.name == bindparam("on_repository")).scalar_subquery()
_FOUND_OUT = {
    "actor_id": (_FIND_USER, _FIND_ROBOT),
    "namespace_id": (_FIND_NAMESPACE,),
    "repository_id": (_FIND_REPOSITORY,),
}
_GIVEN = {column.key: bindparam(f"{column.key}_", type_=column.type) for column in entry_table.c if column.key != "id"}
_INSERT_LOOKING_UP = insert(entry_table).values(
    _GIVEN | {key: func.coalesce(_GIVEN[key], *found) for key, found in _FOUND_OUT.items()}
)
_SPOOL = insert(spool)
_COLUMNS = Entry._fields[:-1]


async def write(tx: Tx, entries: Sequence[Entry], backends: Sequence[str]) -> None:
    """Write entries that have all their numbers, and copies of them for `backends`."""
    await tx.many(_INSERT, [_row(each) for each in entries])
    await _copy(tx, entries, backends)


async def write_looking_up(tx: Tx, entry: Entry, backends: Sequence[str]) -> None:
    """Write one entry, finding out the numbers it lacks by the names of its actor, namespace and repository."""
    owner, _, short_name = entry.actor.partition(SEPARATOR)
    is_robot = entry.actor_kind is ActorKind.ROBOT
    await tx.run(
        _INSERT_LOOKING_UP,
        **{f"{key}_": value for key, value in _row(entry).items()},
        by_user=owner if entry.actor_kind is ActorKind.USER else None,
        by_owner=owner if is_robot else None,
        by_robot=short_name if is_robot else None,
        in_namespace=entry.namespace,
        on_repository=entry.repository,
    )
    await _copy(tx, [entry], backends)


async def _copy(tx: Tx, entries: Sequence[Entry], backends: Sequence[str]) -> None:
    rows = [{"backend": name, "document": each.document()} for name in backends for each in entries]
    await tx.many(_SPOOL, rows)


def _row(entry: Entry) -> dict[str, Any]:
    return dict(zip(_COLUMNS, entry, strict=False))  # all but the last field, the number it does not have yet
