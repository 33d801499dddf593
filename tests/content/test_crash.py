"""kill -9 in the middle of pushes and collections: what was acknowledged is there, and all fits together."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.content.conftest import Registry
from tests.content.storm import Storm
from tests.content.test_storm import check_all
from wharf.oci.digest import Digest
from wharf.oci.names import TagName

ROOT = Path(__file__).parents[2]
_PUSHES = 12


@pytest.mark.slow
async def test_what_was_acknowledged_survives_the_end_of_the_process(
    registry: Registry, database_url: str, tmp_path: Path
) -> None:
    storm = Storm(registry, [registry.repository], 0)
    told: dict[str, str] = {}
    for life in range(4):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.content.doomed_pusher",
            database_url,
            str(tmp_path / "storage"),
            str(registry.owner.id),
            str(life * 10_000),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        for _ in range(_PUSHES):
            told.update([(await process.stdout.readline()).decode().split()])  # type: ignore[list-item]
        process.kill()
        for line in (await process.stdout.read()).decode().splitlines(keepends=True):
            if line.endswith("\n"):
                told.update([line.split()])  # type: ignore[list-item]
        await process.wait()
        for tag, digest in told.items():
            await storm.read(registry.repository, TagName(tag), Digest(digest))
        await check_all(registry)
    assert len(told) >= _PUSHES * 4
