"""Stars over the REST API, in the shapes of Quay."""

import httpx

from tests.world.api import Api
from tests.world.world import Account, World
from wharf.access.grants import Role
from wharf.content import sharing
from wharf.content.repositories import Repository

URL = "/api/v1/user/starred"
APP = {"namespace": "ada", "repository": "app"}


async def names(client: httpx.AsyncClient, url: str = URL) -> list[str]:
    return [each["name"] for each in (await client.get(url)).json()["repositories"]]


async def test_a_star_comes_and_goes(api: Api, world: World, ada: Account, repository: Repository) -> None:
    await world.repository("ada/b/c", by=ada)
    client = await api.bearer(ada)
    for _ in range(2):
        given = await client.post(URL, json=APP)
        assert (201, APP) == (given.status_code, given.json())
    (listed,) = (await client.get(URL)).json()["repositories"]
    assert {"namespace": "ada", "name": "app", "description": "", "is_public": False} == listed
    assert (await client.get("/api/v1/repository/ada/app")).json()["is_starred"]
    both = (await client.get("/api/v1/repository?namespace=ada")).json()["repositories"]
    assert {"app": True, "b/c": False} == {each["name"]: each["is_starred"] for each in both}
    assert ["app"] == await names(client, "/api/v1/repository?starred=true")
    assert 204 == (await client.delete(f"{URL}/ada/app")).status_code
    assert [] == await names(client)


async def test_stars_are_of_one_user_and_show_nothing_hidden(
    api: Api, world: World, ada: Account, repository: Repository, http: httpx.AsyncClient
) -> None:
    eve = await world.user("eve")
    client = await api.bearer(eve)
    assert 404 == (await client.post(URL, json=APP)).status_code
    await world.grant(repository, Role.READ, eve)
    assert 201 == (await client.post(URL, json=APP)).status_code
    assert [] == await names(await api.bearer(ada))
    async with world.database.write() as tx:
        await sharing.revoke(tx, repository, eve.principal, by=ada.principal, at=world.now)
    assert [] == await names(client)
    assert 204 == (await client.delete(f"{URL}/ada/app")).status_code
    assert [401, 401] == [(await http.get(URL)).status_code, (await http.post(URL, json=APP)).status_code]
