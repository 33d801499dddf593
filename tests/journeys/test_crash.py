"""kill -9 at any moment, again and again: what was acknowledged is there, whole, and nothing points at what is not.

A few writers push, push again, delete and pull, each in its own repository, while garbage is collected at once. Each
knows for every tag which images it may now point at: one, or two while an answer is outstanding. After each crash the
registry has to agree with them. CRASH_ROUNDS and CRASH_SEED repeat or prolong a run.
"""

import asyncio
import os
import random
import secrets
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.journeys.client import Image, RegistryClient
from tests.servers.postgres import PostgresServer
from tests.servers.wharf import PASSWORD, USERNAME, Wharf

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "200"))
SEED = os.environ.get("CRASH_SEED", secrets.token_hex(4))
_WRITERS = 3
_TAGS = [f"t{number}" for number in range(4)]
_LONGEST_LIFE_STEPS = 25
_LONGEST_STEP_SECONDS = 0.03
_LONGEST_START_SECONDS = 1.0
_STILLBORN_SHARE = 0.1
_SETTINGS = {
    # Everything that can be collected is collected at once; leases last as short as they can.
    "registry.time_machine_seconds": 0,
    "registry.blob_lease_seconds": 60,
    "registry.upload_ttl_seconds": 60,
    "gc.grace_seconds": 0,
    "gc.sweep_seconds": 1,
    "jobs.poll_seconds": 0.05,
    "registry.token_lifetime_seconds": 3600,
}


@dataclass
class Writer:
    """Changes one repository, and knows what may be in it."""

    client: RegistryClient
    chance: random.Random
    layers: list[bytes]
    images: list[Image] = field(default_factory=list)
    tags: dict[str, set[str | None]] = field(default_factory=lambda: {tag: {None} for tag in _TAGS})
    done: Counter[str] = field(default_factory=Counter)

    async def work(self, steps: asyncio.Semaphore) -> None:
        """Do one thing after the other until the registry is gone; release `steps` after each."""
        try:
            while True:
                step = self.chance.choices([self.push, self.delete_tag, self.delete_image, self.pull], [6, 2, 1, 2])[0]
                await step(self.chance.choice(_TAGS))
                self.done[step.__name__] += 1
                steps.release()
        except httpx.TransportError:
            self.done["unanswered"] += 1

    async def push(self, tag: str) -> None:
        image = self._next_image()
        self.tags[tag].add(image.digest)
        await self.client.push(image, tag)
        self.tags[tag] = {image.digest}

    async def delete_tag(self, tag: str) -> None:
        self.tags[tag].add(None)
        await self.client.delete(tag)
        self.tags[tag] = {None}

    async def delete_image(self, tag: str) -> None:
        """Delete what a tag points at, by its digest: every tag that points at it goes."""
        (digest,) = self.tags[tag]
        if digest is None:
            return
        gone = [name for name in _TAGS if self.tags[name] == {digest}]
        for name in gone:
            self.tags[name] = {digest, None}
        await self.client.delete(digest)
        for name in gone:
            self.tags[name] = {None}

    async def pull(self, tag: str) -> None:
        digest = await self.client.pull(tag)
        assert digest in self.tags[tag], f"{tag} is {digest}, and not one of {self.tags[tag]}"
        self.tags[tag] = {digest}

    async def agree(self) -> None:
        """Pull what was being changed, and one tag more, and compare the list of tags with what is known then."""
        outstanding = [tag for tag in _TAGS if len(self.tags[tag]) > 1]
        for tag in {*outstanding, self.chance.choice(_TAGS)}:
            await self.pull(tag)
        await self.compare_tags()

    async def compare_tags(self) -> None:
        assert [tag for tag in _TAGS if self.tags[tag] != {None}] == await self.client.tags()

    def _next_image(self) -> Image:
        """A new image of one new layer and some that others have too, or one that was there before."""
        if self.images and self.chance.random() < 0.3:
            return self.chance.choice(self.images)
        new = self.chance.randbytes(self.chance.randrange(1, 20_000))
        image = Image.of(self.chance.randbytes(100), new, *self.chance.sample(self.layers, 2))
        self.images = [*self.images[-10:], image]
        return image


@pytest.mark.postgresql
async def test_nothing_acknowledged_is_lost(tmp_path: Path, postgres: PostgresServer) -> None:
    """On SQLite and on PostgreSQL at the same time, which keeps both cores of a small machine busy."""
    print(f"CRASH_SEED={SEED} CRASH_ROUNDS={ROUNDS}")
    url = postgres.create(tables=False)
    embedded = Wharf(tmp_path / "sqlite", _SETTINGS)
    networked = Wharf(tmp_path / "postgresql", {**_SETTINGS, "database.url": url})
    with closing(embedded), closing(networked):
        done = await asyncio.gather(*(_many_lives(wharf) for wharf in (embedded, networked)))
    postgres.drop(url)
    print(f"crashed {ROUNDS} times: {done}")
    for each in done:
        assert each["push"] > ROUNDS
        assert each["unanswered"] > 0


async def _many_lives(wharf: Wharf) -> Counter[str]:
    """Start and kill a registry over and over; return what its writers got done."""
    chance = random.Random(f"{SEED} {wharf.folder.name}")
    wharf.create_user()
    writers = await _writers(wharf, chance)
    for _ in range(ROUNDS // 2):
        await asyncio.to_thread(wharf.start)
        await asyncio.gather(*(writer.agree() for writer in writers))
        await _live(wharf, writers, chance)
        if chance.random() < _STILLBORN_SHARE:
            wharf.launch()
            await asyncio.sleep(chance.uniform(0, _LONGEST_START_SECONDS))
            wharf.kill()
    await asyncio.to_thread(wharf.start)
    await _everything_is_there(writers)
    wharf.stop()
    for command in ("verify", "gc", "verify"):
        await asyncio.to_thread(wharf.command, command)
    await asyncio.to_thread(wharf.start)
    await _everything_is_there(writers)
    wharf.stop()
    for writer in writers:
        await writer.client.http.aclose()
    return sum((writer.done for writer in writers), Counter[str]())


async def _writers(wharf: Wharf, chance: random.Random) -> list[Writer]:
    layers = [chance.randbytes(chance.randrange(1, 10_000)) for _ in range(8)]
    clients = [RegistryClient(wharf.base_url, f"{USERNAME}/crash-{number}") for number in range(_WRITERS)]
    with wharf:
        for client in clients:
            await client.sign_in(USERNAME, PASSWORD)
    return [Writer(client, random.Random(chance.random()), layers) for client in clients]


async def _live(wharf: Wharf, writers: list[Writer], chance: random.Random) -> None:
    """Let the writers take some steps, then pull the plug somewhere in the middle of another."""
    steps = asyncio.Semaphore(0)
    work = [asyncio.create_task(writer.work(steps)) for writer in writers]
    enough = asyncio.create_task(_take(steps, chance.randrange(_LONGEST_LIFE_STEPS)))
    await asyncio.wait([*work, enough], return_when=asyncio.FIRST_COMPLETED)
    await asyncio.sleep(chance.uniform(0, _LONGEST_STEP_SECONDS))
    wharf.kill()
    await asyncio.gather(*work)
    enough.cancel()


async def _take(steps: asyncio.Semaphore, count: int) -> None:
    for _ in range(count):
        await steps.acquire()


async def _everything_is_there(writers: list[Writer]) -> None:
    for writer in writers:
        for tag in _TAGS:
            await writer.pull(tag)
        await writer.compare_tags()
