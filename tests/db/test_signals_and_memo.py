import asyncio
import sys
from pathlib import Path

import pytest
from sqlalchemy import column, func, select, text

from tests.db.thing import add, thing
from wharf.db import Database, postgres
from wharf.db.signals import Signals
from wharf.db.sqlite import memo as sqlite_memo

ROOT = Path(__file__).parents[2]
KILL_LISTENERS = select(func.pg_terminate_backend(column("pid"))).select_from(
    text("pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()")
)


async def notify(database: Database, channel: str) -> None:
    async with database.write() as tx:
        await tx.notify(channel)


async def ring_until(done: asyncio.Task[bool], database: Database, channel: str) -> None:
    """Notify again until it is heard: PostgreSQL's listener may still be connecting."""
    while not done.done():
        await notify(database, channel)
        await asyncio.wait([done], timeout=0.05)


class TestSignals:
    async def test_waiting_for_nothing_ends(self) -> None:
        assert not await Signals().wait("jobs", 0)

    async def test_all_who_wait_for_a_channel_are_woken_and_nobody_else(self) -> None:
        signals = Signals()
        jobs = [asyncio.create_task(signals.wait("jobs", 60)) for _ in range(3)]
        other = asyncio.create_task(signals.wait("other", 60))
        await asyncio.sleep(0)
        signals.fire("jobs")
        assert [True] * 3 == await asyncio.gather(*jobs)
        assert not other.done()
        other.cancel()
        await asyncio.wait([other])

    async def test_firing_without_listeners_is_nothing(self) -> None:
        Signals().fire("jobs")

    async def test_a_commit_wakes_its_own_process(self, things: Database) -> None:
        waiting = asyncio.create_task(things.signals.wait("jobs", 60))
        await ring_until(waiting, things, "jobs")
        assert await waiting

    async def test_a_rollback_wakes_nobody(self, things: Database) -> None:
        first = asyncio.create_task(things.signals.wait("first", 60))
        await ring_until(first, things, "first")

        async def notify_and_break() -> None:
            async with things.write() as tx:
                await tx.notify("lost")
                raise LookupError

        lost = asyncio.create_task(things.signals.wait("lost", 60))
        last = asyncio.create_task(things.signals.wait("last", 60))
        await asyncio.sleep(0)
        with pytest.raises(LookupError):
            await notify_and_break()
        await notify(things, "last")
        assert await last  # signals arrive in the order of their commits
        assert not lost.done()
        lost.cancel()
        await asyncio.wait([lost])

    async def test_a_commit_wakes_other_processes_on_postgresql(self, things: Database, replica: Database) -> None:
        waiting = asyncio.create_task(replica.signals.wait("jobs", 60 if things.name == "postgresql" else 0))
        if things.name == "postgresql":
            await ring_until(waiting, things, "jobs")
            assert await waiting
        else:
            await notify(things, "jobs")
            assert not await waiting  # who wants to know polls

    async def test_the_listener_comes_back_after_its_connection_was_lost(
        self, things: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if things.name == "sqlite":
            return  # it has none
        monkeypatch.setattr(postgres, "_RECONNECT_SECONDS", 0.0)
        first = asyncio.create_task(things.signals.wait("jobs", 60))
        await ring_until(first, things, "jobs")
        async with things.write() as tx:
            await tx.all(KILL_LISTENERS)
        again = asyncio.create_task(things.signals.wait("jobs", 60))
        await ring_until(again, things, "jobs")
        assert await again


class TestMemo:
    async def test_on_postgresql_nothing_is_remembered(self, things: Database) -> None:
        if things.name == "postgresql":
            things.memo()["key"] = "value"
            assert {} == things.memo()

    async def test_on_sqlite_it_is_kept_while_nothing_changes(self, things: Database) -> None:
        if things.name == "sqlite":
            things.memo()["key"] = "value"
            async with things.read() as read:
                await read.all(thing.select())
            assert {"key": "value"} == things.memo()

    async def test_a_commit_of_ours_empties_it(self, things: Database) -> None:
        things.memo()["key"] = "value"
        async with things.write(durable=False) as tx:
            await add(tx, "a")
        assert {} == things.memo()

    async def test_an_additive_commit_of_ours_keeps_it(self, things: Database) -> None:
        memo = things.memo()
        memo["key"] = "value"
        for durable in (True, False):
            async with things.write(durable=durable, additive=True) as tx:
                await add(tx, f"durable {durable}")
        assert things.memo() == (memo if things.name == "sqlite" else {})

    async def test_an_additive_commit_beside_another_one_empties_it(self, things: Database) -> None:
        """Both are in one group, and the group is as additive as its least additive member."""
        things.memo()["key"] = "value"

        async def write(name: str, *, additive: bool) -> None:
            async with things.write(additive=additive) as tx:
                await add(tx, name)

        await asyncio.gather(*(write(str(number), additive=number != 3) for number in range(6)))
        assert {} == things.memo()

    async def test_an_additive_commit_does_not_hide_that_of_another_connection(
        self, things: Database, replica: Database
    ) -> None:
        things.memo()["key"] = "value"
        async with replica.write() as tx:
            await add(tx, "theirs")
        async with things.write(additive=True) as tx:
            await add(tx, "ours")
        assert {} == things.memo()

    async def test_a_rollback_does_not(self, things: Database) -> None:
        async def break_off() -> None:
            async with things.write() as tx:
                await add(tx, "a")
                raise LookupError

        memo = things.memo()
        memo["key"] = "value"
        with pytest.raises(LookupError):
            await break_off()
        assert things.memo() == (memo if things.name == "sqlite" else {})

    async def test_a_commit_of_another_connection_empties_it(self, things: Database, replica: Database) -> None:
        things.memo()["key"] = "value"
        async with replica.write() as tx:
            await add(tx, "a")
        assert {} == things.memo()

    async def test_a_commit_of_another_process_empties_it(self, things: Database, database_url: str) -> None:
        async with things.write() as tx:
            await tx.run(thing.insert().values(name="shared", size=0))
        things.memo()["key"] = "value"
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.db.counting_writer", database_url, "1", cwd=ROOT
        )
        assert 0 == await process.wait()
        assert {} == things.memo()

    async def test_what_was_computed_before_a_commit_is_not_found_after_it(self, things: Database) -> None:
        memo = things.memo()
        async with things.write(durable=False) as tx:
            await add(tx, "a")
        things.memo()["other"] = "computed after the commit"
        memo["key"] = "computed before the commit, put in late"
        assert "key" not in things.memo()

    async def test_it_has_a_bound(self, things: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sqlite_memo, "_ENTRIES", 10)
        for number in range(100):
            things.memo()[number] = number
            await asyncio.sleep(0)  # it is looked after once in a turn of the event loop
        assert len(things.memo()) <= 11
