"""`wharf repository`, `wharf grant`, `wharf revoke`: who may use what, decided by whoever has the machine.

Commands act as the first superuser, through the same door as everybody.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, NamedTuple

import typer

from wharf.access.actions import Action
from wharf.access.grants import Role, Visibility
from wharf.access.principals import Principal
from wharf.accounts import organizations, robots, teams, users
from wharf.accounts.teams import Team
from wharf.cli import session
from wharf.cli.session import ConfigOption, DataOption, NoSuperuser
from wharf.config import Config
from wharf.content import repositories, sharing
from wharf.content.repositories import Repository
from wharf.db import Database, Read
from wharf.kit.clock import utc_now
from wharf.oci.names import RepositoryName

app = typer.Typer(no_args_is_help=True, help="Repositories: list them, share them.")

NameArgument = Annotated[str, typer.Argument(metavar="NAMESPACE/NAME", show_default=False)]
ToArgument = Annotated[
    str,
    typer.Argument(
        metavar="WHO", help="A user, a robot (acme+deploy) or a team (acme/developers).", show_default=False
    ),
]


class Opened(NamedTuple):
    """A repository, and as whom it was opened."""

    database: Database
    repository: Repository
    by: Principal


@app.command("list")
def list_repositories(config: ConfigOption = None, data: DataOption = None) -> None:
    """List all repositories."""
    session.run(_list(session.configuration(config, data)))


@app.command()
def grants(name: NameArgument, config: ConfigOption = None, data: DataOption = None) -> None:
    """List who was granted what on a repository."""
    session.run(_grants(session.configuration(config, data), name))


@app.command()
def visibility(
    name: NameArgument,
    to: Annotated[Visibility, typer.Argument(show_default=False)],
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Make a repository public, so that everybody may pull from it, or private."""
    session.run(_visibility(session.configuration(config, data), name, to))


def grant(
    name: NameArgument,
    role: Annotated[Role, typer.Argument(show_default=False)],
    to: ToArgument,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Let somebody read, write or administer a repository."""
    session.run(_grant(session.configuration(config, data), name, role, to))


def revoke(name: NameArgument, to: ToArgument, config: ConfigOption = None, data: DataOption = None) -> None:
    """Take back what `wharf grant` gave."""
    if not session.run(_revoke(session.configuration(config, data), name, to)):
        session.fail(f"{to} has not been granted anything on {name}")


@asynccontextmanager
async def _opened(config: Config, name: str) -> AsyncIterator[Opened]:
    parsed = RepositoryName.parse(name)
    async with session.database(config) as database:
        async with database.read() as read:
            by = await _operator(read)
        yield Opened(database, await repositories.access(database, by, parsed, Action.ADMIN), by)


async def _operator(read: Read) -> Principal:
    last = ""
    while page := await users.list_(read, last=last):
        for user in page:
            if user.superuser and user.enabled:
                return user.principal
        last = page[-1].name
    raise NoSuperuser


async def _grantee(read: Read, name: str) -> Principal | Team:
    if robots.SEPARATOR in name:
        return (await robots.get(read, name)).principal
    organization, slash, team = name.partition("/")
    if slash:
        return await teams.get(read, await organizations.get(read, organization), team)
    return (await users.get(read, name)).principal


async def _list(config: Config) -> None:
    last, count = "", 500
    async with session.database(config) as database:
        async with database.read() as read:
            by = await _operator(read)
        while page := await repositories.list_(database, by, last=last, count=count):
            typer.echo("\n".join(page))
            last = page[-1]


async def _grants(config: Config, name: str) -> None:
    async with _opened(config, name) as opened, opened.database.read() as read:
        for each in await sharing.list_(read, opened.repository):
            typer.echo(f"{each.role:6} {each.name}")


async def _visibility(config: Config, name: str, to: Visibility) -> None:
    async with _opened(config, name) as opened, opened.database.write() as tx:
        await sharing.change_visibility(tx, opened.repository, to, by=opened.by, at=utc_now())
    typer.echo(f"{name} is {to} now")


async def _grant(config: Config, name: str, role: Role, to: str) -> None:
    async with _opened(config, name) as opened, opened.database.write() as tx:
        await sharing.grant(tx, opened.repository, await _grantee(tx, to), role, by=opened.by, at=utc_now())
    typer.echo(f"{to} may {role} {name} now")


async def _revoke(config: Config, name: str, to: str) -> bool:
    async with _opened(config, name) as opened, opened.database.write() as tx:
        return await sharing.revoke(tx, opened.repository, await _grantee(tx, to), by=opened.by, at=utc_now())
