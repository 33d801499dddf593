"""Everything at once on one database and one storage, beside a collector that waits for nothing.

    python -m tests.content.storm <database URL> <storage folder> <seed> <operations>

Several of these may run at the same time. Each worker has a tag of its own that nobody else touches: what it was told
is stored under it must be there, whole, at once and for as long as the tag stays.
"""

import asyncio
import random
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from tests.content.conftest import Registry, image, index
from wharf.access.actions import Action
from wharf.access.grants import Visibility
from wharf.access.principals import Principal, PrincipalKind
from wharf.content import blobs, manifests, repositories, tags, time_machine
from wharf.content.blobs import Blob
from wharf.content.errors import ContentError
from wharf.content.gc.collect import collect_repository
from wharf.content.gc.sweep import sweep
from wharf.content.repositories import Repository
from wharf.content.uploads import Uploads
from wharf.db import Conflict, open_database
from wharf.kit.clock import utc_now
from wharf.oci.digest import Digest
from wharf.oci.manifests import parse
from wharf.oci.names import RepositoryName, TagName
from wharf.storage.local import LocalStorage

NAMES = ("ada/app", "ada/other")
TAGS = ("a", "b", "c")
LAYERS = [b"layer %d" % number for number in range(8)]
NOTHING = timedelta(0)
WORKERS = 6


