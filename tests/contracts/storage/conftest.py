"""Every driver on a real store: the tests of this folder that ask for `storage` run once on each of them."""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.servers.s3 import S3Server
from wharf.config import StorageConfig
from wharf.storage import Storage, open_storage

DRIVERS = ["local", pytest.param("s3", marks=pytest.mark.s3)]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """An empty folder, in memory where the machine has that: these tests see fsync called, they need not wait."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="wharf-storage-", dir=memory) as made:
        yield Path(made)


@pytest.fixture(params=DRIVERS)
def config(request: pytest.FixtureRequest, folder: Path) -> StorageConfig:
    """Where an empty store is, once for each driver."""
    if request.param == "local":
        return StorageConfig(driver="local", path=folder / "storage")
    server: S3Server = request.getfixturevalue("s3")
    return StorageConfig(driver="s3", s3=server.bucket())


@pytest.fixture
async def storage(config: StorageConfig) -> AsyncIterator[Storage]:
    """An empty store, once for each driver."""
    opened = await open_storage(config)
    yield opened
    await opened.close()
