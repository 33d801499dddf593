from collections.abc import AsyncIterator

import httpx
import pytest

from tests.world.api import Api
from tests.world.fixtures import ada, repository, tmp_path, world
from tests.world.world import World

__all__ = ["ada", "repository", "tmp_path", "world"]


@pytest.fixture
async def api(world: World) -> AsyncIterator[Api]:
    """The API over `world`, and over its clock."""
    built = Api(world.database, world.clock)
    yield built
    await built.close()


@pytest.fixture
def http(api: Api) -> httpx.AsyncClient:
    """Nobody's client."""
    return api.client()
