"""Organizations over the REST API: making, showing, changing and deleting them, and who belongs to them."""

import httpx
import pytest

from tests.world.api import Api
from tests.world.world import Account, World
from wharf.access.api_scopes import ApiScope
from wharf.access.grants import Role, TeamRole
from wharf.accounts import sign_in
from wharf.accounts.errors import CredentialsInvalid

ROOT = "/api/v1/organization/"
ACME = "/api/v1/organization/acme"
AVATAR = {"name", "hash", "color", "kind"}
KNOWN_TO_ALL = {"name", "email", "avatar", "is_admin", "is_member"}
KNOWN_TO_MEMBERS = KNOWN_TO_ALL | {"teams", "ordered_teams"}
KNOWN_TO_ADMINS = KNOWN_TO_MEMBERS | {
    "invoice_email",
    "invoice_email_address",
    "tag_expiration_s",
    "is_free_account",
}


@pytest.fixture
async def bob(world: World) -> Account:
    return await world.user("bob")


async def test_whoever_makes_one_administers_it(api: Api, ada: Account) -> None:
    client = await api.browser(ada)
    answer = await client.post(ROOT, json={"name": "acme", "email": "acme@example.com", "recaptcha_response": "x"})
    assert (201, "Created") == (answer.status_code, answer.json())
    seen = (await client.get(ACME)).json()
    assert KNOWN_TO_ADMINS == seen.keys()
    assert ("acme", "acme@example.com", True, True, 1209600) == tuple(
        seen[name] for name in ("name", "email", "is_admin", "is_member", "tag_expiration_s")
    )
    assert ["owners"] == seen["ordered_teams"]
    owners = seen["teams"]["owners"]
    assert AVATAR == owners.pop("avatar").keys()
    assert {
        "name": "owners", "description": "", "role": "admin", "can_view": True, "repo_count": 0, "member_count": 1,
        "is_synced": False,
    } == owners  # fmt: skip


@pytest.mark.parametrize("name", ["ada", "Bad Name", "a/b", "", None])
async def test_a_name_that_cannot_be(api: Api, ada: Account, name: str | None) -> None:
    client = await api.browser(ada)
    assert 400 == (await client.post(ROOT, json={"name": name})).status_code


async def test_making_one_takes_the_scope(api: Api, ada: Account, http: httpx.AsyncClient) -> None:
    assert 403 == (await (await api.bearer(ada, ApiScope.ORG_ADMIN)).post(ROOT, json={"name": "acme"})).status_code
    assert 201 == (await (await api.bearer(ada, ApiScope.USER_ADMIN)).post(ROOT, json={"name": "acme"})).status_code
    assert 401 == (await http.post(ROOT, json={"name": "other"})).status_code


async def test_who_sees_what(api: Api, world: World, ada: Account, bob: Account, http: httpx.AsyncClient) -> None:
    acme = await world.organization("acme", by=ada)
    repository = await world.repository("acme/app", by=ada)
    readers = await world.team(acme, "readers", TeamRole.MEMBER, bob, await world.robot("acme", "deploy"))
    await world.grant(repository, Role.READ, readers)
    eve = await world.user("eve")
    root = await world.user("root", superuser=True)
    for client in (http, await api.browser(eve), await api.bearer(ada, ApiScope.REPO_READ)):
        assert KNOWN_TO_ALL == (await client.get(ACME)).json().keys()
    member = (await (await api.browser(bob)).get(ACME)).json()
    assert KNOWN_TO_MEMBERS == member.keys()
    assert (False, True, "") == (member["is_admin"], member["is_member"], member["email"])
    assert {"owners": (False, 0, 1), "readers": (True, 1, 2)} == {
        name: (team["can_view"], team["repo_count"], team["member_count"]) for name, team in member["teams"].items()
    }
    by_root = (await (await api.browser(root)).get(ACME)).json()
    assert (KNOWN_TO_ADMINS, True, False) == (by_root.keys(), by_root["is_admin"], by_root["is_member"])
    for nothing in ("nothing", "ada", "%231"):
        assert 404 == (await http.get(ROOT + nothing)).status_code


async def test_what_is_not_mentioned_stays(api: Api, world: World, ada: Account) -> None:
    await world.organization("acme", by=ada)
    client = await api.bearer(ada, ApiScope.ORG_ADMIN)
    await client.put(ACME, json={"email": "a@example.com", "invoice_email": True, "tag_expiration_s": 0})
    answer = await client.put(ACME, json={"invoice_email": None, "invoice_email_address": "bills@example.com"})
    assert 200 == answer.status_code
    assert ("a@example.com", True, "bills@example.com", 0) == tuple(
        answer.json()[name] for name in ("email", "invoice_email", "invoice_email_address", "tag_expiration_s")
    )
    assert answer.json() == (await client.get(ACME)).json()
    assert 400 == (await client.put(ACME, json={"tag_expiration_s": -1})).status_code


