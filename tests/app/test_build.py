from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from wharf.app.build import build
from wharf.app.schema import prepare
from wharf.config import Config, DatabaseConfig, GcConfig, Secret, StorageConfig, TelemetryConfig
from wharf.content.jobs import Sweep
from wharf.db.errors import DatabaseUnavailable
from wharf.jobs import queue
from wharf.storage.local import LocalStorage
from wharf.telemetry.metrics import page


def client(app: object) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://registry")  # type: ignore[arg-type]


async def test_a_built_wharf_answers_on_every_surface(tmp_path: Path) -> None:
    config = Config(data_folder=tmp_path)
    await prepare(config)
    wharf = await build(config)
    try:
        async with client(wharf.gateway) as http:
            assert 401 == (await http.get("/v2/")).status_code
            assert 200 == (await http.get("/health/ready")).status_code
            assert 404 == (await http.get("/api/v1/nothing")).status_code
            assert 200 == (await http.get("/")).status_code
            numbers = (await http.get("/metrics")).text
        assert "wharf_jobs_oldest_seconds 0.0" in numbers
    finally:
        await wharf.close()
    assert {"secret_key", "storage", "wharf.db"} <= {path.name for path in tmp_path.iterdir()}


async def test_metrics_can_be_turned_off(tmp_path: Path) -> None:
    config = Config(data_folder=tmp_path, telemetry=TelemetryConfig(metrics=False))
    await prepare(config)
    wharf = await build(config)
    async with client(wharf.gateway) as http:
        assert 404 == (await http.get("/metrics")).status_code
    await wharf.close()


async def test_parts_can_be_handed_in_and_jobs_are_counted(tmp_path: Path) -> None:
    config = Config(data_folder=tmp_path / "data", gc=GcConfig(enabled=False))
    await prepare(config)
    storage = await LocalStorage.open_(tmp_path / "elsewhere")
    wharf = await build(config, storage=storage, clock=lambda: datetime(2030, 1, 1, tzinfo=UTC))
    async with wharf.database.write() as tx:
        await queue.enqueue(tx, Sweep(), clock=wharf.jobs.clock)
    assert 1 == await wharf.worker.run_until_empty()
    assert storage is wharf.storage
    assert 'wharf_jobs_run_total{kind="sweep",outcome="done"}' in page().decode()
    await wharf.close()
    assert not (tmp_path / "data" / "storage").exists()


async def test_a_part_that_cannot_be_opened_leaves_nothing_open(tmp_path: Path) -> None:
    # Warnings are errors here: an unclosed connection would fail this test.
    file = tmp_path / "file"
    file.touch()
    config = Config(data_folder=tmp_path, storage=StorageConfig(path=file))
    await prepare(config)
    with pytest.raises(Exception, match=r"directory|exists"):
        await build(config)


async def test_a_database_that_does_not_answer_is_a_fact(tmp_path: Path) -> None:
    url = Secret("postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=1")
    with pytest.raises(DatabaseUnavailable):
        await prepare(Config(data_folder=tmp_path, database=DatabaseConfig(url=url)))
