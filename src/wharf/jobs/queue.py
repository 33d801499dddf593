"""The queue as its callers see it: put a job in, look at what is there, decide about dead letters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, func, literal_column, select, update

from wharf.db import Read, Tx
from wharf.db.dialect import insert
from wharf.jobs.declare import Job
from wharf.jobs.errors import DeadLetterUnknown
from wharf.jobs.payload import dump
from wharf.jobs.tables import job as job_table
from wharf.jobs.tables import one_waiting_per_key
from wharf.kit.clock import Clock, utc_now

CHANNEL = "jobs"
"""What workers listen on."""

# States are written into the statements, not bound: only so can both databases see that a partial index fits.
WAITING: ColumnElement[str] = literal_column("'waiting'")
RUNNING: ColumnElement[str] = literal_column("'running'")
DEAD: ColumnElement[str] = literal_column("'dead'")

j = job_table.c

_INSERT = insert(job_table).values(state="waiting", attempts=0).on_conflict_do_nothing(constraint=one_waiting_per_key)
_MOVE_EARLIER = (
    update(job_table)
    .where(j.key == bindparam("same"), j.state == WAITING, j.run_at > bindparam("at"))
    .values(run_at=bindparam("at"))
)
_HOLD = select(j.id).where(j.key == bindparam("same"), j.state == WAITING).with_for_update(read=True)


async def enqueue(tx: Tx, job: Job, run_at: datetime | None = None, *, clock: Clock = utc_now) -> None:
    """Put `job` into the queue when `tx` commits, to run at `run_at` or at once.

    When a job with the same key waits already, that one is kept, and moved earlier if `run_at` is. It cannot start
    before `tx` has ended, so it sees what `tx` wrote; what must be done later than it runs is for it to enqueue again.
    On PostgreSQL its row is locked until then: enqueue last in a transaction.
    """
    now = clock()
    run_at = run_at or now
    row = {"kind": job.kind, "payload": dump(job), "key": job.key, "lock": job.lock, "priority": int(job.priority)}
    while not await tx.run(_INSERT, **row, created_at=now, run_at=run_at):
        await tx.run(_MOVE_EARLIER, same=job.key, at=run_at)
        # The shared row lock makes workers pass over the row until we commit, and lets others enqueue the same key.
        # No row: a worker took it since we looked; nothing is in the way of ours any more.
        if await tx.find(_HOLD, same=job.key):
            break
    await tx.notify(CHANNEL)


@dataclass(frozen=True, slots=True)
class Depth:
    """How full the queue is with one kind of job."""

    kind: str
    waiting: int  # due or not
    running: int
    dead: int


_DEPTHS = select(j.kind, j.state, func.count()).group_by(j.kind, j.state)
_OLDEST_DUE = select(func.min(j.run_at)).where(j.state == WAITING, j.run_at <= bindparam("now"))


async def depths(read: Read) -> list[Depth]:
    """Count the jobs of each kind; kinds without jobs are absent."""
    counts: dict[str, dict[str, int]] = {}
    for kind, state, count in await read.all(_DEPTHS):
        counts.setdefault(kind, {"waiting": 0, "running": 0, "dead": 0})[state] = count
    return [Depth(kind, **counts[kind]) for kind in sorted(counts)]


async def oldest_due_at(read: Read, now: datetime) -> datetime | None:
    """Return since when the job that has been due longest waits, or None when all are in time."""
    return await read.scalar(_OLDEST_DUE, now=now)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A job that failed for the last time."""

    id: int
    kind: str
    payload: dict[str, Any]
    attempts: int
    error: str
    failed_at: datetime


_DEAD_LETTERS = (
    select(j.id, j.kind, j.payload, j.attempts, j.error, j.failed_at)
    .where(j.state == DEAD, j.id > bindparam("after"))
    .order_by(j.id)
    .limit(bindparam("limit"))
)
_REVIVE = (
    insert(job_table)
    .from_select(
        ["kind", "payload", "key", "lock", "state", "priority", "attempts", "created_at", "run_at"],
        select(
            j.kind,
            j.payload,
            j.key,
            j.lock,
            WAITING,
            j.priority,
            literal_column("0"),
            j.created_at,
            bindparam("now", type_=j.run_at.type),
        ).where(j.id == bindparam("id"), j.state == DEAD),
    )
    .on_conflict_do_nothing(constraint=one_waiting_per_key)
)
_DISCARD = delete(job_table).where(j.id == bindparam("id"), j.state == DEAD)


async def dead_letters(read: Read, *, after: int = 0, limit: int = 100) -> Sequence[DeadLetter]:
    """List dead letters with numbers above `after`, oldest number first."""
    return [DeadLetter(*row) for row in await read.all(_DEAD_LETTERS, after=after, limit=limit)]


async def retry(tx: Tx, id_: int, *, now: datetime) -> None:
    """Let the dead letter run again, with all its attempts, unless a job with its key waits already.

    Raises `DeadLetterUnknown`.
    """
    await tx.run(_REVIVE, id=id_, now=now)
    await discard(tx, id_)
    await tx.notify(CHANNEL)


async def discard(tx: Tx, id_: int) -> None:
    """Forget the dead letter; raises `DeadLetterUnknown`."""
    if not await tx.run(_DISCARD, id=id_):
        raise DeadLetterUnknown(id_)
