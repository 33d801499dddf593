"""A few kinds of job, a clock that is set by hand, and a handler that remembers what it did."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import select

from wharf.db import Database
from wharf.jobs.claims import Claim, claim
from wharf.jobs.declare import Job, Priority, Retry, handler, handlers
from wharf.jobs.queue import enqueue
from wharf.jobs.tables import job as job_table
from wharf.jobs.worker import Worker

SECOND = timedelta(seconds=1)
START = datetime(2030, 1, 1, 12, tzinfo=UTC)


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


@dataclass(frozen=True, slots=True)
class Note(Job):
    """Write a number down; no rules."""

    kind: ClassVar[str] = "note"
    retry: ClassVar[Retry] = Retry(max_attempts=3, first_delay=10 * SECOND)
    number: int


@dataclass(frozen=True, slots=True)
class UrgentNote(Job):
    kind: ClassVar[str] = "urgent_note"
    priority: ClassVar[Priority] = Priority.HIGH
    number: int


@dataclass(frozen=True, slots=True)
class IdleNote(Job):
    kind: ClassVar[str] = "idle_note"
    priority: ClassVar[Priority] = Priority.LOW
    number: int


@dataclass(frozen=True, slots=True)
class Exclusive(Job):
    """Alone with its room."""

    kind: ClassVar[str] = "exclusive"
    room: str
    number: int

    @property
    def lock(self) -> str:
        return f"room:{self.room}"


@dataclass(frozen=True, slots=True)
class Sweep(Job):
    """One waiting sweep of a room is enough."""

    kind: ClassVar[str] = "sweep"
    retry: ClassVar[Retry] = Retry(max_attempts=2, first_delay=10 * SECOND)
    room: str

    @property
    def key(self) -> str:
        return f"sweep:{self.room}"


@dataclass(frozen=True, slots=True)
class Hasty(Job):
    """Has no time at all."""

    kind: ClassVar[str] = "hasty"
    timeout: ClassVar[timedelta] = timedelta(0)


@dataclass
class Memory:
    """What handlers did. `react` is called with each job and may raise, wait or enqueue."""

    done: list[Job] = field(default_factory=list)
    started: asyncio.Queue[Job] = field(default_factory=asyncio.Queue)
    react: Callable[[Job], Any] | None = None

    @property
    def numbers(self) -> list[int]:
        return [job.number for job in self.done if isinstance(job, Note | UrgentNote | IdleNote | Exclusive)]


async def remember(memory: Memory, job: Job) -> None:
    memory.started.put_nowait(job)
    if memory.react is not None:
        result = memory.react(job)
        if result is not None:
            await result
    memory.done.append(job)


KINDS: tuple[type[Job], ...] = (Note, UrgentNote, IdleNote, Exclusive, Sweep, Hasty)
HANDLERS = handlers(*(handler(kind, remember) for kind in KINDS))


def a_worker(database: Database, memory: Memory, clock: HandClock, **options: Any) -> Worker[Memory]:
    """A worker without chance in its delays."""
    return Worker(database, memory, HANDLERS, clock=clock, **{"jitter": lambda: 0.0, **options})


async def put(database: Database, *jobs: Job, clock: HandClock, after: timedelta = timedelta(0)) -> None:
    """Enqueue, each in its own transaction."""
    for each in jobs:
        async with database.write() as tx:
            await enqueue(tx, each, clock() + after, clock=clock)


async def take(database: Database, token: str, *, clock: HandClock, at_most: int = 10) -> list[Claim]:
    """Claim as a worker does."""
    return await claim(database, sorted(HANDLERS), token=token, now=clock(), at_most=at_most)


_ROWS = select(job_table.c.kind, job_table.c.state, job_table.c.attempts, job_table.c.run_at).order_by(job_table.c.id)


async def rows(database: Database) -> Sequence[tuple[str, str, int, datetime]]:
    """Kind, state, attempts and due time of every job there is."""
    async with database.read() as read:
        return await read.all(_ROWS)


async def states(database: Database) -> list[str]:
    """The states of all jobs, in the order they were enqueued."""
    return [state for _, state, _, _ in await rows(database)]
