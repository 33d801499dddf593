"""A small table that is no room's, and its statements."""

from sqlalchemy import (
    Column,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    bindparam,
    delete,
    func,
    select,
    text,
    update,
)
from sqlalchemy.schema import CreateTable

from wharf.db import Database, Tx
from wharf.db import dialect as dialects
from wharf.db.dialect import insert
from wharf.db.types import Ascii, Id, Instant, Json, short

thing = Table(
    "thing",
    MetaData(),
    Column("id", Id, primary_key=True),
    Column("name", Ascii, nullable=False, unique=True),
    Column("size", Integer),
    Column("at", Instant),
    Column("facts", Json),
    Column("code", short(8)),
    Column("body", LargeBinary),
)
c = thing.c

INSERT = insert(thing).values(name=bindparam("called"))
COUNT = select(func.count()).select_from(thing)
NAMES = select(c.name).order_by(c.name)
SIZE = select(c.size).where(c.name == bindparam("called"))
GROW = update(thing).where(c.name == bindparam("called")).values(size=c.size + 1)
DELETE = delete(thing).where(c.name == bindparam("called"))


async def create(database: Database) -> None:
    """Create the table."""
    dialect = dialects.sqlite() if database.name == "sqlite" else dialects.postgresql()
    ddl = str(CreateTable(thing).compile(dialect=dialect))
    async with database.write() as tx:
        await tx.run(text(ddl))


async def drop(database: Database) -> None:
    """Drop it again: on PostgreSQL the database is used by later tests."""
    async with database.write() as tx:
        await tx.run(text("DROP TABLE thing"))


async def add(tx: Tx, name: str) -> None:
    """Insert a row with nothing but a name."""
    await tx.run(INSERT, called=name)


async def names(database: Database) -> list[str]:
    """The names of all rows, in order."""
    async with database.read() as read:
        return [name for (name,) in await read.all(NAMES)]
