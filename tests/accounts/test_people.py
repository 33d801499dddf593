"""Users, organizations, teams and robots."""

import pytest

from wharf.access.grants import TeamRole
from wharf.access.principals import ANONYMOUS, Principal, PrincipalKind
from wharf.accounts import namespaces, organizations, passwords, robots, teams, users
from wharf.accounts.errors import (
    AccountNameInvalid,
    AccountNameTaken,
    EmailTaken,
    LastSuperuser,
    MemberUnsuitable,
    NamespaceUnknown,
    PasswordUnacceptable,
    RobotUnknown,
    TeamUnknown,
    UserUnknown,
)
from wharf.accounts.namespaces import NamespaceKind
from wharf.accounts.passwords import PasswordHash
from wharf.db import Database


async def test_a_user_is_found_by_name(database: Database, hashed: PasswordHash) -> None:
    async with database.write() as tx:
        ada = await users.create(tx, "ada", hashed, email=" Ada@Example.org ")
    async with database.read() as read:
        assert ada == await users.find(read, "ada")
        assert ada == await users.get(read, "ada")
        assert await users.find(read, "Ada") is None
        with pytest.raises(UserUnknown):
            await users.get(read, "bob")
    assert "ada@example.org" == ada.email
    assert Principal(PrincipalKind.USER, ada.id, "ada", namespace_id=ada.id) == ada.principal


async def test_users_and_organizations_share_their_names(database: Database) -> None:
    async with database.write() as tx:
        ada = await users.create(tx, "ada", None)
        await organizations.create(tx, "acme", by=ada.principal)
    for name in ("ada", "acme"):
        with pytest.raises(AccountNameTaken):
            async with database.write() as tx:
                await users.create(tx, name, None)
        with pytest.raises(AccountNameTaken):
            async with database.write() as tx:
                await organizations.create(tx, name, by=ada.principal)
    async with database.read() as read:
        assert await users.find(read, "acme") is None
        assert await organizations.find(read, "ada") is None


async def test_an_address_belongs_to_one_user(database: Database) -> None:
    async with database.write() as tx:
        ada = await users.create(tx, "ada", None, email="ada@example.org")
        bob = await users.create(tx, "bob", None)
        carl = await users.create(tx, "carl", None)
    assert (None, None) == (bob.email, carl.email)
    with pytest.raises(EmailTaken):
        async with database.write() as tx:
            await users.create(tx, "dora", None, email="ADA@example.org")
    with pytest.raises(EmailTaken):
        async with database.write() as tx:
            await users.change_email(tx, bob, "ada@example.org")
    async with database.write() as tx:
        await users.change_email(tx, ada, "ada@example.org")
        await users.change_email(tx, bob, "bob@example.org")
        await users.change_email(tx, bob, None)
    async with database.read() as read:
        assert await users.find(read, "dora") is None


@pytest.mark.parametrize(
    "name", ["", "Ada", "ada/lovelace", "ada+robot", "-ada", "ada-", "a" * 101, "ada\n", "ädä", "."]
)
def test_names_that_nobody_can_have(name: str) -> None:
    with pytest.raises(AccountNameInvalid):
        namespaces.check_name(name)


@pytest.mark.parametrize("name", ["a", "0", "ada", "ada.lovelace", "ada__lovelace", "ada--lovelace", "a" * 100])
def test_names_that_somebody_can_have(name: str) -> None:
    assert name == namespaces.check_name(name)


async def test_users_are_listed_by_pages_in_byte_order(database: Database) -> None:
    async with database.write() as tx:
        for name in ("b", "a-b", "a", "a_b", "c"):
            await users.create(tx, name, None)
    async with database.read() as read:
        first = await users.list_(read, count=3)
        second = await users.list_(read, last=first[-1].name, count=3)
    assert (["a", "a-b", "a_b"], ["b", "c"]) == ([user.name for user in first], [user.name for user in second])


async def test_changes_of_a_user(database: Database) -> None:
    async with database.write() as tx:
        ada = await users.create(tx, "ada", None)
        await users.create(tx, "root", None, superuser=True)
        await users.set_superuser(tx, ada, superuser=True)
        await users.disable(tx, ada)
    async with database.read() as read:
        changed = await users.get(read, "ada")
    assert (True, False) == (changed.superuser, changed.enabled)
    async with database.write() as tx:
        await users.enable(tx, ada)
        await users.set_superuser(tx, ada, superuser=False)
    async with database.read() as read:
        assert ada == await users.get(read, "ada")


async def test_the_last_superuser_stays_one(database: Database) -> None:
    async with database.write() as tx:
        ada = await users.create(tx, "ada", None, superuser=True)
        bob = await users.create(tx, "bob", None, superuser=True)
        await users.disable(tx, bob)
        for change in (users.disable(tx, ada), users.set_superuser(tx, ada, superuser=False)):
            with pytest.raises(LastSuperuser):
                await change
        await users.enable(tx, bob)
        await users.set_superuser(tx, ada, superuser=False)


