import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from tests.jobs.samples import (
    HANDLERS,
    SECOND,
    START,
    Exclusive,
    HandClock,
    Hasty,
    IdleNote,
    Memory,
    Note,
    Sweep,
    UrgentNote,
    a_worker,
    put,
    rows,
    states,
)
from wharf.db import Database, DatabaseUnavailable
from wharf.jobs.declare import Job
from wharf.jobs.queue import dead_letters, enqueue
from wharf.jobs.tables import job as job_table
from wharf.jobs.worker import Outcome, Pace, Worker


async def error_of_dead_letter(database: Database) -> str:
    async with database.read() as read:
        (letter,) = await dead_letters(read)
    return letter.error


def failing(*numbers: int) -> Memory:
    """A memory that refuses these numbers."""

    def react(job: Job) -> None:
        if isinstance(job, Note) and job.number in numbers:
            raise ValueError(job.number)

    return Memory(react=react)


class TestOrder:
    async def test_due_jobs_are_done_and_forgotten(self, database: Database, clock: HandClock, memory: Memory) -> None:
        await put(database, Note(1), Sweep("a"), clock=clock)
        assert 2 == await a_worker(database, memory, clock).run_until_empty()
        assert [Note(1), Sweep("a")] == memory.done
        assert [] == await rows(database)

    async def test_by_priority_then_by_time(self, database: Database, clock: HandClock, memory: Memory) -> None:
        await put(database, IdleNote(6), Note(4), clock=clock)
        await put(database, Note(5), UrgentNote(2), UrgentNote(3), clock=clock, after=SECOND)
        await put(database, UrgentNote(1), clock=clock)
        clock.advance(SECOND)
        await a_worker(database, memory, clock, concurrency=1).run_until_empty()
        assert [1, 2, 3, 4, 5, 6] == memory.numbers

    async def test_not_before_its_time(self, database: Database, clock: HandClock, memory: Memory) -> None:
        await put(database, Note(1), clock=clock, after=10 * SECOND)
        worker = a_worker(database, memory, clock)
        clock.advance(9 * SECOND)
        assert 0 == await worker.run_until_empty()
        clock.advance(SECOND)
        assert 1 == await worker.run_until_empty()

    async def test_what_a_job_enqueues_is_done_too(self, database: Database, clock: HandClock) -> None:
        async def react(job: Job) -> None:
            if isinstance(job, Note) and job.number < 3:
                async with database.write() as tx:
                    await enqueue(tx, replace(job, number=job.number + 1), clock())

        memory = Memory(react=react)
        await put(database, Note(1), clock=clock)
        assert 3 == await a_worker(database, memory, clock).run_until_empty()
        assert [1, 2, 3] == memory.numbers

    async def test_kinds_without_handler_are_left_to_other_workers(
        self, database: Database, clock: HandClock, memory: Memory
    ) -> None:
        """So that a release may add kinds while workers of the one before still run."""
        await put(database, Sweep("a"), Note(1), clock=clock)
        await Worker(database, memory, {"note": HANDLERS["note"]}, clock=clock).run_until_empty()
        assert [Note(1)] == memory.done
        assert ["waiting"] == await states(database)


