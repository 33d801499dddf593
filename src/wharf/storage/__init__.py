"""Stored bytes: the room that keeps objects under keys, on one of several drivers, and nothing else.

Owns durability (`compose` returns when the bytes are on stable storage), bounded memory, and the best way to answer a
download. Refuses to know what the bytes mean: no digests, no repositories, no HTTP; who may read what is decided above.
Called by the rooms that own bytes (`content` above all). docs/howto/add-a-storage-driver.md tells how to add a driver.

    blobs/sha256/ab/<64 hex>    content, published by `compose`, immutable
    stages/<32 hex>             one request body each, not yet part of anything
"""

from wharf.storage.base import File, Found, Redirect, Stage, Storage, Stream
from wharf.storage.errors import KeyInvalid, ObjectMissing, StorageError, StorageUnavailable
from wharf.storage.registry import UnknownDriver, open_storage

__all__ = [
    "File",
    "Found",
    "KeyInvalid",
    "ObjectMissing",
    "Redirect",
    "Stage",
    "Storage",
    "StorageError",
    "StorageUnavailable",
    "Stream",
    "UnknownDriver",
    "open_storage",
]
