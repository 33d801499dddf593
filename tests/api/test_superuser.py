"""What superusers do to users and organizations over the REST API."""

import httpx
import pytest

from tests.world.api import Api
from tests.world.world import PASSWORD, Account, World
from wharf.access.api_scopes import ApiScope
from wharf.accounts import sign_in
from wharf.accounts.errors import CredentialsInvalid

USERS = "/api/v1/superuser/users/"
ORGANIZATIONS = "/api/v1/superuser/organizations/"
TAKE = "/api/v1/superuser/takeownership/"
SHAPE = {
    *("kind", "name", "username", "email", "verified", "avatar"),
    *("super_user", "global_readonly_super_user", "enabled"),
}


@pytest.fixture
async def root(api: Api, world: World) -> httpx.AsyncClient:
    """The only superuser, called root."""
    return await api.browser(await world.user("root", superuser=True))


async def test_users_are_listed_in_pages(root: httpx.AsyncClient, world: World, ada: Account) -> None:
    await world.organization("acme", by=ada)
    await root.put(USERS + "ada", json={"enabled": False})
    first = (await root.get(USERS, params={"limit": 1})).json()
    second = (await root.get(USERS, params={"limit": 1, "next_page": first["next_page"]})).json()
    assert [SHAPE, SHAPE] == [each.keys() for each in first["users"] + second["users"]]
    assert "next_page" not in second
    assert [("ada", "user", False, False), ("root", "user", True, True)] == [
        (each["username"], each["kind"], each["super_user"], each["enabled"])
        for each in first["users"] + second["users"]
    ]
    enabled = (await root.get(USERS, params={"disabled": "false"})).json()["users"]
    assert ["root"] == [each["name"] for each in enabled]


async def test_a_user_is_made_with_a_password(root: httpx.AsyncClient, world: World) -> None:
    made = await root.post(USERS, json={"username": "eve", "email": "Eve@example.com"})
    assert 200 == made.status_code
    assert {"username", "email", "password", "encrypted_password"} == made.json().keys()
    assert "eve" == (await sign_in.person(world.database, "eve", made.json()["password"])).name
    assert "eve@example.com" == (await root.get(USERS + "eve")).json()["email"]
    for body in ({"username": "eve"}, {"username": "Bad Name"}, {"username": "x", "email": "eve@example.com"}, {}):
        assert 400 == (await root.post(USERS, json=body)).status_code


async def test_a_user_is_changed(api: Api, root: httpx.AsyncClient, world: World, ada: Account) -> None:
    browser = await api.browser(ada)
    changed = await root.put(USERS + "ada", json={"email": "a@example.com", "password": "a quite new one"})
    assert (200, SHAPE, "a@example.com") == (changed.status_code, changed.json().keys(), changed.json()["email"])
    assert "ada" == (await sign_in.person(world.database, "ada", "a quite new one")).name
    assert 401 == (await browser.get("/api/v1/user/")).status_code
    assert not (await root.put(USERS + "ada", json={"enabled": False})).json()["enabled"]
    with pytest.raises(CredentialsInvalid):
        await sign_in.person(world.database, "ada", "a quite new one")
    assert (await root.put(USERS + "ada", json={"enabled": True})).json()["enabled"]
    await sign_in.person(world.database, "ada", "a quite new one")


async def test_a_deleted_user_is_gone_with_all_it_had(root: httpx.AsyncClient, world: World, ada: Account) -> None:
    own = await world.repository("ada/app", by=ada, public=True)
    await world.push_image(own, "latest", by=ada)
    robot = await world.robot("ada")
    await world.organization("acme", by=ada)
    await world.repository("acme/app", by=ada)
    assert 204 == (await root.delete(USERS + "ada")).status_code
    assert [404, 404] == [(await root.get(USERS + "ada")).status_code, (await root.delete(USERS + "ada")).status_code]
    for account, secret in ((ada, PASSWORD), (robot, robot.secret)):
        with pytest.raises(CredentialsInvalid):
            await sign_in.basic(world.database, account.name, secret)
    assert 404 == (await world.client(await world.user("eve")).get("/v2/ada/app/manifests/latest")).status
    again = await world.user("ada")
    await world.repository("ada/app", by=again)
    assert 404 == (await world.client(again).get("/v2/acme/app/manifests/latest")).status


