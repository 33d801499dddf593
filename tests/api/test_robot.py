"""Robots of users and organizations over the REST API: their tokens, what is noted about them, what they may use."""

import httpx
import pytest

from tests.world.api import Api
from tests.world.world import PASSWORD, Account, World
from wharf.access.api_scopes import ApiScope
from wharf.access.grants import Role, TeamRole
from wharf.accounts import sign_in
from wharf.accounts.errors import CredentialsInvalid

OWN = "/api/v1/user/robots"
ACMES = "/api/v1/organization/acme/robots"
DETAILED = {"name", "created", "last_accessed", "description", "token", "unstructured_metadata"}


async def account(world: World, name: str) -> Account:
    return Account(await sign_in.basic(world.database, name, PASSWORD), name, PASSWORD)


@pytest.fixture
async def admin(api: Api, world: World, ada: Account) -> httpx.AsyncClient:
    """Ada, who administers acme, in which bob is a member."""
    acme = await world.organization("acme", by=ada)
    await world.team(acme, "readers", TeamRole.CREATOR, await world.user("bob"))
    return await api.bearer(ada, ApiScope.ORG_ADMIN, ApiScope.USER_ADMIN)


@pytest.mark.parametrize(("robots", "owner"), [(OWN, "ada"), (ACMES, "acme")])
async def test_from_its_making_to_its_end(admin: httpx.AsyncClient, world: World, robots: str, owner: str) -> None:
    noted = {"description": "It deploys", "unstructured_metadata": {"stage": [1, None]}}
    made = await admin.put(f"{robots}/deploy", json=noted)
    assert (201, DETAILED) == (made.status_code, made.json().keys())
    robot = made.json()
    assert (f"{owner}+deploy", None) == (robot["name"], robot["last_accessed"])
    assert noted == {name: robot[name] for name in noted}
    assert robot["name"] == (await sign_in.basic(world.database, robot["name"], robot["token"])).name
    assert robot == (await admin.get(f"{robots}/deploy")).json()
    again = await admin.put(f"{robots}/deploy")
    assert (400, True) == (again.status_code, "already taken" in again.json()["error_message"])

    replaced = (await admin.post(f"{robots}/deploy/regenerate")).json()
    assert robot["token"] != replaced["token"] == (await admin.get(f"{robots}/deploy")).json()["token"]
    assert DETAILED - {"unstructured_metadata"} == replaced.keys()
    await sign_in.basic(world.database, robot["name"], replaced["token"])
    with pytest.raises(CredentialsInvalid):
        await sign_in.basic(world.database, robot["name"], robot["token"])

    assert 204 == (await admin.delete(f"{robots}/deploy")).status_code
    with pytest.raises(CredentialsInvalid):
        await sign_in.basic(world.database, robot["name"], replaced["token"])
    gone = [
        await admin.get(f"{robots}/deploy"),
        await admin.delete(f"{robots}/deploy"),
        await admin.post(f"{robots}/deploy/regenerate"),
        await admin.get(f"{robots}/deploy/permissions"),
    ]
    assert {400} == {answer.status_code for answer in gone}


async def test_one_without_anything_noted(admin: httpx.AsyncClient) -> None:
    robot = (await admin.put(f"{OWN}/plain")).json()
    assert ("", None) == (robot["description"], robot["unstructured_metadata"])
    for name, body in (
        ("Bad%20Name", None),
        ("x", {"unstructured_metadata": "text"}),
        ("x", {"description": "d" * 256}),
    ):
        assert 400 == (await admin.put(f"{OWN}/{name}", json=body)).status_code


async def test_a_token_that_was_shown_once_stays_unknown(admin: httpx.AsyncClient, world: World) -> None:
    await world.robot("ada", "old")
    assert (await admin.get(f"{OWN}/old")).json()["token"] is None


async def test_lists_have_what_was_asked_for(api: Api, admin: httpx.AsyncClient, world: World, ada: Account) -> None:
    for name in ("b", "a"):
        await admin.put(f"{ACMES}/{name}")
    await admin.put("/api/v1/organization/acme/team/readers/members/acme+a")
    await admin.put(f"{OWN}/mine")
    repository = await world.repository("acme/app", by=ada)
    token = (await admin.get(f"{ACMES}/a")).json()["token"]
    robot = await sign_in.basic(world.database, "acme+a", token)
    await world.grant(repository, Role.READ, Account(robot, robot.name, token))

    plain = (await admin.get(ACMES)).json()["robots"]
    assert ["acme+a", "acme+b"] == [each["name"] for each in plain]
    assert {"name", "created", "last_accessed", "description", "token"} == plain[0].keys()
    used = (await admin.get(ACMES, params={"permissions": "true", "token": "false", "limit": 1})).json()["robots"]
    assert {"name", "created", "last_accessed", "description", "teams", "repositories"} == used[0].keys()
    assert (1, ["app"], ["readers"]) == (
        len(used),
        used[0]["repositories"],
        [each["name"] for each in used[0]["teams"]],
    )
    assert {"permissions": [{"repository": {"name": "app", "is_public": False}, "role": "read"}]} == (
        await admin.get(f"{ACMES}/a/permissions")
    ).json()
    assert ["ada+mine"] == [each["name"] for each in (await admin.get(OWN)).json()["robots"]]

    bob = await api.browser(await account(world, "bob"))
    seen = (await bob.get(ACMES, params={"permissions": "true"})).json()["robots"]
    assert {"name", "created", "last_accessed", "description"} == seen[0].keys()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/deploy"),
        ("PUT", "/other"),
        ("DELETE", "/deploy"),
        ("POST", "/deploy/regenerate"),
        ("GET", "/deploy/permissions"),
    ],
)
async def test_who_is_turned_away(
    api: Api, world: World, admin: httpx.AsyncClient, http: httpx.AsyncClient, method: str, path: str
) -> None:
    await admin.put(f"{ACMES}/deploy")
    callers = [http, await api.browser(await account(world, "bob")), await api.browser(await world.user("eve"))]
    assert [401, 403, 403] == [(await client.request(method, ACMES + path)).status_code for client in callers]
    assert 401 == (await http.request(method, OWN + path)).status_code
    assert 403 == (await (await api.browser(await world.user("carl"))).get(ACMES)).status_code


async def test_what_happens_to_them_takes_the_scope(api: Api, admin: httpx.AsyncClient, ada: Account) -> None:
    reader = await api.bearer(ada, ApiScope.USER_READ)
    assert [403, 403] == [(await reader.get(path)).status_code for path in (OWN, ACMES)]
