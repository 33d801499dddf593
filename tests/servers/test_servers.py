"""The servers that other tests lean on."""

import sqlalchemy

from wharf.db import Database


async def test_a_database_is_empty_and_ready(database: Database) -> None:
    async with database.write() as tx:
        assert 1 == await tx.scalar(sqlalchemy.select(sqlalchemy.literal(1)))
    await database.check()
