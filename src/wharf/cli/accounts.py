"""`wharf user`, `wharf organization`, `wharf robot`: accounts, for whoever has the machine."""

import sys
from typing import Annotated

import typer

from wharf.accounts import organizations, passwords, robots, users
from wharf.cli import session
from wharf.cli.session import ConfigOption, DataOption
from wharf.config import Config

user = typer.Typer(no_args_is_help=True, help="People.")
organization = typer.Typer(no_args_is_help=True, help="Namespaces that belong to teams.")
robot = typer.Typer(no_args_is_help=True, help="Credentials for machines.")

NameArgument = Annotated[str, typer.Argument(show_default=False)]
PasswordOption = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input instead of asking for it.")
]


@user.command("create")
def create_user(
    name: NameArgument,
    *,
    email: Annotated[str | None, typer.Option(show_default=False)] = None,
    superuser: Annotated[
        bool, typer.Option("--superuser", help="May do everything. The first user always may.")
    ] = False,
    password_stdin: PasswordOption = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Create a user."""
    loaded = session.configuration(config, data)
    password = _read_password(from_stdin=password_stdin)
    session.run(_create_user(loaded, name, password, email, superuser=superuser))


@user.command("password")
def change_password(
    name: NameArgument, *, password_stdin: PasswordOption = False, config: ConfigOption = None, data: DataOption = None
) -> None:
    """Give a user a new password."""
    loaded = session.configuration(config, data)
    session.run(_change_password(loaded, name, _read_password(from_stdin=password_stdin)))


@user.command("list")
def list_users(config: ConfigOption = None, data: DataOption = None) -> None:
    """List all users, one a line; superusers are marked."""
    session.run(_list_users(session.configuration(config, data)))


@organization.command("create")
def create_organization(
    name: NameArgument,
    owner: Annotated[str, typer.Option(help="The user who is its first owner.", show_default=False)],
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Create an organization."""
    session.run(_create_organization(session.configuration(config, data), name, owner))


@robot.command("create")
def create_robot(
    name: Annotated[str, typer.Argument(metavar="NAMESPACE+NAME", show_default=False)],
    description: Annotated[str, typer.Option(show_default=False)] = "",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Create a robot and print its token, which is not shown again."""
    owner, separator, short = name.partition(robots.SEPARATOR)
    if not separator:
        session.fail(f"a robot's name looks like acme{robots.SEPARATOR}deploy", status=2)
    session.run(_create_robot(session.configuration(config, data), owner, short, description))


def _read_password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.read().removesuffix("\n").removesuffix("\r")
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


async def _create_user(config: Config, name: str, password: str, email: str | None, *, superuser: bool) -> None:
    hashed = await passwords.hash_(password)
    async with session.database(config) as database, database.write() as tx:
        superuser = superuser or not await users.exist(tx)
        created = await users.create(tx, name, hashed, email=email, superuser=superuser)
    typer.echo(f"Created {'superuser' if created.superuser else 'user'} {created.name}")


async def _change_password(config: Config, name: str, password: str) -> None:
    hashed = await passwords.hash_(password)
    async with session.database(config) as database, database.write() as tx:
        await users.change_password(tx, await users.get(tx, name), hashed)
    typer.echo(f"Changed the password of {name}")


async def _list_users(config: Config) -> None:
    last, count = "", 500
    async with session.database(config) as database, database.read() as read:
        while page := await users.list_(read, last=last, count=count):
            for each in page:
                marks = [word for word, on in (("superuser", each.superuser), ("disabled", not each.enabled)) if on]
                typer.echo(" ".join([each.name, *marks]))
            last = page[-1].name


async def _create_organization(config: Config, name: str, owner: str) -> None:
    async with session.database(config) as database, database.write() as tx:
        first = await users.get(tx, owner)
        await organizations.create(tx, name, by=first.principal)
    typer.echo(f"Created organization {name}, owned by {owner}")


async def _create_robot(config: Config, owner: str, name: str, description: str) -> None:
    async with session.database(config) as database, database.write() as tx:
        created = await robots.create(tx, owner, name, description=description)
    typer.echo(f"Created robot {created.robot.full_name}; its token is not shown again:", err=True)
    typer.echo(created.token)
