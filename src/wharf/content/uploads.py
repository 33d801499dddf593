"""Upload sessions: bytes arrive in parts and become a blob when their digest is right.

A part is a finished stage in storage plus a row. The row is inserted together with a compare-and-swap of the session's
offset, so of two writers at one offset exactly one wins and bytes never interleave, on whichever replicas they are.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, select, update

from wharf.access.principals import Principal
from wharf.content import blobs
from wharf.content.blobs import Blob
from wharf.content.errors import DigestMismatch, UploadOffsetMismatch, UploadUnknown
from wharf.content.repositories import Repository
from wharf.content.tables import upload, upload_part
from wharf.db import Database, Tx
from wharf.db.dialect import insert
from wharf.kit.clock import Clock, utc_now
from wharf.kit.hashing import Chunk, digests, hashed
from wharf.kit.ids import random_id
from wharf.oci.digest import SHA256, SHA512, Digest, new_hasher
from wharf.oci.ranges import Range
from wharf.oci.uploads import UploadEvent, UploadState, fits, step
from wharf.storage.base import INLINE_BYTES, Stage, Storage
from wharf.storage.errors import ObjectMissing

if TYPE_CHECKING:
    from hashlib import _Hash as Hasher

_KEPT_HASHERS = 10_000

_CREATE = insert(upload)
_GET = select(upload.c.state, upload.c.offset_bytes, upload.c.digest).where(
    upload.c.id == bindparam("id"),
    upload.c.repository_id == bindparam("repository_id"),
    upload.c.owner == bindparam("owner"),
    upload.c.expires_at > bindparam("now"),
)
_OFFSET = select(upload.c.offset_bytes).where(upload.c.id == bindparam("id"), upload.c.state == UploadState.OPEN)
_BECAME = select(upload.c.digest).where(upload.c.id == bindparam("id"), upload.c.state == UploadState.COMMITTED)
_PARTS = (
    select(upload_part.c.stage_key, upload_part.c.size_bytes)
    .where(upload_part.c.upload_id == bindparam("id"))
    .order_by(upload_part.c.offset_bytes)
)
_ADVANCE = (
    update(upload)
    .where(
        upload.c.id == bindparam("upload_id"),
        upload.c.offset_bytes == bindparam("start"),
        upload.c.state == UploadState.OPEN,
    )
    .values(offset_bytes=bindparam("end"), expires_at=bindparam("expires"))
)
_ADD_PART = insert(upload_part)
_CLOSE = (
    update(upload)
    .where(upload.c.id == bindparam("upload_id"), upload.c.state == UploadState.OPEN)
    .values(state=bindparam("closed"), digest=bindparam("became"))
)
_FORGET_PARTS = delete(upload_part).where(upload_part.c.upload_id == bindparam("id"))


@dataclass(frozen=True, slots=True)
class Upload:
    """A session as it was last seen."""

    id: str
    repository_id: int
    state: UploadState
    offset_bytes: int
    digest: Digest | None = None


class Hashers:
    """Half-finished hashes of this process's uploads, the most recently used ones.

    Another replica, or this one after a restart, reads the bytes again instead.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[int, Hasher]] = OrderedDict()

    def take(self, upload_id: str, offset_bytes: int) -> "Hasher | None":
        """Return the hash of the first `offset_bytes` bytes, and forget it: its next user changes it."""
        if offset_bytes == 0:
            return new_hasher()
        offset, hasher = self._kept.pop(upload_id, (-1, None))
        return hasher if offset == offset_bytes else None

    def keep(self, upload_id: str, offset_bytes: int, hasher: "Hasher | None") -> None:
        """Remember the hash of the first `offset_bytes` bytes."""
        if hasher is None or offset_bytes == 0:
            return
        self._kept[upload_id] = (offset_bytes, hasher)
        if len(self._kept) > _KEPT_HASHERS:
            self._kept.popitem(last=False)


