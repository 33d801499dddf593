"""An upgrade, one process after the other, that no client notices."""

import asyncio
import itertools
from pathlib import Path

import httpx
import pytest

from tests.journeys.client import Image, RegistryClient
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import SERVED_BY
from tests.servers.s3 import S3Server
from tests.servers.wharf import PASSWORD, USERNAME, Replicas, replicas

pytestmark = [pytest.mark.slow, pytest.mark.postgresql, pytest.mark.s3]

_CLIENTS = 4


async def test_no_request_is_lost(tmp_path: Path, postgres: PostgresServer, s3: S3Server) -> None:
    settings = {"server.shutdown_notice_seconds": 1}  # ten times what the load balancer needs to notice
    with replicas(tmp_path, postgres, s3.bucket(), settings) as cluster:
        done = asyncio.Event()
        work = [asyncio.create_task(_push_and_pull(cluster, number, done)) for number in range(_CLIENTS)]
        for process in cluster.processes * 2:
            await asyncio.to_thread(process.stop)
            await asyncio.to_thread(process.start)
            await _is_ready(cluster)
        done.set()
        assert all(count > 0 for count in await asyncio.gather(*work))


async def _push_and_pull(cluster: Replicas, number: int, done: asyncio.Event) -> int:
    """Push and pull new images until `done`; any answer but the right one raises."""
    async with RegistryClient(cluster.base_url, f"{USERNAME}/rolling-{number}") as client:
        await client.sign_in(USERNAME, PASSWORD)
        for count in itertools.count():
            image = Image.of(f"config {number} {count}".encode(), f"layer {number} {count}".encode() * 100)
            await client.push(image, "latest")
            assert image.digest == await client.pull("latest")
            if done.is_set():
                return count
    raise AssertionError


async def _is_ready(cluster: Replicas) -> None:
    """Wait until the load balancer sends requests to both processes again."""
    seen: set[str] = set()
    async with httpx.AsyncClient(base_url=cluster.base_url) as client:
        while len(seen) < len(cluster.processes):
            seen.add((await client.get("/v2/")).headers[SERVED_BY])
