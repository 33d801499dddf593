"""Grants on repositories over the REST API, in the shapes of Quay."""

from typing import Any

import httpx
import pytest

from tests.world.api import Api
from tests.world.world import Account, World
from wharf.access.api_scopes import ApiScope
from wharf.access.grants import Role, TeamRole
from wharf.content.repositories import Repository

URL = "/api/v1/repository/acme/tools/app/permissions"


@pytest.fixture
async def repository(world: World, ada: Account) -> Repository:
    """A repository of the organization acme, which ada owns and where eve is a developer."""
    acme = await world.organization("acme", by=ada)
    await world.team(acme, "developers", TeamRole.MEMBER, await world.user("eve"))
    return await world.repository("acme/tools/app", by=ada)


@pytest.fixture
async def client(api: Api, ada: Account, repository: Repository) -> httpx.AsyncClient:
    return await api.bearer(ada, ApiScope.REPO_ADMIN)


async def listed(client: httpx.AsyncClient, kind: str) -> dict[str, Any]:
    answer = await client.get(f"{URL}/{kind}/")
    assert 200 == answer.status_code, answer.text
    found: dict[str, Any] = answer.json()["permissions"]
    return found


async def test_users_and_robots(client: httpx.AsyncClient, world: World) -> None:
    robot = await world.robot("acme", "deploy")
    granted = await client.put(f"{URL}/user/eve", json={"role": "write"})
    assert 200 == granted.status_code
    assert granted.json() == (await client.get(f"{URL}/user/eve")).json()
    assert 200 == (await client.put(f"{URL}/user/{robot.name}", json={"role": "read"})).status_code
    found = await listed(client, "user")
    assert {"ada": "admin", "acme+deploy": "read", "eve": "write"} == {
        name: each["role"] for name, each in found.items()
    }
    assert {"role", "name", "is_robot", "avatar"} == found["eve"].keys()
    assert [False, True] == [found[name]["is_robot"] for name in ("eve", "acme+deploy")]
    assert 204 == (await client.delete(f"{URL}/user/eve")).status_code
    for method in ("GET", "DELETE"):
        assert 400 == (await client.request(method, f"{URL}/user/eve")).status_code


async def test_teams(client: httpx.AsyncClient) -> None:
    granted = await client.put(f"{URL}/team/developers", json={"role": "write"})
    assert (200, "write") == (granted.status_code, granted.json()["role"])
    assert {"role": "write"} == (await client.get(f"{URL}/team/developers")).json()
    found = await listed(client, "team")
    assert ["developers"] == list(found)
    assert {"role", "name", "avatar"} == found["developers"].keys()
    assert "developers" not in await listed(client, "user")
    assert 204 == (await client.delete(f"{URL}/team/developers")).status_code
    for method in ("GET", "DELETE"):
        assert 400 == (await client.request(method, f"{URL}/team/developers")).status_code


async def transitive(client: httpx.AsyncClient, name: str) -> list[str]:
    answer = await client.get(f"{URL}/user/{name}/transitive")
    assert 200 == answer.status_code, answer.text
    return [each["role"] for each in answer.json()["permissions"]]


async def test_what_grants_come_to(client: httpx.AsyncClient, world: World, repository: Repository) -> None:
    assert [] == await transitive(client, "eve")
    await client.put(f"{URL}/user/eve", json={"role": "read"})
    await client.put(f"{URL}/team/developers", json={"role": "write"})
    assert ["write"] == await transitive(client, "eve")
    assert ["admin"] == await transitive(client, "ada")
    await world.robot("acme", "deploy")
    assert [] == await transitive(client, "acme+deploy")
    for unknown in ("nobody", "acme+nobody"):
        assert 404 == (await client.get(f"{URL}/user/{unknown}/transitive")).status_code


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("user/nobody", {"role": "read"}),
        ("user/acme+nobody", {"role": "read"}),
        ("team/nobody", {"role": "read"}),
        ("user/eve", {"role": "owner"}),
        ("user/eve", {}),
    ],
)
async def test_what_cannot_be_granted(client: httpx.AsyncClient, path: str, sent: object) -> None:
    assert 400 == (await client.put(f"{URL}/{path}", json=sent)).status_code


async def test_the_owner_of_a_namespace_needs_no_grant_and_a_user_has_no_teams(
    api: Api, world: World, ada: Account
) -> None:
    await world.repository("ada/app", by=ada)
    client = await api.bearer(ada)
    url = "/api/v1/repository/ada/app/permissions"
    assert 400 == (await client.put(f"{url}/user/ada", json={"role": "read"})).status_code
    assert 400 == (await client.put(f"{url}/team/owners", json={"role": "read"})).status_code
    assert ["admin"] == [
        each["role"] for each in (await client.get(f"{url}/user/ada/transitive")).json()["permissions"]
    ]


async def test_only_administrators(
    api: Api, world: World, ada: Account, repository: Repository, http: httpx.AsyncClient
) -> None:
    writer, stranger = await world.user("writer"), await world.user("stranger")
    await world.grant(repository, Role.WRITE, writer)
    weak = await api.bearer(ada, ApiScope.REPO_WRITE)
    for method, path in (
        *(("GET", "user/"), ("GET", "team/"), ("GET", "user/eve"), ("GET", "user/eve/transitive")),
        *(("PUT", "user/eve"), ("DELETE", "user/eve"), ("GET", "team/developers")),
        *(("PUT", "team/developers"), ("DELETE", "team/developers")),
    ):
        sent = {"role": "admin"} if method == "PUT" else None
        callers = (weak, await api.bearer(writer), await api.bearer(stranger), http)
        statuses = [(await caller.request(method, f"{URL}/{path}", json=sent)).status_code for caller in callers]
        assert [403, 403, 404, 401] == statuses, (method, path)
