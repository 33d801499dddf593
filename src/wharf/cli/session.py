"""What the commands share: their options, opening a configured Wharf, and telling failures in one sentence."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from wharf.accounts import errors as accounts
from wharf.app.build import Wharf, build, open_configured_database
from wharf.app.schema import SchemaBehind, prepare
from wharf.app.server import AddressInUse
from wharf.app.subscriptions import listen
from wharf.config import Config, ConfigInvalid, load
from wharf.content import errors as content
from wharf.db import Database, DatabaseUnavailable
from wharf.db.migrate import SchemaUnknown
from wharf.oci.errors import NameInvalid
from wharf.storage.errors import StorageUnavailable
from wharf.telemetry import logs
from wharf.telemetry.access_log import AccessLog

T = TypeVar("T")

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", metavar="FILE", help="wharf.yaml, or a Quay config.yaml.", show_default=False),
]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", "-d", metavar="FOLDER", help="The data folder (data_folder).", show_default=False),
]


class NoSuperuser(Exception):
    """A command acts as a superuser, and there is none."""


# Failures that are no bugs, and what a person should know about them.
FAILURES: Mapping[type[Exception], str] = {
    NoSuperuser: "there is no superuser yet; `wharf user create` makes the first",
    AddressInUse: "cannot listen on {0}",
    SchemaBehind: "the database needs a migration: run `wharf migrate`",
    SchemaUnknown: "the database was migrated by another release of Wharf, most likely a later one",
    DatabaseUnavailable: "the database does not answer: {0}",
    StorageUnavailable: "the storage does not answer: {0.reason}",
    accounts.AccountNameInvalid: "{0.name!r} cannot be a name",
    accounts.AccountNameTaken: "{0.name!r} is taken",
    accounts.EmailTaken: "the e-mail address {0.email!r} is taken",
    accounts.PasswordUnacceptable: "{0.reason}",
    accounts.NamespaceUnknown: "there is no user or organization {0.name!r}",
    accounts.UserUnknown: "there is no user {0.name!r}",
    accounts.RobotUnknown: "there is no robot {0.name!r}",
    accounts.TeamUnknown: "there is no team {0.name!r}",
    accounts.MemberUnsuitable: "{0.name!r} cannot be a member: only users, and robots of the same organization, can",
    content.RepositoryUnknown: "there is no repository {0.name!r}",
    NameInvalid: "{0}",
}


def configuration(file: Path | None, data: Path | None = None, **overrides: object) -> Config:
    """Load the configuration, set up logging, and tell notes about it; ends the process when it is not valid."""
    options = {"data_folder": data, **{name.replace("__", "."): value for name, value in overrides.items()}}
    try:
        loaded = load(file, overrides=options)
    except ConfigInvalid as error:
        fail(str(error), status=2)
    logs.configure(level=loaded.config.telemetry.log_level, console=is_console(loaded.config))
    for note in loaded.notes:
        logging.getLogger(__name__).warning("configuration note", extra={"note": note})
    return loaded.config


def is_console(config: Config) -> bool:
    """Whether log lines are for a person."""
    form = config.telemetry.log_format
    return form == "console" or (form == "auto" and sys.stderr.isatty())


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` on the fastest event loop there is; a known failure becomes a sentence and status 1."""
    try:
        if sys.platform == "win32":
            return asyncio.run(main)
        import uvloop

        return uvloop.run(main)
    except tuple(FAILURES) as error:
        fail(next(FAILURES[kind] for kind in type(error).__mro__ if kind in FAILURES).format(error))


def fail(reason: str, *, status: int = 1) -> NoReturn:
    """Say why, and end with `status`."""
    typer.echo(f"wharf: {reason}", err=True)
    raise typer.Exit(status)


@asynccontextmanager
async def database(config: Config) -> AsyncIterator[Database]:
    """Open the database for one command, at the schema of this release."""
    await prepare(config)
    opened = await open_configured_database(config)
    listen(config.audit)
    try:
        yield opened
    finally:
        await opened.close()


@asynccontextmanager
async def whole(config: Config) -> AsyncIterator[Wharf]:
    """Build all of Wharf for one command."""
    await prepare(config)
    log = AccessLog(console=is_console(config)) if config.telemetry.access_log else None
    wharf = await build(config, access_log=log)
    try:
        yield wharf
    finally:
        await wharf.close()
