"""One S3 multipart upload: parts in any order, then all of them become an object at once, or nothing does."""

import io
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

from botocore.exceptions import ClientError

from wharf.storage.errors import StorageUnavailable
from wharf.storage.s3.client import error_code, facts

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_s3.type_defs import CompletedPartTypeDef


class PartsRefused(StorageUnavailable):
    """The store does not take parts of these sizes."""


class Multipart:
    """An upload that is begun on entering and aborted on leaving, unless it was completed.

    `name` is the full name of the object in `bucket`. What is neither completed nor aborted, because the process died,
    is found by `S3Storage.abort_unfinished`.
    """

    def __init__(self, client: "S3Client", bucket: str, name: str, content_type: str) -> None:
        self._client = client
        self._bucket = bucket
        self._name = name
        self._content_type = content_type
        self._id = ""
        self._parts: dict[int, CompletedPartTypeDef] = {}

    async def __aenter__(self) -> Self:
        with facts():
            begun = await self._client.create_multipart_upload(
                Bucket=self._bucket, Key=self._name, ContentType=self._content_type
            )
        self._id = begun["UploadId"]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            return
        # The first error is the one to tell; an upload that stays is swept later.
        with suppress(Exception):
            await self._client.abort_multipart_upload(Bucket=self._bucket, Key=self._name, UploadId=self._id)

    async def send(self, number: int, body: io.BytesIO) -> None:
        """Send `body` as part `number`."""
        body.seek(0)
        with facts():
            sent = await self._client.upload_part(
                Bucket=self._bucket, Key=self._name, UploadId=self._id, PartNumber=number, Body=body
            )
        self._parts[number] = {"PartNumber": number, "ETag": sent["ETag"]}

    async def copy(self, number: int, source: str, start: int, end: int) -> None:
        """Let the store copy bytes `start` to `end` of its object `source` as part `number`."""
        copied = await self._client.upload_part_copy(
            Bucket=self._bucket,
            Key=self._name,
            UploadId=self._id,
            PartNumber=number,
            CopySource={"Bucket": self._bucket, "Key": source},
            CopySourceRange=f"bytes={start}-{end - 1}",
        )
        self._parts[number] = {"PartNumber": number, "ETag": copied["CopyPartResult"]["ETag"]}

    async def complete(self) -> None:
        """Make the parts an object; raises PartsRefused."""
        parts = [self._parts[number] for number in sorted(self._parts)]
        with facts():
            try:
                await self._client.complete_multipart_upload(
                    Bucket=self._bucket, Key=self._name, UploadId=self._id, MultipartUpload={"Parts": parts}
                )
            except ClientError as error:
                if error_code(error) == "InvalidPart":
                    raise PartsRefused(str(error)) from error
                raise