async def test_an_organization_begins_with_its_creator_as_owner(database: Database) -> None:
    async with database.write() as tx:
        ada = await users.create(tx, "ada", None)
        acme = await organizations.create(tx, "acme", by=ada.principal)
    assert NamespaceKind.ORGANIZATION is acme.kind
    async with database.read() as read:
        assert acme == await organizations.get(read, "acme")
        owners = await teams.get(read, acme, organizations.OWNERS)
        assert TeamRole.ADMIN is owners.role
        assert ["ada"] == await teams.members(read, owners)
        with pytest.raises(NamespaceUnknown):
            await organizations.get(read, "ada")
    async with database.write() as tx:
        await organizations.disable(tx, acme)
        await namespaces.set_time_machine(tx, acme.id, 3600)
    async with database.read() as read:
        changed = await namespaces.get(read, "acme")
    assert (False, 3600) == (changed.enabled, changed.time_machine_seconds)
    async with database.write() as tx:
        await organizations.enable(tx, acme)
    async with database.read() as read:
        assert (await organizations.get(read, "acme")).enabled


async def test_an_organization_is_created_by_a_user(database: Database) -> None:
    with pytest.raises(MemberUnsuitable):
        async with database.write() as tx:
            await organizations.create(tx, "acme", by=ANONYMOUS)
    async with database.read() as read:
        assert await organizations.find(read, "acme") is None


async def test_a_team_has_users_and_robots_of_its_organization(database: Database) -> None:
    async with database.write() as tx:
        ada = await users.create(tx, "ada", None)
        bob = await users.create(tx, "bob", None)
        acme = await organizations.create(tx, "acme", by=ada.principal)
        deploy = (await robots.create(tx, "acme", "deploy")).robot
        foreign = (await robots.create(tx, "bob", "deploy")).robot
        ops = await teams.create(tx, acme, "ops", TeamRole.CREATOR, description="keeps it running")
        for member in (bob.principal, deploy.principal, bob.principal):
            await teams.add_member(tx, ops, member)
        for stranger in (foreign.principal, ANONYMOUS):
            with pytest.raises(MemberUnsuitable):
                await teams.add_member(tx, ops, stranger)
    async with database.read() as read:
        assert ["acme+deploy", "bob"] == await teams.members(read, ops)
        assert ops == await teams.get(read, acme, "ops")
        assert [ops.name, "owners"] == [team.name for team in await teams.list_(read, acme)]
    async with database.write() as tx:
        await teams.remove_member(tx, ops, deploy.principal)
        await teams.change(tx, ops, role=TeamRole.MEMBER, description="")
    async with database.read() as read:
        assert ["bob"] == await teams.members(read, ops)
        assert TeamRole.MEMBER is (await teams.get(read, acme, "ops")).role
    async with database.write() as tx:
        await teams.delete(tx, ops)
        with pytest.raises(TeamUnknown):
            await teams.get(tx, acme, "ops")


async def test_a_team_name_is_taken_once_per_organization(database: Database) -> None:
    async with database.write() as tx:
        ada = await users.create(tx, "ada", None)
        await organizations.create(tx, "other", by=ada.principal)
        acme = await organizations.create(tx, "acme", by=ada.principal)
    with pytest.raises(AccountNameTaken):
        async with database.write() as tx:
            await teams.create(tx, acme, organizations.OWNERS)


async def test_a_robot_shows_its_token_once(database: Database) -> None:
    async with database.write() as tx:
        ada = await users.create(tx, "ada", None)
        robot, token = await robots.create(tx, "ada", "ci", description="builds")
    assert token.startswith(robots.TOKEN_PREFIX)
    assert "ada+ci" == robot.full_name
    assert Principal(PrincipalKind.ROBOT, robot.id, "ada+ci", namespace_id=ada.id) == robot.principal
    async with database.write() as tx:
        assert robot == await robots.get(tx, "ada+ci")
        assert [robot] == await robots.list_(tx, ada.id)
        assert token != await robots.regenerate_token(tx, robot)
        await robots.delete(tx, robot)
        assert await robots.find(tx, "ada+ci") is None
        with pytest.raises(RobotUnknown):
            await robots.get(tx, "ada+ci")


async def test_a_robot_needs_an_owner_and_a_name_of_its_own(database: Database) -> None:
    async with database.write() as tx:
        await users.create(tx, "ada", None)
        await robots.create(tx, "ada", "ci")
    with pytest.raises(AccountNameTaken):
        async with database.write() as tx:
            await robots.create(tx, "ada", "ci")
    with pytest.raises(NamespaceUnknown):
        async with database.write() as tx:
            await robots.create(tx, "nobody", "ci")
    with pytest.raises(AccountNameInvalid):
        async with database.write() as tx:
            await robots.create(tx, "ada", "c+i")


@pytest.mark.parametrize("password", ["", "1234567", "x" * 1025, "12345678\ud800"])
async def test_passwords_that_nobody_can_have(password: str) -> None:
    with pytest.raises(PasswordUnacceptable):
        await passwords.hash_(password)
