"""Finding, counting, exporting and forgetting entries."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest

from tests.audit.conftest import EVER, everything
from wharf.audit import entries, export
from wharf.audit.entries import Count, Cursor
from wharf.audit.entry import ActorKind, Entry
from wharf.audit.errors import CursorInvalid
from wharf.audit.writing import write
from wharf.db import Database

START = datetime(2026, 1, 1, 23, 59, 30, tzinfo=UTC)


def entry(number: int, *, seconds: int = 0, actor: str = "ada", namespace_id: int = 1) -> Entry:
    at = START + timedelta(seconds=seconds)
    kind = "tag_moved" if number % 2 else "manifest_pulled"
    belongs = (f"namespace{namespace_id}", namespace_id, f"namespace{namespace_id}/app", namespace_id * 10)
    return Entry(at, kind, ActorKind.USER, actor, 1, None, None, None, None, *belongs, {"number": number}, number or 1)


async def fill(database: Database, *each: Entry) -> None:
    async with database.write() as tx:
        await write(tx, each, [])


def numbers(found: list[Entry]) -> list[int]:
    return [each.details["number"] for each in found]


async def test_pages_go_on_where_the_last_one_ended_also_within_one_moment(database: Database) -> None:
    await fill(database, *(entry(number, seconds=number // 3) for number in range(10)))
    seen: list[int] = []
    after = None
    async with database.read() as read:
        while found := await entries.list_(read, EVER, after=after, count=4):
            seen += numbers(found)
            after = Cursor.parse(str(entries.cursor(found[-1])))
    assert list(range(9, -1, -1)) == seen


async def test_what_agrees_in_every_field_within_the_time(database: Database) -> None:
    await fill(
        database,
        entry(1),
        entry(2, seconds=10, actor="eve"),
        entry(3, seconds=20, namespace_id=2),
        entry(4, seconds=30, namespace_id=2, actor="eve"),
    )

    async def found(**changes: Any) -> list[int]:
        async with database.read() as read:
            return numbers(await entries.list_(read, replace(EVER, **changes), count=10))

    assert [4, 3, 2, 1] == await found()
    assert [2, 1] == await found(namespace_id=1)
    assert [4, 3] == await found(repository_id=20)
    assert [4, 2] == await found(actor="eve")
    assert [4] == await found(actor="eve", namespace_id=2)
    assert [3, 2] == await found(since=START + timedelta(seconds=10), until=START + timedelta(seconds=30))


async def test_counts_by_day_and_kind(database: Database) -> None:
    await fill(database, *(entry(number, seconds=number * 10) for number in range(6)))
    first, second = date(2026, 1, 1), date(2026, 1, 2)
    async with database.read() as read:
        assert [
            Count(first, "manifest_pulled", 3),
            Count(first, "tag_moved", 1),
            Count(second, "manifest_pulled", 4),
            Count(second, "tag_moved", 8),
        ] == await entries.count(read, replace(EVER, namespace_id=1))
        assert [] == await entries.count(read, replace(EVER, namespace_id=2))


@pytest.mark.parametrize("text", ["", "-", "x-1", "1-x", "9" * 40 + "-1", "1"])
def test_a_made_up_cursor_is_refused(text: str) -> None:
    with pytest.raises(CursorInvalid):
        Cursor.parse(text)


async def test_an_export_is_a_line_for_each(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "_PAGE_COUNT", 3)
    await fill(database, *(entry(number) for number in range(7)))
    chunks = [chunk async for chunk in export.lines(database, EVER)]
    lines = [orjson.loads(line) for line in b"".join(chunks).splitlines()]
    assert [6, 5, 4, 3, 2, 1, 0] == [line["details"]["number"] for line in lines]
    assert ("2026-01-01T23:59:30Z", "ada", "namespace1/app") == tuple(
        lines[0][key] for key in ("at", "actor", "repository")
    )
    assert [] == [chunk async for chunk in export.lines(database, replace(EVER, namespace_id=9))]


async def test_old_entries_are_forgotten(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wharf.audit.entries._FORGET_COUNT", 2)
    await fill(database, *(entry(number, seconds=number) for number in range(6)))
    assert 5 == await entries.forget(database, START + timedelta(seconds=5))
    assert [5] == numbers(await everything(database))
