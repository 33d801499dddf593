"""The fixtures of those test folders that talk to `/v2`; their conftest imports them."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.world.client import Client
from tests.world.world import Account, World
from wharf.content.repositories import Repository
from wharf.db import Database

_MEMORY = Path("/dev/shm")


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder in memory where there is one: these tests are not about the disk and need not wait for it."""
    with tempfile.TemporaryDirectory(prefix="wharf-", dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture
async def world(database: Database, tmp_path: Path) -> AsyncIterator[World]:
    """A registry without people and content, once on SQLite and once on PostgreSQL."""
    built = await World.build(database, tmp_path / "storage")
    yield built
    await built.storage.close()


@pytest.fixture
async def ada(world: World) -> Account:
    """A user."""
    return await world.user("ada")


@pytest.fixture
async def client(world: World, ada: Account) -> Client:
    """Ada's client."""
    return world.client(ada)


@pytest.fixture
async def repository(world: World, ada: Account) -> Repository:
    """Ada's private repository, `ada/app`."""
    return await world.repository("ada/app", by=ada)
