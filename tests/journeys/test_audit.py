"""The trail of a real server: what it was told when it ended politely, when it was killed, and where the copies go."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.client import Image, RegistryClient
from tests.servers.wharf import PASSWORD, USERNAME, Wharf

pytestmark = pytest.mark.slow

REPOSITORY = f"{USERNAME}/app"
IMAGE = Image.of(b"{}", b"a layer")
PULLS = 200


async def test_the_trail_of_a_push_and_many_pulls(tmp_path: Path) -> None:
    copy = tmp_path / "audit.jsonl"
    settings = {"audit.file": copy, "audit.forward_seconds": 0.1, "jobs.poll_seconds": 0.05}
    wharf = Wharf(tmp_path / "wharf", settings)
    wharf.create_user()
    with wharf:
        async with RegistryClient(wharf.base_url, REPOSITORY) as client:
            await client.sign_in(USERNAME, PASSWORD)
            await client.push(IMAGE, "latest")
            await asyncio.gather(*(client.manifest("latest") for _ in range(PULLS)))
        # Stopped at once: what has not been written yet is written now.
    trail = [json.loads(line) for line in wharf.command("audit").splitlines()]
    assert PULLS == sum(each["count"] for each in trail if each["kind"] == "manifest_pulled")
    _tells_of_everything(trail)
    with wharf:
        await _arrived(copy, len(trail))
    copied = [json.loads(line) for line in copy.read_text().splitlines()]
    assert sorted(_facts(each) for each in trail) == sorted(_facts(each) for each in copied)


async def test_what_was_changed_is_in_the_trail_when_the_process_is_killed(tmp_path: Path) -> None:
    wharf = Wharf(tmp_path / "wharf")
    wharf.create_user()
    wharf.start()
    async with RegistryClient(wharf.base_url, REPOSITORY) as client:
        await client.sign_in(USERNAME, PASSWORD)
        await client.push(IMAGE, "latest")
        wharf.kill()
    kinds = [json.loads(line)["kind"] for line in wharf.command("audit").splitlines()]
    assert {"repository_created", "manifest_pushed", "tag_created"} <= set(kinds)


def _tells_of_everything(trail: list[dict[str, Any]]) -> None:
    kinds = {each["kind"] for each in trail}
    assert {"user_created", "signed_in", "repository_created", "manifest_pushed", "tag_created"} <= kinds
    pushed = next(each for each in trail if each["kind"] == "manifest_pushed")
    assert (USERNAME, REPOSITORY, "127.0.0.1") == (pushed["actor"], pushed["repository"], pushed["client_ip"])
    assert pushed["user_agent"].startswith("python-httpx")
    assert pushed["request_id"]


def _facts(entry: dict[str, Any]) -> str:
    return json.dumps({name: value for name, value in entry.items() if name != "id"}, sort_keys=True)


async def _arrived(copy: Path, count: int) -> None:
    async with asyncio.timeout(20):
        while not copy.exists() or copy.read_bytes().count(b"\n") < count:
            await asyncio.sleep(0.05)  # a file tells nobody that it has grown
