"""Fills Wharf's database directly, through its own rooms: an account, and rows by the hundred thousand."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any

from wharf.access.grants import Visibility
from wharf.accounts import passwords, users
from wharf.config import load
from wharf.content import repositories
from wharf.content.repositories import Repository
from wharf.content.tables import blob, manifest, repository, tag
from wharf.db import Database, open_database
from wharf.db.dialect import insert
from wharf.kit.clock import utc_now
from wharf.oci.names import RepositoryName

_BATCH = 10_000
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_EMPTY = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": "sha256:" + "0" * 64, "size": 2}
MANY = RepositoryName("bench/many")

_NEW_MANIFEST = insert(manifest).returning(manifest.c.id)


@dataclass(slots=True)
class Seeded:
    """What is in the database so far."""

    rows: int
    repository: Repository
    manifest_id: int
    subject: str


def account(environment: Mapping[str, str], name: str, password: str) -> None:
    """Create the user that the load generator signs in as."""

    async def create() -> None:
        hashed = await passwords.hash_(password)
        async with _database(environment) as database, database.write() as tx:
            await users.create(tx, name, hashed)

    asyncio.run(create())


def begin(environment: Mapping[str, str], owner: str) -> Seeded:
    """Create the repository that the many rows belong to, with the manifest that tags and referrers point at."""

    async def create() -> Seeded:
        async with _database(environment) as database, database.write() as tx:
            user = await users.get(tx, owner)
            target = await repositories.create(tx, MANY, by=user.principal, visibility=Visibility.PRIVATE, at=utc_now())
            row = _manifest_row(target, {"config": _EMPTY, "layers": []})
            manifest_id = await tx.scalar(_NEW_MANIFEST, **row)
            assert manifest_id is not None
        return Seeded(0, target, manifest_id, row["digest"])

    return asyncio.run(create())


def grow(environment: Mapping[str, str], seeded: Seeded, rows: int) -> None:
    """Bring tags, referrers of one subject, and repositories to `rows` each, and blobs to twice as many."""

    async def insert_all() -> None:
        new, now = range(seeded.rows, rows), utc_now()
        async with _database(environment) as database:
            await _insert(database, tag, (_tag_row(seeded, number, now) for number in new))
            await _insert(database, manifest, (_referrer_row(seeded, number) for number in new))
            await _insert(database, repository, (_repository_row(seeded, number, now) for number in new))
            blobs = range(seeded.rows * 2, rows * 2)
            await _insert(database, blob, (_blob_row(number, now) for number in blobs))

    asyncio.run(insert_all())
    seeded.rows = rows


def doomed_keys(count: int) -> list[str]:
    """Return the storage keys of `count` blobs that nobody needs."""
    return [_blob_row(number, utc_now())["storage_key"] for number in range(-count, 0)]


def doom(environment: Mapping[str, str], keys: list[str]) -> None:
    """Record the blobs with these keys as ones that no repository has linked to for a while."""

    async def record() -> None:
        long_ago = utc_now() - timedelta(days=1)
        rows = (
            _blob_row(number, long_ago) | {"doomed_at": long_ago, "storage_key": key}
            for number, key in zip(range(-len(keys), 0), keys, strict=True)
        )
        async with _database(environment) as database:
            await _insert(database, blob, rows)

    asyncio.run(record())


@asynccontextmanager
async def _database(environment: Mapping[str, str]) -> AsyncIterator[Database]:
    config = load(environment=environment).config.database
    database = await open_database(config.url, pool_min=config.pool_min, pool_max=config.pool_max)
    try:
        yield database
    finally:
        await database.close()


async def _insert(database: Database, table: Any, rows: Iterable[dict[str, Any]]) -> None:
    remaining = iter(rows)
    statement = insert(table)
    while batch := list(islice(remaining, _BATCH)):
        async with database.write(durable=False) as tx:
            await tx.many(statement, batch)


def _tag_row(seeded: Seeded, number: int, now: Any) -> dict[str, Any]:
    return {
        "repository_id": seeded.repository.id,
        "name": tag_name(number),
        "manifest_id": seeded.manifest_id,
        "started_at": now,
        "ended_at": None,
        "expires_at": None,
        "immutable": False,
    }


def _referrer_row(seeded: Seeded, number: int) -> dict[str, Any]:
    annotations = {"org.opencontainers.image.revision": str(number)}
    subject = {"mediaType": _MANIFEST, "digest": seeded.subject, "size": 2}
    return _manifest_row(
        seeded.repository,
        {"config": _EMPTY, "layers": [], "subject": subject, "annotations": annotations},
        artifact_type="application/vnd.example.sbom",
        subject=seeded.subject,
        annotations=annotations,
    )


def _manifest_row(
    target: Repository,
    body: dict[str, Any],
    *,
    artifact_type: str | None = None,
    subject: str | None = None,
    annotations: dict[str, str] | None = None,
) -> dict[str, Any]:
    now = utc_now()
    text = json.dumps({"schemaVersion": 2, "mediaType": _MANIFEST} | body).encode()
    return {
        "repository_id": target.id,
        "digest": "sha256:" + hashlib.sha256(text).hexdigest(),
        "media_type": _MANIFEST,
        "artifact_type": artifact_type,
        "subject": subject,
        "annotations": annotations,
        "size_bytes": len(text),
        "body": text,
        "root": True,
        "created_at": now,
        "leased_until": now,
        "deleted_at": None,
    }


def _repository_row(seeded: Seeded, number: int, now: Any) -> dict[str, Any]:
    return {
        "namespace_id": seeded.repository.namespace_id,
        "name": repository_name(number),
        "visibility": Visibility.PRIVATE,
        "state": seeded.repository.state,
        "description": "",
        "created_at": now,
        "deleted_at": None,
    }


def _blob_row(number: int, now: Any) -> dict[str, Any]:
    digest = hashlib.sha256(b"bench %d" % number).hexdigest()
    return {
        "digest": f"sha256:{digest}",
        "sha512": None,
        "size_bytes": 4096,
        "storage_key": f"blobs/sha256/{digest[:2]}/{digest}",
        "created_at": now,
        "doomed_at": None,
        "verified_at": None,
    }


def tag_name(number: int) -> str:
    """Return the name of the tag with this number; they sort by number."""
    return f"t{number:07d}"


def repository_name(number: int) -> str:
    """Return the name of the repository with this number; they sort by number."""
    return f"bench/r{number:07d}"
