"""The drivers that exist, by the name used in the configuration."""

from collections.abc import Awaitable, Callable, Mapping

from wharf.config import StorageConfig
from wharf.storage.base import Storage

Opener = Callable[[StorageConfig], Awaitable[Storage]]


class UnknownDriver(Exception):
    """The configuration names a storage driver that does not exist."""

    def __init__(self, name: str) -> None:
        super().__init__(f"unknown storage driver {name!r}; known are {', '.join(sorted(DRIVERS))}")
        self.name = name
        self.known = tuple(sorted(DRIVERS))


async def open_storage(config: StorageConfig) -> Storage:
    """Return the configured storage, ready for use; the caller closes it.

    Raises UnknownDriver, and StorageUnavailable when the driver cannot begin its work.
    """
    opener = DRIVERS.get(config.driver)
    if opener is None:
        raise UnknownDriver(config.driver)
    return await opener(config)


async def _open_local(config: StorageConfig) -> Storage:
    from wharf.storage.local import LocalStorage

    return await LocalStorage.open_(config.path)


async def _open_s3(config: StorageConfig) -> Storage:
    # A client library costs start-up time and memory; only those who chose it pay.
    from wharf.storage.s3 import S3Storage

    return await S3Storage.open_(config.s3)


DRIVERS: Mapping[str, Opener] = {"local": _open_local, "s3": _open_s3}
