"""SQLite: one reading and one writing connection, both used from the event loop.

A statement takes microseconds, less than handing it to a thread, so statements run inline, and commits too; only fsync
of the log and checkpoints run in a thread. Writers of this process take turns (`writer`), those
of other processes queue on SQLite's own lock.
"""

import asyncio
import contextlib
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from wharf.db import dialect
from wharf.db.errors import DatabaseUnavailable
from wharf.db.signals import Signals
from wharf.db.sqlite.memo import Memo
from wharf.db.sqlite.runner import Runner
from wharf.db.sqlite.writer import Writer
from wharf.db.statement import Plans
from wharf.db.tx import Read, Tx

_CHECKPOINT_EVERY_COMMITS = 1000
# Of every SQLite database that this process opens: their SQL is the same.
_PLANS = Plans(dialect.sqlite())


class SqliteDatabase:
    """A SQLite file in WAL mode; see `wharf.db.engine.Database` for the contract."""

    name = "sqlite"

    def __init__(self, path: Path) -> None:
        self._reader = _connect(path)
        self._write_connection = _connect(path)
        self._checkpointer = _connect(path)
        # One thread to wait for the log, of which one is enough at a time, and one for a checkpoint beside it.
        self._disk = ThreadPoolExecutor(max_workers=2, thread_name_prefix="wharf-sqlite")
        self._log = os.open(f"{path}-wal", os.O_RDONLY | os.O_CLOEXEC)
        self._memo = Memo(self._write_connection)
        self._writer = Writer(self._write_connection, self._log, _PLANS, self._memo, self._disk, self._committed)
        self._reading = nullcontext(Read(Runner(_PLANS, self._reader)))
        self._commits = 0
        self._checkpoint: asyncio.Task[None] | None = None
        self.signals = Signals()

    def read(self) -> AbstractAsyncContextManager[Read]:
        """Return a place to read the newest committed facts from."""
        return self._reading

    def write(self, *, durable: bool = True, additive: bool = False) -> AbstractAsyncContextManager[Tx]:
        """Return a transaction that holds the write lock (BEGIN IMMEDIATE), perhaps with others before it."""
        return self._writer.transaction(durable=durable, additive=additive)

    def memo(self) -> dict[object, Any]:
        """Return a dictionary of things computed from the database as it is now.

        It is emptied as soon as any connection, of any process, has committed (`PRAGMA data_version`), except for what
        this process only added, so what is found in it is as true as a statement's answer.
        """
        return self._memo.current()

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
        async with self._writer.lock:
            await self._writer.close()
            self._disk.shutdown()
            for connection in (self._checkpointer, self._reader, self._write_connection):
                connection.close()
            os.close(self._log)

    def _committed(self, channels: set[str]) -> None:
        for channel in channels:
            self.signals.fire(channel)
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
            async with self._writer.lock:
                await self._copy_log()

    async def _copy_log(self) -> None:
        copy = partial(self._checkpointer.execute, "PRAGMA wal_checkpoint(PASSIVE)")
        await asyncio.get_running_loop().run_in_executor(self._disk, copy)


def _connect(path: Path) -> sqlite3.Connection:
    # isolation_level=None: transactions begin and end only where this module says so.
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=512, timeout=0.05
    )
    for pragma in (
        "journal_mode = WAL",
        "synchronous = NORMAL",  # who wants more waits for the log (writer.py)
        "foreign_keys = ON",
        "wal_autocheckpoint = 0",
        "journal_size_limit = 67108864",
        "cache_size = -16000",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection
