"""SQLite's one writer: transactions take turns, and those that wait for the disk wait together.

A COMMIT without fsync takes microseconds and happens inline. Whoever is promised durability then waits for an fsync of
the write-ahead log, which one thread does for all who are waiting: what SQLite itself does at `synchronous = FULL`, for
one after the other. A log is read back in order, so what somebody saw before it was durable is durable when theirs is.
"""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager

from wharf.db.errors import DatabaseUnavailable
from wharf.db.sqlite.memo import Memo
from wharf.db.sqlite.runner import Runner, is_busy, translated
from wharf.db.statement import Plans
from wharf.db.tx import Tx
from wharf.kit.batches import Batches, Outcome

_BUSY_SECONDS = 30.0
_FIRST_PAUSE_SECONDS = 0.001
_LONGEST_PAUSE_SECONDS = 0.1


class Writer:
    """The writing connection and its queue."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        log: int,
        plans: Plans,
        memo: Memo,
        disk: Executor,
        committed: Callable[[set[str]], None],
    ) -> None:
        self.lock = asyncio.Lock()  # fair: who came first goes first
        self._connection = connection
        self._log = log  # file descriptor of the write-ahead log
        self._plans = plans
        self._memo = memo
        self._committed = committed
        self._flushes: Batches[None] = Batches(self._flush, disk)
        self._broken: OSError | None = None

    @asynccontextmanager
    async def transaction(self, *, durable: bool, additive: bool) -> AsyncIterator[Tx]:
        """Yield a transaction; when the block has ended it is committed, or undone if the block has raised.

        Raises `DatabaseUnavailable` when the lock cannot be had or the disk has failed.
        """
        if self._broken is not None:
            raise DatabaseUnavailable(str(self._broken)) from self._broken
        async with self.lock:
            await self._begin()
            runner = Runner(self._plans, self._connection)
            try:
                yield Tx(runner)
            except BaseException:
                self._connection.rollback()
                raise
            self._commit(additive=additive)
        self._committed(runner.channels)
        if durable:
            await self._flushes.join(None)

    async def close(self) -> None:
        """Wait until nobody waits for the disk."""
        await self._flushes.idle()

    async def _begin(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        deadline = asyncio.get_running_loop().time() + _BUSY_SECONDS
        while True:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if not is_busy(error) or asyncio.get_running_loop().time() > deadline:
                    raise DatabaseUnavailable(str(error)) from error
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            else:
                return

    def _commit(self, *, additive: bool) -> None:
        try:
            self._connection.commit()
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.rollback()
            raise translated(error) from error
        if not additive:
            self._memo.forget()

    def _flush(self, askers: Sequence[None]) -> Sequence[Outcome]:
        if self._broken is None:
            try:
                os.fdatasync(self._log)
            except OSError as error:
                # What could not be written may be lost, and a second attempt would not say so: no more promises.
                self._broken = error
        outcome = None if self._broken is None else DatabaseUnavailable(str(self._broken))
        return [outcome] * len(askers)