class TestFailure:
    async def test_it_is_tried_again_after_longer_and_longer_delays(self, database: Database, clock: HandClock) -> None:
        worker = a_worker(database, failing(1), clock)
        await put(database, Note(1), clock=clock)
        await worker.run_until_empty()
        assert [("note", "waiting", 1, START + 10 * SECOND)] == await rows(database)
        clock.advance(10 * SECOND)
        await worker.run_until_empty()
        assert [("note", "waiting", 2, START + 30 * SECOND)] == await rows(database)

    async def test_after_the_last_attempt_it_is_a_dead_letter(self, database: Database, clock: HandClock) -> None:
        worker = a_worker(database, failing(1), clock)
        await put(database, Note(1), clock=clock)
        for _ in range(5):
            await worker.run_until_empty()
            clock.advance(timedelta(hours=1))
        assert [("note", "dead", 3)] == [row[:3] for row in await rows(database)]
        assert "ValueError: 1" == await error_of_dead_letter(database)

    async def test_it_does_not_keep_others_from_running(self, database: Database, clock: HandClock) -> None:
        memory = failing(1, 3)
        await put(database, Note(1), Note(2), Note(3), Note(4), clock=clock)
        await a_worker(database, memory, clock, concurrency=1).run_until_empty()
        assert [2, 4] == memory.numbers

    async def test_a_payload_that_cannot_be_read_is_dead_at_once(
        self, database: Database, clock: HandClock, memory: Memory
    ) -> None:
        await put(database, Note(1), clock=clock)
        async with database.write() as tx:
            await tx.run(update(job_table).values(payload={"number": "one"}))
        await a_worker(database, memory, clock).run_until_empty()
        assert "PayloadInvalid" in await error_of_dead_letter(database)

    async def test_an_attempt_has_a_time_limit(self, database: Database, clock: HandClock) -> None:
        memory = Memory(react=lambda _: asyncio.Event().wait())
        await put(database, Hasty(), clock=clock)
        await a_worker(database, memory, clock).run_until_empty()
        assert [("hasty", "waiting", 1)] == [row[:3] for row in await rows(database)]

    async def test_a_cancellation_that_nobody_asked_for_is_a_failure(
        self, database: Database, clock: HandClock
    ) -> None:
        def react(_: Job) -> None:
            raise asyncio.CancelledError

        await put(database, Note(1), clock=clock)
        await a_worker(database, Memory(react=react), clock).run_until_empty()
        assert [("note", "waiting", 1, START + 10 * SECOND)] == await rows(database)

    async def test_a_waiting_job_with_the_same_key_replaces_the_next_attempt(
        self, database: Database, clock: HandClock
    ) -> None:
        async def react(job: Job) -> None:
            await put(database, job, clock=clock, after=SECOND)
            raise ValueError

        await put(database, Sweep("a"), clock=clock)
        await a_worker(database, Memory(react=react), clock).run_until_empty()
        assert [("sweep", "waiting", 0, START + SECOND)] == await rows(database)

    async def test_outcomes_are_observed(self, database: Database, clock: HandClock) -> None:
        seen: list[tuple[str, Outcome]] = []
        worker = a_worker(
            database, failing(1), clock, observe=lambda kind, outcome, _seconds: seen.append((kind, outcome))
        )
        await put(database, Note(1), Sweep("a"), clock=clock)
        for _ in range(3):
            await worker.run_until_empty()
            clock.advance(timedelta(hours=1))
        assert Counter({("note", Outcome.FAILED): 2, ("note", Outcome.DEAD): 1, ("sweep", Outcome.DONE): 1}) == Counter(
            seen
        )


class TestManyWorkers:
    @pytest.mark.parametrize("count", [200, pytest.param(3000, marks=pytest.mark.slow)])
    async def test_each_job_is_done_once(
        self, database: Database, clock: HandClock, memory: Memory, count: int
    ) -> None:
        numbers = range(count)
        async with database.write() as tx:
            for number in numbers:
                await enqueue(tx, Note(number), clock())
        await asyncio.gather(*(a_worker(database, memory, clock).run_until_empty() for _ in range(6)))
        assert list(numbers) == sorted(memory.numbers)
        assert [] == await rows(database)

    async def test_no_two_jobs_with_one_lock_run_at_once(self, database: Database, clock: HandClock) -> None:
        running: Counter[str] = Counter()
        most: Counter[str] = Counter()

        async def react(job: Job) -> None:
            assert isinstance(job, Exclusive)
            running[job.room] += 1
            most[job.room] = max(most[job.room], running[job.room])
            await put(database, IdleNote(job.number), clock=clock, after=SECOND)  # others get a chance meanwhile
            running[job.room] -= 1

        memory = Memory(react=react)
        rooms = "abc"
        await put(database, *(Exclusive(rooms[number % 3], number) for number in range(60)), clock=clock)
        workers = [a_worker(database, memory, clock, concurrency=4) for _ in range(4)]
        while len(memory.done) < 60:
            await asyncio.gather(*(worker.run_until_empty() for worker in workers))
        assert list(range(60)) == sorted(memory.numbers)
        assert dict.fromkeys(rooms, 1) == most

    async def test_a_lock_holds_back_its_own_jobs_only(self, database: Database, clock: HandClock) -> None:
        gate = asyncio.Event()
        memory = Memory(react=lambda job: gate.wait() if job == Exclusive("a", 1) else None)
        await put(database, Exclusive("a", 1), Exclusive("a", 2), Exclusive("b", 3), Note(4), clock=clock)
        working = asyncio.create_task(a_worker(database, memory, clock).run_until_empty())
        assert {Exclusive("a", 1), Exclusive("b", 3), Note(4)} == {await memory.started.get() for _ in range(3)}
        assert 0 == await a_worker(database, memory, clock).run_until_empty()
        gate.set()
        assert 4 == await working


