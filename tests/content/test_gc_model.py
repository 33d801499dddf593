"""A random life of a registry beside a model of what must survive it.

The model knows only promises: what a tag (or its past within the window) leads to, what was pushed by digest, and what
is leased must be readable with all its bytes; whatever nothing leads to must be gone once all waiting times are over.
"""

import asyncio
import itertools
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.content.conftest import LEASE, WINDOW, Registry, image, index
from wharf.access.principals import Principal, PrincipalKind
from wharf.accounts import users
from wharf.content import blobs, manifests, time_machine
from wharf.content.errors import BlobInUse, BlobUnknown, ManifestBlobsUnknown, ManifestUnknown, TagHistoryUnknown
from wharf.content.gc.collect import collect_repository
from wharf.content.gc.sweep import sweep
from wharf.db import open_database
from wharf.oci.digest import Digest
from wharf.oci.names import TagName
from wharf.storage.errors import StorageUnavailable
from wharf.storage.local import LocalStorage

T = TypeVar("T")
TAGS = ("a", "b", "c")
_unique = itertools.count()


@dataclass
class ModelManifest:
    """What the model remembers of a pushed manifest."""

    blobs: set[Digest]
    children: set[Digest]
    subject: Digest | None
    leased_until: datetime
    root: bool
    deleted_at: datetime | None = None


@dataclass
class Lifetime:
    """A tag's past or present."""

    name: str
    digest: Digest
    ended_at: datetime | None = None


@dataclass
class Model:
    """Promises, in the simplest words that hold them."""

    manifests: dict[Digest, ModelManifest] = field(default_factory=dict)
    lifetimes: list[Lifetime] = field(default_factory=list)
    leases: dict[Digest, datetime] = field(default_factory=dict)

    def current(self, name: str) -> Lifetime | None:
        return next((each for each in self.lifetimes if each.name == name and each.ended_at is None), None)

    def end(self, name: str, at: datetime) -> None:
        if (lifetime := self.current(name)) is not None:
            lifetime.ended_at = at

    def kept(self, now: datetime) -> set[Digest]:
        """Return every manifest that must exist at `now`."""
        kept = {each.digest for each in self.lifetimes if each.ended_at is None or each.ended_at > now - WINDOW}
        for digest, each in self.manifests.items():
            if each.leased_until > now or (each.root and each.deleted_at is None):
                kept.add(digest)
        grown = True
        while grown:
            more = {child for digest in kept for child in self.manifests[digest].children}
            more |= {digest for digest, each in self.manifests.items() if each.subject in kept}
            more &= self.manifests.keys()
            grown = not more <= kept
            kept |= more
        return kept

    def served(self, now: datetime) -> set[Digest]:
        """Return every manifest that a client must be able to pull at `now`."""
        return {digest for digest in self.kept(now) if self.manifests[digest].deleted_at is None}


