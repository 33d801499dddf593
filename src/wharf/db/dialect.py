"""Every difference between SQLite and PostgreSQL that a room can meet.

`insert` is PostgreSQL's construct; its ON CONFLICT and RETURNING clauses compile on SQLite too, so rooms use this one.
`with_for_update(...)` needs no wrapper: SQLite renders nothing for it, its writers are already alone.
"""

import sqlite3

import psycopg
from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

__all__ = ["insert", "postgresql", "sqlite"]

sqlite: Dialect = SQLiteDialect_pysqlite(dbapi=sqlite3)
postgresql: Dialect = PGDialect_psycopg(dbapi=psycopg)  # type: ignore[no-untyped-call]
