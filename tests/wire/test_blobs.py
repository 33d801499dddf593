"""Blobs: HEAD, GET with all forms of Range, DELETE (registry-protocol A and B.3)."""

import re
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.world import Account, Client, World
from wharf.access.grants import Role
from wharf.content.repositories import Repository
from wharf.oci.digest import EMPTY_BLOB, Digest
from wharf.storage.base import Redirect, Stream
from wharf.storage.errors import ObjectMissing, StorageUnavailable

DATA = bytes(range(256)) * 8
DIGEST = Digest.of(DATA)
BLOB = f"/v2/ada/app/blobs/{DIGEST}"


@pytest.fixture(autouse=True)
async def blob(world: World, ada: Account, repository: Repository) -> None:
    """The blob is there."""
    await world.push_blob(repository, DATA, by=ada)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_headers(client: Client, method: str) -> None:
    response = await client.request(method, BLOB, headers={"accept-encoding": "zstd, gzip", "accept": "text/html"})
    assert 200 == response.status
    assert {
        "content-length": "2048",
        "content-type": "application/octet-stream",
        "docker-content-digest": DIGEST,
        "etag": f'"{DIGEST}"',
        "accept-ranges": "bytes",
        "cache-control": "private, max-age=31536000, immutable",
        "docker-distribution-api-version": "registry/2.0",
    } == dict(response.headers)


async def test_what_anybody_may_pull_anybody_may_cache(world: World, ada: Account) -> None:
    public = await world.repository("ada/open", by=ada, public=True)
    await world.push_blob(public, DATA, by=ada)
    response = await world.client().get(f"/v2/ada/open/blobs/{DIGEST}")
    assert "public, max-age=31536000, immutable" == response.headers["cache-control"]


async def test_the_web_server_sends_the_file_if_it_can(client: Client) -> None:
    response = await client.get(BLOB)
    assert ("file", DATA) == (response.sent_as, response.body)
    client.extensions = {}
    response = await client.get(BLOB)
    assert ("body", DATA) == (response.sent_as, response.body)


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=500-1499", 500, 1500),
        ("bytes=500-", 500, 2048),
        ("bytes=-500", 1548, 2048),
        ("bytes=2000-5000", 2000, 2048),
        ("bytes=0-", 0, 2048),
        ("bytes=0-0", 0, 1),
        ("bytes=2047-2047", 2047, 2048),
        ("bytes=-5000", 0, 2048),
        ("bytes=0-99999999999999999999999", 0, 2048),
    ],
)
async def test_a_range(client: Client, header: str, start: int, end: int) -> None:
    response = await client.get(BLOB, headers={"range": header})
    assert 206 == response.status
    assert DATA[start:end] == response.body
    assert f"bytes {start}-{end - 1}/2048" == response.headers["content-range"]


@pytest.mark.parametrize("header", ["bytes=500-0", "bytes=5000-10000", "bytes=2048-", "bytes=-0"])
async def test_a_range_outside(client: Client, header: str) -> None:
    response = await client.get(BLOB, headers={"range": header})
    assert (416, ["RANGE_INVALID"]) == (response.status, response.codes)
    assert "bytes */2048" == response.headers["content-range"]


@pytest.mark.parametrize("header", ["", "bytes", "bytes=", "bytes=-", "bytes=a-b", "lines=1-2", "bytes=0-1,4-5", "é"])
async def test_a_range_that_is_none_is_ignored(client: Client, header: str) -> None:
    response = await client.get(BLOB, headers={"range": header})
    assert (200, DATA) == (response.status, response.body)


async def test_head_ignores_ranges(client: Client) -> None:
    response = await client.head(BLOB, headers={"range": "bytes=5-10"})
    assert (200, "2048") == (response.status, response.headers["content-length"])


@pytest.mark.parametrize(
    ("condition", "status"), [(f'"{DIGEST}"', 206), ('"other"', 200), ("Mon, 01 Jan 2024 00:00:00 GMT", 200)]
)
async def test_if_range(client: Client, condition: str, status: int) -> None:
    response = await client.get(BLOB, headers={"range": "bytes=0-9", "if-range": condition})
    assert status == response.status