class Storm:
    """Workers and collectors of one process."""

    def __init__(self, registry: Registry, homes: list[Repository], seed: int) -> None:
        self.registry = registry
        self.homes = homes
        self.seed = seed
        self.outcomes: Counter[str] = Counter()
        self.pushed: list[tuple[Repository, Digest]] = []
        registry.uploads = Uploads(
            registry.database,
            registry.storage,
            session_lifetime=timedelta(hours=1),
            blob_lease=timedelta(milliseconds=30),
        )
        registry.rules = replace(
            registry.rules,
            time_machine=NOTHING,
            blob_lease=timedelta(milliseconds=30),
            grace=NOTHING,
            orphan_age=timedelta(hours=1),
            batch_count=5,
        )

    async def run(self, operations: int) -> Counter[str]:
        """Work until every worker has done so many operations."""
        collectors = [asyncio.create_task(self.collect()) for _ in range(2)]
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(WORKERS):
                    group.create_task(self._work(number, operations))
        finally:
            for collector in collectors:
                collector.cancel()
            for ended in await asyncio.gather(*collectors, return_exceptions=True):
                assert isinstance(ended, asyncio.CancelledError), ended
        return self.outcomes

    async def collect(self) -> None:
        """Collect without pause."""
        registry = self.registry
        while True:
            for home in self.homes:
                await collect_repository(registry.database, home.id, now=utc_now(), rules=registry.rules)
            self.outcomes["sweep"] += 1
            await sweep(registry.database, registry.storage, now=utc_now(), rules=registry.rules)
            await asyncio.sleep(0)

    async def _work(self, number: int, operations: int) -> None:
        chance = random.Random(f"{self.seed}.{number}")
        verbs = [self._delete_tag, self._delete_manifest, self._delete_blob, self._restore, self._mount, self._head]
        verbs += [self._push_image] * 4 + [self._push_index] * 2 + [self._temporary]
        for step in range(operations):
            verb = chance.choice(verbs)
            try:
                await verb(chance)
            except (ContentError, Conflict) as error:
                self.outcomes[f"{verb.__name__} {type(error).__name__}"] += 1
            else:
                self.outcomes[verb.__name__] += 1
            if step % 4 == 0:
                await self._push_and_read(chance, f"own-{self.seed}-{number}", f"{self.seed}.{number}.{step}")

    async def _push_and_read(self, chance: random.Random, tag: str, unique: str) -> None:
        home = self.homes[0]
        try:
            digest = await self.push(home, [unique.encode(), *chance.sample(LAYERS, 2)], tag)
        except ContentError as error:
            self.outcomes[f"own {type(error).__name__}"] += 1
            return
        self.outcomes["own"] += 1
        await self.read(home, TagName(tag), digest)

    async def read(self, home: Repository, tag: TagName, digest: Digest) -> None:
        """Read the image under a tag with all its bytes."""
        found = await manifests.get(self.registry.database, home, tag, now=utc_now())
        assert found.digest == digest, (tag, found.digest, digest)
        for each in parse(found.body).required_blobs:
            stored = await blobs.find(self.registry.database, home, each)
            assert stored is not None, f"{tag} has no {each}"
            data = b"".join([chunk async for chunk in self.registry.storage.open(stored.storage_key)])
            assert Digest.of(data) == each

    async def push(self, home: Repository, parts: list[bytes], tag: str | None) -> Digest:
        """Push an image of a config and layers."""
        config, *layers = [await self.registry.push_blob(part, home) for part in parts]
        return await self._put(home, image(config, *layers), tag)

    async def _put(self, home: Repository, document: dict[str, object], tag: str | None) -> Digest:
        registry = replace(self.registry)
        registry.owner, registry.repository, registry.now = self.registry.owner, home, utc_now()
        digest = await registry.push(document, *([tag] if tag else []), lease=timedelta(milliseconds=30))
        if tag is None or tag in TAGS:  # fair game for everybody
            self.pushed = [*self.pushed[-40:], (home, digest)]
        return digest

    async def _push_image(self, chance: random.Random) -> None:
        await self.push(chance.choice(self.homes), chance.sample(LAYERS, 3), chance.choice([*TAGS, None]))

    async def _push_index(self, chance: random.Random) -> None:
        home = chance.choice(self.homes)
        children = [digest for where, digest in self.pushed if where.id == home.id]
        children = chance.sample(children, min(len(children), 3))
        if children:
            await self._put(home, index(children), chance.choice(TAGS))

    async def _delete_tag(self, chance: random.Random) -> None:
        async with self.registry.database.write() as tx:
            name = TagName(chance.choice(TAGS))
            await tags.delete(tx, chance.choice(self.homes), name, by=self.registry.owner, at=utc_now())

    async def _delete_manifest(self, chance: random.Random) -> None:
        if not self.pushed:
            return
        home, digest = chance.choice(self.pushed)
        async with self.registry.database.write() as tx:
            await manifests.delete(tx, home, digest, by=self.registry.owner, at=utc_now())

    async def _delete_blob(self, chance: random.Random) -> None:
        async with self.registry.database.write() as tx:
            await blobs.delete(tx, chance.choice(self.homes), Digest.of(chance.choice(LAYERS)), at=utc_now())

    async def _restore(self, chance: random.Random) -> None:
        if not self.pushed:
            return
        home, digest = chance.choice(self.pushed)
        async with self.registry.database.write() as tx:
            await time_machine.restore(
                tx,
                home,
                TagName(chance.choice(TAGS)),
                digest,
                by=self.registry.owner,
                at=utc_now(),
                default_window=timedelta(hours=1),
            )

    async def _mount(self, chance: random.Random) -> None:
        source, target = chance.sample(self.homes, 2)
        until = utc_now() + timedelta(milliseconds=30)
        async with self.registry.database.write() as tx:
            await blobs.mount(tx, target, source, Digest.of(chance.choice(LAYERS)), leased_until=until)

    async def _head(self, chance: random.Random) -> None:
        home = chance.choice(self.homes)
        found: Blob | None = await blobs.find(self.registry.database, home, Digest.of(chance.choice(LAYERS)))
        if found is not None:
            at = utc_now()
            await blobs.renew(self.registry.database, home, found, at=at, until=at + timedelta(milliseconds=60))

    async def _temporary(self, chance: random.Random) -> None:
        """A repository that is deleted while a push to it may still be running."""
        name = f"ada/temporary-{self.seed}-{chance.getrandbits(64):x}"
        made = await self.registry.create(name, Visibility.PUBLIC)

        async def delete() -> None:
            async with self.registry.database.write() as tx:
                await repositories.delete(tx, made, by=self.registry.owner, at=utc_now())

        async def push() -> None:
            with suppress(ContentError, Conflict):
                await self.push(made, chance.sample(LAYERS, 3), "latest")

        await asyncio.gather(push(), delete())
        await collect_repository(self.registry.database, made.id, now=utc_now(), rules=self.registry.rules)


async def main(url: str, folder: str, seed: int, operations: int, owner_id: int) -> None:
    """Join in from another process."""
    database = await open_database(url)
    storage = await LocalStorage.open_(Path(folder))
    registry = Registry(database, storage)
    registry.owner = Principal(PrincipalKind.USER, owner_id, "ada", owner_id)
    homes = [await repositories.access(database, registry.owner, RepositoryName(name), Action.PUSH) for name in NAMES]
    print(dict(await Storm(registry, homes, seed).run(operations)))
    await storage.close()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])))
