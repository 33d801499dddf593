"""Two at once, stopped at the moment that hurts: each test holds one verb inside its transaction and lets another come.

On SQLite the second one waits for the write lock; on PostgreSQL it meets row locks and older snapshots.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import pytest
from sqlalchemy import Integer, literal_column, select, text

from tests.content.conftest import GRACE, LEASE, Registry, chunks, image
from wharf.access.grants import Visibility
from wharf.accounts import organizations
from wharf.accounts.namespaces import Namespace
from wharf.content import blobs, manifests, repositories, tags
from wharf.content.errors import BlobInUse, BlobUnknown, NamespaceUnknown, RepositoryUnknown, UploadUnknown
from wharf.content.gc import sweep as sweeping
from wharf.content.gc.collect import collect_repository
from wharf.content.gc.sweep import sweep
from wharf.content.owners import deletion
from wharf.content.tables import blob as blob_table
from wharf.db import Database
from wharf.oci.digest import Digest
from wharf.oci.names import RepositoryName, TagName

T = TypeVar("T")
_WAITERS = select(literal_column("1", Integer)).select_from(text("pg_locks WHERE NOT granted"))
_DOOMED = select(blob_table.c.digest).where(blob_table.c.doomed_at.is_not(None))


class Gate:
    """Stops the first caller of a function until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()
        self._passed: Callable[..., Awaitable[Any]] = getattr(owner, name)
        monkeypatch.setattr(owner, name, self._stop)

    async def _stop(self, *args: Any, **kwargs: Any) -> Any:
        if not self.reached.is_set():
            self.reached.set()
            await self.opened.wait()
        return await self._passed(*args, **kwargs)

    async def meet(self, database: Database, first: Coroutine[Any, Any, Any], second: Coroutine[Any, Any, T]) -> T:
        """Run `first` up to the gate, then `second` until it is done or waits, then both to their end."""
        ahead = asyncio.create_task(first)
        await asyncio.wait([ahead, asyncio.create_task(self.reached.wait())], return_when=asyncio.FIRST_COMPLETED)
        behind = asyncio.create_task(second)
        await _done_or_waiting(database, behind)
        self.opened.set()
        await asyncio.wait([ahead, behind])
        await ahead
        return await behind


async def _done_or_waiting(database: Database, task: asyncio.Task[Any]) -> None:
    if database.name == "sqlite":
        for _ in range(100):
            await asyncio.sleep(0)
        return
    while not task.done():
        async with database.read() as read:
            if await read.find(_WAITERS) is not None:
                return


async def _doomed(registry: Registry) -> set[str]:
    async with registry.database.read() as read:
        return {digest for (digest,) in await read.all(_DOOMED)}


async def _delete_blob(registry: Registry, data: bytes) -> None:
    async with registry.database.write() as tx:
        await blobs.delete(tx, registry.repository, Digest.of(data), at=registry.now)


async def _delete_repository(registry: Registry) -> None:
    async with registry.database.write() as tx:
        await repositories.delete(tx, registry.repository, by=registry.owner, at=registry.now)


