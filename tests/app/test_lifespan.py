"""Wharf on another ASGI server than its own."""

import asyncio
from pathlib import Path

import httpx
import pytest
import uvicorn

from tests.servers import free_port
from wharf.app.lifespan import Application, application
from wharf.app.schema import SchemaBehind
from wharf.config import Config, DatabaseConfig


async def test_it_runs_on_uvicorn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHARF_DATA_FOLDER", str(tmp_path))
    monkeypatch.setenv("WHARF_SERVER__MAX_HEADER_BYTES", "2000")
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(application, factory=True, port=port, log_config=None))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        assert not serving.done()
        await asyncio.sleep(0.01)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        ready = await http.get("/health/ready")
        challenge = await http.get("/v2/")
        oversize = await http.get("/v2/", headers={"cookie": "x" * 3000})
    server.should_exit = True
    await serving
    assert (200, 401, 431) == (ready.status_code, challenge.status_code, oversize.status_code)
    assert challenge.headers["www-authenticate"].startswith("Bearer ")


async def test_a_failed_start_is_told_to_the_server(tmp_path: Path) -> None:
    config = Config(data_folder=tmp_path, database=DatabaseConfig(migrate_on_start="never"))
    sent = []

    async def receive() -> dict[str, str]:
        return {"type": "lifespan.startup"}

    async def send(message: object) -> None:
        sent.append(message)

    with pytest.raises(SchemaBehind):
        await Application(config)({"type": "lifespan"}, receive, send)
    assert [{"type": "lifespan.startup.failed", "message": "SchemaBehind"}] == sent


async def test_websockets_are_refused(tmp_path: Path) -> None:
    sent = []

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: object) -> None:
        sent.append(message)

    await Application(Config(data_folder=tmp_path))({"type": "websocket"}, receive, send)
    assert [{"type": "websocket.close"}] == sent
