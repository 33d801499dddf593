"""Tags over the REST API, in the shapes of Quay."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.world.api import Api
from tests.world.world import Account, World, descriptor, image, index
from wharf.access.grants import Role
from wharf.content.repositories import Repository

URL = "/api/v1/repository/ada/app/tag"


@pytest.fixture
async def client(api: Api, ada: Account) -> httpx.AsyncClient:
    return await api.bearer(ada)


async def tags(client: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    answer = await client.get(f"{URL}/", params=query)
    assert 200 == answer.status_code, answer.text
    found: list[dict[str, Any]] = answer.json()["tags"]
    return found


async def test_a_tag_is_told_as_quay_does(
    client: httpx.AsyncClient, world: World, ada: Account, repository: Repository
) -> None:
    digest = await world.push_image(repository, "latest", by=ada)
    answer = (await client.get(f"{URL}/", params={"onlyActiveTags": "true"})).json()
    assert {"tags", "page", "has_additional"} == answer.keys()
    assert (1, False) == (answer["page"], answer["has_additional"])
    (tag,) = answer["tags"]
    assert {
        *("name", "reversion", "immutable", "start_ts", "manifest_digest", "is_manifest_list", "size", "last_modified")
    } == tag.keys()
    assert ("latest", digest, False) == (tag["name"], tag["manifest_digest"], tag["is_manifest_list"])
    assert tag["size"] > 2


async def test_an_index_says_so(client: httpx.AsyncClient, world: World, ada: Account, repository: Repository) -> None:
    await world.push_blob(repository, b"{}", by=ada)
    await world.push_blob(repository, b"a layer", by=ada)
    await world.push_manifest(repository, image(b"a layer"), by=ada)
    await world.push_manifest(repository, index(descriptor(image(b"a layer"))), "all", by=ada)
    (tag,) = await tags(client)
    assert (True, None) == (tag["is_manifest_list"], tag["size"])


async def test_the_past_is_listed_unless_only_active_tags_are_asked_for(
    client: httpx.AsyncClient, world: World, ada: Account, repository: Repository
) -> None:
    first = await world.push_image(repository, "latest", by=ada)
    second = await world.push_image(repository, "latest", by=ada)
    await world.push_image(repository, "v1", by=ada)
    past = await tags(client, specificTag="latest")
    assert [second, first] == [each["manifest_digest"] for each in past]
    assert {"end_ts", "expiration"} <= past[1].keys()
    assert ["v1", "latest"] == [each["name"] for each in await tags(client, onlyActiveTags="true")]


async def test_filters_and_pages(client: httpx.AsyncClient, world: World, ada: Account, repository: Repository) -> None:
    await world.push_image(repository, "v1", "v1.1", "V1_2", "v2", "latest", by=ada)
    assert {"v1", "v1.1", "V1_2"} == {each["name"] for each in await tags(client, filter_tag_name="like:v1")}
    assert ["V1_2"] == [each["name"] for each in await tags(client, filter_tag_name="like:_")]
    assert ["v1"] == [each["name"] for each in await tags(client, filter_tag_name="eq:v1")]
    assert [] == await tags(client, specificTag="none")
    seen, page = list[str](), 0
    while True:
        page += 1
        answer = (await client.get(f"{URL}/", params={"limit": 2, "page": page})).json()
        seen += [each["name"] for each in answer["tags"]]
        if not answer["has_additional"]:
            break
    assert 3 == page
    assert 5 == len(set(seen)) == len(seen)
    for odd in ("v1", "is:v1", "like:"):
        assert 400 == (await client.get(f"{URL}/", params={"filter_tag_name": odd})).status_code


async def test_a_tag_is_moved_and_made(
    client: httpx.AsyncClient, world: World, ada: Account, repository: Repository
) -> None:
    old = await world.push_image(repository, "latest", by=ada)
    new = await world.push_image(repository, "v2", by=ada)
    moved = await client.put(f"{URL}/latest", json={"manifest_digest": new})
    assert (201, "Updated") == (moved.status_code, moved.json())
    assert 201 == (await client.put(f"{URL}/other", json={"manifest_digest": old})).status_code
    now = {each["name"]: each["manifest_digest"] for each in await tags(client, onlyActiveTags="true")}
    assert {"latest": new, "v2": new, "other": old} == now
    for sent, status in (
        ({"manifest_digest": f"sha256:{'0' * 64}"}, 404),
        ({"manifest_digest": "latest"}, 400),
    ):
        assert status == (await client.put(f"{URL}/latest", json=sent)).status_code
    assert 400 == (await client.put(f"{URL}/-odd", json={"manifest_digest": old})).status_code


async def test_a_tag_expires(client: httpx.AsyncClient, world: World, ada: Account, repository: Repository) -> None:
    digest = await world.push_image(repository, "nightly", by=ada)
    at = int((world.now + timedelta(hours=1)).timestamp())
    assert 201 == (await client.put(f"{URL}/nightly", json={"expiration": at})).status_code
    (tag,) = await tags(client, onlyActiveTags="true")
    assert at == tag["end_ts"]
    world.pass_time(hours=2)
    assert [] == await tags(client, onlyActiveTags="true")
    assert 404 == (await client.put(f"{URL}/nightly", json={"expiration": None})).status_code
    assert 201 == (await client.put(f"{URL}/nightly", json={"manifest_digest": digest})).status_code
    (again,) = await tags(client, onlyActiveTags="true")
    assert "expiration" not in again


@pytest.mark.parametrize("expiration", [1, 1e300, "soon"])
async def test_an_expiration_that_is_none(
    client: httpx.AsyncClient, world: World, ada: Account, repository: Repository, expiration: object
) -> None:
    await world.push_image(repository, "latest", by=ada)
    assert 400 == (await client.put(f"{URL}/latest", json={"expiration": expiration})).status_code


async def test_an_immutable_tag_stays_until_an_administrator_lets_go(
    api: Api, client: httpx.AsyncClient, world: World, ada: Account, repository: Repository
) -> None:
    await world.push_image(repository, "v1", by=ada)
    other = await world.push_image(repository, "v2", by=ada)
    writer = await world.user("writer")
    await world.grant(repository, Role.WRITE, writer)
    program = await api.bearer(writer)
    assert 201 == (await program.put(f"{URL}/v1", json={"immutable": True})).status_code
    assert (await tags(client, specificTag="v1"))[0]["immutable"]
    refused = await client.delete(f"{URL}/v1")
    assert (409, "tag_immutable") == (refused.status_code, refused.json()["error_type"])
    at = int((world.now + timedelta(hours=1)).timestamp())
    for sent in ({"manifest_digest": other}, {"expiration": at}):
        assert 409 == (await client.put(f"{URL}/v1", json=sent)).status_code
    assert 403 == (await program.put(f"{URL}/v1", json={"immutable": False})).status_code
    assert 201 == (await client.put(f"{URL}/v1", json={"immutable": False})).status_code
    assert 204 == (await client.delete(f"{URL}/v1")).status_code


async def test_a_deleted_tag_is_restored(
    client: httpx.AsyncClient, world: World, ada: Account, repository: Repository
) -> None:
    digest = await world.push_image(repository, "latest", by=ada)
    assert 204 == (await client.delete(f"{URL}/latest")).status_code
    assert 404 == (await client.delete(f"{URL}/latest")).status_code
    assert [] == await tags(client, onlyActiveTags="true")
    restored = await client.post(f"{URL}/latest/restore", json={"manifest_digest": digest})
    assert (200, {}) == (restored.status_code, restored.json())
    assert [digest] == [each["manifest_digest"] for each in await tags(client, onlyActiveTags="true")]
    never = {"manifest_digest": f"sha256:{'0' * 64}"}
    assert 404 == (await client.post(f"{URL}/latest/restore", json=never)).status_code


async def test_readers_look_only(
    api: Api, world: World, ada: Account, repository: Repository, http: httpx.AsyncClient
) -> None:
    digest = await world.push_image(repository, "latest", by=ada)
    reader, stranger = await world.user("reader"), await world.user("stranger")
    await world.grant(repository, Role.READ, reader)
    program = await api.bearer(reader)
    assert ["latest"] == [each["name"] for each in await tags(program)]
    assert 403 == (await program.put(f"{URL}/v2", json={"manifest_digest": digest})).status_code
    assert 403 == (await program.delete(f"{URL}/latest")).status_code
    assert 403 == (await program.post(f"{URL}/latest/restore", json={"manifest_digest": digest})).status_code
    assert 404 == (await (await api.bearer(stranger)).get(f"{URL}/")).status_code
    assert 401 == (await http.get(f"{URL}/")).status_code
