"""Runs jobs: looks, claims, calls the handler, writes down how it ended.

Idle, a worker reads one statement per pause (`Pace.poll`) or wake-up call and writes nothing.
"""

import asyncio
import itertools
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar

from wharf.db import Database
from wharf.db.errors import DatabaseError
from wharf.jobs import claims
from wharf.jobs.claims import Claim
from wharf.jobs.declare import Handler
from wharf.jobs.payload import PayloadInvalid, load
from wharf.jobs.queue import CHANNEL
from wharf.jobs.schedule import Schedule, Scheduler
from wharf.kit.clock import Clock, utc_now
from wharf.kit.ids import random_id

C = TypeVar("C")

_LONGEST_ERROR = 2000
_LISTEN_SECONDS = 3600.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a worker does what; `stale` is several `beat`s long."""

    poll: timedelta = timedelta(seconds=2)  # for jobs whose wake-up call was lost or came from another process's SQLite
    beat: timedelta = timedelta(seconds=5)
    stale: timedelta = timedelta(seconds=30)  # silence after which others take over
    grace: timedelta = timedelta(seconds=20)  # what running jobs get to finish when the worker stops


class Outcome(StrEnum):
    """How an attempt ended."""

    DONE = "done"
    FAILED = "failed"  # and will be tried again
    DEAD = "dead"
    RELEASED = "released"  # interrupted by the end of the worker; others start it afresh
    LOST = "lost"  # not ours to say: taken over, or the database did not answer


Observer = Callable[[str, Outcome, float], None]
"""Told of each attempt: kind, outcome, seconds."""


class Worker(Generic[C]):
    """Runs up to `concurrency` jobs at a time, of the kinds it has handlers for; it leaves other kinds to others."""

    def __init__(
        self,
        db: Database,
        context: C,
        handlers: Mapping[str, Handler[C]],
        *,
        clock: Clock = utc_now,
        concurrency: int = 8,
        schedules: Sequence[Schedule] = (),
        pace: Pace = Pace(),
        jitter: Callable[[], float] = random.random,
        observe: Observer = lambda _kind, _outcome, _seconds: None,
    ) -> None:
        self._db = db
        self._context = context
        self._handlers = handlers
        self._kinds = sorted(handlers)
        self._clock = clock
        self._concurrency = concurrency
        self._scheduler = Scheduler(db, schedules, clock)
        self._pace = pace
        self._jitter = jitter
        self._observe = observe
        self._running: dict[Claim, asyncio.Task[None]] = {}
        self._attempts = 0
        self._tokens = (f"{random_id()}-{number}" for number in itertools.count())
        self._wake = asyncio.Event()
        self._stopping = False

    async def run(self) -> None:
        """Work until `stop` is called, or until cancelled; either way no job stays claimed."""
        async with asyncio.TaskGroup() as group:
            companions = [group.create_task(self._listen()), group.create_task(self._beat_regularly())]
            try:
                while not self._stopping:
                    self._wake.clear()  # before looking: what comes after the look wakes us
                    await self._doze(await self._round_or_pause())
                if self._running:
                    await asyncio.wait(self._running.values(), timeout=self._pace.grace.total_seconds())
            finally:
                for companion in companions:
                    companion.cancel()
                await self._give_back()

    def stop(self) -> None:
        """Claim nothing more; `run` returns when the running jobs have ended or their grace has."""
        self._stopping = True
        self._wake.set()

    async def run_until_empty(self) -> int:
        """Run all jobs that are due, those that they enqueue included; returns how many attempts that took.

        For tests and commands; schedules are not looked at, and a job that failed waits for its next attempt.
        """
        at_first = self._attempts
        while True:
            before, was_idle = self._attempts, not self._running
            await self._round(self._clock())
            if was_idle and before == self._attempts:
                return self._attempts - at_first
            if self._running:
                await asyncio.wait(self._running.values(), return_when=asyncio.FIRST_COMPLETED)

    async def beat(self) -> None:
        """Show that this worker lives, and stop what another has taken over in the belief that it did not."""
        held = list(self._running)
        if held:
            for lost in await claims.beat(self._db, held, now=self._clock()):
                if task := self._running.get(lost):
                    task.cancel()

    async def _round_or_pause(self) -> timedelta:
        """Do what is due; returns for how long nothing else will be."""
        now = self._clock()
        try:
            times = [await self._scheduler.tick(), await self._round(now)]
        except DatabaseError:
            log.warning("job database failed", exc_info=True)
            return self._pace.poll
        return min([self._pace.poll, *(at - now for at in times if at is not None and at > now)])

    async def _round(self, now: datetime) -> datetime | None:
        """Start what is due, as far as there are free hands; returns when the next waiting job is due."""
        look = await claims.look(self._db, self._kinds)
        if look.oldest_heartbeat_at is not None and look.oldest_heartbeat_at < now - self._pace.stale:
            await self.beat()  # should it be this worker that had no time to: its jobs are well
            await self._take_over(now)
        while look.next_run_at is not None and look.next_run_at <= now and len(self._running) < self._concurrency:
            free = self._concurrency - len(self._running)
            claimed = await claims.claim(self._db, self._kinds, token=next(self._tokens), now=now, at_most=free)
            for each in claimed:
                self._attempts += 1
                self._running[each] = asyncio.create_task(self._work(each), name=f"job-{each.kind}-{each.id}")
            if not claimed:
                break  # others were faster, or whoever enqueued it has not committed yet and will wake us
            look = await claims.look(self._db, self._kinds)
        return look.next_run_at

    async def _take_over(self, now: datetime) -> None:
        before = now - self._pace.stale
        for orphan in await claims.take_over(self._db, self._kinds, token=next(self._tokens), before=before, now=now):
            log.warning("job taken over", extra=_facts(orphan))
            await self._failed(orphan, "its worker stopped", final=False)

    async def _work(self, claim: Claim) -> None:
        started = time.perf_counter()
        outcome = Outcome.LOST
        try:
            outcome = await self._attempt(claim)
        except asyncio.CancelledError:
            with suppress(DatabaseError):
                outcome = Outcome.RELEASED if await claims.release(self._db, claim) else Outcome.LOST
            raise
        except DatabaseError:
            # How the job ended could not be written down. The claim goes stale and the job runs again.
            log.exception("job end not recorded", extra=_facts(claim))
        finally:
            del self._running[claim]
            self._wake.set()
            self._observe(claim.kind, outcome, time.perf_counter() - started)

    async def _attempt(self, claim: Claim) -> Outcome:
        handler = self._handlers[claim.kind]
        try:
            async with asyncio.timeout(handler.job.timeout.total_seconds()):
                await handler.run(self._context, load(handler.job, claim.payload))
        except asyncio.CancelledError as error:
            if not _is_cancelled():
                return await self._failed(claim, _text(error), final=False)  # something the handler awaited was
            raise
        except PayloadInvalid as error:
            log.exception("job payload invalid", extra=_facts(claim))
            return await self._failed(claim, _text(error), final=True)
        except Exception as error:
            log.exception("job failed", extra=_facts(claim))
            return await self._failed(claim, _text(error), final=False)
        return Outcome.DONE if await claims.finish(self._db, claim) else Outcome.LOST

    async def _failed(self, claim: Claim, error: str, *, final: bool) -> Outcome:
        retry = self._handlers[claim.kind].job.retry
        now = self._clock()
        if final or claim.attempts >= retry.max_attempts:
            log.error("job is dead", extra={**_facts(claim), "error": error})
            return Outcome.DEAD if await claims.bury(self._db, claim, error=error, now=now) else Outcome.LOST
        run_at = now + retry.delay(claim.attempts, self._jitter())
        kept = await claims.fail(self._db, claim, error=error, now=now, run_at=run_at)
        return Outcome.FAILED if kept else Outcome.LOST

    async def _give_back(self) -> None:
        """Interrupt what still runs; each job releases its claim."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _doze(self, pause: timedelta) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(pause.total_seconds()):
                await self._wake.wait()

    async def _listen(self) -> None:
        # A task of its own, so that no call is missed between looking and dozing.
        while True:
            if await self._db.signals.wait(CHANNEL, _LISTEN_SECONDS):
                self._wake.set()

    async def _beat_regularly(self) -> None:
        while True:
            await asyncio.sleep(self._pace.beat.total_seconds())
            try:
                await self.beat()
            except DatabaseError:
                log.warning("job heartbeat failed", exc_info=True)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:_LONGEST_ERROR]


def _facts(claim: Claim) -> dict[str, object]:
    return {"job": claim.id, "kind": claim.kind, "attempts": claim.attempts}
