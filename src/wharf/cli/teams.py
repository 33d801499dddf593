"""`wharf team`: users and robots of an organization that hold a role together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import typer

from wharf.access.grants import TeamRole
from wharf.access.principals import Principal
from wharf.accounts import organizations, robots, teams, users
from wharf.accounts.teams import Team
from wharf.cli import session
from wharf.cli.session import ConfigOption, DataOption
from wharf.config import Config
from wharf.db import Read, Tx

app = typer.Typer(no_args_is_help=True, help="Groups of users and robots in an organization.")

NameArgument = Annotated[str, typer.Argument(metavar="ORGANIZATION/TEAM", show_default=False)]
MemberArgument = Annotated[
    str, typer.Argument(metavar="WHO", help="A user, or a robot of the organization.", show_default=False)
]


@app.command()
def create(
    name: NameArgument,
    role: Annotated[
        TeamRole, typer.Option(help="What members may do in the whole organization; a creator may push new names.")
    ] = TeamRole.MEMBER,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Create a team."""
    session.run(_create(session.configuration(config, data), *_split(name), role))


@app.command()
def add(name: NameArgument, who: MemberArgument, config: ConfigOption = None, data: DataOption = None) -> None:
    """Add a member."""
    session.run(_add(session.configuration(config, data), *_split(name), who))


@app.command()
def remove(name: NameArgument, who: MemberArgument, config: ConfigOption = None, data: DataOption = None) -> None:
    """Remove a member."""
    session.run(_remove(session.configuration(config, data), *_split(name), who))


@app.command()
def members(name: NameArgument, config: ConfigOption = None, data: DataOption = None) -> None:
    """List the members."""
    session.run(_members(session.configuration(config, data), *_split(name)))


def _split(name: str) -> tuple[str, str]:
    organization, slash, team = name.partition("/")
    if not slash:
        session.fail("a team's name looks like acme/developers", status=2)
    return organization, team


@asynccontextmanager
async def _opened(config: Config, organization: str, team: str) -> AsyncIterator[tuple[Tx, Team]]:
    async with session.database(config) as database, database.write() as tx:
        yield tx, await teams.get(tx, await organizations.get(tx, organization), team)


async def _who(read: Read, name: str) -> Principal:
    if robots.SEPARATOR in name:
        return (await robots.get(read, name)).principal
    return (await users.get(read, name)).principal


async def _create(config: Config, organization: str, team: str, role: TeamRole) -> None:
    async with session.database(config) as database, database.write() as tx:
        await teams.create(tx, await organizations.get(tx, organization), team, role)
    typer.echo(f"Created team {organization}/{team}")


async def _add(config: Config, organization: str, team: str, who: str) -> None:
    async with _opened(config, organization, team) as (tx, found):
        await teams.add_member(tx, found, await _who(tx, who))
    typer.echo(f"{who} is in {organization}/{team} now")


async def _remove(config: Config, organization: str, team: str, who: str) -> None:
    async with _opened(config, organization, team) as (tx, found):
        await teams.remove_member(tx, found, await _who(tx, who))
    typer.echo(f"{who} is not in {organization}/{team}")


async def _members(config: Config, organization: str, team: str) -> None:
    async with _opened(config, organization, team) as (tx, found):
        for name in await teams.members(tx, found):
            typer.echo(name)
