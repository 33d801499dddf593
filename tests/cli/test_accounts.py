from pathlib import Path

from tests.cli.conftest import Shell
from wharf.access.principals import PrincipalKind
from wharf.accounts import sign_in
from wharf.app.build import open_configured_database
from wharf.config import Config


async def who(folder: Path, name: str, secret: str) -> tuple[PrincipalKind, bool]:
    database = await open_configured_database(Config(data_folder=folder / "data"))
    try:
        principal = await sign_in.basic(database, name, secret)
        return principal.kind, principal.superuser
    finally:
        await database.close()


def test_the_first_user_is_a_superuser_and_the_second_is_not(shell: Shell) -> None:
    assert "superuser ada" in shell("user", "create", "ada", "--password-stdin", stdin="correct horse\n")
    assert "user bob" in shell("user", "create", "bob", "--password-stdin", stdin="correct horse\n")
    assert "superuser eve" in shell("user", "create", "eve", "--superuser", "--password-stdin", stdin="correct horse")
    assert ["ada superuser", "bob", "eve superuser"] == shell("user", "list").splitlines()


def test_a_password_is_asked_for_twice(shell: Shell) -> None:
    output = shell("user", "create", "ada", stdin="correct horse\ncorrect horse\n")
    assert "correct horse" not in output
    assert "superuser ada" in output


def test_a_line_end_of_any_kind_is_no_part_of_the_password(shell: Shell, tmp_path: Path) -> None:
    import asyncio

    shell("user", "create", "ada", "--password-stdin", stdin="correct horse\r\n")
    assert (PrincipalKind.USER, True) == asyncio.run(who(tmp_path, "ada", "correct horse"))
    shell("user", "password", "ada", "--password-stdin", stdin="another horse")
    assert (PrincipalKind.USER, True) == asyncio.run(who(tmp_path, "ada", "another horse"))


def test_what_is_wrong_with_an_account_is_said_in_a_sentence(shell: Shell) -> None:
    shell("user", "create", "ada", "--password-stdin", stdin="correct horse")
    again = shell("user", "create", "ada", "--password-stdin", stdin="correct horse", status=1)
    assert "wharf: 'ada' is taken" in again
    assert "at least 8" in shell("user", "create", "bob", "--password-stdin", stdin="short", status=1)
    assert "cannot be a name" in shell("user", "create", "Bad Name", "--password-stdin", stdin="long enough", status=1)
    assert "no user 'bob'" in shell("user", "password", "bob", "--password-stdin", stdin="long enough", status=1)


def test_organizations_and_robots(shell: Shell, tmp_path: Path) -> None:
    import asyncio

    shell("user", "create", "ada", "--password-stdin", stdin="correct horse")
    assert "Created organization acme" in shell("organization", "create", "acme", "--owner", "ada")
    assert "no user 'bob'" in shell("organization", "create", "other", "--owner", "bob", status=1)
    token = shell("robot", "create", "acme+deploy").splitlines()[-1]
    assert (PrincipalKind.ROBOT, False) == asyncio.run(who(tmp_path, "acme+deploy", token))
    assert "looks like" in shell("robot", "create", "deploy", status=2)
    assert "no user or organization 'nobody'" in shell("robot", "create", "nobody+deploy", status=1)