async def test_somebody_is_always_left_to_administer(root: httpx.AsyncClient, world: World) -> None:
    await world.user("other", superuser=True)
    await root.put(USERS + "other", json={"enabled": False})
    for answer in (await root.put(USERS + "root", json={"enabled": False}), await root.delete(USERS + "root")):
        assert (400, "root is the last superuser") == (answer.status_code, answer.json()["error_message"])
    assert 200 == (await root.get(USERS + "root")).status_code
    await root.put(USERS + "other", json={"enabled": True})
    assert 204 == (await root.delete(USERS + "root")).status_code


async def test_what_is_no_user(root: httpx.AsyncClient, world: World, ada: Account) -> None:
    await world.organization("acme", by=ada)
    for name in ("nobody", "acme", "%231"):
        answers = [
            await root.get(USERS + name),
            await root.put(USERS + name, json={"enabled": False}),
            await root.delete(USERS + name),
        ]
        assert {404} == {answer.status_code for answer in answers}


async def test_organizations_are_listed_and_deleted(
    api: Api, root: httpx.AsyncClient, world: World, ada: Account
) -> None:
    await (await api.browser(ada)).post("/api/v1/organization/", json={"name": "acme", "email": "acme@example.com"})
    await world.organization("other", by=ada)
    listed = (await root.get(ORGANIZATIONS)).json()["organizations"]
    assert {"name", "email", "avatar"} == listed[0].keys()
    assert [("acme", "acme@example.com"), ("other", "")] == [(each["name"], each["email"]) for each in listed]
    assert 204 == (await root.delete(ORGANIZATIONS + "acme")).status_code
    assert ["other"] == [each["name"] for each in (await root.get(ORGANIZATIONS)).json()["organizations"]]
    for name in ("acme", "ada"):
        assert 404 == (await root.delete(ORGANIZATIONS + name)).status_code


async def test_taking_over(root: httpx.AsyncClient, world: World, ada: Account) -> None:
    await world.organization("acme", by=ada)
    await root.delete(USERS + "ada")
    assert {"namespace": "acme"} == (await root.post(TAKE + "acme")).json()
    assert {"namespace": "acme"} == (await root.post(TAKE + "acme")).json()
    seen = (await root.get("/api/v1/organization/acme")).json()
    assert (True, 1) == (seen["is_member"], seen["teams"]["owners"]["member_count"])
    assert [404, 400] == [(await root.post(TAKE + name)).status_code for name in ("nothing", "root")]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", USERS),
        ("POST", USERS),
        ("GET", USERS + "ada"),
        ("PUT", USERS + "ada"),
        ("DELETE", USERS + "ada"),
        ("GET", ORGANIZATIONS),
        ("DELETE", ORGANIZATIONS + "acme"),
        ("POST", TAKE + "acme"),
    ],
)
async def test_who_is_turned_away(
    api: Api, world: World, root: httpx.AsyncClient, ada: Account, http: httpx.AsyncClient, method: str, path: str
) -> None:
    await world.organization("acme", by=ada)
    other = await world.user("other", superuser=True)
    body = {"username": "eve"} if method in {"POST", "PUT"} else None
    weak = await api.bearer(other, ApiScope.USER_ADMIN, ApiScope.ORG_ADMIN)
    callers = [http, await api.browser(ada), weak]
    assert [401, 403, 403] == [(await client.request(method, path, json=body)).status_code for client in callers]
    world.pass_time(minutes=11)
    assert 401 == (await root.request(method, path, json=body)).status_code
