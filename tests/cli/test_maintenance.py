import asyncio
import hashlib
from pathlib import Path

import httpx

from tests.cli.conftest import Shell
from wharf.accounts import passwords, users
from wharf.app.build import build
from wharf.app.schema import prepare
from wharf.config import Config


def test_a_database_is_migrated_on_request(shell: Shell) -> None:
    assert "was empty, now it is current" in shell("migrate")
    assert "was current, now it is current" in shell("migrate")


def test_garbage_collection_runs_and_reports(shell: Shell) -> None:
    assert "would be freed" in shell("gc", "--dry-run")
    assert "object bytes" in shell("gc")


def test_an_empty_registry_is_sound(shell: Shell) -> None:
    assert "Read 0 blobs, 0.0 MiB: nothing damaged" in shell("verify", "--rate", "100")


def test_the_shell_has_a_built_wharf(shell: Shell) -> None:
    output = shell("shell", stdin="print(run(wharf.database.check()), config.server.port)\n")
    assert "None 8080" in output


def test_the_version_is_told(shell: Shell) -> None:
    assert shell("--version").startswith("wharf ")


async def push(folder: Path, content: bytes) -> None:
    """Store one blob through the front door."""
    config = Config(data_folder=folder / "data")
    await prepare(config)
    wharf = await build(config)
    async with wharf.database.write() as tx:
        await users.create(tx, "ada", await passwords.hash_("correct horse"))
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    transport = httpx.ASGITransport(app=wharf.gateway)
    async with httpx.AsyncClient(transport=transport, base_url="http://x", auth=("ada", "correct horse")) as http:
        answer = await http.post("/v2/ada/app/blobs/uploads/", params={"digest": digest}, content=content)
    assert 201 == answer.status_code, answer.text
    await wharf.close()


def test_damage_is_found_and_ends_with_status_1(shell: Shell, tmp_path: Path) -> None:
    hexadecimal = hashlib.sha256(b"a layer").hexdigest()
    asyncio.run(push(tmp_path, b"a layer"))
    assert "Read 1 blobs" in shell("verify")
    (stored,) = (tmp_path / "data" / "storage" / "blobs").rglob(f"{hexadecimal}*")
    stored.chmod(0o600)
    stored.write_bytes(b"a liver")
    assert "corrupt" in shell("verify", status=1)
    stored.unlink()
    output = shell("verify", status=1)
    assert f"sha256:{hexadecimal}: missing" in output
