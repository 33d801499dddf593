"""The largest documents that are accepted, on both databases' limits of parameters."""

import time
from datetime import timedelta

import orjson
import pytest
from sqlalchemy import func, select

from tests.content.conftest import IMAGE, INDEX, Registry
from wharf.content.tables import blob, manifest_blob, manifest_child, repository_blob
from wharf.oci.digest import Digest
from wharf.oci.manifests import MAX_SIZE_BYTES

_TYPE = "a/b"


def _descriptors(count: int, media_type: str = _TYPE) -> list[dict[str, object]]:
    return [{"mediaType": media_type, "size": 1, "digest": f"sha256:{number:064x}"} for number in range(count)]


def _most(document: dict[str, object], media_type: str = _TYPE) -> int:
    """How many descriptors fit into a manifest."""
    return (MAX_SIZE_BYTES - len(orjson.dumps(document))) // (len(orjson.dumps(_descriptors(1, media_type)[0])) + 1)


@pytest.mark.slow
async def test_the_widest_image(registry: Registry) -> None:
    config = await registry.push_blob(b"{}")
    document: dict[str, object] = {
        "schemaVersion": 2,
        "config": {"mediaType": _TYPE, "size": 2, "digest": str(config.digest)},
    }
    layers = _descriptors(_most({**document, "layers": []}))
    ids = range(1000, 1000 + len(layers))
    async with registry.database.write() as tx:
        await tx.many(
            blob.insert(),
            [
                {"id": id_, "digest": each["digest"], "size_bytes": 1, "storage_key": "x", "created_at": registry.now}
                for id_, each in zip(ids, layers, strict=True)
            ],
        )
        links = [{"repository_id": registry.repository.id, "blob_id": id_, "leased_until": registry.now} for id_ in ids]
        await tx.many(repository_blob.insert(), links)
    started = time.perf_counter()
    await registry.push({**document, "layers": layers}, "wide")
    print(f"{len(layers)} layers: {time.perf_counter() - started:.2f} s")
    async with registry.database.read() as read:
        assert await read.scalar(select(func.count()).select_from(manifest_blob)) == len(layers) + 1
    await registry.delete_tag("wide")
    registry.now += timedelta(days=30)
    registry.rules = type(registry.rules)(
        time_machine=registry.rules.time_machine,
        blob_lease=registry.rules.blob_lease,
        grace=registry.rules.grace,
        orphan_age=registry.rules.orphan_age,
        batch_count=1000,
        max_deletions_per_second=1_000_000,
    )
    started = time.perf_counter()
    freed = await registry.settle_garbage()
    print(f"collected: {time.perf_counter() - started:.2f} s")
    assert freed.links == len(layers) + 1


@pytest.mark.slow
async def test_the_widest_index(registry: Registry) -> None:
    document: dict[str, object] = {"schemaVersion": 2, "mediaType": INDEX}
    children = _descriptors(_most({**document, "manifests": []}, IMAGE), IMAGE)
    started = time.perf_counter()
    digest = await registry.push({**document, "manifests": children}, "wide", sparse=True)
    print(f"{len(children)} children: {time.perf_counter() - started:.2f} s")
    async with registry.database.read() as read:
        assert await read.scalar(select(func.count()).select_from(manifest_child)) == len(children)
    assert await registry.has(Digest(digest))
    await registry.delete_tag("wide")
    assert (await registry.settle_garbage()).manifests == 1
