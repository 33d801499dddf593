"""PostgreSQL: a pool of psycopg connections, and LISTEN for wake-up calls between replicas."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.errors import DeadlockDetected, SerializationFailure
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from sqlalchemy import Executable

from wharf.db import dialect
from wharf.db.errors import Conflict, DatabaseError, DatabaseUnavailable
from wharf.db.signals import Signals
from wharf.db.statement import Plans
from wharf.db.tx import Read, Tx

_CHANNEL = "wharf"
_RECONNECT_SECONDS = 1.0
_WAIT_SECONDS = 10.0

Connection = AsyncConnection[tuple[Any, ...]]
# Of every PostgreSQL database that this process opens: their SQL is the same.
_PLANS = Plans(dialect.postgresql())


class PostgresDatabase:
    """A PostgreSQL database; see `wharf.db.engine.Database` for the contract."""

    name = "postgresql"

    def __init__(self, url: str, *, pool_min: int, pool_max: int) -> None:
        self._url = url
        self._plans = _PLANS
        self._pool = AsyncConnectionPool(
            url,
            connection_class=AsyncConnection[tuple[Any, ...]],
            min_size=pool_min,
            max_size=pool_max,
            timeout=_WAIT_SECONDS,
            open=False,
            kwargs={"autocommit": True, "options": "-c timezone=UTC"},
            check=AsyncConnectionPool.check_connection if pool_min == 0 else None,
        )
        self._listener: asyncio.Task[None] | None = None
        self.signals = Signals()

    async def open(self) -> None:
        """Connect; raises `DatabaseUnavailable` when the server does not answer in time."""
        try:
            await self._pool.open(wait=True, timeout=_WAIT_SECONDS)
        except PoolTimeout as error:
            await self._pool.close()
            raise DatabaseUnavailable(str(error)) from error
        self._listener = asyncio.create_task(self._listen(), name="wharf-postgres-listen")

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Read]:
        """Yield a connection to read from; each statement sees the newest committed facts."""
        async with self._connection() as connection:
            yield Read(_Runner(self._plans, connection))

    @asynccontextmanager
    async def write(self, *, durable: bool = True, additive: bool = False) -> AsyncIterator[Tx]:
        """Yield a READ COMMITTED transaction; there is no memo here that `additive` could spare."""
        del additive
        async with self._connection() as connection, _translating(), connection.transaction():
            if not durable:
                await connection.execute("SET LOCAL synchronous_commit = off")
            yield Tx(_Runner(self._plans, connection))

    def memo(self) -> dict[object, Any]:
        """Return an empty dictionary: another replica's commit cannot be seen in time, so nothing is remembered."""
        return {}

    async def check(self) -> None:
        """Raise `DatabaseUnavailable` when the server does not answer."""
        async with self._connection() as connection, _translating():
            await connection.execute("SELECT 1")

    async def close(self) -> None:
        """Close all connections."""
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)
        await self._pool.close()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        try:
            connection = await self._pool.getconn()
        except PoolTimeout as error:
            raise DatabaseUnavailable(str(error)) from error
        try:
            yield connection
        finally:
            await self._pool.putconn(connection)

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(psycopg.Error):
                async with await AsyncConnection.connect(self._url, autocommit=True) as connection:
                    await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(_CHANNEL)))
                    async for notification in connection.notifies():
                        self.signals.fire(notification.payload)
            await asyncio.sleep(_RECONNECT_SECONDS)


class _Runner:
    """Runs statements on one connection."""

    def __init__(self, plans: Plans, connection: Connection) -> None:
        self._plans = plans
        self._connection = connection

    async def rows(self, statement: Executable, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        plan = self._plans.of(statement, given)
        text, values = plan.text(given)
        async with _translating():
            cursor = await self._connection.execute(text.encode(), values)
            return plan.rows(await cursor.fetchall())

    async def run(self, statement: Executable, given: Mapping[str, Any]) -> int:
        text, values = self._plans.of(statement, given).text(given)
        async with _translating():
            return (await self._connection.execute(text.encode(), values)).rowcount

    async def many(self, statement: Executable, given: Sequence[Mapping[str, Any]]) -> None:
        plan = self._plans.of(statement, given[0])
        texts = [plan.text(each) for each in given]
        async with _translating(), self._connection.cursor() as cursor:
            await cursor.executemany(texts[0][0].encode(), [values for _, values in texts])

    async def notify(self, channel: str) -> None:
        await self._connection.execute("SELECT pg_notify(%s, %s)", (_CHANNEL, channel))


@asynccontextmanager
async def _translating() -> AsyncIterator[None]:
    try:
        yield
    except (psycopg.IntegrityError, DeadlockDetected, SerializationFailure) as error:
        raise Conflict(str(error)) from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise DatabaseUnavailable(str(error)) from error
    except psycopg.Error as error:
        raise DatabaseError(str(error)) from error
