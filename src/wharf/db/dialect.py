"""Every difference between SQLite and PostgreSQL that a room can meet.

`insert` is PostgreSQL's construct; its ON CONFLICT and RETURNING clauses compile on SQLite too, so rooms use this one.
`with_for_update(...)` needs no wrapper: SQLite renders nothing for it, its writers are already alone.
"""

from functools import cache

from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql import insert

__all__ = ["insert", "postgresql", "sqlite"]


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
