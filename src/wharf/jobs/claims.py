"""A worker's hold on a job: taken, kept alive, given up, or taken over from a worker that died.

Every statement after the claim names the claim's token as well as the job, so a worker that lost its claim (it hung for
longer than the others were ready to wait) changes nothing any more. Claims and their ends are not flushed to disk: when
the machine loses power the job is waiting again, which "at least once" allows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ScalarSelect, Update, bindparam, delete, exists, func, literal_column, select, update

from wharf.db import Conflict, Database, Tx
from wharf.jobs.declare import Priority
from wharf.jobs.queue import CHANNEL, RUNNING, WAITING
from wharf.jobs.tables import job

_TRIES = 10

j = job.c
_other = job.alias("other").c
_of_kinds = j.kind.in_(bindparam("kinds", expanding=True))
_lock_is_taken = exists().where(_other.lock == j.lock, _other.state == RUNNING)
_key_is_waiting = exists().where(_other.key == j.key, _other.state == WAITING)
_held = (j.id == bindparam("job_id")) & (j.claimed_by == bindparam("token"))


@dataclass(frozen=True, slots=True)
class Claim:
    """A running job in the hands of one worker."""

    id: int
    kind: str
    payload: Any = field(compare=False)  # JSON values have no hash
    lock: str | None
    attempts: int  # this one included
    token: str


@dataclass(frozen=True, slots=True)
class Look:
    """What there is to do: the earliest waiting job that no lock holds back, and the oldest sign of life."""

    next_run_at: datetime | None
    oldest_heartbeat_at: datetime | None


def _first_of(priority: Priority) -> ScalarSelect[datetime]:
    return (
        select(j.run_at)
        .where(j.state == WAITING, j.priority == literal_column(str(int(priority))), _of_kinds, ~_lock_is_taken)
        .order_by(j.run_at)
        .limit(1)
        .scalar_subquery()
    )


_LOOK = select(
    *(_first_of(priority) for priority in Priority),
    select(func.min(j.heartbeat_at)).where(j.state == RUNNING, _of_kinds).scalar_subquery(),
)


async def look(db: Database, kinds: Sequence[str]) -> Look:
    """See what there is to do for a worker that handles `kinds`. Writes nothing."""
    async with db.read() as read:
        *first_of_each, oldest_heartbeat_at = await read.one(_LOOK, kinds=kinds)
    return Look(min((at for at in first_of_each if at is not None), default=None), oldest_heartbeat_at)


_DUE = (
    select(j.id, j.kind, j.payload, j.lock, j.attempts)
    .where(
        j.state == WAITING,
        j.priority == bindparam("of_priority"),
        j.run_at <= bindparam("now"),
        _of_kinds,
        ~_lock_is_taken,
    )
    .order_by(j.run_at, j.id)
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True)
)
_CLAIM = (
    update(job)
    .where(j.id == bindparam("job_id"))
    .values(state="running", claimed_by=bindparam("token"), heartbeat_at=bindparam("now"), attempts=j.attempts + 1)
)


async def claim(db: Database, kinds: Sequence[str], *, token: str, now: datetime, at_most: int) -> list[Claim]:
    """Take the most urgent due jobs of `kinds`; may be fewer than there are, never two with one lock."""
    for _ in range(_TRIES):
        try:
            async with db.write(durable=False) as tx:
                return await _claim(tx, kinds, token, now, at_most)
        except Conflict:
            # On PostgreSQL another worker has just taken a different job with the same lock: now we can see it.
            continue
    return []


async def _claim(tx: Tx, kinds: Sequence[str], token: str, now: datetime, at_most: int) -> list[Claim]:
    chosen: list[Claim] = []
    locks: set[str] = set()
    for priority in Priority:
        free = at_most - len(chosen)
        if not free:
            break
        for id_, kind, payload, lock, attempts in await tx.all(
            _DUE, of_priority=int(priority), now=now, kinds=kinds, at_most=free
        ):
            if lock is None or lock not in locks:
                chosen.append(Claim(id_, kind, payload, lock, attempts + 1, token))
            if lock is not None:
                locks.add(lock)
    # In the order of their locks: two workers that want the same ones wait for each other, but never in a circle.
    in_order = sorted(chosen, key=lambda each: each.lock or "")
    await tx.many(_CLAIM, [{"job_id": each.id, "token": token, "now": now} for each in in_order])
    return chosen


_BEAT = (
    update(job)
    .where(j.id.in_(bindparam("ids", expanding=True)), j.claimed_by.in_(bindparam("tokens", expanding=True)))
    .values(heartbeat_at=bindparam("now"))
    .returning(j.id, j.claimed_by)
)


async def beat(db: Database, claims: Sequence[Claim], *, now: datetime) -> list[Claim]:
    """Say that the worker of `claims` lives; returns those that it lost."""
    async with db.write(durable=False) as tx:
        ids, tokens = [each.id for each in claims], sorted({each.token for each in claims})
        kept = set(await tx.all(_BEAT, ids=ids, tokens=tokens, now=now))
    return [each for each in claims if (each.id, each.token) not in kept]


_STALE = (
    select(j.id, j.kind, j.payload, j.lock, j.attempts, j.claimed_by)
    .where(j.state == RUNNING, j.heartbeat_at < bindparam("before"), _of_kinds)
    .order_by(j.heartbeat_at)
    .limit(100)
)
_TAKE_OVER = (
    update(job)
    .where(_held, j.heartbeat_at < bindparam("before"))
    .values(claimed_by=bindparam("new_token"), heartbeat_at=bindparam("now"))
)


async def take_over(db: Database, kinds: Sequence[str], *, token: str, before: datetime, now: datetime) -> list[Claim]:
    """Take the claims of workers that have shown no life since `before`, to be ended by the caller."""
    async with db.write(durable=False) as tx:
        return [
            Claim(id_, kind, payload, lock, attempts, token)
            for id_, kind, payload, lock, attempts, old_token in await tx.all(_STALE, before=before, kinds=kinds)
            if await tx.run(_TAKE_OVER, job_id=id_, token=old_token, before=before, new_token=token, now=now)
        ]


_FINISH = delete(job).where(_held)
_AGAIN = (
    update(job)
    .where(_held, ~_key_is_waiting)
    .values(
        state="waiting",
        claimed_by=None,
        heartbeat_at=None,
        run_at=bindparam("at"),
        error=bindparam("why"),
        failed_at=bindparam("now"),
    )
)
_RELEASE = (
    update(job)
    .where(_held, ~_key_is_waiting)
    .values(state="waiting", claimed_by=None, heartbeat_at=None, attempts=j.attempts - 1)
)
_BURY = (
    update(job)
    .where(_held)
    .values(state="dead", claimed_by=None, heartbeat_at=None, error=bindparam("why"), failed_at=bindparam("now"))
)


async def finish(db: Database, held: Claim) -> bool:
    """Forget the job: it is done. False when the claim was lost."""
    async with db.write(durable=False) as tx:
        if held.lock is not None:
            await tx.notify(CHANNEL)
        return bool(await tx.run(_FINISH, job_id=held.id, token=held.token))


async def fail(db: Database, held: Claim, *, error: str, now: datetime, run_at: datetime) -> bool:
    """Let the job wait until `run_at` for its next attempt. False when the claim was lost."""
    return await _put_back(db, _AGAIN, held, why=error, now=now, at=run_at)


async def release(db: Database, held: Claim) -> bool:
    """Let another worker start the job afresh, as if it had not been claimed. False when the claim was lost."""
    return await _put_back(db, _RELEASE, held)


async def bury(db: Database, held: Claim, *, error: str, now: datetime) -> bool:
    """Make the job a dead letter. False when the claim was lost."""
    async with db.write(durable=False) as tx:
        if held.lock is not None:
            await tx.notify(CHANNEL)
        return bool(await tx.run(_BURY, job_id=held.id, token=held.token, why=error, now=now))


async def _put_back(db: Database, statement: Update, held: Claim, **values: Any) -> bool:
    """Make the job wait again; when one with its key waits already, that one will do its work."""
    for _ in range(_TRIES):
        try:
            async with db.write(durable=False) as tx:
                await tx.notify(CHANNEL)
                return bool(
                    await tx.run(statement, job_id=held.id, token=held.token, **values)
                    or await tx.run(_FINISH, job_id=held.id, token=held.token)
                )
        except Conflict:
            # On PostgreSQL a job with the key was enqueued between our looking and our writing: now we can see it.
            continue
    return False
