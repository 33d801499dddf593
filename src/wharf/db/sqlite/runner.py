"""Running statements on one SQLite connection, and its errors as this room's."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Executable

from wharf.db.errors import Conflict, DatabaseError, DatabaseUnavailable
from wharf.db.statement import Plans


class Runner:
    """Runs statements on one connection, inline."""

    def __init__(self, plans: Plans, connection: sqlite3.Connection) -> None:
        self._plans = plans
        self._execute = connection.execute
        self._executemany = connection.executemany
        self.channels: set[str] = set()

    async def rows(self, statement: Executable, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """See `wharf.db.tx.Runner`."""
        plan = self._plans.of(statement, given)
        sql, values = plan.text(given)
        try:
            return plan.rows(self._execute(sql, values).fetchall())
        except sqlite3.Error as error:
            raise translated(error) from error

    async def run(self, statement: Executable, given: Mapping[str, Any]) -> int:
        """See `wharf.db.tx.Runner`."""
        sql, values = self._plans.of(statement, given).text(given)
        try:
            return self._execute(sql, values).rowcount
        except sqlite3.Error as error:
            raise translated(error) from error

    async def many(self, statement: Executable, given: Sequence[Mapping[str, Any]]) -> None:
        """See `wharf.db.tx.Runner`."""
        plan = self._plans.of(statement, given[0])
        texts = [plan.text(each) for each in given]
        try:
            self._executemany(texts[0][0], [values for _, values in texts])
        except sqlite3.Error as error:
            raise translated(error) from error

    async def notify(self, channel: str) -> None:
        """See `wharf.db.tx.Runner`."""
        self.channels.add(channel)


def is_busy(error: sqlite3.OperationalError) -> bool:
    """Whether another process holds the write lock."""
    return error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def translated(error: sqlite3.Error) -> DatabaseError:
    """Return SQLite's error as a fact of this room."""
    if isinstance(error, sqlite3.IntegrityError):
        return Conflict(str(error))
    if isinstance(error, sqlite3.OperationalError) and is_busy(error):
        return DatabaseUnavailable(str(error))
    return DatabaseError(str(error))
