import asyncio
import errno
import os
import sqlite3
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import select, text

from tests.db.thing import COUNT, GROW, SIZE, add, c, create, names, thing
from wharf.db import Conflict, Database, DatabaseUnavailable, open_database
from wharf.db.engine import DatabaseUrlInvalid
from wharf.db.errors import DatabaseError
from wharf.db.sqlite import database as sqlite_module
from wharf.db.sqlite import writer as sqlite_writer
from wharf.db.sqlite.database import SqliteDatabase

ROOT = Path(__file__).parents[2]


async def add_then(database: Database, name: str, error: BaseException) -> None:
    """Insert a row, then raise."""
    async with database.write() as tx:
        await add(tx, name)
        raise error


async def add_shared(database: Database) -> None:
    async with database.write() as tx:
        await tx.run(thing.insert().values(name="shared", size=0))


async def size_of_shared(database: Database) -> int | None:
    async with database.read() as read:
        return await read.scalar(SIZE, called="shared")


class TestCommit:
    async def test_what_is_written_is_there_for_all(self, things: Database, replica: Database) -> None:
        async with things.write() as tx:
            await add(tx, "a")
            assert [] == await names(replica)
        assert ["a"] == await names(things) == await names(replica)

    async def test_a_transaction_sees_its_own_writes_others_do_not(self, things: Database) -> None:
        async with things.write() as tx:
            await add(tx, "a")
            assert 1 == await tx.scalar(COUNT)
            assert [] == await names(things)

    async def test_not_durable_is_committed_all_the_same(self, things: Database, replica: Database) -> None:
        for number, durable in enumerate((False, True, False)):
            async with things.write(durable=durable) as tx:
                await add(tx, str(number))
        assert ["0", "1", "2"] == await names(replica)

    async def test_it_survives_closing(self, things: Database, database_url: str) -> None:
        other = await open_database(database_url)
        async with other.write() as tx:
            await add(tx, "a")
        await other.close()
        assert ["a"] == await names(things)


class TestRollback:
    async def test_an_exception_undoes_everything_and_comes_through(self, things: Database) -> None:
        with pytest.raises(LookupError):
            await add_then(things, "a", LookupError())
        assert [] == await names(things)

    async def test_the_next_transaction_starts_clean(self, things: Database) -> None:
        for error in (LookupError(), KeyboardInterrupt()):
            with pytest.raises(type(error)):
                await add_then(things, "a", error)
        async with things.write() as tx:
            await add(tx, "b")
        assert ["b"] == await names(things)

    async def test_a_wrong_statement_is_a_database_error(self, things: Database) -> None:
        with pytest.raises(DatabaseError):
            async with things.write() as tx:
                await tx.run(text("SELECT nonsense FROM nowhere"))
        assert [] == await names(things)


class TestConflict:
    async def test_a_taken_name(self, things: Database) -> None:
        async with things.write() as tx:
            await add(tx, "a")
        with pytest.raises(Conflict):
            await self._add_two(things)
        assert ["a"] == await names(things)

    async def test_a_taken_name_among_many(self, things: Database) -> None:
        with pytest.raises(Conflict):
            async with things.write() as tx:
                await tx.many(thing.insert(), [{"name": "a"}, {"name": "b"}, {"name": "a"}])
        assert [] == await names(things)

    async def test_of_two_who_want_a_name_one_gets_it(self, things: Database, replica: Database) -> None:
        async def claim(database: Database) -> bool:
            try:
                async with database.write() as tx:
                    await add(tx, "a")
            except Conflict:
                return False
            return True

        claims = await asyncio.gather(*(claim(database) for database in (things, replica) * 4))
        assert 1 == claims.count(True)

    @staticmethod
    async def _add_two(database: Database) -> None:
        async with database.write() as tx:
            await add(tx, "b")
            await add(tx, "a")


class TestWriters:
    async def test_no_write_is_lost(self, things: Database, replica: Database) -> None:
        await add_shared(things)

        async def grow(database: Database) -> None:
            for _ in range(10):
                async with database.write(durable=False) as tx:
                    await tx.run(GROW, called="shared")

        await asyncio.gather(*(grow(database) for database in (things, replica) * 5))
        assert 100 == await size_of_shared(things)

    async def test_a_row_read_for_update_is_not_changed_meanwhile(self, things: Database, replica: Database) -> None:
        """On SQLite because writers are alone from their first moment, not from their first write."""
        await add_shared(things)
        read_it = select(c.size).where(c.name == "shared").with_for_update()

        async def grow(database: Database) -> None:
            async with database.write(durable=False) as tx:
                size = await tx.scalar(read_it)
                await asyncio.sleep(0)
                await tx.run(thing.update().values(size=(size or 0) + 1))

        await asyncio.gather(*(grow(database) for database in (things, replica) * 10))
        assert 20 == await size_of_shared(things)

    @pytest.mark.slow
    async def test_writers_of_two_processes(self, things: Database, database_url: str) -> None:
        await add_shared(things)
        command = [sys.executable, "-m", "tests.db.counting_writer", database_url, "150"]
        processes = [await asyncio.create_subprocess_exec(*command, cwd=ROOT) for _ in range(2)]
        ends = [asyncio.create_task(process.wait()) for process in processes]
        own = 0
        while not all(end.done() for end in ends):
            async with things.write(durable=False) as tx:
                await tx.run(GROW, called="shared")
            own += 1
            await asyncio.sleep(0)
        assert [0, 0] == [end.result() for end in ends]
        assert 300 + own == await size_of_shared(things)