async def test_a_deleted_one_is_gone_with_all_it_had(api: Api, world: World, ada: Account) -> None:
    await world.organization("acme", by=ada)
    repository = await world.repository("acme/app", by=ada)
    await world.push_image(repository, "latest", by=ada)
    robot = await world.robot("acme", "deploy")
    client = await api.browser(ada)
    assert 204 == (await client.delete(ACME)).status_code
    assert [404, 404] == [(await client.get(ACME)).status_code, (await client.delete(ACME)).status_code]
    assert 404 == (await world.client(ada).get("/v2/acme/app/manifests/latest")).status
    with pytest.raises(CredentialsInvalid):
        await sign_in.basic(world.database, robot.name, robot.secret)
    assert [] == (await client.get("/api/v1/user/")).json()["organizations"]
    assert 201 == (await client.post(ROOT, json={"name": "acme"})).status_code
    assert ["owners"] == (await client.get(ACME)).json()["ordered_teams"]
    await world.repository("acme/app", by=ada)


async def test_deleting_takes_a_fresh_session(api: Api, world: World, ada: Account) -> None:
    await world.organization("acme", by=ada)
    client = await api.browser(ada)
    world.pass_time(minutes=11)
    assert 401 == (await client.delete(ACME)).status_code


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", ""),
        ("DELETE", ""),
        ("GET", "/members"),
        ("GET", "/members/ada"),
        ("DELETE", "/members/ada"),
        ("GET", "/collaborators"),
    ],
)
async def test_who_is_turned_away(
    api: Api, world: World, ada: Account, bob: Account, http: httpx.AsyncClient, method: str, path: str
) -> None:
    acme = await world.organization("acme", by=ada)
    await world.team(acme, "readers", TeamRole.CREATOR, bob)
    body: dict[str, str] | None = {} if method == "PUT" else None
    callers = [
        http,
        await api.browser(bob),
        await api.browser(await world.user("eve")),
        await api.bearer(ada, ApiScope.USER_ADMIN),
    ]
    statuses = [(await client.request(method, ACME + path, json=body)).status_code for client in callers]
    assert [401, 403, 403, 403] == statuses


async def test_members_are_those_in_teams(api: Api, world: World, ada: Account, bob: Account) -> None:
    acme = await world.organization("acme", by=ada)
    repository = await world.repository("acme/app", by=ada)
    await world.team(acme, "readers", TeamRole.MEMBER, ada, bob)
    await world.grant(repository, Role.WRITE, bob)
    client = await api.bearer(ada, ApiScope.ORG_ADMIN)
    listed = (await client.get(ACME + "/members")).json()["members"]
    assert {"name", "kind", "avatar", "teams", "repositories"} == listed[0].keys()
    assert [("ada", "user", ["owners", "readers"], ["app"]), ("bob", "user", ["readers"], ["app"])] == [
        (each["name"], each["kind"], [team["name"] for team in each["teams"]], each["repositories"]) for each in listed
    ]
    assert AVATAR == listed[0]["teams"][0]["avatar"].keys() == listed[0]["avatar"].keys()
    assert listed[1] == (await client.get(ACME + "/members/bob")).json()
    assert 404 == (await client.get(ACME + "/members/nobody")).status_code


async def test_a_member_can_be_removed_unless_nobody_is_left(
    api: Api, world: World, ada: Account, bob: Account
) -> None:
    acme = await world.organization("acme", by=ada)
    await world.team(acme, "readers", TeamRole.MEMBER, ada, bob)
    client = await api.bearer(ada, ApiScope.ORG_ADMIN)
    assert 204 == (await client.delete(ACME + "/members/bob")).status_code
    assert 404 == (await client.delete(ACME + "/members/bob")).status_code
    answer = await client.delete(ACME + "/members/ada")
    assert (400, "Nobody would be left to administer acme") == (answer.status_code, answer.json()["error_message"])
    assert 2 == len((await client.get(ACME + "/members/ada")).json()["teams"])


async def test_collaborators_are_no_members(api: Api, world: World, ada: Account, bob: Account) -> None:
    await world.organization("acme", by=ada)
    repository = await world.repository("acme/app", by=ada)
    for account in (bob, await world.robot("acme", "deploy"), await world.robot("bob", "build")):
        await world.grant(repository, Role.READ, account)
    client = await api.bearer(ada, ApiScope.ORG_ADMIN)
    listed = (await client.get(ACME + "/collaborators")).json()["collaborators"]
    assert {"kind", "name", "avatar", "repositories"} == listed[0].keys()
    assert [("user", "bob", ["app"]), ("robot", "bob+build", ["app"])] == [
        (each["kind"], each["name"], each["repositories"]) for each in listed
    ]
