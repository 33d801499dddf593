"""Every difference between SQLite and PostgreSQL that a room can meet.

`insert` is PostgreSQL's construct; its ON CONFLICT and RETURNING clauses compile on SQLite too, so rooms use this one.
`with_for_update(...)` needs no wrapper: SQLite renders nothing for it, its writers are already alone.
"""

from functools import cache
from typing import Any

from sqlalchemy import Dialect, Integer
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

__all__ = ["days_since_1970", "insert", "postgresql", "sqlite"]


@cache
def sqlite() -> Dialect:
    """How statements are written for SQLite."""
    import sqlite3

    from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

    return SQLiteDialect_pysqlite(dbapi=sqlite3)


@cache
def postgresql() -> Dialect:
    """How statements are written for PostgreSQL; loads its driver, which a process on SQLite does without."""
    import psycopg
    from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

    return PGDialect_psycopg(dbapi=psycopg)  # type: ignore[no-untyped-call]


class days_since_1970(FunctionElement[int]):  # noqa: N801 - reads as the SQL function it is
    """The day (UTC) that an `Instant` column's moment is in, as a number that both databases group by."""

    type = Integer()
    inherit_cache = True
    name = "days_since_1970"


@compiles(days_since_1970, "sqlite")
def _days_on_sqlite(element: days_since_1970, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(element.clauses, **options)} / 86400000000)"


@compiles(days_since_1970, "postgresql")
def _days_on_postgresql(element: days_since_1970, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(FLOOR(EXTRACT(EPOCH FROM {compiler.process(element.clauses, **options)}) / 86400) AS INTEGER)"
