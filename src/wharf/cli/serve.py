"""`wharf serve` and `wharf worker`: the commands that do not end."""

from typing import Annotated

import typer

from wharf.accounts import setup
from wharf.app import server
from wharf.app.build import Wharf
from wharf.app.server import Stopping
from wharf.cli import session
from wharf.cli.session import ConfigOption, DataOption
from wharf.config import Config

_FIRST_USER = """
There is no user yet. Create the first superuser with this one-time token, valid for {days} days:

    {token}

    curl {url}/api/v1/user/initialize -H 'Content-Type: application/json' \\
         -H 'X-Setup-Token: {token}' \\
         -d '{{"username": "admin", "password": "…", "email": "admin@example.com"}}'

or on this machine, without the token:

    wharf user create admin{data}
"""


def serve(
    config: ConfigOption = None,
    data: DataOption = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; 0.0.0.0 for other machines.", show_default=False)
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.", show_default=False)] = None,
    worker: Annotated[
        bool | None, typer.Option("--worker/--no-worker", help="Run jobs in this process too.", show_default=False)
    ] = None,
) -> None:
    """Run the registry."""
    loaded = session.configuration(config, data, server__host=host, server__port=port, jobs__embedded=worker)
    session.run(_serve(loaded, f" --data {data}" if data else ""))


def worker(config: ConfigOption = None, data: DataOption = None) -> None:
    """Run background jobs only, beside processes started with `wharf serve --no-worker`."""
    session.run(_work(session.configuration(config, data)))


async def _serve(config: Config, data: str) -> None:
    stopping = Stopping()
    stopping.on_signals()
    async with session.whole(config) as wharf:

        async def ready(url: str) -> None:
            await _announce(wharf, url, data)

        await server.serve(wharf, stopping, ready=ready)


async def _work(config: Config) -> None:
    stopping = Stopping()
    stopping.on_signals()
    async with session.whole(config) as wharf:
        typer.echo("Wharf's worker is ready")
        await server.work(wharf, stopping)


async def _announce(wharf: Wharf, url: str, data: str) -> None:
    public = wharf.config.server.public_url or url
    listening = "" if public == url else f" (listening on {url})"
    typer.echo(f"Wharf is ready at {public}{listening}")
    async with wharf.database.write() as tx:
        token = await setup.prepare(tx)
    if token:
        typer.echo(_FIRST_USER.format(token=token, url=public, days=setup.VALID_FOR.days, data=data))
