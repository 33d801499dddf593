"""Finding repositories over the REST API, in the shape of Quay."""

from typing import Any

import httpx

from tests.world.api import Api
from tests.world.world import Account, World
from wharf.access.grants import Role

URL = "/api/v1/find/repositories"


async def found(client: httpx.AsyncClient, **query: Any) -> list[str]:
    answer = await client.get(URL, params=query)
    assert 200 == answer.status_code, answer.text
    return [f"{each['namespace']['name']}/{each['name']}" for each in answer.json()["results"]]


async def test_by_name_and_description_in_any_case(api: Api, world: World, ada: Account) -> None:
    client = await api.bearer(ada)
    for name, description in {"nginx": "", "a/proxy": "Built on NGINX", "50percent": "100% and under_scored"}.items():
        sent = {"repository": name, "visibility": "private", "description": description}
        await client.post("/api/v1/repository", json=sent)
    assert ["ada/nginx", "ada/a/proxy"] == await found(client, query="Nginx")
    assert ["ada/50percent"] == await found(client, query="0%")
    assert ["ada/50percent"] == await found(client, query="r_s")
    assert [] == await found(client, query="\\")
    assert 3 == len(await found(client))


async def test_the_shape(api: Api, world: World, ada: Account, http: httpx.AsyncClient) -> None:
    await world.organization("acme", by=ada)
    await world.repository("acme/app", by=ada, public=True)
    answer = (await http.get(URL, params={"query": "app"})).json()
    (result,) = answer.pop("results")
    assert {"has_additional": False, "page": 1, "page_size": 10, "start_index": 0} == answer
    assert {"kind", "title", "namespace", "name", "description", "is_public", "score", "href"} == result.keys()
    assert {"title", "kind", "avatar", "name", "score", "href"} == result["namespace"].keys()
    assert ("organization", "/repository/acme/app") == (result["namespace"]["kind"], result["href"])


async def test_what_the_caller_may_not_pull_is_not_found(
    api: Api, world: World, ada: Account, http: httpx.AsyncClient
) -> None:
    private = await world.repository("ada/private", by=ada)
    await world.repository("ada/public", by=ada, public=True)
    eve, root = await world.user("eve"), await world.user("root", superuser=True)
    program = await api.bearer(eve)
    assert ["ada/public"] == await found(program, query="ada") == await found(http, query="ada")
    await world.grant(private, Role.READ, eve)
    assert ["ada/private", "ada/public"] == await found(program, query="ada")
    assert ["ada/private", "ada/public"] == await found(await api.bearer(root), query="ada")


async def test_pages(api: Api, world: World, ada: Account) -> None:
    for number in range(12):
        await world.repository(f"ada/app{number:02}", by=ada)
    client = await api.bearer(ada)
    first, second = [(await client.get(URL, params={"query": "app", "page": page})).json() for page in (1, 2)]
    assert (True, False, 10) == (first["has_additional"], second["has_additional"], second["start_index"])
    assert [10, 2] == [len(page["results"]) for page in (first, second)]
