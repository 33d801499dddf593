"""An upload goes on where it stopped: after a lost connection, in a restarted process, and in another one."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest

from tests.journeys.client import RegistryClient, digest_of
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import breaking_network
from tests.servers.s3 import S3Server
from tests.servers.wharf import PASSWORD, USERNAME, Wharf, replicas

pytestmark = pytest.mark.slow

REPOSITORY = f"{USERNAME}/uploads"
_PART_BYTES = 300_000


@pytest.fixture
def wharf(tmp_path: Path) -> Iterator[Wharf]:
    with closing(Wharf(tmp_path / "wharf")) as made:
        made.create_user()
        yield made


async def _client(base_url: str) -> RegistryClient:
    client = RegistryClient(base_url, REPOSITORY)
    await client.sign_in(USERNAME, PASSWORD)
    return client


@pytest.mark.parametrize("ended", [Wharf.stop, Wharf.kill])
async def test_in_a_restarted_process(wharf: Wharf, ended: object) -> None:
    content = os.urandom(3 * _PART_BYTES)
    wharf.start()
    async with await _client(wharf.base_url) as client:
        location = await client.send(await client.begin(), content[:_PART_BYTES], 0)
        location = await client.send(location, content[_PART_BYTES : 2 * _PART_BYTES], _PART_BYTES)
    assert callable(ended)
    ended(wharf)
    wharf.start()
    async with await _client(wharf.base_url) as client:
        received, location = await client.received(location)
        assert 2 * _PART_BYTES == received
        await client.finish(location, content[received:], digest_of(content))
        assert content == await client.blob(digest_of(content))


async def test_over_a_lost_connection(wharf: Wharf) -> None:
    content = os.urandom(10 * _PART_BYTES)
    with wharf, breaking_network(wharf.port, 5 * _PART_BYTES) as network:
        async with await _client(f"http://127.0.0.1:{network.port}") as client:
            location = await client.begin()
            with suppress(httpx.TransportError):
                await client.send(location, content, 0)
            assert network.was_cut
            received = 0
            while not received:  # the server may still be learning that the connection is gone
                received, location = await client.received(location)
            assert received < len(content)
            location = await client.send(location, content[received:-100], received)
            await client.finish(location, content[-100:], digest_of(content))
            assert content == await client.blob(digest_of(content))


async def test_two_writers_never_interleave(wharf: Wharf) -> None:
    """Both send the same range at once; one of them is told where the upload stands, and nothing is mixed."""
    parts = [bytes([number]) * _PART_BYTES for number in range(2)]
    with wharf:
        async with await _client(wharf.base_url) as one, await _client(wharf.base_url) as other:
            location = await one.begin()
            answers = await asyncio.gather(
                one.send(location, parts[0], 0), other.send(location, parts[1], 0), return_exceptions=True
            )
            winners = [number for number, answer in enumerate(answers) if isinstance(answer, str)]
            assert 1 == len(winners), answers
            received, location = await one.received(location)
            assert _PART_BYTES == received
            await one.finish(location, b"", digest_of(parts[winners[0]]))


@pytest.fixture
async def processes(
    tmp_path: Path, postgres: PostgresServer, s3: S3Server
) -> AsyncIterator[tuple[RegistryClient, RegistryClient]]:
    """A client for each of two processes."""
    with replicas(tmp_path, postgres, s3.bucket()) as cluster:
        urls = [process.base_url for process in cluster.processes]
        async with await _client(urls[0]) as one, await _client(urls[1]) as other:
            yield one, other


@pytest.mark.postgresql
@pytest.mark.s3
async def test_in_another_process(processes: tuple[RegistryClient, RegistryClient]) -> None:
    content = os.urandom(5 * _PART_BYTES)
    location, start = await processes[0].begin(), 0
    for turn in range(4):
        location = await processes[turn % 2].send(location, content[start : start + _PART_BYTES], start)
        start += _PART_BYTES
        assert start == (await processes[(turn + 1) % 2].received(location))[0]
    await processes[0].finish(location, content[start:], digest_of(content))
    assert content == await processes[1].blob(digest_of(content))
