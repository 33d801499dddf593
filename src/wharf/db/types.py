"""Column types that mean the same on both databases."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import BigInteger, Dialect, Integer, String, Text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.types import TypeDecorator, TypeEngine

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Id = BigInteger().with_variant(Integer(), "sqlite")
"""A row's number: SQLite's rowid, PostgreSQL's bigint identity."""

Ascii = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that sorts by bytes, as the distribution specification orders names and tags."""


def short(length: int) -> String:
    """Byte-ordered text of at most `length` characters."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


def _aware(value: datetime | None) -> datetime | None:
    if value is not None and value.tzinfo is None:
        raise ValueError(value)
    return value


def _microseconds(value: datetime | None) -> int | None:
    value = _aware(value)
    return None if value is None else (value - _EPOCH) // _MICROSECOND


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime: microseconds since 1970 on SQLite, `timestamptz` on PostgreSQL."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the database's own column type."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(timezone=True))
        return dialect.type_descriptor(BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse naive times; SQLite gets an integer."""
        return _aware(value) if dialect.name == "postgresql" else _microseconds(value)

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any]:
        """Convert without SQLAlchemy in between: every statement with a time in it does."""
        return _aware if dialect.name == "postgresql" else _microseconds

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Give back an aware UTC datetime."""
        if value is None or dialect.name == "postgresql":
            return value  # type: ignore[no-any-return]  # psycopg returns aware datetimes
        return _EPOCH + timedelta(microseconds=value)


class Json(TypeDecorator[Any]):
    """A JSON document: text on SQLite, `jsonb` on PostgreSQL."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the database's own column type."""
        return dialect.type_descriptor(JSONB() if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Serialise for SQLite; psycopg does it itself. None is SQL NULL."""
        if value is None or dialect.name == "postgresql":
            return value
        return orjson.dumps(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Deserialise what SQLite keeps as text; psycopg has done it already."""
        if value is None or dialect.name == "postgresql":
            return value
        return orjson.loads(value)
