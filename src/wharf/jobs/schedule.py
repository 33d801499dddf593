"""Periodic jobs, declared as data: in each period one replica enqueues the job."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select, update

from wharf.db import Database
from wharf.db.dialect import insert
from wharf.jobs.declare import Job
from wharf.jobs.queue import enqueue
from wharf.jobs.tables import schedule as schedule_table
from wharf.kit.clock import Clock


@dataclass(frozen=True, slots=True)
class Schedule:
    """`job` is enqueued when Wharf first starts and then `every` so often. Its key keeps late runs from piling up."""

    name: str
    every: timedelta
    job: Job


s = schedule_table.c

_LAST = select(s.name, s.last_enqueued_at)
_FIRST_TURN = insert(schedule_table).on_conflict_do_nothing()
_NEXT_TURN = (
    update(schedule_table)
    .where(s.name == bindparam("of"), s.last_enqueued_at <= bindparam("due_since"))
    .values(last_enqueued_at=bindparam("now"))
)


class Scheduler:
    """Enqueues the jobs of some schedules when their time has come; every replica may run one."""

    def __init__(self, db: Database, schedules: Sequence[Schedule], clock: Clock) -> None:
        self._db = db
        self._schedules = schedules
        self._clock = clock
        self._next_at: datetime | None = None

    async def tick(self) -> datetime | None:
        """Enqueue what is due and return when to come back. Reads or writes nothing before that time."""
        now = self._clock()
        if self._schedules and (self._next_at is None or self._next_at <= now):
            async with self._db.read() as read:
                last = dict(await read.all(_LAST))
            for each in self._schedules:
                if each.name not in last or last[each.name] + each.every <= now:
                    await self._take_turn(each, now)
                    last[each.name] = now
            self._next_at = min(last[each.name] + each.every for each in self._schedules)
        return self._next_at

    async def _take_turn(self, each: Schedule, now: datetime) -> None:
        """Enqueue the job, unless another replica has changed the row first: that was its turn."""
        async with self._db.write() as tx:
            if await tx.run(_FIRST_TURN, name=each.name, last_enqueued_at=now) or await tx.run(
                _NEXT_TURN, of=each.name, due_since=now - each.every, now=now
            ):
                await enqueue(tx, each.job, now, clock=self._clock)
