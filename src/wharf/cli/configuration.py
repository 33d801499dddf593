"""`wharf config`: what is configured, and what could be."""

import json

import typer

from wharf.cli import session
from wharf.cli.session import ConfigOption, DataOption
from wharf.config import ConfigInvalid, load, render
from wharf.telemetry import metrics

app = typer.Typer(no_args_is_help=True, help="Show, check and describe the configuration.")


@app.command()
def show(config: ConfigOption = None, data: DataOption = None) -> None:
    """Print the configuration in use, without its secrets."""
    typer.echo(render.show(session.configuration(config, data)), nl=False)


@app.command()
def check(config: ConfigOption = None) -> None:
    """Say whether the configuration is valid, and what about it deserves attention."""
    try:
        loaded = load(config)
    except ConfigInvalid as error:
        session.fail(str(error))
    for note in loaded.notes:
        typer.echo(f"note: {note}")
    if not loaded.config.database.is_sqlite and not loaded.config.secret_key:
        typer.echo("note: with PostgreSQL set secret_key, so that all replicas have the same")
    typer.echo(f"The configuration is valid ({loaded.file or 'no file, defaults and environment'})")


@app.command()
def sample() -> None:
    """Print a wharf.yaml with every setting at its default."""
    typer.echo(render.sample(), nl=False)


@app.command()
def reference() -> None:
    """Print the reference page of the configuration."""
    typer.echo(render.reference(), nl=False)


@app.command()
def schema() -> None:
    """Print the JSON schema of wharf.yaml."""
    typer.echo(json.dumps(render.schema(), indent=2))


@app.command("metrics")
def print_metrics() -> None:
    """Print the reference page of the metrics."""
    typer.echo(metrics.reference(), nl=False)
