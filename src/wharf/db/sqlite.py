"""SQLite: one reading and one writing connection, both used from the event loop.

A statement takes microseconds, less than handing it to a thread, so statements run inline; only a durable commit, which
waits for the disk, and checkpoints run in a thread. Writers of this process queue on a fair lock, writers of other
processes on SQLite's own.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Executable

from wharf.db import dialect
from wharf.db.errors import Conflict, DatabaseError, DatabaseUnavailable
from wharf.db.signals import Signals
from wharf.db.statement import Plans
from wharf.db.tx import Read, Tx

_BUSY_SECONDS = 30.0
_CHECKPOINT_EVERY_COMMITS = 1000
_MEMO_ENTRIES = 50_000
# Of every SQLite database that this process opens: their SQL is the same.
_PLANS = Plans(dialect.sqlite())


class SqliteDatabase:
    """A SQLite file in WAL mode; see `wharf.db.engine.Database` for the contract."""

    name = "sqlite"

    def __init__(self, path: Path) -> None:
        self._plans = _PLANS
        self._writer = _connect(path)
        self._reader = _connect(path)
        self._checkpointer = _connect(path)
        self._lock = asyncio.Lock()
        # One thread for the commit, of which there is one at a time, and one for a checkpoint beside it.
        self._disk = ThreadPoolExecutor(max_workers=2, thread_name_prefix="wharf-sqlite")
        self._commits = 0
        self._checkpoint: asyncio.Task[None] | None = None
        self._durable = True
        self._version_seen = -1
        self._memo: dict[object, Any] = {}
        self._read = Read(_Runner(self._plans, self._reader))
        self.signals = Signals()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Read]:
        """Yield a place to read the newest committed facts from."""
        yield self._read

    @asynccontextmanager
    async def write(self, *, durable: bool = True) -> AsyncIterator[Tx]:
        """Yield a transaction that holds the write lock (BEGIN IMMEDIATE)."""
        async with self._lock:
            await self._begin(durable=durable)
            runner = _Runner(self._plans, self._writer)
            try:
                yield Tx(runner)
            except BaseException:
                self._writer.rollback()
                raise
            await self._commit(durable=durable)
        for channel in runner.channels:
            self.signals.fire(channel)

    def memo(self) -> dict[object, Any]:
        """Return a dictionary of things computed from the database as it is now.

        It is emptied as soon as any connection, of any process, has committed (`PRAGMA data_version`), so what is found
        in it is as true as a statement's answer.
        """
        version = self._reader.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version_seen or len(self._memo) > _MEMO_ENTRIES:
            self._memo = {}  # a new one: who still computes from older facts puts them into the old one
            self._version_seen = version
        return self._memo

    async def check(self) -> None:
        """Raise `DatabaseUnavailable` when the file cannot be read."""
        try:
            self._reader.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        except sqlite3.Error as error:
            raise DatabaseUnavailable from error

    async def close(self) -> None:
        """Finish the transaction that is running and close the file."""
        if self._checkpoint is not None:
            await self._checkpoint
        async with self._lock:
            self._disk.shutdown()
            for connection in (self._checkpointer, self._reader, self._writer):
                connection.close()

    async def _begin(self, *, durable: bool) -> None:
        if durable != self._durable:
            self._writer.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._durable = durable
        pause = 0.001
        deadline = asyncio.get_running_loop().time() + _BUSY_SECONDS
        while True:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or asyncio.get_running_loop().time() > deadline:
                    raise DatabaseUnavailable(str(error)) from error
                await asyncio.sleep(pause)
                pause = min(pause * 2, 0.1)
            else:
                return

    async def _commit(self, *, durable: bool) -> None:
        try:
            if durable:
                await _finish(asyncio.get_running_loop().run_in_executor(self._disk, self._writer.commit))
            else:
                self._writer.commit()
        except sqlite3.Error as error:
            if self._writer.in_transaction:
                self._writer.rollback()
            raise _translated(error) from error
        self._commits += 1
        if self._commits % _CHECKPOINT_EVERY_COMMITS == 0 and (self._checkpoint is None or self._checkpoint.done()):
            self._checkpoint = asyncio.create_task(self._shorten_log(), name="wharf-sqlite-checkpoint")

    async def _shorten_log(self) -> None:
        """Copy the log into the database: most of it while others write, the small rest while they wait.

        A writer starts the log afresh only when it finds everything copied, so without the second step a database that
        is always written to would have a log that grows for ever.
        """
        with contextlib.suppress(sqlite3.Error):  # a disk that fails is told to whoever commits
            await self._copy_log()
            async with self._lock:
                await self._copy_log()

    async def _copy_log(self) -> None:
        copy = partial(self._checkpointer.execute, "PRAGMA wal_checkpoint(PASSIVE)")
        await _finish(asyncio.get_running_loop().run_in_executor(self._disk, copy))


class _Runner:
    """Runs statements on one connection, inline."""

    def __init__(self, plans: Plans, connection: sqlite3.Connection) -> None:
        self._plans = plans
        self._execute = connection.execute
        self._executemany = connection.executemany
        self.channels: set[str] = set()

    async def rows(self, statement: Executable, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        plan = self._plans.of(statement, given)
        sql, values = plan.text(given)
        try:
            return plan.rows(self._execute(sql, values).fetchall())
        except sqlite3.Error as error:
            raise _translated(error) from error

    async def run(self, statement: Executable, given: Mapping[str, Any]) -> int:
        sql, values = self._plans.of(statement, given).text(given)
        try:
            return self._execute(sql, values).rowcount
        except sqlite3.Error as error:
            raise _translated(error) from error

    async def many(self, statement: Executable, given: Sequence[Mapping[str, Any]]) -> None:
        plan = self._plans.of(statement, given[0])
        texts = [plan.text(each) for each in given]
        try:
            self._executemany(texts[0][0], [values for _, values in texts])
        except sqlite3.Error as error:
            raise _translated(error) from error

    async def notify(self, channel: str) -> None:
        self.channels.add(channel)


def _connect(path: Path) -> sqlite3.Connection:
    # isolation_level=None: transactions begin and end only where this module says so.
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=512, timeout=0.05
    )
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "wal_autocheckpoint = 0",
        "journal_size_limit = 67108864",
        "cache_size = -16000",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection


async def _finish(work: "asyncio.Future[Any]") -> None:
    """Wait for `work` however often the caller is cancelled: the lock must not be given away while it runs.

    Raises what `work` raises, or else the cancellation.
    """
    cancellation: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError as error:
            cancellation = error
    work.result()
    if cancellation is not None:
        raise cancellation


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def _translated(error: sqlite3.Error) -> DatabaseError:
    if isinstance(error, sqlite3.IntegrityError):
        return Conflict(str(error))
    if isinstance(error, sqlite3.OperationalError) and _is_busy(error):
        return DatabaseUnavailable(str(error))
    return DatabaseError(str(error))
