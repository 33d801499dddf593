"""Brings a database to the schema of this release, with the revisions in `migrations/`.

All pending revisions run in one transaction that first takes a lock, so that replicas may start at the same moment: one
migrates, the others wait and find nothing to do.
"""

import asyncio
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.exc import OperationalError

from wharf.db.errors import DatabaseError, DatabaseUnavailable

_IN_THE_SOURCE = Path(__file__).parents[3] / "migrations"
_INSTALLED = Path(sysconfig.get_path("data")) / "share" / "wharf" / "migrations"
FOLDER = _IN_THE_SOURCE if _IN_THE_SOURCE.is_dir() else _INSTALLED
_BUSY_SECONDS = 60
# Any number will do that nobody else uses for an advisory lock in the same database.
_TAKE_LOCK = "SELECT pg_advisory_xact_lock(513052107366)"


class Schema(StrEnum):
    """What a database holds, compared with what this release needs."""

    EMPTY = "empty"
    BEHIND = "behind"
    CURRENT = "current"
    UNKNOWN = "unknown"  # migrated by another release, most likely a later one


class SchemaUnknown(DatabaseError):
    """The database was migrated by a release that this one does not know."""


async def state(url: str) -> Schema:
    """Compare the database at `url` with this release. Raises `DatabaseUnavailable`."""
    return await asyncio.to_thread(_state, url)


async def upgrade(url: str) -> None:
    """Migrate the database at `url` to this release; does nothing when it is there already.

    Raises `SchemaUnknown` and `DatabaseUnavailable`.
    """
    await asyncio.to_thread(_upgrade, url)


@contextmanager
def migrating(url: str) -> Iterator[Config]:
    """Yield a configuration for alembic's commands: they run in one transaction, alone in the database at `url`."""
    engine = _engine(url)
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql(_TAKE_LOCK)
            config = Config()
            config.set_main_option("script_location", str(FOLDER))
            config.attributes["connection"] = connection
            yield config
    except OperationalError as error:
        raise DatabaseUnavailable(str(error.orig)) from error
    finally:
        engine.dispose()


def _upgrade(url: str) -> None:
    with migrating(url) as config:
        if _compare(config.attributes["connection"]) is Schema.UNKNOWN:
            raise SchemaUnknown
        command.upgrade(config, "head")


def _state(url: str) -> Schema:
    with migrating(url) as config:
        return _compare(config.attributes["connection"])


def _compare(connection: Connection) -> Schema:
    script = ScriptDirectory(str(FOLDER))
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None:
        return Schema.EMPTY
    if revision == script.get_current_head():
        return Schema.CURRENT
    try:
        script.get_revision(revision)
    except CommandError:
        return Schema.UNKNOWN
    return Schema.BEHIND


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite:"):
        scheme, _, rest = url.partition("://")
        assert scheme in {"postgresql", "postgres"}
        return create_engine(f"postgresql+psycopg://{rest}", poolclass=NullPool)
    # Python's sqlite3 would commit before DDL; with isolation_level None a transaction ends where SQLAlchemy says so.
    engine = create_engine(url, poolclass=NullPool, connect_args={"isolation_level": None, "timeout": _BUSY_SECONDS})
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine
