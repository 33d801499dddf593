"""Drivers are chosen by name, at start-up."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wharf.config import StorageConfig
from wharf.storage import UnknownDriver, open_storage
from wharf.storage.registry import DRIVERS


async def test_an_unknown_driver_is_told_with_the_known_ones(tmp_path: Path) -> None:
    unknown: Any = "floppy"
    config = replace(StorageConfig(path=tmp_path), driver=unknown)
    with pytest.raises(UnknownDriver, match=r"unknown storage driver 'floppy'; known are local, s3"):
        await open_storage(config)
    assert [] == list(tmp_path.iterdir())


async def test_a_driver_is_named_as_in_the_configuration(tmp_path: Path) -> None:
    storage = await open_storage(StorageConfig(path=tmp_path))
    assert storage.name in DRIVERS
    await storage.close()
