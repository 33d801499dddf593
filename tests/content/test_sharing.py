from datetime import UTC, datetime

import pytest

from wharf.access.actions import Action
from wharf.access.grants import Role, TeamRole, Visibility
from wharf.access.principals import ANONYMOUS, Principal
from wharf.accounts import organizations, robots, teams, users
from wharf.content import repositories, sharing
from wharf.content.errors import AccessDenied, RepositoryUnknown
from wharf.content.repositories import Repository
from wharf.content.sharing import Grant
from wharf.db import Database
from wharf.oci.names import RepositoryName

NOW = datetime(2026, 11, 1, tzinfo=UTC)
NAME = RepositoryName("ada/app")


@pytest.fixture
async def ada(database: Database) -> Principal:
    async with database.write() as tx:
        return (await users.create(tx, "ada", None)).principal


@pytest.fixture
async def app(database: Database, ada: Principal) -> Repository:
    async with database.write() as tx:
        return await repositories.create(tx, NAME, by=ada, visibility=Visibility.PRIVATE, at=NOW)


async def may(database: Database, who: Principal, action: Action) -> bool:
    try:
        await repositories.access(database, who, NAME, action)
    except (AccessDenied, RepositoryUnknown):
        return False
    return True


async def test_a_role_is_given_replaced_and_taken(database: Database, ada: Principal, app: Repository) -> None:
    async with database.write() as tx:
        bob = (await users.create(tx, "bob", None)).principal
        await sharing.grant(tx, app, bob, Role.READ, by=ada, at=NOW)
    assert await may(database, bob, Action.PULL)
    assert not await may(database, bob, Action.PUSH)
    async with database.write() as tx:
        await sharing.grant(tx, app, bob, Role.WRITE, by=ada, at=NOW)
        assert [Grant("bob", Role.WRITE)] == await sharing.list_(tx, app)
    assert await may(database, bob, Action.PUSH)
    async with database.write() as tx:
        assert await sharing.revoke(tx, app, bob, by=ada, at=NOW)
        assert not await sharing.revoke(tx, app, bob, by=ada, at=NOW)
    assert not await may(database, bob, Action.PULL)


async def test_robots_and_teams_hold_roles_too(database: Database, ada: Principal, app: Repository) -> None:
    async with database.write() as tx:
        acme = await organizations.create(tx, "acme", by=ada)
        deploy = (await robots.create(tx, "acme", "deploy")).robot.principal
        carol = (await users.create(tx, "carol", None)).principal
        developers = await teams.create(tx, acme, "developers", TeamRole.MEMBER)
        await teams.add_member(tx, developers, carol)
        await sharing.grant(tx, app, deploy, Role.READ, by=ada, at=NOW)
        await sharing.grant(tx, app, developers, Role.WRITE, by=ada, at=NOW)
    assert await may(database, deploy, Action.PULL)
    assert await may(database, carol, Action.PUSH)
    async with database.read() as read:
        found = await sharing.list_(read, app)
    assert {Grant("acme+deploy", Role.READ), Grant("acme/developers", Role.WRITE)} == set(found)
    async with database.write() as tx:
        await sharing.revoke(tx, app, developers, by=ada, at=NOW)
    assert not await may(database, carol, Action.PULL)
    assert await may(database, deploy, Action.PULL)


async def test_a_public_repository_is_for_all_to_read(database: Database, ada: Principal, app: Repository) -> None:
    assert not await may(database, ANONYMOUS, Action.PULL)
    for _ in range(2):
        async with database.write() as tx:
            await sharing.change_visibility(tx, app, Visibility.PUBLIC, by=ada, at=NOW)
    assert await may(database, ANONYMOUS, Action.PULL)
    assert not await may(database, ANONYMOUS, Action.PUSH)
    async with database.write() as tx:
        await sharing.change_visibility(tx, app, Visibility.PRIVATE, by=ada, at=NOW)
    assert not await may(database, ANONYMOUS, Action.PULL)


async def test_a_deleted_repository_has_no_visibility(database: Database, ada: Principal, app: Repository) -> None:
    async with database.write() as tx:
        await repositories.delete(tx, app, by=ada, at=NOW)
    with pytest.raises(RepositoryUnknown):
        async with database.write() as tx:
            await sharing.change_visibility(tx, app, Visibility.PUBLIC, by=ada, at=NOW)
