"""Manifests over the REST API, in the shape of Quay."""

import json

import httpx
import pytest

from tests.world.api import Api
from tests.world.world import Account, World, descriptor, image, index
from wharf.content.repositories import Repository
from wharf.oci import media_types
from wharf.oci.digest import Digest

URL = "/api/v1/repository/ada/app/manifest"


@pytest.fixture
async def client(api: Api, ada: Account) -> httpx.AsyncClient:
    return await api.bearer(ada)


async def test_an_image(client: httpx.AsyncClient, world: World, ada: Account, repository: Repository) -> None:
    digest = await world.push_image(repository, "latest", by=ada)
    shown = (await client.get(f"{URL}/{digest}")).json()
    document = json.loads(shown["manifest_data"])
    (layer,) = document["layers"]
    assert {
        "digest": digest,
        "is_manifest_list": False,
        "manifest_data": json.dumps(document),
        "config_media_type": media_types.EMPTY,
        "layers_compressed_size": layer["size"],
        "layers": [
            {
                "index": 0,
                "compressed_size": layer["size"],
                "is_remote": False,
                "urls": None,
                "command": None,
                "comment": None,
                "author": None,
                "blob_digest": layer["digest"],
                "created_datetime": None,
            }
        ],
    } == shown
    assert shown == (await client.get(f"{URL}/latest")).json()


async def test_a_layer_that_is_elsewhere(
    client: httpx.AsyncClient, world: World, ada: Account, repository: Repository
) -> None:
    await world.push_blob(repository, b"{}", by=ada)
    document = image(b"here", b"elsewhere")
    document["layers"][1]["urls"] = ["https://layers.example/1"]
    await world.push_blob(repository, b"here", by=ada)
    digest = await world.push_manifest(repository, document, by=ada)
    here, elsewhere = (await client.get(f"{URL}/{digest}")).json()["layers"]
    assert (False, None) == (here["is_remote"], here["urls"])
    assert (True, ["https://layers.example/1"]) == (elsewhere["is_remote"], elsewhere["urls"])


async def test_an_index(client: httpx.AsyncClient, world: World, ada: Account, repository: Repository) -> None:
    await world.push_blob(repository, b"{}", by=ada)
    await world.push_blob(repository, b"a layer", by=ada)
    await world.push_manifest(repository, image(b"a layer"), by=ada)
    digest = await world.push_manifest(repository, index(descriptor(image(b"a layer"))), by=ada)
    shown = (await client.get(f"{URL}/{digest}")).json()
    assert (True, None, None) == (shown["is_manifest_list"], shown["layers"], shown["config_media_type"])


@pytest.mark.parametrize("reference", [Digest.of(b"none"), "sha256:deadbeef", "none", "-odd"])
async def test_what_is_not_there(client: httpx.AsyncClient, repository: Repository, reference: str) -> None:
    assert 404 == (await client.get(f"{URL}/{reference}")).status_code


async def test_of_a_hidden_repository(api: Api, world: World, ada: Account, repository: Repository) -> None:
    digest = await world.push_image(repository, "latest", by=ada)
    stranger = await api.bearer(await world.user("stranger"))
    assert [404, 401] == [(await caller.get(f"{URL}/{digest}")).status_code for caller in (stranger, api.client())]