class TestTakeOver:
    """What happens to the jobs of a worker that shows no life."""

    PACE = Pace(stale=30 * SECOND)

    async def test_a_silent_worker_loses_its_job(self, database: Database, clock: HandClock, memory: Memory) -> None:
        gate = asyncio.Event()
        silent = Memory(react=lambda _: gate.wait())
        await put(database, Note(1), clock=clock)
        hanging = asyncio.create_task(a_worker(database, silent, clock).run_until_empty())
        await silent.started.get()

        other = a_worker(database, memory, clock, pace=self.PACE)
        clock.advance(30 * SECOND)
        assert 0 == await other.run_until_empty()
        clock.advance(SECOND)
        assert 0 == await other.run_until_empty()
        assert [("note", "waiting", 1)] == [row[:3] for row in await rows(database)]
        gate.set()
        assert 1 == await hanging  # its handler comes to an end after all, which changes nothing
        assert [("note", "waiting", 1)] == [row[:3] for row in await rows(database)]
        clock.advance(10 * SECOND)
        assert 1 == await other.run_until_empty()
        assert [Note(1)] == memory.done

    async def test_a_worker_that_lost_its_job_stops_it(
        self, database: Database, clock: HandClock, memory: Memory
    ) -> None:
        silent = Memory(react=lambda _: asyncio.Event().wait())
        hung = a_worker(database, silent, clock)
        await put(database, Note(1), clock=clock)
        hanging = asyncio.create_task(hung.run_until_empty())
        await silent.started.get()
        clock.advance(31 * SECOND)
        await a_worker(database, memory, clock, pace=self.PACE).run_until_empty()
        await hung.beat()
        assert 1 == await hanging
        assert [] == silent.done

    async def test_a_beating_worker_keeps_its_job(self, database: Database, clock: HandClock, memory: Memory) -> None:
        gate = asyncio.Event()
        slow = Memory(react=lambda _: gate.wait())
        worker = a_worker(database, slow, clock)
        await put(database, Note(1), clock=clock)
        working = asyncio.create_task(worker.run_until_empty())
        await slow.started.get()
        for _ in range(5):
            clock.advance(20 * SECOND)
            await worker.beat()
            assert 0 == await a_worker(database, memory, clock, pace=self.PACE).run_until_empty()
        gate.set()
        assert 1 == await working
        assert [Note(1)] == slow.done
        assert [] == await rows(database)

    async def test_a_job_that_kills_its_workers_dies(
        self, database: Database, clock: HandClock, memory: Memory
    ) -> None:
        await put(database, Sweep("a"), clock=clock)
        for _ in range(2):
            dying = Memory(react=lambda _: asyncio.Event().wait())
            worker = asyncio.create_task(a_worker(database, dying, clock).run_until_empty())
            await dying.started.get()
            clock.advance(timedelta(hours=1))
            await a_worker(database, memory, clock, pace=self.PACE).run_until_empty()
            clock.advance(timedelta(hours=1))
            worker.cancel()
            await asyncio.wait([worker])
        assert "its worker stopped" == await error_of_dead_letter(database)