@pytest.mark.parametrize("condition", [f'"{DIGEST}"', f'W/"{DIGEST}"', f'"other", "{DIGEST}"', "*", DIGEST])
async def test_not_modified(client: Client, condition: str) -> None:
    for method in ("GET", "HEAD"):
        response = await client.request(method, BLOB, headers={"if-none-match": condition})
        assert (304, f'"{DIGEST}"') == (response.status, response.headers["etag"])
        assert 200 == (await client.request(method, BLOB, headers={"if-none-match": '"other"'})).status


@pytest.mark.parametrize("header", ["", "bytes=0-"])
async def test_an_empty_blob(world: World, ada: Account, client: Client, repository: Repository, header: str) -> None:
    await world.push_blob(repository, b"", by=ada)
    response = await client.get(f"/v2/ada/app/blobs/{EMPTY_BLOB}", headers={"range": header})
    assert (200, b"", "0") == (response.status, response.body, response.headers["content-length"])


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
async def test_an_unknown_blob(client: Client, method: str) -> None:
    response = await client.request(method, "/v2/ada/app/blobs/sha256:" + "a" * 64)
    assert 404 == response.status
    if method != "HEAD":
        assert ["BLOB_UNKNOWN"] == response.codes
        assert {"digest": "sha256:" + "a" * 64} == response.json["errors"][0]["detail"]


async def test_a_manifests_digest_is_no_blob(
    world: World, ada: Account, client: Client, repository: Repository
) -> None:
    digest = await world.push_image(repository, "latest", by=ada)
    assert 404 == (await client.head(f"/v2/ada/app/blobs/{digest}")).status


async def test_a_blob_belongs_to_repositories_not_to_the_registry(world: World, ada: Account, client: Client) -> None:
    await world.repository("ada/other", by=ada)
    assert 404 == (await client.get(f"/v2/ada/other/blobs/{DIGEST}")).status


@pytest.mark.parametrize(
    "digest", ["sha256:baddigeststring", "sha256:" + "A" * 64, "SHA256:" + "a" * 64, "md5:" + "a" * 32, "latest", "%00"]
)
async def test_a_malformed_digest(client: Client, digest: str) -> None:
    for method in ("GET", "DELETE"):
        response = await client.request(method, f"/v2/ada/app/blobs/{digest}")
        assert (400, ["DIGEST_INVALID"]) == (response.status, response.codes)
    assert 400 == (await client.head(f"/v2/ada/app/blobs/{digest}")).status


async def test_delete_takes_effect_at_once(client: Client) -> None:
    assert 200 == (await client.head(BLOB)).status
    assert 202 == (await client.delete(BLOB)).status
    for method in ("HEAD", "GET", "DELETE"):
        assert 404 == (await client.request(method, BLOB)).status
    assert 201 == (await client.post(f"/v2/ada/app/blobs/uploads/?digest={DIGEST}", body=DATA)).status
    assert DATA == (await client.get(BLOB)).body


async def test_a_blob_that_a_manifest_needs_stays(
    world: World, ada: Account, client: Client, repository: Repository
) -> None:
    await world.push_image(repository, "latest", by=ada)
    config = Digest.of(b"{}")
    response = await client.delete(f"/v2/ada/app/blobs/{config}")
    assert (405, ["UNSUPPORTED"]) == (response.status, response.codes)
    assert 200 == (await client.head(f"/v2/ada/app/blobs/{config}")).status


