from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, ClassVar

import orjson
import pytest
from sqlalchemy import select

from wharf.db import Database
from wharf.events import catalog
from wharf.events.catalog import EVENTS, Event, ManifestPushed, Packed, TagDeleted, TagMoved, pack, unpack
from wharf.events.publish import connect, publish
from wharf.jobs.declare import Job
from wharf.jobs.payload import PayloadInvalid, load
from wharf.jobs.tables import job as job_table

AT = datetime(2030, 1, 1, 12, 30, 15, 123456, tzinfo=UTC)
MOVED = TagMoved(at=AT, by="ada", repository_id=7, repository="ada/app", tag="latest", digest="sha256:00")

_SAMPLES: dict[Any, Any] = {str: "text", int: 5, bool: True, datetime: AT, tuple[str, ...]: ("a", "b")}
_SAMPLES |= {str | None: None, datetime | None: AT}


def sample(event: type[Event]) -> Event:
    """Any instance of `event`."""
    return event(**{field.name: _SAMPLES[field.type] for field in fields(event)})


@pytest.mark.parametrize("event", EVENTS.values(), ids=lambda event: event.__name__)
class TestEveryEvent:
    def test_survives_its_journey_inside_a_job(self, event: type[Event]) -> None:
        packed = load(Packed, orjson.loads(orjson.dumps({"name": event.name, "fields": pack(sample(event)).fields})))
        assert sample(event) == unpack(packed)

    def test_has_a_past_tense_and_a_sentence(self, event: type[Event]) -> None:
        assert event.name.split("_")[-1].endswith("d")
        assert event.name == "".join(f"_{c.lower()}" if c.isupper() else c for c in event.__name__).lstrip("_")
        assert event.__doc__
        assert not event.__doc__.startswith(event.__name__)


def test_the_catalogue_is_complete() -> None:
    declared = {
        value
        for value in vars(catalog).values()
        if isinstance(value, type) and issubclass(value, Event) and "name" in vars(value)
    }
    assert declared == set(EVENTS.values())


def test_an_unknown_event_is_refused() -> None:
    with pytest.raises(PayloadInvalid):
        unpack(Packed("tag_painted", {}))


@dataclass(frozen=True, slots=True)
class Announce(Job):
    kind: ClassVar[str] = "announce"
    event: TagMoved


@dataclass(frozen=True, slots=True)
class Record(Job):
    kind: ClassVar[str] = "record"
    event: Packed


def announce(event: TagMoved) -> Announce | None:
    return Announce(event) if event.tag == "latest" else None


def record(event: Event) -> Record:
    return Record(pack(event))


@pytest.fixture
def subscribe() -> Iterator[Callable[..., None]]:
    yield connect
    connect({})


_STORED = select(job_table.c.kind, job_table.c.payload, job_table.c.run_at).order_by(job_table.c.id)


async def stored(database: Database) -> list[tuple[str, Any, datetime]]:
    async with database.read() as read:
        return await read.all(_STORED)


async def test_an_event_becomes_the_jobs_of_its_subscribers(database: Database, subscribe: Callable[..., None]) -> None:
    subscribe({TagMoved: (announce, record), TagDeleted: (record,)})
    async with database.write() as tx:
        await publish(tx, MOVED)
    (first, payload, at), (second, packed, _) = await stored(database)
    assert ("announce", "record") == (first, second)
    assert AT == at
    assert Announce(MOVED) == load(Announce, payload)
    assert MOVED == unpack(load(Record, packed).event)


async def test_a_subscriber_may_have_nothing_to_do(database: Database, subscribe: Callable[..., None]) -> None:
    subscribe({TagMoved: (announce,)})
    async with database.write() as tx:
        await publish(
            tx, TagMoved(at=AT, by="ada", repository_id=7, repository="ada/app", tag="v1", digest="sha256:00")
        )
    assert [] == await stored(database)


async def test_an_event_nobody_listens_to_costs_no_statement(
    database: Database, subscribe: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe({TagDeleted: (record,)})
    async with database.write() as tx:
        monkeypatch.setattr(type(tx), "run", None)
        monkeypatch.setattr(type(tx), "notify", None)
        await publish(tx, MOVED)


async def test_what_is_rolled_back_was_never_published(database: Database, subscribe: Callable[..., None]) -> None:
    subscribe({ManifestPushed: (record,)})

    async def push_and_break() -> None:
        async with database.write() as tx:
            await publish(tx, sample(ManifestPushed))
            raise LookupError

    with pytest.raises(LookupError):
        await push_and_break()
    assert [] == await stored(database)


async def test_connecting_again_replaces_the_table(database: Database, subscribe: Callable[..., None]) -> None:
    subscribe({TagMoved: (announce, record)})
    subscribe({TagDeleted: (record,)})
    async with database.write() as tx:
        await publish(tx, MOVED)
    assert [] == await stored(database)