async def test_a_tag_that_moves_while_it_is_deleted_was_there_to_be_deleted(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    await registry.push_image(b"one", "latest")
    gate = Gate(monkeypatch, manifests, "publish")
    await gate.meet(registry.database, registry.push_image(b"two", "latest"), registry.delete_tag("latest"))
    assert not await registry.has("latest")


async def test_two_who_move_a_tag_take_turns(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    await registry.push_image(b"one", "latest")
    gate = Gate(monkeypatch, manifests, "publish")
    last = await gate.meet(
        registry.database, registry.push_image(b"two", "latest"), registry.push_image(b"three", "latest")
    )
    found = await manifests.get(registry.database, registry.repository, TagName("latest"), now=registry.now)
    assert found.digest == last


async def test_a_blob_is_not_deleted_under_a_manifest_that_arrives(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, layer = await registry.push_blob(b"{}"), await registry.push_blob(b"layer")
    gate = Gate(monkeypatch, manifests, "publish")
    with pytest.raises(BlobInUse):
        await gate.meet(
            registry.database, registry.push(image(config, layer), "latest"), _delete_blob(registry, b"layer")
        )


async def test_nor_under_one_whose_blobs_another_manifest_already_holds(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, layer = await registry.push_blob(b"{}"), await registry.push_blob(b"layer")
    deleted = await registry.push(image(config, layer))
    async with registry.database.write() as tx:
        await manifests.delete(tx, registry.repository, deleted, by=registry.owner, at=registry.now)
    gate = Gate(monkeypatch, manifests, "publish")
    with pytest.raises(BlobInUse):
        await gate.meet(
            registry.database, registry.push(image(config, layer, layer), "latest"), _delete_blob(registry, b"layer")
        )


async def test_a_deleted_repository_takes_no_more_manifests(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, layer = await registry.push_blob(b"{}"), await registry.push_blob(b"layer")
    gate = Gate(monkeypatch, manifests, "publish")
    await gate.meet(registry.database, registry.push(image(config, layer), "latest"), _delete_repository(registry))
    with pytest.raises(RepositoryUnknown):
        await registry.push(image(config, layer), "late")


async def test_the_number_of_a_collected_repository_is_no_way_into_a_new_one(registry: Registry) -> None:
    await _delete_repository(registry)
    await collect_repository(registry.database, registry.repository.id, now=registry.now, rules=registry.rules)
    await registry.create("ada/new")
    with pytest.raises(RepositoryUnknown):
        await registry.push({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json"}, "latest")


async def test_a_blob_that_is_being_linked_is_not_doomed(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    await registry.push_blob(b"layer")
    other = await registry.create("ada/other")
    registry.now += LEASE
    gate = Gate(monkeypatch, blobs, "link")
    await gate.meet(
        registry.database,
        registry.push_blob(b"layer", other),
        sweep(registry.database, registry.storage, now=registry.now, rules=registry.rules),
    )
    assert await _doomed(registry) == set()
    registry.now += GRACE
    await registry.collect()
    assert await blobs.find(registry.database, other, Digest.of(b"layer")) is not None


async def test_the_sweep_and_the_push_of_what_it_unlinks_do_not_wait_in_a_circle(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    await registry.push_blob(b"layer")
    registry.now += LEASE
    gate = Gate(monkeypatch, sweeping, "doom_unlinked")
    await gate.meet(
        registry.database,
        sweep(registry.database, registry.storage, now=registry.now, rules=registry.rules),
        registry.push_blob(b"layer"),
    )
    assert await _doomed(registry) == set()
    assert await blobs.find(registry.database, registry.repository, Digest.of(b"layer")) is not None


async def test_nobody_is_told_to_count_on_a_blob_that_goes(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    found = await registry.push_blob(b"layer")
    found = await blobs.find(registry.database, registry.repository, found.digest) or found
    registry.now += LEASE
    gate = Gate(monkeypatch, sweeping, "doom_unlinked")
    with pytest.raises(BlobUnknown):
        await gate.meet(
            registry.database,
            sweep(registry.database, registry.storage, now=registry.now, rules=registry.rules),
            blobs.renew(registry.database, registry.repository, found, at=registry.now, until=registry.now + LEASE),
        )


async def test_two_that_finish_one_upload_both_succeed(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    session = await registry.uploads.create(registry.repository, by=registry.owner)
    session = await registry.uploads.receive(session, chunks(b"layer"))
    digest = Digest.of(b"layer")
    gate = Gate(monkeypatch, registry.storage, "compose")
    second = await gate.meet(
        registry.database, registry.uploads.commit(session, digest), registry.uploads.commit(session, digest)
    )
    assert second.digest == digest
    assert await registry.objects() == {second.storage_key}
    with pytest.raises(UploadUnknown):
        await registry.uploads.receive(session, chunks(b"more"))
    assert [stage async for stage in registry.storage.list_stages()] == []


async def test_an_upload_cancelled_while_it_is_finished_is_unknown(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await registry.uploads.create(registry.repository, by=registry.owner)
    session = await registry.uploads.receive(session, chunks(b"layer"))
    gate = Gate(monkeypatch, registry.storage, "compose")
    commit = asyncio.create_task(registry.uploads.commit(session, Digest.of(b"layer")))
    await gate.reached.wait()
    await registry.uploads.cancel(session)
    gate.opened.set()
    with pytest.raises(UploadUnknown):
        await commit
    assert await blobs.find(registry.database, registry.repository, Digest.of(b"layer")) is None


async def test_a_tag_that_everybody_creates_at_once_is_created(registry: Registry) -> None:
    digests = await asyncio.gather(*(registry.push_image(b"layer %d" % number, "new") for number in range(12)))
    found = await manifests.get(registry.database, registry.repository, TagName("new"), now=registry.now)
    assert found.digest in digests
    async with registry.database.write() as tx:
        await tags.delete(tx, registry.repository, TagName("new"), by=registry.owner, at=registry.now)


async def _organization(registry: Registry) -> Namespace:
    async with registry.database.write() as tx:
        return await organizations.create(tx, "acme", by=registry.owner)


async def _create_in(registry: Registry, name: str) -> None:
    async with registry.database.write() as tx:
        await repositories.create(
            tx, RepositoryName(name), by=registry.owner, visibility=Visibility.PRIVATE, at=registry.now
        )


async def _delete_namespace(registry: Registry, target: Namespace) -> None:
    async with registry.database.write() as tx:
        await deletion.delete_namespace(tx, target, by=registry.owner, at=registry.now)


async def test_nothing_is_created_in_a_namespace_that_is_being_deleted(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = await _organization(registry)
    gate = Gate(monkeypatch, deletion, "publish")
    with pytest.raises(NamespaceUnknown):
        await gate.meet(registry.database, _delete_namespace(registry, acme), _create_in(registry, "acme/app"))


async def test_a_namespace_is_deleted_with_what_is_just_created(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = await _organization(registry)
    gate = Gate(monkeypatch, repositories, "publish")
    await gate.meet(registry.database, _create_in(registry, "acme/app"), _delete_namespace(registry, acme))
    await _organization(registry)
    await _create_in(registry, "acme/app")