async def test_head_renews_the_lease_because_the_client_will_not_upload(
    world: World, client: Client, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewed = []

    async def renew(*arguments: Any, **_: Any) -> None:
        renewed.append(arguments[2].digest)

    monkeypatch.setattr("wharf.content.blobs.renew", renew)
    await client.get(BLOB)
    assert not renewed
    eve = await world.user("eve")
    await world.grant(repository, Role.READ, eve)
    assert 200 == (await world.client(eve).head(BLOB)).status
    assert not renewed
    await client.head(BLOB)
    assert [DIGEST] == renewed


# What storage may answer ---------------------------------------------------------------------------------------------


class _Elsewhere:
    """Storage that sends clients to another place, or fails."""

    def __init__(self, world: World, answer: Any) -> None:
        self._storage = world.storage
        self._answer = answer
        self.asked: list[str | None] = []

    async def serve(self, key: str, *, size_bytes: int, client_ip: str | None = None) -> Any:
        self.asked.append(client_ip)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    def open(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        return self._storage.open(key, start, end)


def _redirecting(world: World, ada: Account, url: str) -> tuple[Client, _Elsewhere]:
    storage = _Elsewhere(world, Redirect(url, datetime(2030, 1, 1, tzinfo=UTC)))
    return world.client(ada, application=world.surface_over(storage)), storage


@pytest.mark.parametrize("headers", [{}, {"range": "bytes=0-9"}])
async def test_a_redirect_to_the_object_store(world: World, ada: Account, headers: dict[str, str]) -> None:
    client, storage = _redirecting(world, ada, "https://bucket.example.com/object?signature=abc")
    response = await client.get(BLOB, headers=headers)
    assert 307 == response.status
    assert "https://bucket.example.com/object?signature=abc" == response.headers["location"]
    assert DIGEST == response.headers["docker-content-digest"]
    assert "no-store" == response.headers["cache-control"]
    assert ["127.0.0.1"] == storage.asked
    assert 416 == (await client.get(BLOB, headers={"range": "bytes=9999-"})).status


async def test_head_and_empty_blobs_are_never_redirected(world: World, ada: Account, repository: Repository) -> None:
    await world.push_blob(repository, b"", by=ada)
    client, storage = _redirecting(world, ada, "https://bucket.example.com/object")
    assert 200 == (await client.head(BLOB)).status
    assert 200 == (await client.get(f"/v2/ada/app/blobs/{EMPTY_BLOB}")).status
    assert not storage.asked


@pytest.mark.parametrize("url", ["http://registry.test:9000/object", "https://REGISTRY.test/object"])
async def test_clients_would_send_their_token_along_to_the_same_host(world: World, ada: Account, url: str) -> None:
    client, _ = _redirecting(world, ada, url)
    response = await client.get(BLOB)
    assert (200, DATA) == (response.status, response.body)


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [(StorageUnavailable("the disk is on fire"), 503, "UNAVAILABLE"), (ObjectMissing("key"), 404, "BLOB_UNKNOWN")],
)
async def test_a_store_that_fails(world: World, ada: Account, failure: Exception, status: int, code: str) -> None:
    client = world.client(ada, application=world.surface_over(_Elsewhere(world, failure)))
    response = await client.get(BLOB)
    assert (status, [code]) == (response.status, response.codes)
    assert not re.search(rb"fire|key", response.body)
    assert ("retry-after" in response.headers) == (status == 503)


class _Breaking(_Elsewhere):
    """Storage whose bytes end in a failure after some chunks."""

    def __init__(self, world: World, failure: Exception, *chunks: bytes) -> None:
        super().__init__(world, Stream())
        self._failure = failure
        self._chunks = chunks

    def open(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        return self._open()

    async def _open(self) -> AsyncGenerator[bytes]:
        for chunk in self._chunks:
            yield chunk
        raise self._failure


async def test_a_stream_that_does_not_begin_is_an_error(world: World, ada: Account) -> None:
    client = world.client(ada, application=world.surface_over(_Breaking(world, ObjectMissing("key"))))
    response = await client.get(BLOB)
    assert (404, ["BLOB_UNKNOWN"]) == (response.status, response.codes)


async def test_a_stream_that_breaks_is_cut_off_for_the_client_to_notice(world: World, ada: Account) -> None:
    client = world.client(ada, application=world.surface_over(_Breaking(world, StorageUnavailable("disk"), b"some")))
    with pytest.raises(StorageUnavailable):
        await client.get(BLOB)
