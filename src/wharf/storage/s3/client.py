"""The client library behind the s3 driver: how it is set up, and how its errors become the errors of this room."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from functools import cache
from typing import TYPE_CHECKING

import aiohttp
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession, get_session
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError

from wharf.config import S3Config
from wharf.storage.errors import ObjectMissing, StorageUnavailable

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

# The first request and three repetitions, after pauses drawn from the first one, two and four seconds.
_ATTEMPTS = 4
_CONNECT_SECONDS, _READ_SECONDS = 5, 60
_CONNECTIONS = 256
_ABSENT = {"NoSuchKey", "NoSuchUpload", "NotFound", "404"}
# A body that breaks off in the middle is not repeated by the library: half of it has been given out.
BROKEN_OFF = (HTTPClientError, IncompleteReadError, aiohttp.ClientError)


def new_client(config: S3Config, endpoint: str | None) -> AbstractAsyncContextManager["S3Client"]:
    """Return a client for `config` that talks to `endpoint`, or to AWS; to be entered."""
    on_http = endpoint is not None and endpoint.startswith("http://")
    return _session().create_client(
        "s3",
        region_name=config.region,
        endpoint_url=endpoint,
        aws_access_key_id=config.access_key or None,
        aws_secret_access_key=config.secret_key or None,
        config=AioConfig(
            signature_version="s3v4",
            s3={
                "addressing_style": "path" if config.path_style else "virtual",
                # TLS protects the bytes on their way; without it their hash is signed.
                "payload_signing_enabled": on_http,
            },
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            max_pool_connections=_CONNECTIONS,
            # Newer checksum headers and trailers are refused by stores that do not know them.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


@cache
def _session() -> AioSession:
    """Return the one session, which has read the description of S3: megabytes of JSON."""
    return get_session()


@contextmanager
def facts(key: str | None = None) -> Iterator[None]:
    """Turn what the library raises into the errors of this room; with `key`, absence means ObjectMissing."""
    try:
        yield
    except ClientError as error:
        if key is not None and error_code(error) in _ABSENT:
            raise ObjectMissing(key) from error
        raise StorageUnavailable(str(error)) from error
    except (BotoCoreError, aiohttp.ClientError, TimeoutError, OSError) as error:
        raise StorageUnavailable(f"{type(error).__name__}: {error}") from error


def error_code(error: ClientError) -> str:
    """Return the word with which the store refused."""
    return error.response.get("Error", {}).get("Code", "")
