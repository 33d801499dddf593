"""SQLite's one writer: transactions take turns, and those that wait for the disk are committed together.

    first ──▶ BEGIN ─ statements ─┐
    next  ──▶ SAVEPOINT ─ statements ─ RELEASE ─┐        each waits here
    next  ──▶ SAVEPOINT ─ statements ─ RELEASE ─┴─▶ COMMIT, one fsync for all ──▶ all go on

A transaction joins the group of those before it that are not committed yet. Whoever is first in a group and sees others
queue leaves the commit to a task that queues behind them; with nobody in the queue it commits by itself, at once. Each
may fail alone: it is rolled back to its savepoint. What none of them may see is one that was not committed: readers use
another connection.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from wharf.db.errors import DatabaseError, DatabaseUnavailable
from wharf.db.sqlite.memo import Memo
from wharf.db.sqlite.runner import Runner, is_busy, translated
from wharf.db.statement import Plans
from wharf.db.tx import Tx

_BUSY_SECONDS = 30.0
_FIRST_PAUSE_SECONDS = 0.001
_LONGEST_PAUSE_SECONDS = 0.1


class _Group:
    """Transactions that will be committed together."""

    def __init__(self, *, durable: bool) -> None:
        self.durable = durable
        self.members = 0
        self.additive = True
        self.channels: set[str] = set()
        self.committer: asyncio.Task[None] | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.done.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may be waiting any more


class Writer:
    """The writing connection, its queue and its groups."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        plans: Plans,
        memo: Memo,
        disk: ThreadPoolExecutor,
        committed: Callable[[set[str]], None],
    ) -> None:
        self.lock = asyncio.Lock()  # fair: who came first goes first
        self._connection = connection
        self._plans = plans
        self._memo = memo
        self._disk = disk
        self._committed = committed
        self._durable = True
        self._queued = 0
        self._group: _Group | None = None

    @asynccontextmanager
    async def transaction(self, *, durable: bool, additive: bool) -> AsyncIterator[Tx]:
        """Yield a transaction; when the block has ended it is committed, or undone if the block has raised."""
        await self._take_turn()
        try:
            group = self._group or await self._begin(durable=durable)
            runner = Runner(self._plans, self._connection)
            if group.members:
                self._connection.execute("SAVEPOINT member")
            try:
                yield Tx(runner)
            except BaseException:
                self._undo(group)
                raise
            await self._join(group, runner, additive=additive)
        finally:
            self.lock.release()
        await asyncio.shield(group.done)

    async def _take_turn(self) -> None:
        self._queued += 1
        try:
            await self.lock.acquire()
        finally:
            self._queued -= 1

    async def _begin(self, *, durable: bool) -> _Group:
        if durable != self._durable:
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._durable = durable
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
                self._group = _Group(durable=durable)
                return self._group

    async def _join(self, group: _Group, runner: Runner, *, additive: bool) -> None:
        if group.members:
            self._connection.execute("RELEASE member")
        group.members += 1
        group.additive = group.additive and additive
        group.channels |= runner.channels
        if group.committer is not None:
            return
        if group.durable and self._queued:
            group.committer = asyncio.create_task(self._commit_later(group), name="wharf-sqlite-commit")
        else:
            await self._commit(group)

    def _undo(self, group: _Group) -> None:
        if group.members and self._connection.in_transaction:
            self._connection.execute("ROLLBACK TO member")
            self._connection.execute("RELEASE member")
            return
        # The first of its group; or SQLite itself has given up the whole transaction, as it does when the disk is full.
        self._group = None
        self._connection.rollback()
        group.done.set_exception(DatabaseError("the transaction was given up"))

    async def _commit_later(self, group: _Group) -> None:
        async with self.lock:
            if self._group is group:
                await self._commit(group)

    async def _commit(self, group: _Group) -> None:
        """Commit and tell all members how it went; the lock is held until then, also when the caller is cancelled."""
        self._group = None
        before = self._memo.before() if group.additive else None
        seen = self._memo.seen
        try:
            if group.durable:
                loop = asyncio.get_running_loop()
                await finish(loop.run_in_executor(self._disk, self._connection.commit))
            else:
                self._connection.commit()
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.rollback()
            group.done.set_exception(translated(error))
            return
        except asyncio.CancelledError:
            group.done.set_result(None)
            self._committed(group.channels)
            raise
        if before is not None:
            self._memo.after_additive(before, seen)
        group.done.set_result(None)
        self._committed(group.channels)


async def finish(work: "asyncio.Future[object]") -> None:
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
