"""Client keys: given for the password, taken by the registry, ended with the password."""

import pytest

from tests.world.api import Api
from tests.world.world import PASSWORD, Account, World
from wharf.access.api_scopes import ApiScope
from wharf.accounts import sign_in, users
from wharf.accounts.credentials import client_keys
from wharf.accounts.errors import CredentialsInvalid

PATH = "/api/v1/user/clientkey"


async def _key(api: Api, account: Account) -> str:
    answer = await (await api.browser(account)).post(PATH, json={"password": PASSWORD})
    assert 200 == answer.status_code
    key: str = answer.json()["key"]
    return key


async def test_a_key_signs_in_at_the_registry_and_nowhere_else(api: Api, world: World, ada: Account) -> None:
    key = await _key(api, ada)
    assert ada.principal == await sign_in.basic(world.database, "ada", key)
    eve = await world.user("eve")
    for name in (eve.name, "nobody", "$app", "a\0b"):
        with pytest.raises(CredentialsInvalid):
            await sign_in.basic(world.database, name, key)
    with pytest.raises(CredentialsInvalid):
        await sign_in.person(world.database, "ada", key)


async def test_it_takes_the_password(api: Api, ada: Account) -> None:
    browser = await api.browser(ada)
    answer = await browser.post(PATH, json={"password": "wrong"})
    assert (400, "Invalid Username or Password") == (answer.status_code, answer.json()["error_message"])
    assert 401 == (await api.client().post(PATH, json={"password": PASSWORD})).status_code
    reader = await api.bearer(ada, ApiScope.USER_READ)
    assert 403 == (await reader.post(PATH, json={"password": PASSWORD})).status_code


async def test_a_new_password_ends_it(api: Api, world: World, ada: Account) -> None:
    key = await _key(api, ada)
    await (await api.browser(ada)).put("/api/v1/user/", json={"password": "a quite new one"})
    with pytest.raises(CredentialsInvalid):
        await sign_in.basic(world.database, "ada", key)


async def test_a_disabled_user_has_none(api: Api, world: World, ada: Account) -> None:
    key = await _key(api, ada)
    async with world.database.write() as tx:
        await users.disable(tx, await users.get(tx, "ada"))
    with pytest.raises(CredentialsInvalid):
        await sign_in.basic(world.database, "ada", key)


async def test_the_newest_are_kept(world: World, ada: Account) -> None:
    async with world.database.write() as tx:
        keys = [await client_keys.issue(tx, ada.principal, at=world.clock()) for _ in range(client_keys.KEPT_COUNT + 1)]
    async with world.database.read() as read:
        found = [await client_keys.find(read, "ada", key) for key in keys]
    assert [None] == [each for each in found if each is None] == found[:1]


@pytest.mark.parametrize("password", ["whe_", "whe_ä", "whe_x"])
async def test_what_only_looks_like_one(world: World, ada: Account, password: str) -> None:
    with pytest.raises(CredentialsInvalid):
        await sign_in.basic(world.database, "ada", password)
