"""The revisions in migrations/ end in the schema that the rooms' tables describe, from wherever they start."""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory

from tests.servers.postgres import PostgresServer
from wharf.db.migrate import FOLDER, Schema, SchemaUnknown, migrating, state, upgrade

REVISIONS = [script.revision for script in ScriptDirectory(str(FOLDER)).walk_revisions()]

# Everything that tells one schema from another, as text; the order of columns is history and does not count.
POSTGRESQL = [
    """SELECT table_name, column_name, data_type, character_maximum_length, collation_name, is_nullable, column_default
       FROM information_schema.columns WHERE table_schema = 'public'""",
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
       FROM pg_constraint WHERE connamespace = 'public'::regnamespace""",
]


@pytest.fixture
def empty_url(database_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table, of the kind that has them at `database_url`."""
    if database_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.create(tables=False)
    yield url
    server.drop(url)


def _clauses(statement: str) -> Iterator[str]:
    """Split `CREATE … (a, b(c, d), …) …` into `CREATE …`, `a`, `b(c, d)`, …: the order of columns does not count."""
    depth, clause = 0, ""
    for character in " ".join(statement.replace('"', "").split()):
        depth += (character == "(") - (character == ")")
        if (character == "(" and depth == 1) or (character == ")" and depth == 0) or (character == "," and depth == 1):
            yield clause.strip()
            clause = ""
        else:
            clause += character
    yield clause.strip()


def schema(url: str) -> set[str]:
    """The facts of a database's schema, without alembic's own table."""
    facts: set[str] = set()
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            for name, statement in connection.execute("SELECT tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL"):
                facts |= {f"{name}: {clause}" for clause in _clauses(statement)}
        connection.close()
    else:
        with psycopg.connect(url) as postgresql:
            for query in POSTGRESQL:
                facts |= {str(row) for row in postgresql.execute(query)}
    return {fact for fact in facts if "alembic_version" not in fact}


async def test_the_newest_revision_is_what_the_tables_say(empty_url: str, database_url: str) -> None:
    await upgrade(empty_url)
    assert schema(database_url) == schema(empty_url)


@pytest.mark.parametrize("revision", REVISIONS)
async def test_from_every_revision_to_the_newest(empty_url: str, revision: str) -> None:
    with migrating(empty_url) as config:
        command.upgrade(config, revision)
    await upgrade(empty_url)
    assert Schema.CURRENT == await state(empty_url)


async def test_replicas_may_start_at_the_same_moment(empty_url: str) -> None:
    assert Schema.EMPTY == await state(empty_url)
    await asyncio.gather(*(upgrade(empty_url) for _ in range(4)))
    assert Schema.CURRENT == await state(empty_url)


async def test_a_database_of_a_later_release_is_left_alone(empty_url: str) -> None:
    await upgrade(empty_url)
    with migrating(empty_url) as config:
        config.attributes["connection"].exec_driver_sql("UPDATE alembic_version SET version_num = 'later'")
    before = schema(empty_url)
    assert Schema.UNKNOWN == await state(empty_url)
    with pytest.raises(SchemaUnknown):
        await upgrade(empty_url)
    assert before == schema(empty_url)
