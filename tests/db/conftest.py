from collections.abc import AsyncIterator

import pytest

from tests.db import thing
from wharf.db import Database, open_database


@pytest.fixture
async def things(database: Database) -> AsyncIterator[Database]:
    """A database with the table `thing`."""
    await thing.create(database)
    yield database
    await thing.drop(database)


@pytest.fixture
async def replica(database_url: str) -> AsyncIterator[Database]:
    """The same database, opened once more: what another process sees."""
    opened = await open_database(database_url)
    yield opened
    await opened.close()
