"""What a client hears when something is wrong (registry-protocol B.6)."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.world import Account, Client, World
from tests.world.client import Disconnect
from tests.world.world import index
from wharf.content.repositories import Repository
from wharf.db import DatabaseUnavailable
from wharf.oci.digest import Digest

DIGEST = Digest.of(b"data")


@pytest.mark.parametrize("path", ["manifests/absent", f"blobs/{DIGEST}", "manifests/.bad", "blobs/bad", "tags/none"])
async def test_head_is_answered_without_a_body(client: Client, repository: Repository, path: str) -> None:
    get, head = await client.get(f"/v2/ada/app/{path}"), await client.head(f"/v2/ada/app/{path}")
    assert (get.status, get.headers) == (head.status, head.headers)
    assert b"" == head.body


async def test_every_answer_names_the_protocol(world: World, client: Client, repository: Repository) -> None:
    for path in ("/v2/", "/v2/ada/app/tags/list", "/v2/ada/app/tags/none", "/v2/ada/app/manifests/absent"):
        for response in (await client.get(path), await world.client().send("GET", path)):
            assert "registry/2.0" == response.headers["docker-distribution-api-version"]


async def test_maintenance_leaves_reading(world: World, ada: Account, repository: Repository) -> None:
    await world.push_manifest(repository, index(), "latest", by=ada)
    client = world.client(ada, application=world.surface(read_only=True))
    for method, path in (
        ("POST", "/v2/ada/app/blobs/uploads/"),
        ("PATCH", "/v2/ada/app/blobs/uploads/1"),
        ("PUT", "/v2/ada/app/manifests/latest"),
        ("DELETE", "/v2/ada/app/manifests/latest"),
    ):
        response = await client.request(method, path)
        assert (503, ["UNAVAILABLE"]) == (response.status, response.codes)
        assert int(response.headers["retry-after"]) > 0
    assert 200 == (await client.get("/v2/")).status
    assert 200 == (await client.get("/v2/ada/app/manifests/latest")).status


async def test_a_database_that_does_not_answer(
    world: World, client: Client, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise DatabaseUnavailable("connection to server at 10.0.0.1 failed: password is hunter2")

    monkeypatch.setattr("wharf.content.tags.list_", fail)
    response = await client.get("/v2/ada/app/tags/list")
    assert (503, ["UNAVAILABLE"]) == (response.status, response.codes)
    assert int(response.headers["retry-after"]) > 0
    assert b"hunter2" not in response.body


async def test_a_bug_is_logged_and_nothing_of_it_is_told(
    client: Client, repository: Repository, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("the secret is 42")

    monkeypatch.setattr("wharf.content.tags.list_", fail)
    response = await client.get("/v2/ada/app/tags/list")
    assert (500, ["UNKNOWN"]) == (response.status, response.codes)
    assert b"42" not in response.body
    assert "the secret is 42" in caplog.text


async def test_an_upload_that_is_refused_is_taken_in_so_that_its_client_can_read_the_answer(world: World) -> None:
    taken: list[bytes] = []

    def body() -> Iterator[bytes]:
        for _ in range(10):
            taken.append(b"x" * 100_000)
            yield taken[-1]

    response = await world.client().send("PATCH", "/v2/ada/app/blobs/uploads/1", chunks=body)
    assert 401 == response.status
    assert 10 == len(taken)


async def test_but_not_without_end(world: World) -> None:
    taken = 0

    def body() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"x" * 1024 * 1024

    response = await world.client().send("PATCH", "/v2/ada/app/blobs/uploads/1", chunks=body)
    assert 401 == response.status
    assert taken < 32


async def test_nor_from_a_client_that_waits_for_permission(world: World) -> None:
    def body() -> Iterator[bytes]:
        raise AssertionError("this client has not been told to continue")
        yield b""

    response = await world.client().send(
        "PUT", "/v2/ada/app/manifests/latest", chunks=body, headers={"expect": "100-continue"}
    )
    assert 401 == response.status


async def test_a_manifest_that_breaks_off(client: Client, repository: Repository) -> None:
    def body() -> Iterator[bytes]:
        yield b'{"schemaVersion":2,"manifests":[]}'
        yield b" "
        raise Disconnect

    response = await client.put("/v2/ada/app/manifests/latest", chunks=body)
    assert (400, ["SIZE_INVALID"]) == (response.status, response.codes)
    assert 404 == (await client.head("/v2/ada/app/manifests/latest")).status


@pytest.mark.parametrize("path", ["/v2/ada/app/tags/list", f"/v2/ada/app/referrers/{DIGEST}", "/v2/_catalog"])
async def test_a_query_of_many_parameters(client: Client, repository: Repository, path: str) -> None:
    response = await client.get(f"{path}?{'&'.join(['a=b'] * 1000)}")
    assert (400, ["UNSUPPORTED"]) == (response.status, response.codes)
