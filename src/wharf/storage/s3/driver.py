"""Objects in a bucket of anything that speaks S3: AWS, Ceph, MinIO, versitygw, R2.

    <prefix>blobs/sha256/ab/<64 hex>   what was published
    <prefix>stages/<32 hex>            request bodies waiting to be published

A large stage is a multipart upload that is completed before its handle is given out; publishing copies inside the
store. The client retries what may be repeated, with growing pauses; a download that breaks off goes on where it was.
"""

import asyncio
import io
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from wharf.config import S3Config
from wharf.storage.base import (
    BLOBS,
    INLINE_BYTES,
    STAGES,
    Answer,
    Found,
    Redirect,
    Stage,
    Stream,
    checked_key,
    checked_prefix,
    inline_bytes,
    inline_stage,
    new_stage_key,
)
from wharf.storage.errors import ObjectMissing
from wharf.storage.s3.client import BROKEN_OFF, error_code, facts, new_client
from wharf.storage.s3.multipart import Multipart, PartsRefused
from wharf.storage.s3.plan import COPY_OBJECT_BYTES, Part, part_bytes, plan, plan_equal

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

READ_BYTES = 256 * 1024
CONTENT_TYPE = "application/octet-stream"
_RESUMES = 4
_PARTS_AT_ONCE = 4
# Signing takes the library 200 µs, and many clients pull the same layer in the same minute.
_REUSE = timedelta(minutes=1)
_REUSED_COUNT = 10_000


