"""Passing entries on: each waits in the database, in the transaction that made it, until its backend has it.

A backend that cannot be reached costs rows and nothing else. Entries arrive in the order of their numbers and at least
once; `id` is how a receiver knows one it has already.
"""

from sqlalchemy import bindparam, func, select

from wharf.audit.backends.base import Backend
from wharf.audit.tables import spool
from wharf.db import Database, Read

_BATCH_COUNT = 500

_s = spool.c
_NEXT = select(_s.id, _s.document).where(_s.backend == bindparam("of")).order_by(_s.id).limit(bindparam("count"))
# By their numbers one by one: a transaction that has yet to commit may hold a smaller number than one we have sent.
_DONE = spool.delete().where(_s.id.in_(bindparam("ids", expanding=True)))
_DEPTHS = select(_s.backend, func.count()).group_by(_s.backend)


async def forward(database: Database, backend: Backend) -> int:
    """Send `backend` all that waits for it and return how much that was. Raises `BackendUnavailable`."""
    sent = 0
    while True:
        async with database.read() as read:
            rows = await read.all(_NEXT, of=backend.name, count=_BATCH_COUNT)
        if not rows:
            return sent
        await backend.send([{"id": id_, **document} for id_, document in rows])
        async with database.write(durable=False, additive=True) as tx:
            await tx.run(_DONE, ids=[id_ for id_, _ in rows])
        sent += len(rows)


async def depths(read: Read) -> dict[str, int]:
    """Return how many entries wait for each backend that has any waiting."""
    return dict(await read.all(_DEPTHS))
