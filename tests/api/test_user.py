"""The own account: what it shows, what can be changed, and what others see of it."""

import httpx
import pytest

from tests.world.api import Api
from tests.world.world import PASSWORD, Account, World
from wharf.access.api_scopes import ApiScope
from wharf.access.grants import TeamRole
from wharf.accounts import sign_in
from wharf.accounts.errors import CredentialsInvalid
from wharf.api.kit import cookies
from wharf.config import AccountsConfig, Config

USER = "/api/v1/user/"
EVE = {"username": "eve", "password": "tortoise beats hare", "email": "eve@example.com"}


async def begin(client: httpx.AsyncClient) -> None:
    client.headers[cookies.CSRF_HEADER] = (await client.get("/csrf_token")).json()["csrf_token"]


async def test_what_a_user_sees_of_the_own_account(api: Api, world: World, ada: Account) -> None:
    acme = await world.organization("acme", by=ada)
    other = await world.organization("other", by=await world.user("eve"))
    await world.team(acme, "members", TeamRole.MEMBER, ada)
    await world.team(other, "creators", TeamRole.CREATOR, ada)
    client = await api.bearer(ada, ApiScope.USER_READ)
    answer = await client.get(USER)
    assert 200 == answer.status_code
    seen = answer.json()
    organizations = seen.pop("organizations")
    assert {"name", "hash", "color", "kind"} == seen.pop("avatar").keys()
    assert {
        "anonymous": False, "username": "ada", "can_create_repo": True, "is_me": True, "verified": True, "email": None,
        "logins": [], "invoice_email": False, "invoice_email_address": None, "preferred_namespace": False,
        "tag_expiration_s": 1209600, "prompts": [], "company": None, "family_name": None, "given_name": None,
        "location": None, "is_free_account": True, "has_password_set": True, "super_user": False,
    } == seen  # fmt: skip
    assert [("acme", True, True), ("other", True, False)] == [
        (each["name"], each["can_create_repo"], each["is_org_admin"]) for each in organizations
    ]


async def test_nobody_has_no_account(http: httpx.AsyncClient) -> None:
    assert 401 == (await http.get(USER)).status_code


async def test_a_superuser_without_the_scope_is_a_plain_user(api: Api, world: World) -> None:
    root = await world.user("root", superuser=True)
    for scopes, superuser in (((ApiScope.USER_READ,), False), ((ApiScope.USER_READ, ApiScope.SUPER_USER), True)):
        client = await api.bearer(root, *scopes)
        assert superuser is (await client.get(USER)).json()["super_user"]
        assert superuser is (await client.get("/api/v1/users/root")).json()["super_user"]


async def test_what_is_not_mentioned_stays(api: Api, ada: Account) -> None:
    client = await api.browser(ada)
    first = await client.put(USER, json={"company": "Analytical Engines", "given_name": "Ada", "invoice_email": True})
    assert 200 == first.status_code
    second = (await client.put(USER, json={"given_name": None, "email": "Ada@Example.com", "unknown": 1})).json()
    assert ("Analytical Engines", None, True, "ada@example.com") == tuple(
        second[name] for name in ("company", "given_name", "invoice_email", "email")
    )
    third = (await client.put(USER, json={"tag_expiration_s": 0})).json()
    assert (0, "ada@example.com") == (third["tag_expiration_s"], third["email"])
    assert third == (await client.get(USER)).json()


@pytest.mark.parametrize("body", [{"tag_expiration_s": -1}, {"tag_expiration_s": 2**40}, {"password": "x"}, []])
async def test_changes_that_make_no_sense(api: Api, ada: Account, body: object) -> None:
    client = await api.browser(ada)
    assert 400 == (await client.put(USER, json=body)).status_code


async def test_an_address_has_one_owner(api: Api, world: World, ada: Account) -> None:
    eve = await api.browser(await world.user("eve"))
    await eve.put(USER, json={"email": "shared@example.com"})
    answer = await (await api.browser(ada)).put(USER, json={"company": "lost", "email": "Shared@example.com"})
    assert (400, True) == (answer.status_code, "already taken" in answer.json()["error_message"])
    assert (await (await api.browser(ada)).get(USER)).json()["company"] is None