class S3Storage:
    """The s3 driver. `signer` signs redirects; it is another client where clients know the store by another URL."""

    name = "s3"

    def __init__(self, config: S3Config, client: "S3Client", signer: "S3Client", resources: AsyncExitStack) -> None:
        self._config = config
        self._client = client
        self._signer = signer
        self._resources = resources
        self._signed: dict[str, Redirect] = {}
        self._bucket = config.bucket
        self._prefix = config.prefix.strip("/") + "/" if config.prefix.strip("/") else ""

    @classmethod
    async def open_(cls, config: S3Config) -> "S3Storage":
        """Return a storage in the configured bucket. Nothing is asked of the store yet; `check` does that."""
        resources = AsyncExitStack()
        client = signer = await resources.enter_async_context(new_client(config, config.endpoint))
        if config.public_endpoint is not None:
            signer = await resources.enter_async_context(new_client(config, config.public_endpoint))
        return cls(config, client, signer, resources)

    async def stage(
        self, chunks: AsyncIterator[bytes | memoryview], *, hint_bytes: int | None = None, may_inline: bool = False
    ) -> Stage:
        """See Storage."""
        key = new_stage_key()
        size = part_bytes(hint_bytes)
        pieces = _pieces(chunks, size)
        first = await anext(pieces)
        if may_inline and first.tell() <= INLINE_BYTES:
            return inline_stage(first.getvalue())
        if first.tell() < size:
            return Stage(key, await self._put(key, first))
        async with Multipart(self._client, self._bucket, self._name(key), CONTENT_TYPE) as upload:
            total = await self._send(upload, first, pieces)
            await upload.complete()
        return Stage(key, total)

    async def _put(self, key: str, body: io.BytesIO) -> int:
        size = body.tell()
        body.seek(0)
        with facts():
            await self._client.put_object(Bucket=self._bucket, Key=self._name(key), Body=body, ContentType=CONTENT_TYPE)
        return size

    async def _send(self, upload: Multipart, piece: io.BytesIO, pieces: AsyncIterator[io.BytesIO]) -> int:
        """Send part after part, each while the next one is gathered; return the size of all."""
        number, total = 1, piece.tell()
        sending = asyncio.create_task(upload.send(number, piece))
        try:
            while True:
                piece = await anext(pieces, io.BytesIO())
                await asyncio.wait([sending])
                sending.result()
                if not piece.tell():
                    return total
                number, total = number + 1, total + piece.tell()
                sending = asyncio.create_task(upload.send(number, piece))
        finally:
            # Also when the body broke off: a part that arrives during an abort may survive it.
            await asyncio.gather(sending, return_exceptions=True)

    async def compose(self, stages: Sequence[Stage], key: str) -> None:
        """See Storage."""
        checked_key(key)
        filled = [stage for stage in stages if stage.size_bytes]
        total = sum(stage.size_bytes for stage in filled)
        try:
            if all(inline_bytes(stage.key) is not None for stage in filled):
                await self._put_inline(filled, key)
            elif len(filled) == 1 and total <= COPY_OBJECT_BYTES:
                await self._copy(filled[0], key)
            else:
                await self._join(filled, key)
        except ObjectMissing:
            # Another call published them, perhaps one that was interrupted before it could return.
            if await self.stat(key) != total:
                raise
        await self.discard(stages)

    async def _put_inline(self, stages: Sequence[Stage], key: str) -> None:
        body = io.BytesIO()
        for stage in stages:
            body.write(inline_bytes(stage.key) or b"")
        await self._put(key, body)

    async def _copy(self, stage: Stage, key: str) -> None:
        with facts(stage.key):
            await self._client.copy_object(
                Bucket=self._bucket,
                Key=self._name(key),
                CopySource={"Bucket": self._bucket, "Key": self._name(stage.key)},
            )

    async def _join(self, stages: Sequence[Stage], key: str) -> None:
        try:
            await self._make(plan(stages), key)
        except PartsRefused:
            await self._make(plan_equal(stages), key)

    async def _make(self, planned: list[Part], key: str) -> None:
        async with Multipart(self._client, self._bucket, self._name(key), CONTENT_TYPE) as upload:
            parts = list(enumerate(planned, start=1))
            for first in range(0, len(parts), _PARTS_AT_ONCE):
                making = (
                    self._make_part(upload, number, part) for number, part in parts[first : first + _PARTS_AT_ONCE]
                )
                # All of them end before an abort: a part that arrives during one may survive it.
                for error in await asyncio.gather(*making, return_exceptions=True):
                    if error is not None:
                        raise error
            await upload.complete()

    async def _make_part(self, upload: Multipart, number: int, part: Part) -> None:
        if part.copied:
            (piece,) = part.slices
            with facts(piece.key):
                await upload.copy(number, self._name(piece.key), piece.start, piece.end)
            return
        body = io.BytesIO()
        for piece in part.slices:
            if (data := inline_bytes(piece.key)) is not None:
                body.write(data[piece.start : piece.end])
                continue
            async for chunk in self.open(piece.key, piece.start, piece.end):
                body.write(chunk)
        await upload.send(number, body)

    async def discard(self, stages: Sequence[Stage]) -> None:
        """See Storage."""
        # One by one: the call that deletes many at once is what compatible stores most often lack.
        await asyncio.gather(*(self.delete(stage.key) for stage in stages if inline_bytes(stage.key) is None))

    async def open(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        """See Storage."""
        if end is not None and end <= start:
            if await self.stat(key) is None:
                raise ObjectMissing(key)
            return
        with facts(key):
            for resumes_left in reversed(range(_RESUMES + 1)):
                try:
                    async with aclosing(self._fetch(key, start, end)) as chunks:
                        async for chunk in chunks:
                            start += len(chunk)
                            yield chunk
                except BROKEN_OFF:
                    if not resumes_left:
                        raise
                else:
                    return

    async def _fetch(self, key: str, start: int, end: int | None) -> AsyncGenerator[bytes, None]:
        wanted = f"bytes={start}-{'' if end is None else end - 1}"
        try:
            answer = await self._client.get_object(Bucket=self._bucket, Key=self._name(key), Range=wanted)
        except ClientError as error:
            if error_code(error) == "InvalidRange":
                return  # `start` is the end of the object, or past it
            raise
        async with answer["Body"] as body:
            async for chunk in body.iter_chunks(READ_BYTES):
                yield chunk

    def open_stage(self, stage: Stage) -> AsyncGenerator[bytes, None]:
        """See Storage."""
        data = inline_bytes(stage.key)
        return self.open(stage.key) if data is None else _given(data)

    async def serve(self, key: str, *, size_bytes: int, client_ip: str | None = None) -> Answer:
        """See Storage.

        Nothing is stored for the sake of zero bytes, and some clients send their credentials along to where a redirect
        leads; so an empty object comes from Wharf. Only the host is signed: clients add Range and Accept as they like.
        """
        name = self._name(key)
        config = self._config
        if not (config.redirect and size_bytes) or client_ip in config.no_redirect_networks:
            return Stream()
        now = datetime.now(UTC)
        lifetime = timedelta(seconds=config.redirect_ttl_seconds)
        signed = self._signed.get(key)
        if signed is None or signed.expires_at - now < lifetime - min(_REUSE, lifetime / 4):
            with facts():
                url = await self._signer.generate_presigned_url(
                    "get_object",
                    Params={"Bucket": self._bucket, "Key": name},
                    ExpiresIn=config.redirect_ttl_seconds,
                )
            signed = Redirect(url, now + lifetime)
            if len(self._signed) >= _REUSED_COUNT:
                self._signed.clear()
            self._signed[key] = signed
        return signed

    async def stat(self, key: str) -> int | None:
        """See Storage."""
        try:
            with facts(key):
                head = await self._client.head_object(Bucket=self._bucket, Key=self._name(key))
        except ObjectMissing:
            return None
        return head["ContentLength"]

    async def delete(self, key: str) -> None:
        """See Storage."""
        name = self._name(key)
        with suppress(ObjectMissing), facts(key):
            await self._client.delete_object(Bucket=self._bucket, Key=name)

    async def list_(self, prefix: str) -> AsyncIterator[Found]:
        """See Storage."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix + checked_prefix(prefix)
        )
        with facts():
            async for page in pages:
                for item in page.get("Contents", ()):
                    yield Found(item["Key"].removeprefix(self._prefix), item["Size"], item["LastModified"])

    def list_stages(self) -> AsyncIterator[Found]:
        """See Storage."""
        return self.list_(STAGES)

    async def abort_unfinished(self, before: datetime) -> int:
        """See Storage. Only below our own prefixes: other programs may use the bucket too."""
        count = 0
        pages = self._client.get_paginator("list_multipart_uploads")
        with facts():
            for prefix in (BLOBS, STAGES):
                async for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix + prefix):
                    for upload in page.get("Uploads", ()):
                        if upload["Initiated"] < before:
                            count += await self._abort(upload["Key"], upload["UploadId"], before)
        return count

    async def _abort(self, name: str, upload_id: str, before: datetime) -> bool:
        """Abort an upload unless it received a part since `before`: a slow push may take days."""
        bucket = self._bucket
        pages = self._client.get_paginator("list_parts").paginate(Bucket=bucket, Key=name, UploadId=upload_id)
        try:
            with facts(name):
                async for page in pages:
                    if any(part["LastModified"] >= before for part in page.get("Parts", ())):
                        return False
                await self._client.abort_multipart_upload(Bucket=bucket, Key=name, UploadId=upload_id)
        except ObjectMissing:
            return False  # it ended by itself
        return True

    async def check(self) -> None:
        """See Storage: ask for the bucket."""
        with facts():
            await self._client.head_bucket(Bucket=self._bucket)

    async def close(self) -> None:
        """See Storage."""
        await self._resources.aclose()

    def _name(self, key: str) -> str:
        return self._prefix + checked_key(key)


async def _given(data: bytes) -> AsyncGenerator[bytes, None]:
    yield data


async def _pieces(source: AsyncIterator[bytes | memoryview], size: int) -> AsyncIterator[io.BytesIO]:
    """Yield what comes in pieces of exactly `size` bytes and then the rest, which may be empty."""
    piece = io.BytesIO()
    async for chunk in source:
        view = memoryview(chunk)
        while (room := size - piece.tell()) <= len(view):
            piece.write(view[:room])
            view = view[room:]
            yield piece
            piece = io.BytesIO()
        piece.write(view)
    yield piece