class TestRun:
    """The loop of production, from start to stop."""

    PACE = Pace(poll=timedelta(minutes=10), beat=timedelta(minutes=10))

    async def test_it_is_woken_by_a_commit(self, database: Database, clock: HandClock, memory: Memory) -> None:
        worker = a_worker(database, memory, clock, pace=self.PACE)
        running = asyncio.create_task(worker.run())
        for number in range(3):
            await put(database, Note(number), clock=clock)
            if number == 0 and database.name == "postgresql":
                await self._ring_until_started(database, memory)  # our LISTEN may not be there yet
            assert Note(number) == await memory.started.get()
        worker.stop()
        await running
        assert [] == await rows(database)

    async def test_it_polls_for_what_it_was_not_told_of(
        self, database: Database, clock: HandClock, memory: Memory
    ) -> None:
        worker = a_worker(database, memory, clock, pace=Pace(poll=timedelta(milliseconds=5)))
        running = asyncio.create_task(worker.run())
        await put(database, Note(1), clock=clock, after=SECOND)
        clock.advance(SECOND)
        assert Note(1) == await memory.started.get()
        worker.stop()
        await running

    async def test_stopping_lets_running_jobs_finish_and_starts_no_others(
        self, database: Database, clock: HandClock
    ) -> None:
        gate = asyncio.Event()
        memory = Memory(react=lambda _: gate.wait())
        worker = a_worker(database, memory, clock, concurrency=1, pace=self.PACE)
        await put(database, Note(1), Note(2), clock=clock)
        running = asyncio.create_task(worker.run())
        await memory.started.get()
        worker.stop()
        gate.set()
        await running
        assert [Note(1)] == memory.done
        assert [("note", "waiting", 0, START)] == await rows(database)

    async def test_jobs_that_outlast_the_grace_are_given_back_unharmed(
        self, database: Database, clock: HandClock
    ) -> None:
        memory = Memory(react=lambda _: asyncio.Event().wait())
        outcomes: list[Outcome] = []
        worker = a_worker(
            database,
            memory,
            clock,
            pace=replace(self.PACE, grace=timedelta(0)),
            observe=lambda _kind, outcome, _seconds: outcomes.append(outcome),
        )
        await put(database, Note(1), Sweep("a"), clock=clock)
        running = asyncio.create_task(worker.run())
        await memory.started.get()
        await memory.started.get()
        worker.stop()
        await running
        assert [("note", "waiting", 0, START), ("sweep", "waiting", 0, START)] == await rows(database)
        assert [Outcome.RELEASED] * 2 == outcomes

    async def test_being_cancelled_gives_them_back_too(self, database: Database, clock: HandClock) -> None:
        memory = Memory(react=lambda _: asyncio.Event().wait())
        await put(database, Note(1), clock=clock)
        running = asyncio.create_task(a_worker(database, memory, clock, pace=self.PACE).run())
        await memory.started.get()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert [("note", "waiting", 0, START)] == await rows(database)

    async def test_an_idle_worker_writes_nothing(
        self, database: Database, clock: HandClock, memory: Memory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await put(database, Note(1), clock=clock, after=timedelta(days=1))
        looks = asyncio.Semaphore(0)
        read = database.read

        def counted_read() -> object:
            looks.release()
            return read()

        def no_write(**_: object) -> None:
            raise AssertionError("an idle worker wrote")

        monkeypatch.setattr(database, "read", counted_read)
        monkeypatch.setattr(database, "write", no_write)
        worker = a_worker(database, memory, clock, pace=Pace(poll=timedelta(milliseconds=1), beat=timedelta(0)))
        running = asyncio.create_task(worker.run())
        for _ in range(5):
            await looks.acquire()
        worker.stop()
        await running

    async def test_it_survives_a_database_that_does_not_answer(
        self, database: Database, clock: HandClock, memory: Memory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broken = BrokenReads(database)
        monkeypatch.setattr(database, "read", broken.read)
        worker = a_worker(database, memory, clock, pace=Pace(poll=timedelta(milliseconds=1)))
        await put(database, Note(1), clock=clock)
        running = asyncio.create_task(worker.run())
        await broken.met.wait()
        assert [] == memory.done
        monkeypatch.undo()
        assert Note(1) == await memory.started.get()
        worker.stop()
        await running

    @staticmethod
    async def _ring_until_started(database: Database, memory: Memory) -> None:
        while memory.started.empty():
            async with database.write() as tx:
                await tx.notify("jobs")


class BrokenReads:
    """A database whose reads fail."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.met = asyncio.Event()

    def read(self) -> object:
        self.met.set()
        raise DatabaseUnavailable