class TestCancellation:
    async def test_after_any_number_of_steps_it_is_done_or_not_done(self, things: Database) -> None:
        """A request that is cancelled leaves no half of a transaction, no lock and no connection behind."""

        async def move(name: str) -> None:
            async with things.write() as tx:
                await add(tx, f"{name} taken")
                await asyncio.sleep(0)
                await add(tx, f"{name} given")

        for steps in range(40):
            task = asyncio.create_task(move(f"{steps:02}"))
            for _ in range(steps):
                await asyncio.sleep(0)
            if things.name == "postgresql":
                await asyncio.wait([task], timeout=steps / 8000)  # its steps are answers from the network
            task.cancel()
            await asyncio.wait([task])
        found = await names(things)
        assert all(f"{name.split()[0]} taken" in found and f"{name.split()[0]} given" in found for name in found)
        async with things.write() as tx:
            await add(tx, "after")

    async def test_of_one_who_waits_for_his_turn(self, things: Database) -> None:
        async def write(name: str) -> None:
            async with things.write() as tx:
                await add(tx, name)

        async with things.write() as tx:
            await add(tx, "a")
            waiting = asyncio.create_task(write("a"))
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        await write("b")
        assert ["a", "b"] == await names(things)


def busy_disk(database: SqliteDatabase) -> threading.Event:
    """Let everything that concerns the disk wait until the event is set."""
    gate = threading.Event()
    for _ in range(database._disk._max_workers):
        database._disk.submit(gate.wait)
    return gate


async def write_one(database: Database, name: str) -> None:
    async with database.write() as tx:
        await add(tx, name)