class GarbageCollection(RuleBasedStateMachine):
    """One registry, one repository and another one to mount into."""

    url: str
    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.model = Model()
        self.known: list[Digest] = []

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize()
    def begin(self) -> None:
        self.run(self._begin())

    async def _begin(self) -> None:
        self.name = f"user{next(_unique)}"
        self.registry = Registry(await open_database(self.url), await LocalStorage.open_(self.folder))
        self.registry.config = b"{}" + self.name.encode()
        async with self.registry.database.write() as tx:
            user = await users.create(tx, self.name, password=None)
        self.registry.owner = Principal(PrincipalKind.USER, user.id, self.name, user.id)
        self.registry.repository = await self.registry.create(f"{self.name}/app")
        self.other = await self.registry.create(f"{self.name}/other")

    def teardown(self) -> None:
        try:
            self.run(self._finish())
        finally:
            self.runner.close()

    async def _finish(self) -> None:
        await self.registry.settle_garbage()
        await self.registry.settle_garbage()
        await self._check()
        kept = self.model.kept(self.registry.now)
        for digest in self.known:
            assert await self.registry.has(digest) == (digest in self.model.served(self.registry.now))
        needed = {blob for digest in kept for blob in self.model.manifests[digest].blobs}
        stored = {key.split("/")[-1].split(".")[0] for key in await self.registry.objects()}
        mine = {Digest.of(data).hex for data in (self.registry.config, *(self._layer(number) for number in range(6)))}
        assert stored & mine == {blob.hex for blob in needed}, "objects in storage"
        await self.registry.storage.close()
        await self.registry.database.close()

    # What clients do ------------------------------------------------------------------------------------------

    @rule(number=st.integers(0, 5))
    def push_blob(self, number: int) -> None:
        blob = self.run(self.registry.push_blob(self._layer(number)))
        self.model.leases[blob.digest] = self.registry.now + LEASE

    @rule(number=st.integers(0, 5), tag=st.sampled_from((*TAGS, None)), data=st.data())
    def push_image(self, number: int, tag: str | None, data: st.DataObject) -> None:
        subject = data.draw(st.sampled_from([None, *self.known])) if self.known else None
        config = self.run(self.registry.push_blob(self.registry.config))
        layer = self.run(self.registry.push_blob(self._layer(number)))
        document = image(config, layer, subject=subject)
        self._pushed(
            document, tag, ModelManifest({config.digest, layer.digest}, set(), subject, self._lease(), root=False)
        )
        for blob in (config, layer):
            self.model.leases[blob.digest] = self._lease()

    @precondition(lambda self: self.known)
    @rule(tag=st.sampled_from((*TAGS, None)), data=st.data())
    def push_index(self, tag: str | None, data: st.DataObject) -> None:
        children = data.draw(st.lists(st.sampled_from(self.known), min_size=1, max_size=3, unique=True))
        document = index(children)
        entry = ModelManifest(set(), set(children), None, self._lease(), root=False)
        if set(children) <= self.model.served(self.registry.now):
            self._pushed(document, tag, entry)
            return
        # A child may be gone already, or still be there by courtesy.
        try:
            self._pushed(document, tag, entry)
        except ManifestBlobsUnknown as error:
            assert set(error.digests) <= set(children)

    @rule(name=st.sampled_from(TAGS))
    def delete_tag(self, name: str) -> None:
        if self.model.current(name) is not None:
            self.run(self.registry.delete_tag(name))
            self.model.end(name, self.registry.now)

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def delete_manifest(self, data: st.DataObject) -> None:
        digest = data.draw(st.sampled_from(self.known))
        must_be_there = digest in self.model.served(self.registry.now)
        try:
            self.run(self._delete_manifest(digest))
        except ManifestUnknown:
            assert not must_be_there
            return
        entry = self.model.manifests[digest]
        entry.deleted_at, entry.root = self.registry.now, False
        for lifetime in self.model.lifetimes:
            if lifetime.digest == digest and lifetime.ended_at is None:
                lifetime.ended_at = self.registry.now

    async def _delete_manifest(self, digest: Digest) -> None:
        async with self.registry.database.write() as tx:
            await manifests.delete(tx, self.registry.repository, digest, by=self.registry.owner, at=self.registry.now)

    @precondition(lambda self: self.model.lifetimes)
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        past = data.draw(st.sampled_from(self.model.lifetimes))
        try:
            self.run(self._restore(past))
        except TagHistoryUnknown:
            assert past.ended_at is not None
            assert past.ended_at <= self.registry.now - WINDOW
            return
        self.model.manifests[past.digest].deleted_at = None
        self._tagged(past.name, past.digest)

    async def _restore(self, past: Lifetime) -> None:
        async with self.registry.database.write() as tx:
            await time_machine.restore(
                tx,
                self.registry.repository,
                TagName(past.name),
                past.digest,
                by=self.registry.owner,
                at=self.registry.now,
                default_window=WINDOW,
            )

    @rule(number=st.integers(0, 5))
    def mount(self, number: int) -> None:
        digest = Digest.of(self._layer(number))
        mounted = self.run(self._mount(digest))
        assert mounted or not self._must_hold(digest)

    async def _mount(self, digest: Digest) -> bool:
        async with self.registry.database.write() as tx:
            # Into the same repository: the link must get a lease of its own, as a push would give it.
            mounted = await blobs.mount(
                tx, self.registry.repository, self.registry.repository, digest, leased_until=self._lease()
            )
        if mounted:
            self.model.leases[digest] = self._lease()
        return mounted is not None

    def head(self, number: int) -> None:
        """Tell a client that it need not upload a blob, which must then stay for the time it takes to push."""
        digest = Digest.of(self._layer(number))
        found = self.run(self._head(digest))
        assert found or not self._must_hold(digest)

    async def _head(self, digest: Digest) -> bool:
        now = self.registry.now
        found = await blobs.find(self.registry.database, self.registry.repository, digest)
        if found is not None:
            await blobs.renew(self.registry.database, self.registry.repository, found, at=now, until=self._lease())
            self.model.leases[digest] = max(self.model.leases.get(digest, now), now + LEASE / 2)
        return found is not None

    @rule(number=st.integers(0, 5))
    def delete_blob(self, number: int) -> None:
        digest = Digest.of(self._layer(number))
        try:
            self.run(self._delete_blob(digest))
        except BlobInUse:
            return
        except BlobUnknown:
            assert not self._must_hold(digest)
            return
        self.model.leases.pop(digest, None)

    async def _delete_blob(self, digest: Digest) -> None:
        async with self.registry.database.write() as tx:
            await blobs.delete(tx, self.registry.repository, digest, at=self.registry.now)

    # What time and the collector do ---------------------------------------------------------------------------

    @rule(hours=st.sampled_from((1, 2, 23, 25, 24 * 7, 24 * 15)))
    def time_passes(self, hours: int) -> None:
        self.registry.now += timedelta(hours=hours, seconds=1)

    @rule(asked_for=st.integers(0, 5))
    def collect(self, asked_for: int) -> None:
        """Right before it, a client is told that it need not upload a blob."""
        self.head(asked_for)
        self.run(self.registry.collect())

    @rule(number=st.integers(0, 5), tag=st.sampled_from(TAGS))
    def push_while_collecting(self, number: int, tag: str) -> None:
        async def both() -> tuple[Digest, Any]:
            return await asyncio.gather(self.registry.push_image(self._layer(number), tag), self.registry.collect())

        digest, _ = self.run(both())
        config, layer = Digest.of(self.registry.config), Digest.of(self._layer(number))
        entry = ModelManifest({config, layer}, set(), None, self._lease(), root=False)
        self._remember(digest, entry)
        self._tagged(tag, digest)
        self.model.leases |= {config: self._lease(), layer: self._lease()}

    @rule(after=st.integers(0, 3))
    def crash_while_sweeping(self, after: int) -> None:
        """Storage fails in the middle of a sweep, as a killed process would leave it."""
        self.run(self._crash(after))

    async def _crash(self, after: int) -> None:
        real, left = self.registry.storage.delete, [after]

        async def failing(key: str) -> None:
            if left[0] == 0:
                raise StorageUnavailable("the machine is gone")
            left[0] -= 1
            await real(key)

        self.registry.storage.delete = failing  # type: ignore[method-assign]
        try:
            await collect_repository(
                self.registry.database,
                self.registry.repository.id,
                now=self.registry.now,
                rules=self.registry.rules,
            )
            await sweep(self.registry.database, self.registry.storage, now=self.registry.now, rules=self.registry.rules)
        except StorageUnavailable:
            pass
        finally:
            self.registry.storage.delete = real  # type: ignore[method-assign]

    # What must hold -------------------------------------------------------------------------------------------

    @invariant()
    def promises_hold(self) -> None:
        if hasattr(self, "registry"):
            self.run(self._check())

    async def _check(self) -> None:
        now = self.registry.now
        for digest in self.model.served(now):
            stored = await manifests.get(self.registry.database, self.registry.repository, digest, now=now)
            assert Digest.of(stored.body) == digest
            for blob in self.model.manifests[digest].blobs:
                await self._read(blob)
        for name in TAGS:
            lifetime = self.model.current(name)
            assert await self.registry.has(name) == (lifetime is not None)
        for blob, until in self.model.leases.items():
            if until > now:
                await self._read(blob)

    async def _read(self, digest: Digest) -> None:
        found = await blobs.find(self.registry.database, self.registry.repository, digest)
        assert found is not None, f"{digest} was promised"
        data = b"".join([chunk async for chunk in self.registry.storage.open(found.storage_key)])
        assert Digest.of(data) == digest

    # Bookkeeping ----------------------------------------------------------------------------------------------

    def _layer(self, number: int) -> bytes:
        return f"{self.name} layer {number}".encode()

    def _lease(self) -> datetime:
        return self.registry.now + LEASE

    def _must_hold(self, digest: Digest) -> bool:
        now = self.registry.now
        leased = self.model.leases.get(digest, now) > now
        return leased or any(digest in self.model.manifests[each].blobs for each in self.model.served(now))

    def _pushed(self, document: dict[str, Any], tag: str | None, entry: ModelManifest) -> None:
        digest = self.run(self.registry.push(document, *([tag] if tag else [])))
        entry.root = tag is None and entry.subject is None
        self._remember(digest, entry)
        for child in entry.children:
            self.model.manifests[child].root = False
        if tag is not None:
            self._tagged(tag, digest)

    def _remember(self, digest: Digest, entry: ModelManifest) -> None:
        self.model.manifests[digest] = entry
        if digest not in self.known:
            self.known.append(digest)

    def _tagged(self, name: str, digest: Digest) -> None:
        current = self.model.current(name)
        self.model.manifests[digest].root = False
        if current is None or current.digest != digest:
            self.model.end(name, self.registry.now)
            self.model.lifetimes.append(Lifetime(name, digest))


@pytest.mark.slow
def test_nothing_promised_is_ever_collected(database_url: str, tmp_path: Path) -> None:
    """Hypothesis runs random lives; each ends with everything unreachable gone from storage."""

    class OnThisDatabase(GarbageCollection):
        url = database_url
        folder = tmp_path / "storage"

    run_state_machine_as_test(
        OnThisDatabase,
        settings=settings(
            max_examples=60,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
