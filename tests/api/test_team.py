"""Teams over the REST API: making and changing them, who is in them, what they have been granted."""

from typing import Any

import httpx
import pytest

from tests.world.api import Api
from tests.world.world import Account, World
from wharf.access.api_scopes import ApiScope
from wharf.access.grants import Role, TeamRole
from wharf.accounts.namespaces import Namespace

TEAMS = "/api/v1/organization/acme/team/"
READERS = TEAMS + "readers"
OWNERS = TEAMS + "owners"


@pytest.fixture
async def acme(world: World, ada: Account) -> Namespace:
    """Ada's organization, with bob in the team `readers`."""
    organization = await world.organization("acme", by=ada)
    await world.team(organization, "readers", TeamRole.MEMBER, await world.user("bob"))
    return organization


@pytest.fixture
async def admin(api: Api, acme: Namespace, ada: Account) -> httpx.AsyncClient:
    return await api.bearer(ada, ApiScope.ORG_ADMIN)


async def names(client: httpx.AsyncClient, team: str) -> list[str]:
    return [each["name"] for each in (await client.get(f"{team}/members")).json()["members"]]


async def test_a_team_is_made_and_changed(admin: httpx.AsyncClient) -> None:
    made = await admin.put(TEAMS + "writers", json={"role": "creator", "description": "They write"})
    assert 200 == made.status_code
    shape = made.json()
    assert {"name", "hash", "color", "kind"} == shape.pop("avatar").keys()
    expected = {"name": "writers", "description": "They write", "can_view": True, "role": "creator", "new_team": True}
    assert expected == shape
    changed = (await admin.put(TEAMS + "writers", json={"role": "admin"})).json()
    assert ("They write", "admin", False) == (changed["description"], changed["role"], changed["new_team"])
    emptied = (await admin.put(TEAMS + "writers", json={"role": "member", "description": ""})).json()
    assert ("", "member") == (emptied["description"], emptied["role"])


@pytest.mark.parametrize(
    ("team", "body"), [("x", {}), ("x", {"role": "god"}), ("Bad%20Name", {"role": "member"}), ("x", [])]
)
async def test_a_team_that_cannot_be(admin: httpx.AsyncClient, team: str, body: Any) -> None:
    assert 400 == (await admin.put(TEAMS + team, json=body)).status_code


async def test_a_deleted_team_takes_its_grants_along(
    api: Api, world: World, acme: Namespace, ada: Account, admin: httpx.AsyncClient
) -> None:
    repository = await world.repository("acme/app", by=ada)
    eve = await world.user("eve")
    await world.grant(repository, Role.READ, await world.team(acme, "pullers", TeamRole.MEMBER, eve))
    await world.push_image(repository, "latest", by=ada)
    assert 200 == (await world.client(eve).get("/v2/acme/app/manifests/latest")).status
    assert 204 == (await admin.delete(TEAMS + "pullers")).status_code
    assert 404 == (await world.client(eve).get("/v2/acme/app/manifests/latest")).status
    assert 404 == (await admin.delete(TEAMS + "pullers")).status_code


async def test_somebody_is_always_left_to_administer(admin: httpx.AsyncClient, world: World) -> None:
    for answer in (
        await admin.delete(OWNERS),
        await admin.put(OWNERS, json={"role": "member"}),
        await admin.delete(OWNERS + "/members/ada"),
    ):
        assert (400, True) == (answer.status_code, "Nobody would be left" in answer.json()["error_message"])
    assert ["ada"] == await names(admin, OWNERS)
    await admin.put(OWNERS + "/members/bob")
    assert 204 == (await admin.delete(OWNERS + "/members/ada")).status_code
    assert 403 == (await admin.delete(OWNERS + "/members/bob")).status_code  # ada is a stranger now


async def test_members_come_and_go(admin: httpx.AsyncClient, world: World) -> None:
    await world.robot("acme", "deploy")
    await world.robot("bob", "build")
    added = await admin.put(READERS + "/members/ada")
    assert 200 == added.status_code
    shape = added.json()
    assert {"name", "hash", "color", "kind"} == shape.pop("avatar").keys()
    assert {"name": "ada", "kind": "user", "is_robot": False, "invited": False} == shape
    assert (await admin.put(READERS + "/members/acme+deploy")).json()["is_robot"]
    listed = (await admin.get(READERS + "/members?includePending=true")).json()
    assert ({"name", "members", "can_edit"}, "readers", True) == (listed.keys(), listed["name"], listed["can_edit"])
    assert [("acme+deploy", True), ("ada", False), ("bob", False)] == [
        (each["name"], each["is_robot"]) for each in listed["members"]
    ]
    refused = {"ada": 400, "bob+build": 400, "nobody": 404, "acme+none": 400, "acme": 404}
    assert refused == {name: (await admin.put(f"{READERS}/members/{name}")).status_code for name in refused}
    for name in ("ada", "acme+deploy"):
        assert 204 == (await admin.delete(f"{READERS}/members/{name}")).status_code
        assert 400 == (await admin.delete(f"{READERS}/members/{name}")).status_code
    assert ["bob"] == await names(admin, READERS)


async def test_what_a_team_was_granted(admin: httpx.AsyncClient, world: World, ada: Account, acme: Namespace) -> None:
    team = await world.team(acme, "deployers", TeamRole.MEMBER)
    await world.grant(await world.repository("acme/app", by=ada), Role.WRITE, team)
    await world.grant(await world.repository("acme/web/site", by=ada, public=True), Role.READ, team)
    assert {
        "permissions": [
            {"repository": {"name": "app", "is_public": False}, "role": "write"},
            {"repository": {"name": "web/site", "is_public": True}, "role": "read"},
        ]
    } == (await admin.get(TEAMS + "deployers/permissions")).json()


async def test_members_see_their_own_team_only(api: Api, world: World, acme: Namespace) -> None:
    carl, eve = await world.user("carl"), await world.user("eve")
    await world.team(acme, "lookers", TeamRole.MEMBER, carl)
    client = await api.browser(carl)
    seen = (await client.get(TEAMS + "lookers/members")).json()
    assert (["carl"], False) == ([each["name"] for each in seen["members"]], seen["can_edit"])
    assert 403 == (await client.get(OWNERS + "/members")).status_code
    assert 403 == (await (await api.browser(eve)).get(TEAMS + "lookers/members")).status_code


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", ""),
        ("DELETE", ""),
        ("PUT", "/members/ada"),
        ("DELETE", "/members/bob"),
        ("GET", "/permissions"),
    ],
)
async def test_who_is_turned_away(
    api: Api, world: World, acme: Namespace, ada: Account, http: httpx.AsyncClient, method: str, path: str
) -> None:
    creator = await world.user("carl")
    await world.team(acme, "creators", TeamRole.CREATOR, creator)
    body = {"role": "member"} if method == "PUT" else None
    callers = [
        http,
        await api.browser(creator),
        await api.browser(await world.user("eve")),
        await api.bearer(ada, ApiScope.USER_ADMIN),
    ]
    statuses = [(await client.request(method, READERS + path, json=body)).status_code for client in callers]
    assert [401, 403, 403, 403] == statuses


async def test_what_is_not_there(admin: httpx.AsyncClient) -> None:
    for path in ("nothing/members", "nothing/permissions"):
        assert 404 == (await admin.get(TEAMS + path)).status_code
    assert 404 == (await admin.get("/api/v1/organization/nothing/team/owners/members")).status_code