class TestSqlite:
    """What only a database in a file has to promise."""

    async def test_cancelled_while_the_disk_is_asked_it_is_committed_all_the_same(self, tmp_path: Path) -> None:
        database = await a_sqlite(tmp_path)
        gate = busy_disk(database)
        writing = asyncio.create_task(write_one(database, "a"))
        await asyncio.sleep(0)
        writing.cancel()
        following = asyncio.create_task(write_one(database, "b"))
        await asyncio.wait([writing])
        assert not following.done()
        gate.set()
        await following
        assert ["a", "b"] == await names(database)
        await database.close()

    async def test_nobody_is_told_of_durability_before_the_disk_is(self, tmp_path: Path) -> None:
        database = await a_sqlite(tmp_path)
        gate = busy_disk(database)
        writes = [asyncio.create_task(write_one(database, str(number))) for number in range(6)]
        async with database.write(durable=False) as tx:
            await add(tx, "not durable")
        assert not any(each.done() for each in writes)
        gate.set()
        await asyncio.gather(*writes)
        assert [*map(str, range(6)), "not durable"] == await names(database)
        await database.close()

    async def test_those_who_wait_for_the_disk_wait_together(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        database = await a_sqlite(tmp_path)
        flushed: list[int] = []
        monkeypatch.setattr(os, "fdatasync", flushed.append)
        gate = busy_disk(database)
        writes = [asyncio.create_task(write_one(database, str(number))) for number in range(50)]
        await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(*writes)
        assert len(flushed) in {1, 2}
        await database.close()

    async def test_a_disk_that_has_failed_ends_all_promises(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        database = await a_sqlite(tmp_path)

        def failing(log: int) -> None:
            raise OSError(errno.EIO, "the disk is broken")

        with monkeypatch.context() as patch, pytest.raises(DatabaseUnavailable):
            patch.setattr(os, "fdatasync", failing)
            await write_one(database, "a")
        with pytest.raises(DatabaseUnavailable):  # though fsync would say that all is well now
            await write_one(database, "b")
        await database.close()

    async def test_one_that_fails_hinders_no_other(self, tmp_path: Path) -> None:
        database = await a_sqlite(tmp_path)
        gate = busy_disk(database)
        writes = [asyncio.create_task(write_one(database, name)) for name in ("a", "b", "a", "c", "b", "d")]
        await asyncio.sleep(0)
        gate.set()
        results = await asyncio.gather(*writes, return_exceptions=True)
        assert [None, None, Conflict, None, Conflict, None] == [each and type(each) for each in results]
        assert ["a", "b", "c", "d"] == await names(database)
        await database.close()

    async def test_a_commit_that_fails_while_cancelled_leaves_no_transaction_open(self, tmp_path: Path) -> None:
        database = await a_sqlite(tmp_path)
        gate = busy_disk(database)

        async def break_the_rule() -> None:
            async with database.write() as tx:
                await tx.run(text("INSERT INTO part (of) VALUES (1)"))  # nothing to be part of: noticed at commit

        async with database.write(durable=False) as tx:
            await tx.run(text("CREATE TABLE part (of INTEGER REFERENCES thing (id) DEFERRABLE INITIALLY DEFERRED)"))
        breaking = asyncio.create_task(break_the_rule())
        await asyncio.sleep(0)
        breaking.cancel()
        await asyncio.sleep(0)
        gate.set()
        await asyncio.wait([breaking])
        await write_one(database, "a")
        assert ["a"] == await names(database)
        await database.close()

    async def test_a_commit_that_fails_is_a_conflict_and_undone(self, tmp_path: Path) -> None:
        database = await a_sqlite(tmp_path)
        async with database.write() as tx:
            await tx.run(text("CREATE TABLE part (of INTEGER REFERENCES thing (id) DEFERRABLE INITIALLY DEFERRED)"))
        with pytest.raises(Conflict):
            async with database.write() as tx:
                await tx.run(text("INSERT INTO part (of) VALUES (1)"))
        await write_one(database, "a")
        assert ["a"] == await names(database)
        await database.close()

    async def test_a_lock_that_is_never_given_back_is_unavailability(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        database = await a_sqlite(tmp_path)
        monkeypatch.setattr(sqlite_writer, "_BUSY_SECONDS", 0.0)
        other = sqlite3.connect(tmp_path / "wharf.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseUnavailable):
            await write_one(database, "a")
        assert [] == await names(database)  # readers are not hindered
        other.execute("ROLLBACK")
        other.close()
        await write_one(database, "a")
        await database.close()

    async def test_readers_go_on_while_the_disk_is_asked(self, tmp_path: Path) -> None:
        database = await a_sqlite(tmp_path)
        gate = busy_disk(database)
        writing = asyncio.create_task(write_one(database, "a"))
        await asyncio.sleep(0)
        await names(database)
        gate.set()
        await writing
        assert ["a"] == await names(database)
        await database.close()

    async def test_the_log_does_not_grow_for_ever(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sqlite_module, "_CHECKPOINT_EVERY_COMMITS", 10)
        database = await a_sqlite(tmp_path)
        sizes = []
        for number in range(600):
            await write_one(database, str(number))
            sizes.append((tmp_path / "wharf.db-wal").stat().st_size)
        assert max(sizes[300:]) <= max(sizes[:300]) * 1.25
        await database.close()

    async def test_foreign_keys_are_checked(self, tmp_path: Path) -> None:
        database = await a_sqlite(tmp_path)
        async with database.write() as tx:
            await tx.run(text("CREATE TABLE part (of INTEGER REFERENCES thing (id))"))
        with pytest.raises(Conflict):
            async with database.write() as tx:
                await tx.run(text("INSERT INTO part (of) VALUES (1)"))
        await database.close()

    async def test_close_waits_for_the_transaction_that_runs(self, tmp_path: Path) -> None:
        database = await a_sqlite(tmp_path)
        started, go_on = asyncio.Event(), asyncio.Event()

        async def write_slowly() -> None:
            async with database.write() as tx:
                await add(tx, "a")
                started.set()
                await go_on.wait()

        writing = asyncio.create_task(write_slowly())
        await started.wait()
        closing = asyncio.create_task(database.close())
        await asyncio.sleep(0)
        assert not closing.done()
        go_on.set()
        await asyncio.gather(writing, closing)
        reopened = SqliteDatabase(tmp_path / "wharf.db")
        assert ["a"] == await names(reopened)
        await reopened.close()


async def a_sqlite(folder: Path) -> SqliteDatabase:
    """An SQLite database with the table `thing`."""
    database = SqliteDatabase(folder / "wharf.db")
    await create(database)
    return database


class TestOpen:
    async def test_a_url_of_another_kind_is_refused(self) -> None:
        with pytest.raises(DatabaseUrlInvalid, match=r"^mysql$"):
            await open_database("mysql://user:secret@host/name")

    async def test_a_database_that_answers_is_well(self, database: Database) -> None:
        await database.check()
