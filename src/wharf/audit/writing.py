"""Entries become rows: of the trail itself and, for each backend that is to get a copy, of the spool."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, func, select

from wharf.accounts.robots import SEPARATOR
from wharf.accounts.tables import namespace, robot
from wharf.audit.entry import LONGEST_NAME, ActorKind, Entry
from wharf.audit.tables import entry as entry_table
from wharf.audit.tables import spool
from wharf.db import Tx
from wharf.db.dialect import insert

_INSERT = insert(entry_table)
# Events and failed sign-ins know names only. Numbers survive a renaming, so they are looked up while they are true.
_FIND_USER = select(namespace.c.id).where(namespace.c.name == bindparam("by_user")).scalar_subquery()
_FIND_ROBOT = (
    select(robot.c.id)
    .join(namespace, namespace.c.id == robot.c.namespace_id)
    .where(namespace.c.name == bindparam("by_owner"), robot.c.name == bindparam("by_robot"))
    .scalar_subquery()
)
_FIND_NAMESPACE = select(namespace.c.id).where(namespace.c.name == bindparam("in_namespace")).scalar_subquery()
_PLAIN = [column for column in entry_table.c if column.key not in {"id", "actor_id", "namespace_id"}]
_INSERT_LOOKING_UP = insert(entry_table).values(
    {column.key: bindparam(f"{column.key}_", type_=column.type) for column in _PLAIN}
    | {
        "actor_id": func.coalesce(bindparam("actor_id_", type_=entry_table.c.actor_id.type), _FIND_USER, _FIND_ROBOT),
        "namespace_id": func.coalesce(
            bindparam("namespace_id_", type_=entry_table.c.namespace_id.type), _FIND_NAMESPACE
        ),
    }
)
_SPOOL = insert(spool)


async def write(tx: Tx, entries: Sequence[Entry], backends: Sequence[str]) -> None:
    """Write entries whose actors and namespaces have their numbers, and copies of them for `backends`."""
    await tx.many(_INSERT, [_row(each) for each in entries])
    await _copy(tx, entries, backends)


async def write_looking_up(tx: Tx, entry: Entry, backends: Sequence[str]) -> None:
    """Write one entry, finding out the numbers of its actor and its namespace by their names."""
    owner, _, short_name = entry.actor.name.partition(SEPARATOR)
    is_robot = entry.actor.kind is ActorKind.ROBOT
    await tx.run(
        _INSERT_LOOKING_UP,
        **{f"{key}_": value for key, value in _row(entry).items()},
        by_user=owner if entry.actor.kind is ActorKind.USER else None,
        by_owner=owner if is_robot else None,
        by_robot=short_name if is_robot else None,
        in_namespace=entry.namespace,
    )
    await _copy(tx, [entry], backends)


async def _copy(tx: Tx, entries: Sequence[Entry], backends: Sequence[str]) -> None:
    rows = [{"backend": name, "document": each.document()} for name in backends for each in entries]
    await tx.many(_SPOOL, rows)


def _row(entry: Entry) -> Mapping[str, Any]:
    return {
        "at": entry.at,
        "kind": entry.kind,
        "actor_kind": entry.actor.kind,
        "actor_id": entry.actor.id,
        "actor": entry.actor.name[:LONGEST_NAME],
        "on_behalf_of": entry.actor.on_behalf_of,
        "client_ip": entry.client_ip,
        "user_agent": entry.user_agent,
        "request_id": entry.request_id,
        "namespace_id": entry.namespace_id,
        "namespace": entry.namespace,
        "repository_id": entry.repository_id,
        "repository": entry.repository,
        "details": entry.details,
    }
