"""Signing in with a browser, giving the password again, and signing out."""

from dataclasses import replace

import httpx
import pytest

from tests.world.api import Api
from tests.world.world import PASSWORD, Account, World
from wharf.accounts import sign_in, users
from wharf.accounts.errors import SignInBusy
from wharf.api.kit import cookies
from wharf.audit.trail import Trail
from wharf.config import Config, ServerConfig

SIGN_IN, VERIFY, SIGN_OUT = "/api/v1/signin", "/api/v1/signin/verify", "/api/v1/signout"
SESSIONS = "/api/v1/user/sessions"
ADA = {"username": "ada", "password": PASSWORD}
WRONG = {"username": "ada", "password": "wrong"}


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    sign_in._remembered.clear()


async def begin(client: httpx.AsyncClient) -> None:
    """What a page does first: get the CSRF token, and the cookie with it."""
    client.headers[cookies.CSRF_HEADER] = (await client.get("/csrf_token")).json()["csrf_token"]


async def signed_in(api: Api, **options: str) -> httpx.AsyncClient:
    client = api.client(**options)
    await begin(client)
    answer = await client.post(SIGN_IN, json=ADA)
    assert (200, {"success": True}) == (answer.status_code, answer.json())
    client.headers[cookies.CSRF_HEADER] = answer.headers[cookies.NEXT_CSRF_HEADER]
    return client


async def test_a_browser_signs_in(api: Api, ada: Account) -> None:
    client = await signed_in(api)
    (session,) = (await client.get(SESSIONS, headers={"user-agent": "a browser"})).json()["sessions"]
    assert (True, "192.0.2.7") == (session["current"], session["address"])
    assert 404 == (await client.delete(f"{SESSIONS}/none")).status_code


async def test_by_e_mail(api: Api, world: World, ada: Account) -> None:
    async with world.database.write() as tx:
        await users.change_email(tx, await users.get(tx, "ada"), "Ada@Example.com")
    await begin(client := api.client())
    answer = await client.post(SIGN_IN, json={**ADA, "username": " ada@example.COM "})
    assert 200 == answer.status_code
    answer = await client.post(SIGN_IN, json={**ADA, "username": "eve@example.com"}, headers=_next(answer))
    assert 403 == answer.status_code


def _next(answer: httpx.Response) -> dict[str, str]:
    return {cookies.CSRF_HEADER: answer.headers[cookies.NEXT_CSRF_HEADER]}


async def test_the_secret_is_new_after_signing_in(api: Api, ada: Account) -> None:
    """A cookie that somebody planted before signs nobody in."""
    client = api.client()
    await begin(client)
    planted = client.cookies[cookies.COOKIE]
    answer = await client.post(SIGN_IN, json=ADA)
    assert planted != client.cookies[cookies.COOKIE]
    thief = api.client(cookies={cookies.COOKIE: planted})
    assert 401 == (await thief.get(SESSIONS)).status_code
    again = await client.post(SIGN_IN, json=ADA, headers=_next(answer))
    assert 1 == len((await client.get(SESSIONS)).json()["sessions"])
    assert 200 == again.status_code


@pytest.mark.parametrize(
    "body",
    [
        WRONG,
        {**ADA, "username": "nobody"},
        {**ADA, "username": "ada+robot"},
        {**ADA, "username": "x@" * 200},
    ],
)
async def test_wrong_credentials(api: Api, ada: Account, body: dict[str, str]) -> None:
    await begin(client := api.client())
    answer = await client.post(SIGN_IN, json=body)
    assert 403 == answer.status_code
    assert {
        "message": "Invalid Username or Password",
        "invalidCredentials": True,
        "needsEmailVerification": False,
    } == answer.json()
    assert 401 == (await client.get(SESSIONS)).status_code


async def test_without_csrf_token_nobody_is_signed_in(api: Api, ada: Account) -> None:
    client = api.client()
    assert 403 == (await client.post(SIGN_IN, json=ADA)).status_code
    await client.get("/csrf_token")
    assert 403 == (await client.post(SIGN_IN, json=ADA)).status_code


