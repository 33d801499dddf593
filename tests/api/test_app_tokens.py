"""Application tokens: made, shown, used at /v2, revoked."""

import pytest

from tests.world.api import Api
from tests.world.world import Account, World
from wharf.access.api_scopes import ApiScope
from wharf.accounts import sign_in, users
from wharf.accounts.errors import CredentialsInvalid
from wharf.config import AccountsConfig, Config

TOKENS = "/api/v1/user/apptoken"


async def test_a_token_signs_in_at_the_registry(api: Api, world: World, ada: Account) -> None:
    client = await api.browser(ada)
    answer = await client.post(TOKENS, json={"title": "laptop"})
    assert 200 == answer.status_code
    token = answer.json()["token"]
    assert {"uuid", "title", "last_accessed", "created", "expiration", "token_code"} == token.keys()
    assert ("laptop", None, None) == (token["title"], token["last_accessed"], token["expiration"])
    assert ada.principal == await sign_in.basic(world.database, "$app", token["token_code"], clock=world.clock)
    shown = (await client.get(f"{TOKENS}/{token['uuid']}")).json()["token"]
    assert shown.pop("last_accessed").endswith("-0000")
    assert shown == {key: value for key, value in token.items() if key != "last_accessed"}


async def test_use_is_noted_now_and_then(api: Api, world: World, ada: Account) -> None:
    client = await api.browser(ada)
    code = (await client.post(TOKENS, json={"title": "ci"})).json()["token"]["token_code"]
    seen = []
    for minutes in (0, 5, 6):
        world.pass_time(minutes=minutes)
        await sign_in.basic(world.database, "$app", code, clock=world.clock)
        seen.append((await client.get(TOKENS)).json()["tokens"][0]["last_accessed"])
    assert seen[0] == seen[1] != seen[2]


async def test_lists_do_not_show_the_secret(api: Api, ada: Account) -> None:
    client = await api.browser(ada)
    await client.post(TOKENS, json={"title": "one"})
    answer = (await client.get(TOKENS)).json()
    assert answer["only_expiring"] is None
    (token,) = answer["tokens"]
    assert {"uuid", "title", "last_accessed", "created", "expiration"} == token.keys()


async def test_a_revoked_token_is_worth_nothing(api: Api, world: World, ada: Account) -> None:
    client = await api.browser(ada)
    token = (await client.post(TOKENS, json={"title": "lost"})).json()["token"]
    one = f"{TOKENS}/{token['uuid']}"
    assert (204, b"") == ((gone := await client.delete(one)).status_code, gone.content)
    assert [404, 404] == [(await client.delete(one)).status_code, (await client.get(one)).status_code]
    with pytest.raises(CredentialsInvalid):
        await sign_in.basic(world.database, "$app", token["token_code"])


async def test_others_neither_see_nor_revoke_it(api: Api, world: World, ada: Account) -> None:
    token = (await (await api.browser(ada)).post(TOKENS, json={"title": "mine"})).json()["token"]
    eve = await api.browser(await world.user("eve"))
    one = f"{TOKENS}/{token['uuid']}"
    assert [404, 404] == [(await eve.get(one)).status_code, (await eve.delete(one)).status_code]
    assert [] == (await eve.get(TOKENS)).json()["tokens"]


async def test_tokens_expire_where_they_must(world: World, ada: Account) -> None:
    day = 24 * 60 * 60
    api = Api(world.database, world.clock, Config(accounts=AccountsConfig(app_token_lifetime_seconds=10 * day)))
    client = await api.browser(ada)
    code = (await client.post(TOKENS, json={"title": "old"})).json()["token"]["token_code"]
    assert [] == (await client.get(TOKENS, params={"expiring": "true"})).json()["tokens"]
    world.pass_time(days=9)
    client = await api.browser(ada)
    await client.post(TOKENS, json={"title": "new"})
    expiring = (await client.get(TOKENS, params={"expiring": "true"})).json()
    assert (["old"], True) == ([token["title"] for token in expiring["tokens"]], expiring["only_expiring"])
    await sign_in.basic(world.database, "$app", code, clock=world.clock)
    world.pass_time(days=1)
    with pytest.raises(CredentialsInvalid):
        await sign_in.basic(world.database, "$app", code, clock=world.clock)
    await api.close()


@pytest.mark.parametrize("secret", ["", "whp_", "whp_wrong", "whp_ä", "wrong", "whp_\0"])
async def test_what_is_no_token(world: World, ada: Account, secret: str) -> None:
    with pytest.raises(CredentialsInvalid):
        await sign_in.basic(world.database, "$app", secret)


async def test_a_disabled_user_has_none(api: Api, world: World, ada: Account) -> None:
    code = (await (await api.browser(ada)).post(TOKENS, json={"title": "x"})).json()["token"]["token_code"]
    async with world.database.write() as tx:
        await users.disable(tx, await users.get(tx, "ada"))
    with pytest.raises(CredentialsInvalid):
        await sign_in.basic(world.database, "$app", code)


async def test_who_may(api: Api, world: World, ada: Account) -> None:
    browser = await api.browser(ada)
    assert 403 == (await (await api.bearer(ada, ApiScope.USER_READ)).get(TOKENS)).status_code
    assert 401 == (await api.client().get(TOKENS)).status_code
    assert [400, 400] == [(await browser.post(TOKENS, json=body)).status_code for body in ({}, {"title": ""})]
    world.pass_time(minutes=11)
    assert [200, 401, 401] == [
        (await browser.get(TOKENS)).status_code,
        (await browser.post(TOKENS, json={"title": "x"})).status_code,
        (await browser.get(f"{TOKENS}/x")).status_code,
    ]


async def test_an_installation_without_them(world: World, ada: Account) -> None:
    api = Api(world.database, world.clock, Config(accounts=AccountsConfig(app_tokens=False)))
    assert 404 == (await (await api.browser(ada)).get(TOKENS)).status_code
    await api.close()
