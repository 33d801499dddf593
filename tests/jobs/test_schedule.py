import asyncio
from datetime import timedelta

import pytest

from tests.jobs.samples import START, HandClock, Memory, Note, Sweep, a_worker, put, rows
from wharf.db import Database
from wharf.jobs.schedule import Schedule, Scheduler
from wharf.jobs.worker import Pace

HOUR = timedelta(hours=1)
HOURLY = Schedule("hourly", HOUR, Note(1))
DAILY = Schedule("daily", timedelta(days=1), Note(24))


async def count(database: Database) -> int:
    return len(await rows(database))


async def test_at_first_every_schedule_has_its_turn(database: Database, clock: HandClock) -> None:
    assert START + HOUR == await Scheduler(database, [HOURLY, DAILY], clock).tick()
    assert 2 == await count(database)


async def test_then_each_when_its_period_is_over(database: Database, clock: HandClock) -> None:
    scheduler = Scheduler(database, [HOURLY, DAILY], clock)
    for _ in range(24 * 4):
        await scheduler.tick()
        clock.advance(HOUR / 4)
    assert 24 + 1 == await count(database)


async def test_a_restart_is_no_reason_to_run(database: Database, clock: HandClock) -> None:
    for _ in range(3):
        await Scheduler(database, [HOURLY], clock).tick()
        clock.advance(HOUR / 4)
    assert 1 == await count(database)


async def test_after_a_long_pause_it_runs_once_not_for_every_missed_period(
    database: Database, clock: HandClock
) -> None:
    scheduler = Scheduler(database, [HOURLY], clock)
    await scheduler.tick()
    clock.advance(HOUR * 100)
    assert clock() + HOUR == await scheduler.tick()
    assert 2 == await count(database)


async def test_of_several_replicas_one_enqueues(database: Database, clock: HandClock) -> None:
    replicas = [Scheduler(database, [HOURLY, DAILY], clock) for _ in range(5)]
    for _ in range(24):
        await asyncio.gather(*(replica.tick() for replica in replicas))
        clock.advance(HOUR)
    assert 24 + 1 == await count(database)


async def test_a_job_with_a_key_does_not_pile_up(database: Database, clock: HandClock) -> None:
    scheduler = Scheduler(database, [Schedule("sweep", HOUR, Sweep("a"))], clock)
    for _ in range(3):
        await scheduler.tick()
        clock.advance(HOUR)
    assert 1 == await count(database)


async def test_between_periods_the_database_is_left_alone(
    database: Database, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler = Scheduler(database, [HOURLY], clock)
    await scheduler.tick()

    def untouchable(**_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(database, "read", untouchable)
    monkeypatch.setattr(database, "write", untouchable)
    clock.advance(HOUR / 2)
    assert START + HOUR == await scheduler.tick()


async def test_a_running_worker_keeps_its_schedules(database: Database, clock: HandClock, memory: Memory) -> None:
    worker = a_worker(
        database, memory, clock, schedules=[HOURLY], pace=Pace(poll=timedelta(milliseconds=5), stale=HOUR * 9)
    )
    running = asyncio.create_task(worker.run())
    for _ in range(3):
        assert Note(1) == await memory.started.get()
        clock.advance(HOUR)
    worker.stop()
    await running
    await put(database, Note(2), clock=clock)  # the database is whole
