"""Signing in with passwords and robot tokens."""

import asyncio

import pytest
from argon2 import PasswordHasher

from tests.accounts.conftest import PASSWORD, Watch
from wharf.accounts import lockout, passwords, robots, sign_in, users
from wharf.accounts.errors import CredentialsInvalid, SignInBusy, SignInLocked
from wharf.accounts.passwords import PasswordHash
from wharf.db import Database


class Counter:
    """Counts how often a password is really verified."""

    def __init__(self) -> None:
        self.count = 0
        self._verify = passwords.verify

    async def __call__(self, stored: PasswordHash | None, password: str) -> bool:
        self.count += 1
        return await self._verify(stored, password)


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> Counter:
    counter = Counter()
    monkeypatch.setattr(passwords, "verify", counter)
    return counter


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    sign_in._remembered.clear()


@pytest.fixture
async def ada(database: Database, hashed: PasswordHash) -> users.User:
    async with database.write() as tx:
        return await users.create(tx, "ada", hashed)


async def test_the_right_password(database: Database, ada: users.User) -> None:
    assert ada.principal == await sign_in.basic(database, "ada", PASSWORD)


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("ada", "wrong horse battery"),
        ("ada", ""),
        ("ada", "x" * 100_000),
        ("ada", "\0"),
        ("ada", "\ud800"),
        ("nobody", PASSWORD),
        ("Ada", PASSWORD),
        ("", ""),
        ("a\0da", PASSWORD),
        ("ada+ci", PASSWORD),
        ("+", ""),
        ("++", "x"),
        ("a\0da+ci", "whr_x"),
        ("ada+ci", "whr_\ud800"),
    ],
)
async def test_what_is_refused(database: Database, ada: users.User, username: str, password: str) -> None:
    assert ada.enabled
    with pytest.raises(CredentialsInvalid):
        await sign_in.basic(database, username, password)


async def test_a_right_password_is_verified_once(database: Database, ada: users.User, verified: Counter) -> None:
    for _ in range(3):
        assert ada.principal == await sign_in.basic(database, "ada", PASSWORD)
    assert 1 == verified.count


async def test_a_changed_password_is_seen_at_once(database: Database, ada: users.User) -> None:
    await sign_in.basic(database, "ada", PASSWORD)
    new = await passwords.hash_("another password")
    async with database.write() as tx:
        await users.change_password(tx, ada, new)
    with pytest.raises(CredentialsInvalid):
        await sign_in.basic(database, "ada", PASSWORD)
    assert ada.principal == await sign_in.basic(database, "ada", "another password")


async def test_a_new_right_is_seen_at_once(database: Database, ada: users.User) -> None:
    await sign_in.basic(database, "ada", PASSWORD)
    async with database.write() as tx:
        await users.set_superuser(tx, ada, superuser=True)
    assert (await sign_in.basic(database, "ada", PASSWORD)).superuser


async def test_a_disabled_user_is_refused_like_a_stranger(
    database: Database, ada: users.User, verified: Counter
) -> None:
    await sign_in.basic(database, "ada", PASSWORD)
    async with database.write() as tx:
        await users.disable(tx, ada)
    with pytest.raises(CredentialsInvalid):
        await sign_in.basic(database, "ada", PASSWORD)
    with pytest.raises(CredentialsInvalid):
        await sign_in.basic(database, "nobody", PASSWORD)
    # Each of them cost one verification: the time does not tell.
    assert 3 == verified.count


async def test_a_user_without_a_password_cannot_sign_in_with_one(database: Database) -> None:
    async with database.write() as tx:
        await users.create(tx, "sso", None)
    for password in ("", "None", PASSWORD):
        with pytest.raises(CredentialsInvalid):
            await sign_in.basic(database, "sso", password)


@pytest.mark.parametrize("name", ["ada", "nobody"])
async def test_wrong_passwords_lock_a_name_whether_it_exists_or_not(
    database: Database, ada: users.User, watch: Watch, name: str
) -> None:
    assert ada.enabled
    for _ in range(lockout.FREE_FAILURES + 1):
        with pytest.raises(CredentialsInvalid):
            await sign_in.basic(database, name, "wrong password", clock=watch)
    with pytest.raises(SignInLocked) as locked:
        await sign_in.basic(database, name, PASSWORD, clock=watch)
    assert 2 == locked.value.retry_after_seconds
    watch.pass_(seconds=2)
    with pytest.raises(CredentialsInvalid):
        await sign_in.basic(database, name, "wrong password", clock=watch)
    with pytest.raises(SignInLocked) as locked:
        await sign_in.basic(database, name, PASSWORD, clock=watch)
    assert 4 == locked.value.retry_after_seconds


