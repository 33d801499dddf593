"""The tables of every room, created without migrations.

Fast and always in step with the code; `tests/migrations` proves that the migrations end in the same schema.
"""

import importlib
from pathlib import Path

import sqlalchemy

import wharf
from wharf.db.metadata import metadata


def load_tables() -> sqlalchemy.MetaData:
    """Import each room's `tables` module and return the metadata that they declare their tables on."""
    for path in Path(wharf.__path__[0]).glob("*/tables.py"):
        importlib.import_module(f"wharf.{path.parent.name}.tables")
    return metadata


def create_tables(url: str | sqlalchemy.URL) -> None:
    """Create all tables in the empty database at `url` (in SQLAlchemy's spelling)."""
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    load_tables().create_all(engine)
    engine.dispose()
