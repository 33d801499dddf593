"""What garbage collection keeps and what it lets go."""

from datetime import timedelta

import pytest

from tests.content.conftest import GRACE, LEASE, WINDOW, Registry
from wharf.content import blobs, repositories, time_machine
from wharf.content.errors import BlobInUse, TagHistoryUnknown
from wharf.content.gc.orphans import find_orphans
from wharf.content.gc.report import report
from wharf.db import DatabaseUnavailable
from wharf.oci.digest import Digest
from wharf.oci.names import TagName


async def test_a_tagged_image_stays(registry: Registry) -> None:
    digest = await registry.push_image(b"layer", "latest")
    await registry.settle_garbage()
    assert await registry.has("latest")
    assert await registry.has(digest)
    assert len(await registry.objects()) == 2


async def test_a_deleted_tag_takes_its_image_after_the_window(registry: Registry) -> None:
    digest = await registry.push_image(b"layer", "latest")
    await registry.delete_tag("latest")
    assert not await registry.has("latest")
    registry.now += WINDOW - timedelta(minutes=1)
    await registry.collect()
    assert await registry.has(digest)
    freed = await registry.settle_garbage()
    assert not await registry.has(digest)
    assert (freed.tags, freed.manifests, freed.blobs, freed.objects) == (1, 1, 2, 2)
    assert await registry.objects() == set()


async def test_an_overwritten_tag_can_be_restored_within_the_window(registry: Registry) -> None:
    first = await registry.push_image(b"one", "latest")
    second = await registry.push_image(b"two", "latest")
    registry.now += timedelta(days=1)
    async with registry.database.write() as tx:
        await time_machine.restore(
            tx, registry.repository, TagName("latest"), first, by=registry.owner, at=registry.now, default_window=WINDOW
        )
    history = await time_machine.history(registry.database, registry.repository, TagName("latest"), count=10)
    assert [lifetime.digest for lifetime in history] == [first, second, first]
    await registry.settle_garbage()
    assert await registry.has(first)
    assert not await registry.has(second)


async def test_a_manifest_deleted_by_digest_comes_back_with_its_tag(registry: Registry) -> None:
    from wharf.content import manifests

    digest = await registry.push_image(b"layer", "latest")
    async with registry.database.write() as tx:
        await manifests.delete(tx, registry.repository, digest, by=registry.owner, at=registry.now)
    assert not await registry.has(digest)
    async with registry.database.write() as tx:
        await blobs.delete(tx, registry.repository, Digest.of(b"layer"), at=registry.now)
    assert await blobs.find(registry.database, registry.repository, Digest.of(b"layer")) is None
    async with registry.database.write() as tx:
        await time_machine.restore(
            tx,
            registry.repository,
            TagName("latest"),
            digest,
            by=registry.owner,
            at=registry.now,
            default_window=WINDOW,
        )
    assert await registry.has("latest")
    assert await blobs.find(registry.database, registry.repository, Digest.of(b"layer")) is not None
    await registry.settle_garbage()
    assert len(await registry.objects()) == 2


async def test_the_past_beyond_the_window_cannot_be_restored(registry: Registry) -> None:
    digest = await registry.push_image(b"layer", "latest")
    await registry.delete_tag("latest")
    registry.now += WINDOW + timedelta(seconds=1)
    with pytest.raises(TagHistoryUnknown):
        async with registry.database.write() as tx:
            await time_machine.restore(
                tx,
                registry.repository,
                TagName("latest"),
                digest,
                by=registry.owner,
                at=registry.now,
                default_window=WINDOW,
            )


async def test_a_kept_index_keeps_its_children_and_their_referrers(registry: Registry) -> None:
    child = await registry.push_image(b"amd64")
    signature = await registry.push_image(b"signature", subject=child)
    await registry.push_index([child], "multi")
    await registry.settle_garbage()
    assert await registry.has(child)
    assert await registry.has(signature)
    await registry.delete_tag("multi")
    await registry.settle_garbage()
    assert not await registry.has(child)
    assert not await registry.has(signature)
    assert await registry.objects() == set()


async def test_a_manifest_pushed_by_digest_stands_by_itself(registry: Registry) -> None:
    digest = await registry.push_image(b"layer")
    await registry.settle_garbage()
    assert await registry.has(digest)


async def test_a_referrer_whose_subject_never_comes_goes_after_its_lease(registry: Registry) -> None:
    digest = await registry.push_image(b"signature", subject=Digest.of(b"never pushed"))
    await registry.collect()
    assert await registry.has(digest)
    await registry.settle_garbage()
    assert not await registry.has(digest)


async def test_a_blob_without_manifest_goes_after_lease_and_grace(registry: Registry) -> None:
    await registry.push_blob(b"alone")
    registry.now += LEASE - timedelta(seconds=1)
    await registry.collect()
    assert len(await registry.objects()) == 1
    registry.now += timedelta(seconds=2)
    await registry.collect()
    assert len(await registry.objects()) == 1
    registry.now += GRACE + timedelta(seconds=1)
    await registry.collect()
    assert await registry.objects() == set()