async def test_the_right_password_ends_the_count(database: Database, ada: users.User, watch: Watch) -> None:
    for _ in range(3):
        for _ in range(lockout.FREE_FAILURES):
            with pytest.raises(CredentialsInvalid):
                await sign_in.basic(database, "ada", "wrong password", clock=watch)
        sign_in._remembered.clear()
        assert ada.principal == await sign_in.basic(database, "ada", PASSWORD, clock=watch)


async def test_a_pause_ends_the_count(database: Database, watch: Watch) -> None:
    async with database.write() as tx:
        for _ in range(30):
            await lockout.record_failure(tx, "ada", watch())
        with pytest.raises(SignInLocked) as locked:
            await lockout.check(tx, "ada", watch())
        assert lockout.LONGEST_LOCK.total_seconds() == locked.value.retry_after_seconds
        watch.pass_(hours=1, seconds=1)
        await lockout.record_failure(tx, "ada", watch())
        assert await lockout.check(tx, "ada", watch())


async def test_who_is_known_here_is_not_kept_out_by_a_strangers_guesses(
    database: Database, ada: users.User, watch: Watch
) -> None:
    await sign_in.basic(database, "ada", PASSWORD, clock=watch)
    async with database.write() as tx:
        for _ in range(30):
            await lockout.record_failure(tx, "ada", watch())
    assert ada.principal == await sign_in.basic(database, "ada", PASSWORD, clock=watch)


async def test_a_lock_hides_which_of_many_guesses_at_once_was_right(
    database: Database, ada: users.User, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ada.enabled
    verify = passwords.verify

    async def verify_while_others_guess(stored: PasswordHash | None, password: str) -> bool:
        right = await verify(stored, password)
        async with database.write() as tx:
            for _ in range(30):
                await lockout.record_failure(tx, "ada", watch())
        return right

    monkeypatch.setattr(passwords, "verify", verify_while_others_guess)
    with pytest.raises(SignInLocked):
        await sign_in.basic(database, "ada", PASSWORD, clock=watch)


async def test_too_many_at_once_are_told_to_wait(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_MAX_WAITING", 1)
    results = await asyncio.gather(
        *(sign_in.basic(database, f"user{number}", PASSWORD) for number in range(3)), return_exceptions=True
    )
    assert {CredentialsInvalid, SignInBusy} == {type(result) for result in results}


async def test_a_hash_of_former_costs_is_replaced(database: Database) -> None:
    cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    former = PasswordHash(cheap.hash(PASSWORD))
    assert passwords.is_outdated(former)
    async with database.write() as tx:
        await users.create(tx, "ada", former)
    await sign_in.basic(database, "ada", PASSWORD)
    async with database.read() as read:
        row = await read.one(sign_in._USER_BY_NAME, login="ada")
    assert former != row[3]
    assert not passwords.is_outdated(row[3])
    await sign_in.basic(database, "ada", PASSWORD)


async def test_a_robot_signs_in_with_its_token(database: Database, ada: users.User) -> None:
    async with database.write() as tx:
        robot, token = await robots.create(tx, ada.name, "ci")
    assert robot.principal == await sign_in.basic(database, "ada+ci", token)
    assert robot.principal == await sign_in.token(database, token)
    for wrong in ("", token[:-1], PASSWORD, token + "x"):
        with pytest.raises(CredentialsInvalid):
            await sign_in.basic(database, "ada+ci", wrong)
        with pytest.raises(CredentialsInvalid):
            await sign_in.token(database, wrong)
    async with database.write() as tx:
        new = await robots.regenerate_token(tx, robot)
    with pytest.raises(CredentialsInvalid):
        await sign_in.basic(database, "ada+ci", token)
    assert robot.principal == await sign_in.basic(database, "ada+ci", new)


async def test_a_robot_is_refused_when_it_or_its_owner_is_disabled(database: Database, ada: users.User) -> None:
    async with database.write() as tx:
        robot, token = await robots.create(tx, "ada", "ci")
        await robots.set_enabled(tx, robot, enabled=False)
    with pytest.raises(CredentialsInvalid):
        await sign_in.basic(database, "ada+ci", token)
    async with database.write() as tx:
        await robots.set_enabled(tx, robot, enabled=True)
        await users.disable(tx, ada)
    for attempt in (sign_in.basic(database, "ada+ci", token), sign_in.token(database, token)):
        with pytest.raises(CredentialsInvalid):
            await attempt
