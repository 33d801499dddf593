"""A page of the trail is read off one index, however long the trail is."""

import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import Executable, bindparam, text

from wharf.audit import entries, spool
from wharf.db import Database, dialect
from wharf.db.statement import Plans
from wharf.db.types import Instant

START = datetime(2026, 1, 1, tzinfo=UTC)
_ROWS = 50_000
_FILL = text(
    f"""INSERT INTO audit_entry (at, kind, actor_kind, actor, namespace_id, repository_id, details, repeat_count)
    WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {_ROWS})
    SELECT :at, 'tag_moved', 'user', 'user-' || (i % 100), i % 100, i % 200, '{{}}', 1 FROM numbers"""
).bindparams(bindparam("at", type_=Instant()))
_SPOOL = text(
    "INSERT INTO audit_spool (backend, document) SELECT CASE WHEN id % 100 = 0 THEN 'file' ELSE 'webhook' END, details"
    " FROM audit_entry"
)
_SPREAD = {
    "sqlite": "UPDATE audit_entry SET at = at + id * 1000000",
    "postgresql": "UPDATE audit_entry SET at = at + id * interval '1 second'",
}
_PAGE: Mapping[str, Any] = {"since": START, "until": START + timedelta(days=1), "before": 0, "count": 50}
_SPAN: Mapping[str, Any] = {"since": START, "until": START + timedelta(hours=1)}
_STATEMENTS: Mapping[str, tuple[Executable, Mapping[str, Any]]] = {
    "ix_audit_entry_at": (entries._page(frozenset()), _PAGE),
    "ix_audit_entry_namespace": (entries._page(frozenset({"namespace_id"})), {**_PAGE, "namespace_id": 7}),
    "ix_audit_entry_repository": (entries._page(frozenset({"repository_id"})), {**_PAGE, "repository_id": 7}),
    "ix_audit_entry_actor": (entries._page(frozenset({"actor"})), {**_PAGE, "actor": "user-7"}),
}
_OTHERS: Mapping[str, tuple[Executable, Mapping[str, Any]]] = {
    "ix_audit_entry_namespace": (entries._counts(frozenset({"namespace_id"})), {**_SPAN, "namespace_id": 7}),
    "ix_audit_spool_backend": (spool._NEXT, {"of": "file", "count": 500}),
    "ix_audit_entry_at": (entries._FORGET, {"before": START + timedelta(hours=1), "count": 2000}),
}


def _explain(database: Database, url: str, statements: Mapping[str, tuple[Executable, Mapping[str, Any]]]) -> Any:
    lite = database.name == "sqlite"
    plans = Plans(dialect.sqlite() if lite else dialect.postgresql())
    texts = {name: plans.of(statement, given).text(given) for name, (statement, given) in statements.items()}
    if lite:
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        found = {
            name: "\n".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values))
            for name, (sql, values) in texts.items()
        }
        connection.close()
        return found
    with psycopg.connect(url, autocommit=True) as postgres:
        postgres.execute("ANALYZE")
        # So few rows are soon sorted; what matters is whether many would have to be.
        postgres.execute("SET enable_bitmapscan = off")
        postgres.execute("SET enable_sort = off")
        return {
            name: "\n".join(row[0] for row in postgres.execute(f"EXPLAIN {sql}".encode(), values))
            for name, (sql, values) in texts.items()
        }


@pytest.mark.slow
async def test_no_page_is_sorted_and_nothing_is_searched_through(database: Database, database_url: str) -> None:
    async with database.write() as tx:
        await tx.run(_FILL, at=START)
        await tx.run(text(_SPREAD[database.name]))
        await tx.run(_SPOOL)
    for index, plan in _explain(database, database_url, _STATEMENTS).items():
        assert index in plan, plan
        assert not any(word in plan for word in ("TEMP B-TREE", "Sort", "SCAN audit", "Seq Scan")), plan
    for index, plan in _explain(database, database_url, _OTHERS).items():
        assert index in plan, plan
