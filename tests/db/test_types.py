from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, insert, select

from tests.db.thing import NAMES, add, c, thing
from wharf.db import Database
from wharf.db.errors import DatabaseError

_INSERT = insert(thing)
_INSERT_TIME = insert(thing)  # the first use of a statement decides its columns
_BY_NAME = select(c.at, c.facts, c.body).where(c.name == bindparam("called"))
_BY_TIME = select(c.name).where(c.at <= bindparam("latest")).order_by(c.at)
_BY_TIMES = select(c.name).where(c.at.in_(bindparam("times", expanding=True)))

SETTINGS = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
# PostgreSQL keeps no NUL in text, and floats are not ours.
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=10,
)


async def journey(database: Database, **values: Any) -> tuple[Any, Any, Any]:
    """Write a row and read it back."""
    row = {"name": "one", "at": None, "facts": None, "body": None, **values}
    async with database.write() as tx:
        await tx.run(thing.delete())
        await tx.run(_INSERT, **row)
        return await tx.one(_BY_NAME, called="one")


@SETTINGS
@given(at=st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1), max_value=datetime(9999, 1, 1)))  # noqa: DTZ001
async def test_an_instant_keeps_its_microseconds(things: Database, at: datetime) -> None:
    assert at == (await journey(things, at=at))[0]


async def test_an_instant_before_1970(things: Database) -> None:
    at = datetime(1815, 12, 10, tzinfo=UTC)
    assert at == (await journey(things, at=at))[0]


async def test_an_instant_comes_back_in_utc(things: Database) -> None:
    at = datetime(2030, 1, 1, 12, tzinfo=timezone(timedelta(hours=5)))
    back = (await journey(things, at=at))[0]
    assert at == back
    assert timedelta(0) == back.utcoffset()


async def test_a_naive_time_is_refused(things: Database) -> None:
    with pytest.raises((ValueError, DatabaseError)):
        await journey(things, at=datetime(2030, 1, 1))  # noqa: DTZ001


async def test_instants_are_compared_and_listed_as_parameters(things: Database) -> None:
    start = datetime(2030, 1, 1, tzinfo=UTC)
    times = [start + timedelta(days=day) for day in range(3)]
    async with things.write() as tx:
        await tx.many(_INSERT_TIME, [{"name": f"day {day}", "at": at} for day, at in enumerate(times)])
        assert [("day 0",), ("day 1",)] == await tx.all(_BY_TIME, latest=times[1])
        assert [("day 1",)] == await tx.all(_BY_TIMES, times=[times[1]])
        assert [] == await tx.all(_BY_TIMES, times=[])


@SETTINGS
@given(facts=DOCUMENTS)
async def test_json_comes_back_as_it_was(things: Database, facts: Any) -> None:
    assert facts == (await journey(things, facts=facts))[1]


async def test_bytes_come_back_as_bytes(things: Database) -> None:
    body = (await journey(things, body=bytes(range(256))))[2]
    assert bytes(range(256)) == body
    assert isinstance(body, bytes)


async def test_ascii_sorts_by_bytes(things: Database) -> None:
    """As the distribution specification wants names and tags, whatever the locale of the database."""
    async with things.write() as tx:
        for name in ("b", "a", "_", "B", "a.b", "a-b", "A", "1"):
            await add(tx, name)
        assert ["1", "A", "B", "_", "a", "a-b", "a.b", "b"] == [name for (name,) in await tx.all(NAMES)]
