"""Who is let in: access tokens with their scopes, sessions with their CSRF tokens, nobody."""

import json

import httpx
import pytest

from tests.world.api import Api
from tests.world.world import Account, World
from wharf.access.api_scopes import ApiScope
from wharf.accounts import users
from wharf.accounts.credentials import access_tokens, sessions
from wharf.api.kit import cookies

SESSIONS = "/api/v1/user/sessions"
NO_SUCH = f"{SESSIONS}/{'0' * 32}"


async def test_nobody_is_asked_to_sign_in(http: httpx.AsyncClient) -> None:
    answer = await http.get(SESSIONS)
    assert (401, "invalid_token") == (answer.status_code, answer.json()["error_type"])
    assert answer.json()["session_required"] is False
    assert "http://registry.test/api/v1/error/invalid_token" == answer.json()["type"]


async def test_a_token_needs_the_scope(api: Api, ada: Account) -> None:
    reader = await api.bearer(ada, ApiScope.REPO_ADMIN, ApiScope.USER_READ)
    answer = await reader.get(SESSIONS)
    assert (403, "insufficient_scope") == (answer.status_code, answer.json()["error_type"])
    assert 200 == (await (await api.bearer(ada, ApiScope.USER_ADMIN)).get(SESSIONS)).status_code


@pytest.mark.parametrize("header", ["Bearer", "Bearer wha_unknown", "bearer ä", "Bearer " + "x" * 5000])
async def test_an_unknown_token_is_refused_even_beside_a_session(api: Api, ada: Account, header: str) -> None:
    browser = await api.browser(ada)
    answer = await browser.get(SESSIONS, headers={b"authorization": header.encode()})
    assert (401, "invalid_token") == (answer.status_code, answer.json()["error_type"])


async def test_a_token_expires(api: Api, world: World, ada: Account) -> None:
    client = await api.bearer(ada)
    world.pass_time(seconds=access_tokens.LIFETIME.total_seconds())
    answer = await client.get(SESSIONS)
    assert (401, "expired_token") == (answer.status_code, answer.json()["error_type"])


async def test_a_disabled_user_has_neither_token_nor_session(api: Api, world: World, ada: Account) -> None:
    clients = [await api.bearer(ada), await api.browser(ada)]
    async with world.database.write() as tx:
        await users.disable(tx, await users.get(tx, "ada"))
    assert [401, 401] == [(await client.get(SESSIONS)).status_code for client in clients]


async def test_a_token_is_no_superuser_without_the_scope(api: Api, world: World) -> None:
    root = await world.user("root", superuser=True)
    for scopes, superuser in (((ApiScope.SUPER_USER,), True), ((ApiScope.REPO_ADMIN,), False)):
        client = await api.bearer(root, *scopes)
        text = client.headers["authorization"].removeprefix("Bearer ")
        async with world.database.read() as read:
            token = await access_tokens.find(read, text)
        assert token is not None
        assert superuser is token.principal.superuser


async def test_use_is_noted_now_and_then(api: Api, world: World, ada: Account) -> None:
    client = await api.bearer(ada)
    moments = []
    for minutes in (0, 5, 6):
        world.pass_time(minutes=minutes)
        await client.get(SESSIONS)
        async with world.database.read() as read:
            assert ada.principal.id is not None
            (token,) = await access_tokens.list_(read, ada.principal.id)
        moments.append(token.last_used_at)
    assert moments[0] is not None
    assert moments[0] == moments[1]
    assert world.clock() == moments[2]


async def test_a_session_changes_something_with_its_csrf_token_only(api: Api, ada: Account) -> None:
    browser = await api.browser(ada)
    other = await api.browser(ada)
    right = browser.headers.pop(cookies.CSRF_HEADER)
    assert 200 == (await browser.get(SESSIONS)).status_code
    for wrong in ("", "x", other.headers[cookies.CSRF_HEADER]):
        answer = await browser.delete(NO_SUCH, headers={cookies.CSRF_HEADER: wrong})
        assert (403, "CSRF token was invalid or missing.") == (answer.status_code, answer.json()["message"])
    assert 404 == (await browser.delete(NO_SUCH, headers={cookies.CSRF_HEADER: right})).status_code
    assert 404 == (await browser.delete(NO_SUCH, params={"_csrf_token": right})).status_code


async def test_what_is_sensitive_wants_a_password_given_lately(api: Api, world: World, ada: Account) -> None:
    browser, program = await api.browser(ada), await api.bearer(ada)
    world.pass_time(seconds=601)
    answer = await browser.delete(NO_SUCH)
    assert (401, "fresh_login_required") == (answer.status_code, answer.json()["error_type"])
    assert 200 == (await browser.get(SESSIONS)).status_code
    assert 404 == (await program.delete(NO_SUCH)).status_code


async def test_sessions_are_listed_and_revoked(api: Api, world: World, ada: Account) -> None:
    first, eve = await api.browser(ada), await api.browser(await world.user("eve"))
    world.pass_time(minutes=1)
    second = await api.browser(ada)
    listed = (await second.get(SESSIONS)).json()["sessions"]
    assert [True, False] == [session["current"] for session in listed]
    assert {"uuid", "client", "address", "created", "last_used", "expires", "current"} == listed[0].keys()
    victim = f"{SESSIONS}/{listed[1]['uuid']}"
    assert 404 == (await eve.delete(victim)).status_code
    assert 204 == (await second.delete(victim)).status_code
    assert 404 == (await second.delete(victim)).status_code
    assert 401 == (await first.get(SESSIONS)).status_code


async def test_a_session_expires_and_is_forgotten(api: Api, world: World, ada: Account) -> None:
    browser = await api.browser(ada)
    world.pass_time(days=31)
    assert 401 == (await browser.get(SESSIONS)).status_code
    await api.browser(ada)
    assert ada.principal.id is not None
    async with world.database.read() as read:
        assert 1 == len(await sessions.list_(read, ada.principal.id, world.now.replace(year=2000)))


async def test_nul_reaches_no_database(api: Api, ada: Account) -> None:
    browser = await api.browser(ada)
    assert 400 == (await browser.get("/api/v1/users/a%00b")).status_code
    assert 400 == (await browser.get(f"{SESSIONS}?x=%00")).status_code
    for body in ({"company": "a\0b"}, {"company": "\ud800"}):
        answer = await browser.put(
            "/api/v1/user/", content=json.dumps(body), headers={"content-type": "application/json"}
        )
        assert 400 == answer.status_code


async def test_problem_json_is_for_those_who_ask(http: httpx.AsyncClient) -> None:
    asked = await http.get(SESSIONS, headers={"accept": "application/problem+json, application/json"})
    assert "application/problem+json" == asked.headers["content-type"]
    assert "application/json" == (await http.get(SESSIONS)).headers["content-type"]


async def test_the_description_tells_who_may_call(http: httpx.AsyncClient) -> None:
    document = (await http.get("/api/v1/openapi.json")).json()
    security = document["paths"][SESSIONS]["get"]["security"]
    assert [{"access_token": ["user:admin"]}, {"session": ["user:admin"]}] == security
