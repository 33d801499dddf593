"""A small world for the registry's own tests: one user, one repository, local storage and a clock that stands still."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from wharf.access.grants import Visibility
from wharf.access.principals import Principal, PrincipalKind
from wharf.accounts import users
from wharf.content import manifests, repositories, tags
from wharf.content.blobs import Blob
from wharf.content.errors import ManifestUnknown
from wharf.content.gc.collect import CollectionRules, collect_repository
from wharf.content.gc.freed import Freed
from wharf.content.gc.sweep import sweep
from wharf.content.manifests import ManifestRules, Push
from wharf.content.repositories import Repository
from wharf.content.uploads import Uploads
from wharf.db import Database
from wharf.oci import manifests as oci_manifests
from wharf.oci.digest import Digest
from wharf.oci.names import RepositoryName, TagName
from wharf.storage.base import Storage
from wharf.storage.local import LocalStorage

LEASE = timedelta(hours=24)
GRACE = timedelta(hours=1)
WINDOW = timedelta(days=14)
IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


@dataclass
class Registry:
    """The verbs of `content` with their surroundings filled in."""

    database: Database
    storage: Storage
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    config: bytes = b"{}"
    owner: Principal = field(init=False)
    repository: Repository = field(init=False)
    rules: CollectionRules = field(
        default_factory=lambda: CollectionRules(
            time_machine=WINDOW,
            blob_lease=LEASE,
            grace=GRACE,
            orphan_age=LEASE,
            batch_count=3,
            max_deletions_per_second=100_000,
        )
    )

    def __post_init__(self) -> None:
        self.uploads = Uploads(
            self.database, self.storage, session_lifetime=LEASE, blob_lease=LEASE, clock=lambda: self.now
        )

    async def settle(self) -> None:
        async with self.database.write() as tx:
            user = await users.create(tx, "ada", password=None)
            self.owner = Principal(PrincipalKind.USER, user.id, "ada", user.id)
        self.repository = await self.create("ada/app")

    async def create(self, name: str, visibility: Visibility = Visibility.PRIVATE) -> Repository:
        async with self.database.write() as tx:
            return await repositories.create(
                tx, RepositoryName(name), by=self.owner, visibility=visibility, at=self.now
            )

    async def push_blob(self, data: bytes, repository: Repository | None = None) -> Blob:
        session = await self.uploads.create(repository or self.repository, by=self.owner)
        session = await self.uploads.receive(session, chunks(data))
        return await self.uploads.commit(session, Digest.of(data))

    async def push(
        self, document: dict[str, Any], *tag_names: str, sparse: bool = False, lease: timedelta = LEASE
    ) -> Digest:
        body = orjson.dumps(document)
        digest = Digest.of(body)
        push = Push(
            oci_manifests.parse(body), body, digest, [TagName(name) for name in tag_names], self.owner, self.now
        )
        rules = ManifestRules(allow_sparse_indexes=sparse, lease=lease)
        await manifests.put(self.database, self.repository, push, rules)
        return digest

    async def push_image(self, layer: bytes, *tag_names: str, subject: Digest | None = None) -> Digest:
        config, blob = await self.push_blob(self.config), await self.push_blob(layer)
        return await self.push(image(config, blob, subject=subject), *tag_names)

    async def push_index(self, children: list[Digest], *tag_names: str) -> Digest:
        return await self.push(index(children), *tag_names)

    async def delete_tag(self, name: str) -> None:
        async with self.database.write() as tx:
            await tags.delete(tx, self.repository, TagName(name), by=self.owner, at=self.now)

    async def has(self, reference: str) -> bool:
        parsed = Digest(reference) if ":" in reference else TagName(reference)
        try:
            await manifests.get(self.database, self.repository, parsed, now=self.now)
        except ManifestUnknown:
            return False
        return True

    async def collect(self) -> Freed:
        """Collect the repository and sweep, as the jobs do."""
        freed = await collect_repository(self.database, self.repository.id, now=self.now, rules=self.rules)
        return freed + await sweep(self.database, self.storage, now=self.now, rules=self.rules)

    async def settle_garbage(self) -> Freed:
        """Let enough time pass, step by step, for everything unreachable to be gone."""
        freed = Freed()
        for wait in (WINDOW, LEASE, GRACE, GRACE):
            self.now += wait + timedelta(seconds=1)
            freed += await self.collect()
        return freed

    async def objects(self) -> set[str]:
        return {found.key async for found in self.storage.list_("blobs/")}


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def descriptor(blob: Blob, media_type: str = "application/octet-stream") -> dict[str, Any]:
    return {"mediaType": media_type, "digest": str(blob.digest), "size": blob.size_bytes}


def image(config: Blob, *layers: Blob, subject: Digest | None = None) -> dict[str, Any]:
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": IMAGE,
        "config": descriptor(config, "application/vnd.oci.image.config.v1+json"),
        "layers": [descriptor(layer) for layer in layers],
    }
    if subject:
        document["subject"] = {"mediaType": IMAGE, "digest": str(subject), "size": 2}
    return document


def index(children: list[Digest]) -> dict[str, Any]:
    return {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [{"mediaType": IMAGE, "digest": str(child), "size": 2} for child in children],
    }


@pytest.fixture
async def registry(database: Database, tmp_path: Path) -> AsyncIterator[Registry]:
    """An empty registry; runs on both databases."""
    storage = await LocalStorage.open_(tmp_path / "storage")
    made = Registry(database, storage)
    await made.settle()
    yield made
    await storage.close()
