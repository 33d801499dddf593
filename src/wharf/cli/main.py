"""The list of commands."""

from importlib.metadata import version
from typing import Annotated

import typer

from wharf.cli import accounts, audit, configuration, maintenance, repositories, serve, teams

app = typer.Typer(
    name="wharf",
    help="A registry for container images and every other OCI artifact.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)
app.command("worker")(serve.worker)
app.command("migrate")(maintenance.migrate)
app.command("gc")(maintenance.gc)
app.command("verify")(maintenance.verify)
app.command("shell")(maintenance.shell)
app.command("audit")(audit.audit)
app.command("grant")(repositories.grant)
app.command("revoke")(repositories.revoke)
app.add_typer(repositories.app, name="repository")
app.add_typer(accounts.user, name="user")
app.add_typer(accounts.organization, name="organization")
app.add_typer(teams.app, name="team")
app.add_typer(accounts.robot, name="robot")
app.add_typer(configuration.app, name="config")


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it
    if wanted:
        typer.echo(f"wharf {version('wharf')}")
        raise typer.Exit


@app.callback()
def root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options before the command."""


def main() -> None:
    """Run the command line; what the console script `wharf` calls."""
    app()
