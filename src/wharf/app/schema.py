"""Whether a process may start on the database it was given, and bringing the database to this release if it may."""

import logging

from wharf.config import Config
from wharf.db import migrate
from wharf.db.migrate import Schema

log = logging.getLogger(__name__)


class SchemaBehind(Exception):
    """The database needs a migration that a server does not run by itself."""


async def prepare(config: Config) -> None:
    """Migrate where `database.migrate_on_start` says so; return when the schema is that of this release.

    Raises SchemaBehind, SchemaUnknown and DatabaseUnavailable.
    """
    url, when = config.database.url, config.database.migrate_on_start
    if config.database.is_sqlite:
        config.data_folder.mkdir(parents=True, exist_ok=True)
    state = await migrate.state(url)
    if state is Schema.CURRENT:
        return
    if when == "always" or (when == "auto" and (config.database.is_sqlite or state is Schema.EMPTY)):
        log.info("database migration started", extra={"schema": state})
        await migrate.upgrade(url)
        return
    if state is Schema.UNKNOWN:
        raise migrate.SchemaUnknown
    raise SchemaBehind
