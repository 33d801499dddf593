import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests.jobs.samples import SECOND, START, HandClock, Memory, Note, Sweep, a_worker, put, rows, states, take
from wharf.db import Database
from wharf.jobs.errors import DeadLetterUnknown
from wharf.jobs.queue import Depth, dead_letters, depths, discard, enqueue, oldest_due_at, retry
from wharf.jobs.tables import job as job_table

_RUN_AT = select(job_table.c.run_at)


async def test_a_job_is_born_with_its_transaction(database: Database, clock: HandClock) -> None:
    async def change_and_break() -> None:
        async with database.write() as tx:
            await enqueue(tx, Note(1), clock=clock)
            raise LookupError

    with pytest.raises(LookupError):
        await change_and_break()
    assert [] == await rows(database)


async def test_without_a_time_a_job_is_due_at_once(database: Database, clock: HandClock) -> None:
    async with database.write() as tx:
        await enqueue(tx, Note(1), clock=clock)
    assert [("note", "waiting", 0, START)] == await rows(database)


async def test_a_commit_wakes_whoever_waits_for_jobs(database: Database, clock: HandClock) -> None:
    waiter = asyncio.create_task(database.signals.wait("jobs", 30))
    while not waiter.done():  # PostgreSQL: our LISTEN may not be there yet
        await put(database, Note(1), clock=clock)
        await asyncio.wait([waiter], timeout=0.05)
    assert await waiter


class TestKeys:
    async def test_a_second_job_with_the_key_is_not_added(self, database: Database, clock: HandClock) -> None:
        await put(database, Sweep("a"), Sweep("a"), Sweep("b"), clock=clock)
        assert 2 == len(await rows(database))

    async def test_the_waiting_one_is_moved_earlier_never_later(self, database: Database, clock: HandClock) -> None:
        await put(database, Sweep("a"), clock=clock, after=10 * SECOND)
        await put(database, Sweep("a"), clock=clock, after=20 * SECOND)
        assert START + 10 * SECOND == (await rows(database))[0][3]
        await put(database, Sweep("a"), clock=clock, after=5 * SECOND)
        assert [("sweep", "waiting", 0, START + 5 * SECOND)] == await rows(database)

    async def test_twice_in_one_transaction(self, database: Database, clock: HandClock) -> None:
        async with database.write() as tx:
            await enqueue(tx, Sweep("a"), START + SECOND, clock=clock)
            await enqueue(tx, Sweep("a"), START, clock=clock)
        assert [("sweep", "waiting", 0, START)] == await rows(database)

    async def test_while_one_runs_another_may_wait(self, database: Database, clock: HandClock) -> None:
        await put(database, Sweep("a"), clock=clock)
        await take(database, "worker", clock=clock)
        await put(database, Sweep("a"), Sweep("a"), clock=clock)
        assert ["running", "waiting"] == await states(database)

    async def test_a_dead_letter_is_in_nobodys_way(self, database: Database, clock: HandClock) -> None:
        await put(database, Sweep("a"), clock=clock)
        await bury_all(database)
        await put(database, Sweep("a"), clock=clock)
        assert ["dead", "waiting"] == await states(database)

    async def test_the_job_cannot_start_before_the_transaction_that_asked_for_it_again(
        self, database: Database, clock: HandClock
    ) -> None:
        """Otherwise it might miss what that transaction wrote, and no later job would look."""
        await put(database, Sweep("a"), clock=clock)
        async with database.write() as tx:
            await enqueue(tx, Sweep("a"), START, clock=clock)
            taking = asyncio.create_task(take(database, "early", clock=clock))
            if database.name == "postgresql":
                assert [] == await taking
        if database.name == "sqlite":
            assert 1 == len(await taking)  # it had to wait for our commit
        else:
            assert 1 == len(await take(database, "late", clock=clock))

    async def test_others_may_ask_for_it_at_the_same_time(self, database: Database, clock: HandClock) -> None:
        """A popular key is not a queue for the transactions that use it."""
        if database.name == "sqlite":
            return  # its writers are alone anyway
        await put(database, Sweep("a"), clock=clock)
        async with database.write() as one, database.write() as two:
            await enqueue(one, Sweep("a"), START, clock=clock)
            await enqueue(two, Sweep("a"), START, clock=clock)
        assert 1 == len(await rows(database))

    async def test_many_at_once_leave_one(self, database: Database, clock: HandClock) -> None:
        await asyncio.gather(*(put(database, Sweep("a"), clock=clock) for _ in range(30)))
        assert 1 == len(await rows(database))


