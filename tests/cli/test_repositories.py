import asyncio
from pathlib import Path

import pytest

from tests.cli.conftest import Shell
from wharf.access.actions import Action
from wharf.access.grants import Visibility
from wharf.access.principals import ANONYMOUS
from wharf.accounts import users
from wharf.app.build import open_configured_database
from wharf.config import Config
from wharf.content import repositories
from wharf.kit.clock import utc_now
from wharf.oci.names import RepositoryName

NAME = RepositoryName("ada/app")


async def create_repository(folder: Path) -> None:
    database = await open_configured_database(Config(data_folder=folder / "data"))
    async with database.write() as tx:
        ada = (await users.get(tx, "ada")).principal
        await repositories.create(tx, NAME, by=ada, visibility=Visibility.PRIVATE, at=utc_now())
    await database.close()


async def may_pull_anonymously(folder: Path) -> None:
    database = await open_configured_database(Config(data_folder=folder / "data"))
    await repositories.access(database, ANONYMOUS, NAME, Action.PULL)
    await database.close()


@pytest.fixture
def people(shell: Shell, tmp_path: Path) -> Shell:
    """A superuser with a repository, another user, an organization with a robot and a team."""
    for name in ("ada", "bob"):
        shell("user", "create", name, "--password-stdin", stdin="correct horse")
    shell("organization", "create", "acme", "--owner", "ada")
    shell("robot", "create", "acme+deploy")
    shell("team", "create", "acme/developers")
    asyncio.run(create_repository(tmp_path))
    return shell


def test_roles_are_granted_listed_and_revoked(people: Shell) -> None:
    assert "bob may write ada/app now" in people("grant", "ada/app", "write", "bob")
    people("grant", "ada/app", "read", "acme+deploy")
    people("grant", "ada/app", "admin", "acme/developers")
    listed = people("repository", "grants", "ada/app").splitlines()
    assert {"write  bob", "read   acme+deploy", "admin  acme/developers"} == set(listed)
    people("revoke", "ada/app", "bob")
    assert "has not been granted" in people("revoke", "ada/app", "bob", status=1)


def test_a_repository_is_made_public(people: Shell, tmp_path: Path) -> None:
    assert ["ada/app"] == people("repository", "list").splitlines()
    assert "public now" in people("repository", "visibility", "ada/app", "public")
    asyncio.run(may_pull_anonymously(tmp_path))


def test_teams_have_members(people: Shell) -> None:
    people("team", "add", "acme/developers", "bob")
    people("team", "add", "acme/developers", "acme+deploy")
    assert ["acme+deploy", "bob"] == people("team", "members", "acme/developers").splitlines()
    people("team", "remove", "acme/developers", "bob")
    assert ["acme+deploy"] == people("team", "members", "acme/developers").splitlines()


@pytest.mark.parametrize(
    ("words", "reason", "status"),
    [
        (("grant", "ada/nothing", "read", "bob"), "no repository 'ada/nothing'", 1),
        (("grant", "ada/app", "read", "nobody"), "no user 'nobody'", 1),
        (("grant", "ada/app", "read", "acme+nobody"), "no robot 'acme+nobody'", 1),
        (("grant", "ada/app", "read", "acme/nobody"), "no team 'nobody'", 1),
        (("grant", "ada/app", "read", "none/nobody"), "no user or organization 'none'", 1),
        (("grant", "ada/app", "own", "bob"), "own", 2),
        (("grant", "ADA/app", "read", "bob"), "ADA/app", 1),
        (("team", "create", "developers"), "looks like", 2),
        (("team", "create", "acme/developers"), "taken", 1),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(people: Shell, words: tuple[str, ...], reason: str, status: int) -> None:
    assert reason in people(*words, status=status)


def test_without_a_superuser_nobody_shares_anything(shell: Shell) -> None:
    assert "no superuser yet" in shell("grant", "ada/app", "read", "bob", status=1)
