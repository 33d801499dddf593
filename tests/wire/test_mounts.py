"""Mounting a blob from another repository (registry-protocol B.3)."""

from urllib.parse import urlencode

import pytest

from tests.world import Account, Client, Response, World
from wharf.access.grants import Role
from wharf.content.repositories import Repository
from wharf.oci.digest import Digest

DATA = b"mounted"
DIGEST = Digest.of(DATA)


@pytest.fixture
async def source(world: World, ada: Account) -> Repository:
    """Another private repository of Ada's, with the blob in it."""
    source = await world.repository("ada/source", by=ada)
    await world.push_blob(source, DATA, by=ada)
    return source


async def _mount(client: Client, target: str = "ada/app", **query: str) -> Response:
    return await client.post(f"/v2/{target}/blobs/uploads/?{urlencode(query)}")


async def _has(client: Client, name: str) -> bool:
    return (await client.head(f"/v2/{name}/blobs/{DIGEST}")).status == 200


@pytest.mark.usefixtures("repository", "source")
async def test_a_hit(client: Client) -> None:
    response = await _mount(client, mount=DIGEST, **{"from": "ada/source"})
    assert 201 == response.status
    assert f"/v2/ada/app/blobs/{DIGEST}" == response.headers["location"]
    assert DIGEST == response.headers["docker-content-digest"]
    assert DATA == (await client.get(response.headers["location"])).body


@pytest.mark.usefixtures("repository", "source")
async def test_without_a_source_any_readable_repository_will_do(client: Client) -> None:
    assert 201 == (await _mount(client, mount=DIGEST)).status
    assert await _has(client, "ada/app")


@pytest.mark.usefixtures("repository")
async def test_from_the_same_repository(world: World, ada: Account, client: Client, repository: Repository) -> None:
    await world.push_blob(repository, DATA, by=ada)
    assert 201 == (await _mount(client, mount=DIGEST, **{"from": "ada/app"})).status


@pytest.mark.usefixtures("repository", "source")
@pytest.mark.parametrize("source", ["ada/absent", "ada/app", "eve/any", "nobody/any", "Not A Name", ""])
async def test_a_miss_is_a_session_that_works(client: Client, source: str) -> None:
    response = await _mount(client, mount=DIGEST, **{"from": source})
    assert (202, "0-0") == (response.status, response.headers["range"])
    assert not await _has(client, "ada/app")
    assert 201 == (await client.put(f"{response.headers['location']}?digest={DIGEST}", body=DATA)).status


@pytest.mark.usefixtures("repository", "source")
async def test_what_the_caller_may_not_read_is_not_there(world: World) -> None:
    eve = await world.user("eve")
    await world.repository("eve/app", by=eve)
    client = world.client(eve)
    for query in ({"mount": DIGEST, "from": "ada/source"}, {"mount": DIGEST}):
        assert 202 == (await _mount(client, "eve/app", **query)).status
    assert not await _has(client, "eve/app")


@pytest.mark.usefixtures("repository")
async def test_a_reader_of_the_source_and_public_sources(world: World, source: Repository, ada: Account) -> None:
    eve = await world.user("eve")
    await world.repository("eve/app", by=eve)
    await world.grant(source, Role.READ, eve)
    assert 201 == (await _mount(world.client(eve), "eve/app", mount=DIGEST, **{"from": "ada/source"})).status
    mallory = await world.user("mallory")
    public = await world.repository("ada/open", by=ada, public=True)
    await world.repository("mallory/app", by=mallory)
    await world.push_blob(public, DATA, by=ada)
    assert 201 == (await _mount(world.client(mallory), "mallory/app", mount=DIGEST)).status


@pytest.mark.usefixtures("repository", "source")
async def test_a_token_for_the_target_alone_is_enough(client: Client) -> None:
    url = f"/v2/ada/app/blobs/uploads/?mount={DIGEST}&from=ada/source"
    challenge = (await client.send("POST", url)).challenge
    assert "repository:ada/app:pull,push" == challenge["scope"]
    assert 201 == (await client.send("POST", url, token=await client.token(challenge))).status


@pytest.mark.usefixtures("repository", "source")
@pytest.mark.parametrize("digest", ["", "sha256:abc", "md5:" + "0" * 32, "nonsense"])
async def test_a_malformed_digest(client: Client, digest: str) -> None:
    response = await _mount(client, mount=digest, **{"from": "ada/source"})
    assert (400, ["DIGEST_INVALID"]) == (response.status, response.codes)


@pytest.mark.usefixtures("source")
async def test_a_mount_may_create_its_target(client: Client) -> None:
    assert 201 == (await _mount(client, "ada/new", mount=DIGEST, **{"from": "ada/source"})).status
    assert await _has(client, "ada/new")


@pytest.mark.usefixtures("repository", "source")
async def test_by_sha512(client: Client) -> None:
    digest = Digest.of(DATA, "sha512")
    assert 201 == (await client.post(f"/v2/ada/source/blobs/uploads/?digest={digest}", body=DATA)).status
    assert 201 == (await _mount(client, mount=digest, **{"from": "ada/source"})).status
    assert 200 == (await client.head(f"/v2/ada/app/blobs/{digest}")).status
