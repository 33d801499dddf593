"""Copies wait for their backend in the transaction that made them, and are sent again until it has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.audit.conftest import everything
from tests.world.world import Account, World
from wharf.audit import spool
from wharf.audit.backends.base import Backend, Document
from wharf.audit.errors import BackendUnavailable
from wharf.audit.jobs import ForgetEntries, ForwardEntries, audit_handlers
from wharf.audit.spool import forward
from wharf.audit.trail import Trail
from wharf.db import Database
from wharf.jobs import queue
from wharf.jobs.queue import enqueue
from wharf.jobs.worker import Worker
from wharf.kit.clock import Clock, utc_now


@dataclass
class Copy:
    """A backend that can be away."""

    name: str = "copy"
    away: bool = False
    documents: list[Document] = field(default_factory=list)

    async def send(self, documents: Sequence[Document]) -> None:
        if self.away:
            raise BackendUnavailable(self.name, "away")
        self.documents += documents

    async def close(self) -> None: ...


@dataclass(frozen=True)
class Context:
    database: Database
    audit_backends: Mapping[str, Backend]
    clock: Clock = utc_now
    audit_retention: timedelta | None = timedelta(days=90)


@pytest.fixture
async def ada(world: World) -> Account:
    """A user whose beginnings have been passed on already."""
    account = await world.user("ada")
    await forward(world.database, Copy())
    return account


async def waiting(database: Database) -> dict[str, int]:
    async with database.read() as read:
        return await spool.depths(read)


async def test_entries_arrive_once_and_in_order(world: World, ada: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "_BATCH_COUNT", 3)
    for number in range(7):
        await world.repository(f"ada/app{number}", by=ada)
    backend = Copy()
    assert {"copy": 7} == await waiting(world.database)
    assert 7 == await forward(world.database, backend)
    assert 0 == await forward(world.database, backend)
    assert [f"ada/app{number}" for number in range(7)] == [each["repository"] for each in backend.documents]
    assert 7 == len({each["id"] for each in backend.documents})
    assert {} == await waiting(world.database)


async def test_pulls_and_sign_ins_are_copied_too(world: World, trail: Trail) -> None:
    trail.sign_in_failed("ada", to="registry", reason="invalid")
    await trail.flush()
    backend = Copy()
    await forward(world.database, backend)
    assert ["sign_in_failed"] == [each["kind"] for each in backend.documents]


async def test_a_backend_that_is_away_loses_nothing_and_stops_nobody(world: World, ada: Account) -> None:
    backend = Copy(away=True)
    await world.repository("ada/one", by=ada)
    worker = await _work(world.database, backend)
    await world.repository("ada/two", by=ada)
    assert {"copy": 2} == await waiting(world.database)
    async with world.database.read() as read:
        assert [] == await queue.depths(read), "an outage is no failed job"
    backend.away = False
    await _work(world.database, backend, worker)
    assert ["ada/one", "ada/two"] == [each["repository"] for each in backend.documents]


async def test_what_waits_for_a_backend_that_was_taken_out_stays(world: World, ada: Account) -> None:
    await world.repository("ada/app", by=ada)
    worker = Worker(world.database, Context(world.database, {}), audit_handlers())
    async with world.database.write() as tx:
        await enqueue(tx, ForwardEntries("copy"))
    await worker.run_until_empty()
    assert {"copy": 1} == await waiting(world.database)


@pytest.mark.parametrize(("retention", "kept"), [(timedelta(days=90), 0), (None, 1)])
async def test_the_round_that_forgets(world: World, ada: Account, retention: timedelta | None, kept: int) -> None:
    await world.repository("ada/app", by=ada)
    late = datetime(2100, 1, 1, tzinfo=UTC)
    worker = Worker(world.database, Context(world.database, {}, lambda: late, retention), audit_handlers())
    async with world.database.write() as tx:
        await enqueue(tx, ForgetEntries())
    await worker.run_until_empty()
    assert kept == sum(each.kind == "repository_created" for each in await everything(world.database))


async def _work(database: Database, backend: Copy, worker: Worker[Any] | None = None) -> Worker[Any]:
    worker = worker or Worker(database, Context(database, {backend.name: backend}), audit_handlers())
    async with database.write() as tx:
        await enqueue(tx, ForwardEntries(backend.name))
    await worker.run_until_empty()
    return worker
