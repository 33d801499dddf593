from pathlib import Path
from typing import Any

import pytest

from tests.servers.postgres import PostgresServer
from wharf.app.schema import SchemaBehind, prepare
from wharf.config import Config, DatabaseConfig, Secret
from wharf.db import migrate
from wharf.db.migrate import Schema, SchemaUnknown


def config(folder: Path, **settings: Any) -> Config:
    return Config(data_folder=folder / "data", database=DatabaseConfig(**settings))


@pytest.mark.parametrize("when", ["auto", "always"])
async def test_an_embedded_database_is_migrated_at_start(tmp_path: Path, when: str) -> None:
    fresh = config(tmp_path, migrate_on_start=when)
    await prepare(fresh)
    assert Schema.CURRENT is await migrate.state(fresh.database.url)
    await prepare(fresh)


async def test_never_means_never(tmp_path: Path) -> None:
    fresh = config(tmp_path, migrate_on_start="never")
    with pytest.raises(SchemaBehind):
        await prepare(fresh)
    assert Schema.EMPTY is await migrate.state(fresh.database.url)


@pytest.mark.parametrize("when", ["auto", "never"])
async def test_the_database_of_another_release_is_left_alone(
    tmp_path: Path, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def state(_url: str) -> Schema:
        return Schema.UNKNOWN

    async def upgrade(_url: str) -> None:
        raise SchemaUnknown

    monkeypatch.setattr(migrate, "state", state)
    monkeypatch.setattr(migrate, "upgrade", upgrade)
    with pytest.raises(SchemaUnknown):
        await prepare(config(tmp_path, migrate_on_start=when))


@pytest.mark.postgresql
async def test_a_server_database_is_migrated_only_while_empty(
    tmp_path: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.create(tables=False)
    shared = config(tmp_path, url=Secret(url))
    try:
        await prepare(shared)
        assert Schema.CURRENT is await migrate.state(url)

        async def behind(_url: str) -> Schema:
            return Schema.BEHIND

        monkeypatch.setattr(migrate, "state", behind)
        with pytest.raises(SchemaBehind):
            await prepare(shared)
    finally:
        postgres.drop(url)
