"""Which database: chosen by the URL, behind one contract."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

from wharf.db.signals import Signals
from wharf.db.sqlite.database import SqliteDatabase
from wharf.db.tx import Read, Tx

_SQLITE = "sqlite:///"
_POSTGRESQL = ("postgresql://", "postgres://")


class DatabaseUrlInvalid(ValueError):
    """A database URL starts with `sqlite:///` (a path) or `postgresql://`."""


class Database(Protocol):
    """What every room is given. `read` and `write` are opened in handlers and jobs, never held across I/O."""

    name: str
    signals: Signals

    def read(self) -> AbstractAsyncContextManager[Read]:
        """Open a place to read the newest committed facts from."""
        ...

    def write(self, *, durable: bool = True, additive: bool = False) -> AbstractAsyncContextManager[Tx]:
        """Open a transaction; it commits when the block ends and rolls back when the block raises.

        `durable=False` may lose the last moments with the whole machine, never with the process: for facts that
        nobody was promised, such as an upload's offset. `additive=True` promises that nothing which is in
        the memo becomes false: new rows only, or changes of what nobody remembers.
        """
        ...

    def memo(self) -> dict[object, Any]:
        """Return a dictionary that is only ever as old as the newest commit; see each database."""
        ...

    async def check(self) -> None:
        """Raise `DatabaseUnavailable` when the database does not answer."""
        ...

    async def close(self) -> None:
        """Give back every connection."""
        ...


async def open_database(url: str, *, pool_min: int = 1, pool_max: int = 10) -> Database:
    """Open the database at `url`. Raises `DatabaseUrlInvalid` and `DatabaseUnavailable`."""
    if url.startswith(_SQLITE):
        return SqliteDatabase(Path(url.removeprefix(_SQLITE)))
    if url.startswith(_POSTGRESQL):
        from wharf.db.postgres import PostgresDatabase  # its driver is not loaded for SQLite

        database = PostgresDatabase(url, pool_min=pool_min, pool_max=pool_max)
        await database.open()
        return database
    raise DatabaseUrlInvalid(url.split(":", 1)[0])
