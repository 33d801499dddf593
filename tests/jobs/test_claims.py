"""Races that workers run against each other, and what their statements cost when the queue is long."""

import asyncio
import sqlite3
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import bindparam, insert

from tests.jobs.samples import HANDLERS, SECOND, START, Exclusive, HandClock, Note, Sweep, put, rows, states, take
from wharf.db import Database
from wharf.db import dialect as dialects
from wharf.db.statement import Plans
from wharf.jobs import claims
from wharf.jobs.queue import enqueue
from wharf.jobs.tables import job as job_table

KINDS = sorted(HANDLERS)


async def test_nobody_gets_what_another_holds(database: Database, clock: HandClock) -> None:
    await put(database, *(Note(number) for number in range(20)), clock=clock)
    taken = await asyncio.gather(*(take(database, f"worker {number}", clock=clock) for number in range(5)))
    ids = [claim.id for each in taken for claim in each]
    assert 20 == len(ids) == len(set(ids))


async def test_one_claim_holds_one_job_per_lock(database: Database, clock: HandClock) -> None:
    await put(database, Exclusive("a", 1), Exclusive("b", 2), Exclusive("a", 3), Exclusive("b", 4), clock=clock)
    assert ["room:a", "room:b"] == [claim.lock for claim in await take(database, "worker", clock=clock)]
    assert [] == await take(database, "worker", clock=clock)


async def test_claims_that_want_the_same_locks_do_not_hinder_each_other(database: Database, clock: HandClock) -> None:
    """Each claim sees other jobs of the same locks, and in another order."""
    rooms = "abcd"
    jobs = [Exclusive(rooms[(number * 3) % 4], number) for number in range(40)]
    await put(database, *jobs, clock=clock)
    for _ in range(10):
        taken = await asyncio.gather(
            *(take(database, f"worker {number}", clock=clock, at_most=3) for number in range(6))
        )
        held = [claim for each in taken for claim in each]
        assert held
        assert len(held) == len({claim.lock for claim in held})
        for claim in held:
            assert await claims.finish(database, claim)


async def test_a_lost_claim_changes_nothing(database: Database, clock: HandClock) -> None:
    await put(database, Note(1), clock=clock)
    (lost,) = await take(database, "first", clock=clock)
    clock.advance(SECOND)
    (held,) = await claims.take_over(database, KINDS, token="second", before=clock(), now=clock())
    before = await rows(database)
    assert not await claims.finish(database, lost)
    assert not await claims.release(database, lost)
    assert not await claims.fail(database, lost, error="late", now=clock(), run_at=clock())
    assert not await claims.bury(database, lost, error="late", now=clock())
    assert [lost] == await claims.beat(database, [lost], now=clock())
    assert before == await rows(database)
    assert [] == await claims.beat(database, [held], now=clock())
    assert await claims.finish(database, held)


async def test_a_claim_that_shows_life_in_time_is_not_taken_over(database: Database, clock: HandClock) -> None:
    await put(database, Note(1), clock=clock)
    held = await take(database, "first", clock=clock)
    clock.advance(SECOND)
    assert [] == await claims.beat(database, held, now=clock())
    assert [] == await claims.take_over(database, KINDS, token="second", before=clock(), now=clock())


async def test_a_stale_claim_is_taken_over_by_one(database: Database, clock: HandClock) -> None:
    await put(database, *(Note(number) for number in range(10)), clock=clock)
    await take(database, "first", clock=clock)
    clock.advance(SECOND)
    taken = await asyncio.gather(
        *(
            claims.take_over(database, KINDS, token=f"other {number}", before=clock(), now=clock())
            for number in range(4)
        )
    )
    assert 10 == sum(len(each) for each in taken)


async def test_going_back_to_the_queue_meets_a_new_job_with_the_key(database: Database, clock: HandClock) -> None:
    """The newcomer's transaction is still open when the old job wants its place back."""
    await put(database, Sweep("a"), clock=clock)
    (held,) = await take(database, "first", clock=clock)
    async with database.write() as tx:
        await enqueue(tx, Sweep("a"), clock(), clock=clock)
        releasing = asyncio.create_task(claims.release(database, held))
        await asyncio.sleep(0)
    assert await releasing
    assert ["waiting"] == await states(database)


MANY = 20_000
_ROW = {"payload": {}, "state": "waiting", "attempts": 0, "created_at": START}
_INSERT = insert(job_table).values(
    **_ROW, kind=bindparam("of_kind"), priority=bindparam("of_priority"), run_at=bindparam("at")
)


@pytest.fixture
async def long_queue(database: Database, clock: HandClock) -> Database:
    """Many jobs that are not due for long, of all priorities, and a few that are."""
    async with database.write() as tx:
        await tx.many(
            _INSERT,
            [
                {"of_kind": "sweep", "of_priority": number % 3, "at": START + timedelta(days=1, seconds=number)}
                for number in range(MANY)
            ],
        )
        for number in range(3):
            await enqueue(tx, Note(number), clock())
    return database


async def test_looking_and_claiming_walk_no_table(long_queue: Database, database_url: str, clock: HandClock) -> None:
    """What is not due costs nothing, however much of it there is."""
    plans = _explain(long_queue.name, database_url)
    assert plans
    for plan in plans:
        assert "ix_job_waiting" in plan
        assert "SCAN job" not in plan
        assert "Seq Scan" not in plan
        assert "TEMP B-TREE" not in plan
    assert 3 == len(await take(long_queue, "worker", clock=clock))


def _explain(name: str, url: str) -> list[str]:
    """How the database goes about the two statements of an idle or claiming worker."""
    plans = Plans(dialects.sqlite() if name == "sqlite" else dialects.postgresql())
    statements = [
        plans.of(statement, given).text(given)
        for statement, given in (
            (claims._LOOK, {"kinds": KINDS}),
            (claims._DUE, {"kinds": KINDS, "now": START, "of_priority": 1, "at_most": 5}),
        )
    ]
    if name == "sqlite":
        lite = sqlite3.connect(url.removeprefix("sqlite:///"))
        answers = [lite.execute(f"EXPLAIN QUERY PLAN {text}", values).fetchall() for text, values in statements]
        lite.close()
        return ["\n".join(row[3] for row in answer) for answer in answers]
    with psycopg.connect(url, autocommit=True) as postgres:
        postgres.execute("ANALYZE job")
        return [
            "\n".join(row[0] for row in postgres.execute(f"EXPLAIN {text}".encode(), values))
            for text, values in statements
        ]