async def bury_all(database: Database) -> None:
    async with database.write() as tx:
        await tx.run(update(job_table).values(state="dead", error="why", failed_at=START, attempts=3))


class TestFigures:
    async def test_depth_by_kind(self, database: Database, clock: HandClock) -> None:
        await put(database, Note(1), Note(2), clock=clock)
        await bury_all(database)
        await put(database, Sweep("a"), Note(3), clock=clock)
        await take(database, "worker", clock=clock, at_most=1)
        await put(database, Note(4), clock=clock, after=SECOND)
        async with database.read() as read:
            assert [
                Depth("note", waiting=2, running=0, dead=2),
                Depth("sweep", waiting=0, running=1, dead=0),
            ] == await depths(read)

    async def test_the_oldest_due_job(self, database: Database, clock: HandClock) -> None:
        async with database.read() as read:
            assert await oldest_due_at(read, clock()) is None
        await put(database, Note(1), clock=clock, after=10 * SECOND)
        await put(database, Note(2), clock=clock, after=20 * SECOND)
        async with database.read() as read:
            assert await oldest_due_at(read, START + 9 * SECOND) is None
            assert START + 10 * SECOND == await oldest_due_at(read, START + timedelta(days=1))


class TestDeadLetters:
    async def test_they_are_listed_with_their_reason(self, database: Database, clock: HandClock) -> None:
        await put(database, Note(1), Note(2), Note(3), clock=clock)
        await bury_all(database)
        async with database.read() as read:
            first = await dead_letters(read, limit=2)
            (last,) = await dead_letters(read, after=first[-1].id)
        assert [{"number": 1}, {"number": 2}] == [each.payload for each in first]
        assert ("note", {"number": 3}, 3, "why", START) == (
            last.kind,
            last.payload,
            last.attempts,
            last.error,
            last.failed_at,
        )

    async def test_retry_gives_all_attempts_again(self, database: Database, clock: HandClock, memory: Memory) -> None:
        await put(database, Note(1), clock=clock)
        await bury_all(database)
        clock.advance(SECOND)
        await self._retry(database, clock)
        assert [("note", "waiting", 0, clock())] == await rows(database)
        assert 1 == await a_worker(database, memory, clock).run_until_empty()
        assert [Note(1)] == memory.done

    async def test_retry_leaves_the_work_to_a_job_that_waits_already(
        self, database: Database, clock: HandClock
    ) -> None:
        await put(database, Sweep("a"), clock=clock)
        await bury_all(database)
        await put(database, Sweep("a"), clock=clock)
        await self._retry(database, clock)
        assert ["waiting"] == await states(database)

    async def test_discard_forgets(self, database: Database, clock: HandClock) -> None:
        await put(database, Note(1), clock=clock)
        await bury_all(database)
        async with database.read() as read:
            (letter,) = await dead_letters(read)
        async with database.write() as tx:
            await discard(tx, letter.id)
        assert [] == await rows(database)

    async def test_only_dead_jobs_are_decided_about(self, database: Database, clock: HandClock) -> None:
        await put(database, Note(1), clock=clock)
        async with database.read() as read:
            id_ = await read.scalar(select(job_table.c.id))
        assert id_ is not None
        with pytest.raises(DeadLetterUnknown):
            async with database.write() as tx:
                await discard(tx, id_)
        with pytest.raises(DeadLetterUnknown):
            async with database.write() as tx:
                await retry(tx, id_, now=clock())
        assert ["waiting"] == await states(database)

    @staticmethod
    async def _retry(database: Database, clock: HandClock) -> None:
        async with database.read() as read:
            (letter,) = await dead_letters(read)
        async with database.write() as tx:
            await retry(tx, letter.id, now=clock())