async def test_a_doomed_blob_is_saved_by_a_push_to_another_repository(registry: Registry) -> None:
    await registry.push_blob(b"alone")
    registry.now += LEASE + timedelta(seconds=1)
    await registry.collect()
    other = await registry.create("ada/other")
    await registry.push_blob(b"alone", other)
    registry.now += GRACE * 2
    await registry.collect()
    assert len(await registry.objects()) == 1
    assert await blobs.find(registry.database, other, Digest.of(b"alone")) is not None


async def test_a_blob_in_use_cannot_be_deleted(registry: Registry) -> None:
    await registry.push_image(b"layer", "latest")
    with pytest.raises(BlobInUse):
        async with registry.database.write() as tx:
            await blobs.delete(tx, registry.repository, Digest.of(b"layer"), at=registry.now)


async def test_a_deleted_repository_goes_whole_and_frees_its_name(registry: Registry) -> None:
    await registry.push_image(b"layer", "latest", "other")
    await registry.push_index([await registry.push_image(b"child")], "multi")
    await registry.uploads.create(registry.repository, by=registry.owner)
    async with registry.database.write() as tx:
        await repositories.delete(tx, registry.repository, by=registry.owner, at=registry.now)
    old = registry.repository
    registry.repository = await registry.create("ada/app")
    assert registry.repository.id != old.id
    registry.repository = old
    for _ in range(3):
        await registry.collect()
        registry.now += GRACE * 2
    assert await registry.objects() == set()
    async with registry.database.read() as read:
        from sqlalchemy import func, select

        from wharf.content.tables import repository

        assert await read.scalar(select(func.count()).select_from(repository)) == 1


async def test_orphans_are_found_when_they_are_old(registry: Registry) -> None:
    from tests.content.conftest import chunks

    stage = await registry.storage.stage(chunks(b"lost"))
    await registry.storage.compose([await registry.storage.stage(chunks(b"lost"))], "blobs/sha256/aa/lost")
    from wharf.kit.clock import utc_now

    registry.now = utc_now()
    assert (
        await find_orphans(registry.database, registry.storage, now=registry.now, rules=registry.rules)
    ).objects == 0
    registry.now += LEASE * 2
    planned = await report(registry.database, registry.storage, now=registry.now, rules=registry.rules)
    assert (planned.objects, planned.object_bytes) == (2, 8)
    found = await find_orphans(registry.database, registry.storage, now=registry.now, rules=registry.rules)
    assert found.objects == 2
    freed = await registry.collect()
    assert (freed.objects, freed.object_bytes) == (2, 8)
    assert await registry.objects() == set()
    assert [each async for each in registry.storage.list_stages()] == []
    assert stage.size_bytes == 4


async def test_the_report_counts_what_a_collection_would_free(registry: Registry) -> None:
    await registry.push_image(b"layer", "latest")
    await registry.delete_tag("latest")
    registry.now += WINDOW + timedelta(seconds=1)
    planned = await report(registry.database, registry.storage, now=registry.now, rules=registry.rules)
    assert planned.tags == 1
    assert await registry.has(Digest.of(b"x")) is False


async def test_an_object_that_cannot_be_deleted_holds_up_no_other(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wharf.storage.errors import StorageUnavailable

    for number in range(5):
        await registry.push_blob(b"alone %d" % number)
    stuck = min(await registry.objects())
    real = registry.storage.delete

    async def failing(key: str) -> None:
        if key == stuck:
            raise StorageUnavailable("stuck")
        await real(key)

    monkeypatch.setattr(registry.storage, "delete", failing)
    registry.now += LEASE
    await registry.collect()
    registry.now += GRACE
    for _ in range(2):
        with pytest.raises(StorageUnavailable):
            await registry.collect()
        assert await registry.objects() == {stuck}
    monkeypatch.setattr(registry.storage, "delete", real)
    assert (await registry.collect()).objects == 1
    assert await registry.objects() == set()


async def test_what_an_unfinished_upload_has_written_is_no_orphan(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.content.conftest import chunks
    from wharf.content.uploads import Uploads
    from wharf.kit.clock import utc_now

    async def failing(*_args: object, **_kwargs: object) -> None:
        raise DatabaseUnavailable("down")

    registry.now = utc_now()
    session = await registry.uploads.create(registry.repository, by=registry.owner)
    session = await registry.uploads.receive(session, chunks(b"layer"))
    with monkeypatch.context() as patch:
        patch.setattr(Uploads, "_close", failing)
        with pytest.raises(DatabaseUnavailable):
            await registry.uploads.commit(session, Digest.of(b"layer"))
    assert len(await registry.objects()) == 1
    later = registry.now + LEASE * 2
    found = await find_orphans(registry.database, registry.storage, now=later, rules=registry.rules)
    assert found.objects == 0
    stored = await registry.uploads.commit(session, Digest.of(b"layer"))
    assert await registry.objects() == {stored.storage_key}