async def test_guessing_is_slowed_down(api: Api, world: World, ada: Account) -> None:
    await begin(client := api.client())
    answers = [await client.post(SIGN_IN, json=WRONG) for _ in range(7)]
    assert [403] * 6 + [429] == [answer.status_code for answer in answers]
    assert "2" == answers[-1].headers["retry-after"]
    assert 429 == (await client.post(SIGN_IN, json=ADA)).status_code
    world.pass_time(seconds=3)
    assert 200 == (await client.post(SIGN_IN, json=ADA)).status_code


async def test_a_busy_registry_asks_to_come_back(api: Api, ada: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    async def person(*_arguments: object, **_named: object) -> None:
        raise SignInBusy(7)

    monkeypatch.setattr(sign_in, "person", person)
    await begin(client := api.client())
    answer = await client.post(SIGN_IN, json=ADA)
    assert (503, "7") == (answer.status_code, answer.headers["retry-after"])


async def test_giving_the_password_again(api: Api, world: World, ada: Account) -> None:
    client = await signed_in(api)
    world.pass_time(minutes=11)
    assert "fresh_login_required" == (await client.delete(f"{SESSIONS}/none")).json()["error_type"]
    refused = await client.post(VERIFY, json={"password": "wrong"})
    assert (403, True) == (refused.status_code, refused.json()["invalidCredentials"])
    old = client.cookies[cookies.COOKIE]
    answer = await client.post(VERIFY, json={"password": PASSWORD})
    assert {"success": True} == answer.json()
    assert 404 == (await client.delete(f"{SESSIONS}/none", headers=_next(answer))).status_code
    thief = api.client(cookies={cookies.COOKIE: old})
    assert 401 == (await thief.get(SESSIONS)).status_code


async def test_signing_out_ends_all_sessions(api: Api, world: World, ada: Account) -> None:
    first, second = await signed_in(api), await signed_in(api)
    eve = await api.browser(await world.user("eve"))
    assert {"success": True} == (await first.post(SIGN_OUT)).json()
    assert [401, 401, 200] == [(await client.get(SESSIONS)).status_code for client in (first, second, eve)]
    assert cookies.COOKIE not in first.cookies
    assert 200 == (await api.client().post(SIGN_OUT)).status_code


async def test_signing_in_and_out_is_in_the_audit_trail(api: Api, world: World, ada: Account) -> None:
    trail = Trail(world.database, clock=world.clock)
    api.application.state.parts = replace(api.application.state.parts, trail=trail)
    await begin(client := api.client())
    await client.post(SIGN_IN, json=WRONG)
    await (await signed_in(api)).post(SIGN_OUT)
    await trail.close()
    logs = (await (await api.bearer(ada)).get("/api/v1/user/logs")).json()["logs"]
    assert ["login_failure", "login_success", "logout_success"] == sorted(
        entry["kind"] for entry in logs if entry["kind"].startswith("log")
    )


@pytest.mark.parametrize(
    ("url", "public_url", "secure"),
    [("http://r.test", None, False), ("https://r.test", None, True), ("http://r.test", "https://r.test", True)],
)
async def test_the_cookie_is_kept_from_scripts_and_from_clear_text(
    world: World, url: str, public_url: str | None, secure: object
) -> None:
    api = Api(world.database, world.clock, Config(server=ServerConfig(public_url=public_url)))
    header = (await api.client(base_url=url).get("/csrf_token")).headers["set-cookie"].lower()
    assert secure is ("secure" in header)
    assert all(word in header for word in ("httponly", "samesite=lax", "path=/"))
    await api.close()


async def test_nothing_is_kept_on_the_way(http: httpx.AsyncClient) -> None:
    for path in ("/csrf_token", SESSIONS, "/api/v1/nothing"):
        headers = (await http.get(path)).headers
        assert ("no-store", "nosniff") == (headers["cache-control"], headers["x-content-type-options"])
