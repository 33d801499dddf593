"""Many clients of several processes and a collector that waits for nothing; afterwards all has to fit together."""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.content.conftest import LEASE, Registry
from tests.content.storm import NAMES, Storm
from wharf.content.gc.orphans import find_orphans
from wharf.content.gc.sweep import empty_garbage, sweep
from wharf.content.tables import blob, garbage, manifest, manifest_blob, repository_blob, tag
from wharf.kit.clock import utc_now
from wharf.oci.digest import Digest
from wharf.oci.manifests import parse

ROOT = Path(__file__).parents[2]
_LINKS = select(repository_blob.c.repository_id, blob.c.digest, blob.c.storage_key).join(
    blob, blob.c.id == repository_blob.c.blob_id
)
_SERVED = select(manifest.c.id, manifest.c.repository_id, manifest.c.body).where(manifest.c.deleted_at.is_(None))
_TAGGED = select(tag.c.name, tag.c.manifest_id).where(tag.c.ended_at.is_(None))
_HOLDS = select(manifest_blob.c.repository_id, manifest_blob.c.blob_id)
_HELD = select(repository_blob.c.repository_id, repository_blob.c.blob_id)


async def _rows(registry: Registry, statement: Any) -> Sequence[Any]:
    async with registry.database.read() as read:
        return await read.all(statement)


async def check_all(registry: Registry) -> None:
    """No tag without manifest, no manifest without blob, no blob without object, no object that nobody knows."""
    links = await _rows(registry, _LINKS.where(repository_blob.c.deleted_at.is_(None)))
    served = {id_: (home, body) for id_, home, body in await _rows(registry, _SERVED)}
    for name, manifest_id in await _rows(registry, _TAGGED):
        assert manifest_id in served, f"tag {name} points at nothing"
    held = {(home, digest) for home, digest, _ in links}
    for home, body in served.values():
        for digest in parse(body).required_blobs:
            assert (home, digest) in held, f"{digest} is missing in {home}"
    assert set(await _rows(registry, _HOLDS)) <= set(await _rows(registry, _HELD))
    for digest, key in await _rows(registry, select(blob.c.digest, blob.c.storage_key)):
        data = b"".join([chunk async for chunk in registry.storage.open(key)])
        assert Digest.of(data) == digest
    later = utc_now() + LEASE * 2
    await sweep(registry.database, registry.storage, now=later, rules=registry.rules)  # ends interrupted uploads
    await find_orphans(registry.database, registry.storage, now=later, rules=registry.rules)
    await empty_garbage(registry.database, registry.storage, registry.rules)
    assert await registry.objects() == {key for (key,) in await _rows(registry, select(blob.c.storage_key))}
    assert await _rows(registry, select(garbage.c.id)) == []


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 3])
async def test_nothing_is_lost_in_a_storm(
    registry: Registry, database_url: str, tmp_path: Path, processes: int
) -> None:
    seed = int(os.environ.get("WHARF_STORM_SEED", "1"))
    operations = int(os.environ.get("WHARF_STORM_OPERATIONS", "40"))
    print(f"WHARF_STORM_SEED={seed} WHARF_STORM_OPERATIONS={operations}")
    homes = [registry.repository, await registry.create(NAMES[1])]
    others = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.content.storm",
            database_url,
            str(tmp_path / "storage"),
            str(seed + number),
            str(operations),
            str(registry.owner.id),
            cwd=ROOT,
        )
        for number in range(1, processes)
    ]
    outcomes = await Storm(registry, homes, seed).run(operations)
    print(dict(sorted(outcomes.items())))
    for other in others:
        assert await other.wait() == 0
    assert outcomes["own"] > 0
    await check_all(registry)
