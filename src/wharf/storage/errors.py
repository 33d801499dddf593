"""What can go wrong with stored bytes, as facts. The same on every driver.

StorageError
├── KeyInvalid           the caller made a key that no driver would store
├── ObjectMissing        there is no such object, or less of it than the caller was promised
└── StorageUnavailable   the disk or the object store did not do its work; trying later may help
"""


class StorageError(Exception):
    """Stored bytes could not be read or written."""


class KeyInvalid(StorageError):
    """A key is not made of plain path segments."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class ObjectMissing(StorageError):
    """No complete object is stored under a key."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class StorageUnavailable(StorageError):
    """The disk or the object store failed; `reason` is for the log, not for a client."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