async def test_a_new_password_ends_the_other_sessions(api: Api, world: World, ada: Account) -> None:
    here, elsewhere = await api.browser(ada), await api.browser(ada)
    before = here.cookies[cookies.COOKIE]
    answer = await here.put(USER, json={"password": "a quite new one"})
    assert 200 == answer.status_code
    assert answer.headers[cookies.NEXT_CSRF_HEADER]
    assert before != here.cookies[cookies.COOKIE]
    assert [200, 401] == [(await client.get(USER)).status_code for client in (here, elsewhere)]
    assert "ada" == (await sign_in.person(world.database, "ada", "a quite new one")).name
    with pytest.raises(CredentialsInvalid):
        await sign_in.person(world.database, "ada", PASSWORD)


async def test_it_takes_a_fresh_session_and_the_right_scope(api: Api, world: World, ada: Account) -> None:
    browser, reader = await api.browser(ada), await api.bearer(ada, ApiScope.USER_READ)
    world.pass_time(minutes=11)
    assert 401 == (await browser.put(USER, json={})).status_code
    assert 403 == (await reader.put(USER, json={})).status_code
    assert 200 == (await (await api.bearer(ada)).put(USER, json={"company": "x"})).status_code


async def test_an_account_is_made_and_signed_in(api: Api) -> None:
    await begin(client := api.client())
    answer = await client.post(USER, json=EVE)
    assert (200, False, "eve") == (
        answer.status_code,
        answer.json()["awaiting_verification"],
        answer.json()["username"],
    )
    assert "eve@example.com" == (await client.get(USER)).json()["email"]
    assert "tortoise" not in answer.text


async def test_who_is_signed_in_stays_so(api: Api, ada: Account) -> None:
    client = await api.browser(ada)
    assert 200 == (await client.post(USER, json=EVE)).status_code
    assert "ada" == (await client.get(USER)).json()["username"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"username": "ada"}, "already taken"),
        ({"username": "No Good"}, "cannot be used"),
        ({"password": "short"}, "Invalid password"),
        ({"username": None}, "username"),
    ],
)
async def test_an_account_that_cannot_be(api: Api, ada: Account, change: dict[str, str | None], sentence: str) -> None:
    await begin(client := api.client())
    answer = await client.post(USER, json={**EVE, **change})
    assert 400 == answer.status_code
    assert sentence in answer.json()["error_message"]
    assert 401 == (await client.get(USER)).status_code


async def test_making_accounts_can_be_left_to_superusers(world: World) -> None:
    api = Api(world.database, world.clock, Config(accounts=AccountsConfig(user_creation=False)))
    await begin(client := api.client())
    assert 404 == (await client.post(USER, json=EVE)).status_code
    await api.close()


async def test_without_csrf_token_no_account_is_made(http: httpx.AsyncClient) -> None:
    assert 403 == (await http.post(USER, json=EVE)).status_code


async def test_an_account_is_deleted_with_what_it_holds(api: Api, world: World, ada: Account) -> None:
    eve = await world.user("eve")
    acme = await world.organization("acme", by=eve)
    await world.team(acme, "members", TeamRole.MEMBER, ada)
    await world.repository("ada/app", by=ada)
    browser, program = await api.browser(ada), await api.bearer(ada)
    assert 204 == (await browser.delete(USER)).status_code
    assert [401, 401] == [(await client.get(USER)).status_code for client in (browser, program)]
    assert 404 == (await program.get("/api/v1/users/ada", headers={"authorization": ""})).status_code
    assert "ada" == (await world.user("ada")).name


async def test_who_is_needed_stays(api: Api, world: World, ada: Account) -> None:
    await world.organization("acme", by=ada)
    root = await world.user("root", superuser=True)
    for account in (ada, root):
        browser = await api.browser(account)
        assert 400 == (await browser.delete(USER)).status_code
        assert 200 == (await browser.get(USER)).status_code


async def test_deleting_takes_a_fresh_session(api: Api, world: World, ada: Account) -> None:
    browser = await api.browser(ada)
    world.pass_time(minutes=11)
    assert "fresh_login_required" == (await browser.delete(USER)).json()["error_type"]


async def test_what_others_see(api: Api, world: World, ada: Account, http: httpx.AsyncClient) -> None:
    path = "/api/v1/users/ada"
    await world.organization("acme", by=ada)
    eve = await api.browser(await world.user("eve"))
    for client in (http, eve, await api.bearer(ada, ApiScope.REPO_READ)):
        assert {"anonymous", "username", "avatar"} == (await client.get(path)).json().keys()
    root = await api.browser(await world.user("root", superuser=True))
    own, by_root = (await (await api.browser(ada)).get(path)).json(), (await root.get(path)).json()
    assert own == {**by_root, "is_me": True}
    for nobody in ("nobody", "acme", "ada+robot"):
        assert 404 == (await http.get(f"/api/v1/users/{nobody}")).status_code
