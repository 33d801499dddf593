"""What every storage driver can do, and the values that go in and out.

An upload is a list of immutable *stages*, one for each request body. A stage is plain data: any replica, now or after a
restart, can continue or publish what another one received (docs/adr/0004-storage-stages.md).
"""

import base64
import re
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wharf.storage.errors import KeyInvalid

STAGES = "stages/"
INLINE_BYTES = 8 * 1024
_INLINE = "inline:"
BLOBS = "blobs/"
# Segments never begin with a dot: no "..", no hidden files, and room for a driver's own files beside the keys.
_KEY = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._-]*/)*[A-Za-z0-9_][A-Za-z0-9._-]*")
_KEY_MAX_LENGTH = 512


@dataclass(frozen=True, slots=True)
class Stage:
    """Received bytes that are not yet part of an object; the key of a small one may hold them (`inline_stage`)."""

    key: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Found:
    """An object met while listing."""

    key: str
    size_bytes: int
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class File:
    """Answer a download by letting the web server send this file."""

    path: str


@dataclass(frozen=True, slots=True)
class Redirect:
    """Answer a download by sending the client to `url`, which works without credentials until `expires_at`."""

    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Stream:
    """Answer a download with the chunks of `open`."""


Answer = File | Redirect | Stream


class Storage(Protocol):
    """Objects under keys. All methods raise StorageUnavailable when the store fails, KeyInvalid for a malformed key."""

    name: str
    """What the driver is called in the configuration."""

    async def stage(
        self, chunks: AsyncIterator[bytes | memoryview], *, hint_bytes: int | None = None, may_inline: bool = False
    ) -> Stage:
        """Keep the bytes of `chunks` so that they survive a restart of the process, and return their handle.

        With `may_inline` the handle itself may hold up to `INLINE_BYTES`: then they survive with the handle, and a
        small object costs one write and not three.

        An exception from `chunks`, or a cancellation, leaves nothing behind. Memory stays bounded; a chunk must not be
        changed after it was handed over. `hint_bytes` is how much is expected, which may be wrong.
        """

    async def compose(self, stages: Sequence[Stage], key: str) -> None:
        """Publish the concatenation of `stages` as `key`, on stable storage when this returns, and consume them.

        Atomic: a reader of `key` sees all of it or nothing, at every moment, also across a crash. Repeatable: the same
        call after an interruption, or at the same time on another replica, ends well. The object's `modified_at` is
        now, however old its stages are. Raises ObjectMissing when a stage is gone, or was cut short by a crash of the
        machine, and `key` was not already published at the right size.
        """

    async def discard(self, stages: Sequence[Stage]) -> None:
        """Forget `stages`; those that are gone already do not matter."""

    def open(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of `key` from `start` up to, not including, `end`, clamped like a slice.

        Raises ObjectMissing. The caller closes the iterator if it does not exhaust it (`contextlib.aclosing`).
        """

    def open_stage(self, stage: Stage) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of `stage`; raises ObjectMissing when it is gone or was cut short."""

    async def serve(self, key: str, *, size_bytes: int, client_ip: str | None = None) -> Answer:
        """Tell how a GET of all `size_bytes` of `key` by `client_ip` is best answered.

        May raise ObjectMissing; a driver that would need a request to find out leaves that to the client's GET.
        """

    async def stat(self, key: str) -> int | None:
        """Return the size of `key` in bytes, or None when there is no such object."""

    async def delete(self, key: str) -> None:
        """Remove `key`; it does not matter when it is gone already."""

    def list_(self, prefix: str) -> AsyncIterator[Found]:
        """Yield the objects whose keys begin with `prefix`, in byte order of their keys, a page in memory at a time."""

    def list_stages(self) -> AsyncIterator[Found]:
        """Yield the stages in byte order of their keys.

        One that no upload knows is an orphan when it is old; while it is young it may still be on its way.
        """

    async def abort_unfinished(self, before: datetime) -> int:
        """Clear away what interrupted calls left half-written and nobody touched since `before`; return how many."""

    async def check(self) -> None:
        """Return if reading and writing can be expected to work now."""

    async def close(self) -> None:
        """Release connections and threads; the storage is not used afterwards."""


def inline_stage(data: bytes) -> Stage:
    """Return a stage that needs no storage."""
    return Stage(_INLINE + base64.b64encode(data).decode(), len(data))


def inline_bytes(key: str) -> bytes | None:
    """Return the bytes that a stage's key holds, None for the key of a stored one."""
    return base64.b64decode(key[len(_INLINE) :]) if key.startswith(_INLINE) else None


def checked_key(key: str) -> str:
    """Return `key` if every driver can store it, else raise KeyInvalid. No key that passes can leave its folder."""
    if len(key) > _KEY_MAX_LENGTH or _KEY.fullmatch(key) is None:
        raise KeyInvalid(key)
    return key


def checked_prefix(prefix: str) -> str:
    """Return `prefix` if it begins a key that `checked_key` would accept, or is empty; else raise KeyInvalid."""
    if prefix:
        checked_key(prefix.removesuffix("/"))
    return prefix


def new_stage_key() -> str:
    """Return a key that no stage has had before."""
    return STAGES + uuid.uuid4().hex
