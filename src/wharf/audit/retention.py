"""Forgetting entries that are older than they need to be."""

from datetime import datetime

from sqlalchemy import bindparam, delete, select

from wharf.audit.tables import entry as entry_table
from wharf.db import Database

_BATCH_COUNT = 2000

_e = entry_table.c
_OLDEST = select(_e.id).where(_e.at < bindparam("before")).order_by(_e.at, _e.id).limit(bindparam("count"))
_FORGET = delete(entry_table).where(_e.id.in_(_OLDEST))


async def forget(database: Database, before: datetime) -> int:
    """Delete all entries from before a moment, in small transactions; returns how many those were."""
    forgotten = 0
    while True:
        async with database.write(durable=False) as tx:
            count = await tx.run(_FORGET, before=before, count=_BATCH_COUNT)
        forgotten += count
        if count < _BATCH_COUNT:
            return forgotten