class Uploads:
    """The verbs of upload sessions, with the storage they write to and the hashes that are under way."""

    def __init__(
        self,
        database: Database,
        storage: Storage,
        *,
        session_lifetime: timedelta,
        blob_lease: timedelta,
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._storage = storage
        self._session_lifetime = session_lifetime
        self._blob_lease = blob_lease
        self._clock = clock
        self._hashers = Hashers()

    async def create(self, repository: Repository, *, by: Principal) -> Upload:
        """Open a session that only `by` may use."""
        now = self._clock()
        created = Upload(random_id(), repository.id, UploadState.OPEN, 0)
        # Not durable: a session lost with the machine is opened again by its client.
        async with self._database.write(durable=False, additive=True) as tx:
            await tx.run(
                _CREATE,
                id=created.id,
                repository_id=repository.id,
                owner=by.subject,
                state=UploadState.OPEN,
                offset_bytes=0,
                digest=None,
                created_at=now,
                expires_at=now + self._session_lifetime,
            )
        return created

    async def get(self, repository: Repository, id: str, *, by: Principal) -> Upload:
        """Return a session of `by` that is open or committed; raises `UploadUnknown`."""
        async with self._database.read() as read:
            row = await read.find(_GET, id=id, repository_id=repository.id, owner=by.subject, now=self._clock())
        if row is None or row[0] == UploadState.CANCELLED:
            raise UploadUnknown(id)
        state, offset_bytes, digest = row
        return Upload(id, repository.id, UploadState(state), offset_bytes, digest and Digest(digest))

    async def receive(
        self,
        session: Upload,
        body: AsyncIterator[Chunk],
        *,
        place: Range | None = None,
        content_length: int | None = None,
    ) -> Upload:
        """Append `body` and return the session as it is then.

        `place` and `content_length` are what the client announced. Whatever arrived is kept, also when the body ends
        early. Raises `UploadUnknown` for a session that is not open, and `UploadOffsetMismatch` when the chunk does not
        start where the upload ends or when another writer was faster; then nothing of the body is kept.
        """
        if step(session.state, UploadEvent.CHUNK) is None:
            raise UploadUnknown(session.id)
        start = session.offset_bytes
        if not fits(start, place, content_length):
            raise UploadOffsetMismatch(session.id, start, place.start if place else start)
        hasher = self._hashers.take(session.id, start)
        stage = await self._storage.stage(
            hashed(body, (hasher,)) if hasher else body,
            hint_bytes=content_length,
            # Only at the beginning: an upload of a million tiny chunks shall not fill the database.
            may_inline=start < INLINE_BYTES,
        )
        if stage.size_bytes == 0:
            await self._storage.discard([stage])
            self._hashers.keep(session.id, start, hasher)
            return session
        received = replace(session, offset_bytes=start + stage.size_bytes)
        try:
            await self._advance(session, received, stage)
        except (UploadOffsetMismatch, UploadUnknown):
            await self._storage.discard([stage])
            raise
        # After any other failure the part may have been recorded all the same. A stage without part is found as orphan.
        self._hashers.keep(session.id, received.offset_bytes, hasher)
        return received

    async def commit(self, session: Upload, digest: Digest) -> Blob:
        """Make the session's bytes the blob `digest` of its repository; on stable storage when this returns.

        Repeating it after success returns the blob again. Raises `DigestMismatch`, which ends the session,
        and `UploadUnknown`.
        """
        if session.state is UploadState.COMMITTED:
            return await self._committed(session, digest)
        try:
            return await self._commit(session, digest)
        except (UploadUnknown, ObjectMissing):
            # Another request of the client may have been faster, and has taken the stages with it.
            return await self._committed(session, digest)

    async def _commit(self, session: Upload, digest: Digest) -> Blob:
        async with self._database.read() as read:
            stages = [Stage(key, size) for key, size in await read.all(_PARTS, id=session.id)]
        if sum(stage.size_bytes for stage in stages) != session.offset_bytes:
            raise UploadUnknown(session.id)
        address, sha512 = await self._verify(session, stages, digest)
        return await self._publish(session, stages, address, sha512)

    async def cancel(self, session: Upload) -> None:
        """End the session and drop its bytes; raises `UploadUnknown` when it is not open."""
        async with self._database.write(durable=False, additive=True) as tx:
            if not await tx.run(_CLOSE, upload_id=session.id, closed=UploadState.CANCELLED, became=None):
                raise UploadUnknown(session.id)
            stages = [Stage(key, size) for key, size in await tx.all(_PARTS, id=session.id)]
            await tx.run(_FORGET_PARTS, id=session.id)
        await self._storage.discard(stages)

    async def _advance(self, session: Upload, received: Upload, stage: Stage) -> None:
        expires = self._clock() + self._session_lifetime
        start, end = session.offset_bytes, received.offset_bytes
        async with self._database.write(durable=False, additive=True) as tx:
            if not await tx.run(_ADVANCE, upload_id=session.id, start=start, end=end, expires=expires):
                now_at = await tx.scalar(_OFFSET, id=session.id)
                if now_at is None:
                    raise UploadUnknown(session.id)
                raise UploadOffsetMismatch(session.id, now_at, start)
            await tx.run(
                _ADD_PART,
                upload_id=session.id,
                offset_bytes=start,
                size_bytes=stage.size_bytes,
                stage_key=stage.key,
            )

    async def _committed(self, session: Upload, digest: Digest) -> Blob:
        async with self._database.read() as read:
            if await read.scalar(_BECAME, id=session.id) != digest:
                raise UploadUnknown(session.id)
            return await blobs.get(read, session.repository_id, digest)

    async def _verify(self, session: Upload, stages: list[Stage], digest: Digest) -> tuple[Digest, Digest | None]:
        """Return the SHA-256 of the bytes, and their SHA-512 when `digest` is one."""
        hasher = self._hashers.take(session.id, session.offset_bytes)
        got = await self._digests(stages, hasher, digest.algorithm)
        if digest not in got:
            await self.cancel(session)
            raise DigestMismatch(digest, got[-1])
        self._hashers.keep(session.id, session.offset_bytes, hasher)  # a lost commit is repeated
        return got[0], got[1] if len(got) > 1 else None

    async def _digests(self, stages: list[Stage], hasher: "Hasher | None", algorithm: str) -> tuple[Digest, ...]:
        if hasher is not None and algorithm == SHA256:
            return (Digest.from_hasher(hasher),)
        wanted = (SHA256,) if algorithm == SHA256 else (SHA256, SHA512)
        if not stages:
            return tuple(Digest.from_hasher(new_hasher(each)) for each in wanted)
        return await digests(self._reread(stages), *wanted)

    async def _reread(self, stages: list[Stage]) -> AsyncIterator[Chunk]:
        for stage in stages:
            async for chunk in self._storage.open_stage(stage):
                yield chunk

    async def _publish(self, session: Upload, stages: list[Stage], address: Digest, sha512: Digest | None) -> Blob:
        """Write the bytes unless they are stored already, then link them, in one durable transaction."""
        found = await self._link_stored(session, address, sha512)
        if found is not None:
            await self._storage.discard(stages)
            return found
        # The key is unique to this upload: deleting an older object of the same digest can never meet this one.
        key = f"blobs/{SHA256}/{address.hex[:2]}/{address.hex}.{session.id[:12]}"
        await self._storage.compose(stages, key)
        async with self._database.write(additive=True) as tx:
            blob = await blobs.put(tx, address, sha512, session.offset_bytes, key, at=self._clock())
            await self._close(tx, session, sha512 or address, blob)
        return blob

    async def _link_stored(self, session: Upload, address: Digest, sha512: Digest | None) -> Blob | None:
        async with self._database.read() as read:
            if await blobs.find_stored(read, address) is None:
                return None
        async with self._database.write(additive=True) as tx:
            blob = await blobs.claim(tx, address, sha512)
            if blob is not None:
                await self._close(tx, session, sha512 or address, blob)
        return blob

    async def _close(self, tx: Tx, session: Upload, digest: Digest, blob: Blob) -> None:
        if not await tx.run(_CLOSE, upload_id=session.id, closed=UploadState.COMMITTED, became=digest):
            raise UploadUnknown(session.id)
        await tx.run(_FORGET_PARTS, id=session.id)
        await blobs.link(tx, session.repository_id, blob, leased_until=self._clock() + self._blob_lease)
