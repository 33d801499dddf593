"""The first superuser."""

import pytest

from tests.accounts.conftest import PASSWORD, Watch
from wharf.accounts import setup, sign_in, users
from wharf.accounts.errors import PasswordUnacceptable, SetupTokenInvalid
from wharf.db import Database


async def test_the_token_makes_one_superuser(database: Database, watch: Watch) -> None:
    async with database.write() as tx:
        token = await setup.prepare(tx, at=watch())
        other = await setup.prepare(tx, at=watch())
    assert token
    assert other
    async with database.write() as tx:
        ada = await setup.claim(tx, token, "ada", PASSWORD, "ada@example.org", at=watch())
    assert ada.superuser
    assert ada.principal == await sign_in.basic(database, "ada", PASSWORD)
    for used in (token, other):
        with pytest.raises(SetupTokenInvalid):
            async with database.write() as tx:
                await setup.claim(tx, used, "eve", PASSWORD, at=watch())
    async with database.write() as tx:
        assert await setup.prepare(tx, at=watch()) is None


async def test_a_refused_claim_leaves_the_token_valid(database: Database, watch: Watch) -> None:
    async with database.write() as tx:
        token = await setup.prepare(tx, at=watch())
    assert token
    with pytest.raises(PasswordUnacceptable):
        async with database.write() as tx:
            await setup.claim(tx, token, "ada", "short", at=watch())
    async with database.write() as tx:
        assert (await setup.claim(tx, token, "ada", PASSWORD, at=watch())).superuser


async def test_tokens_that_are_refused(database: Database, watch: Watch) -> None:
    async with database.write() as tx:
        token = await setup.prepare(tx, at=watch())
    assert token
    for wrong in ("", token[:-1]):
        with pytest.raises(SetupTokenInvalid):
            async with database.write() as tx:
                await setup.claim(tx, wrong, "eve", PASSWORD, at=watch())
    watch.pass_(days=8)
    with pytest.raises(SetupTokenInvalid):
        async with database.write() as tx:
            await setup.claim(tx, token, "eve", PASSWORD, at=watch())
    async with database.read() as read:
        assert not await users.exist(read)
