"""A world whose events are recorded and whose `/v2` notes pulls, denials and sign-ins."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest

from tests.world.client import Client
from tests.world.fixtures import ada, repository, tmp_path, world
from tests.world.world import Account, World
from wharf.audit import entries
from wharf.audit.entries import About
from wharf.audit.entry import Entry
from wharf.audit.record import recorders
from wharf.audit.trail import Trail
from wharf.db import Database
from wharf.events.publish import connect
from wharf.telemetry import request
from wharf.telemetry.request_id import request_id
from wharf.v2 import V2

__all__ = ["ada", "repository", "tmp_path", "world"]

EVER = About(since=datetime(2000, 1, 1, tzinfo=UTC), until=datetime(2100, 1, 1, tzinfo=UTC))


async def everything(database: Database, about: About = EVER) -> list[Entry]:
    """The entries there are, oldest first."""
    async with database.read() as read:
        return (await entries.list_(read, about, count=1000))[::-1]


@pytest.fixture(autouse=True)
def recorded() -> Iterator[None]:
    """Events become entries, with copies for a backend called `copy`; and no request is being answered."""
    connect({}, recorders(["copy"]))
    tokens = request.scope.set(None), request_id.set("")
    yield
    request.scope.reset(tokens[0])
    request_id.reset(tokens[1])
    connect({})


@pytest.fixture
async def trail(world: World) -> AsyncIterator[Trail]:
    """The trail of `front`."""
    made = Trail(world.database, backends=["copy"])
    yield made
    await made.close()


@pytest.fixture
def front(world: World, trail: Trail) -> V2:
    """The `/v2` surface with a trail."""
    return V2(world.config, world.database, world.storage, world.tokens, world.uploads, trail=trail)


@pytest.fixture
def client(world: World, front: V2, ada: Account) -> Client:
    """Ada's client of `front`."""
    return world.client(ada, application=front)
