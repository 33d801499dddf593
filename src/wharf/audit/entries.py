"""Entries as they are read: pages from the newest to the oldest, how many of which kind a day has; and forgotten."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, delete, func, select, tuple_

from wharf.accounts.namespaces import NamespaceKind
from wharf.accounts.tables import namespace
from wharf.audit.entry import ActorKind, Entry
from wharf.audit.errors import CursorInvalid
from wharf.audit.tables import entry as entry_table
from wharf.db import Database, Read
from wharf.db.dialect import days_since_1970

_FIRST_DAY = date(1970, 1, 1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ACTOR_KIND = Entry._fields.index("actor_kind")
_ORGANIZATIONS = select(namespace.c.id).where(
    namespace.c.id.in_(bindparam("ids", expanding=True)), namespace.c.kind == NamespaceKind.ORGANIZATION
)
_FORGET_COUNT = 2000
_e = entry_table.c
_OLDEST = select(_e.id).where(_e.at < bindparam("before")).order_by(_e.at, _e.id).limit(bindparam("count"))
_FORGET = delete(entry_table).where(_e.id.in_(_OLDEST))


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Which entries are asked for: all, or those that agree in every field that is set, from `since` until `until`.

    Each of the three fields has an index with the time; two of them together use the first that is set.
    """

    repository_id: int | None = None
    namespace_id: int | None = None
    actor: str | None = None
    since: datetime
    until: datetime

    def of_namespace(self, namespace_id: int) -> "About":
        """Return the same, of one namespace only."""
        return replace(self, namespace_id=namespace_id)

    def given(self) -> dict[str, Any]:
        """Return the parameters of a statement for this."""
        fields = {"repository_id": self.repository_id, "namespace_id": self.namespace_id, "actor": self.actor}
        return {name: value for name, value in fields.items() if value is not None}


class Cursor(NamedTuple):
    """Where a page ended: what comes next is older, or as old with a smaller number."""

    at: datetime
    id: int

    def __str__(self) -> str:
        return f"{(self.at - _EPOCH) // _MICROSECOND}-{self.id}"

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Read what `str` has written. Raises `CursorInvalid`."""
        at, _, id_ = text.partition("-")
        try:
            return cls(_EPOCH + timedelta(microseconds=int(at)), int(id_))
        except (ValueError, OverflowError):
            raise CursorInvalid(text) from None


@dataclass(frozen=True, slots=True)
class Count:
    """How often what a kind tells happened on a day."""

    day: date
    kind: str
    count: int


@cache
def _page(fields: frozenset[str]) -> Select[*tuple[Any, ...]]:
    statement = (
        select(*(_e[name] for name in Entry._fields))
        .where(
            _e.at >= bindparam("since"),
            tuple_(_e.at, _e.id) < tuple_(bindparam("until", type_=_e.at.type), bindparam("before", type_=_e.id.type)),
        )
        .order_by(_e.at.desc(), _e.id.desc())
        .limit(bindparam("count"))
    )
    return _narrowed(statement, fields)


@cache
def _counts(fields: frozenset[str]) -> Select[*tuple[Any, ...]]:
    day = days_since_1970(_e.at)
    statement = (
        select(day, _e.kind, func.sum(_e.repeat_count))
        .where(_e.at >= bindparam("since"), _e.at < bindparam("until"))
        .group_by(day, _e.kind)
        .order_by(day, _e.kind)
    )
    return _narrowed(statement, fields)


def _narrowed(statement: Select[*tuple[Any, ...]], fields: frozenset[str]) -> Select[*tuple[Any, ...]]:
    return statement.where(*(_e[name] == bindparam(name) for name in sorted(fields)))


async def list_(read: Read, about: About, *, after: Cursor | None = None, count: int) -> list[Entry]:
    """Return up to `count` entries, newest first; `after` is where the page before ended."""
    given = about.given()
    until, before = after or (about.until, 0)
    rows = await read.all(_page(frozenset(given)), since=about.since, until=until, before=before, count=count, **given)
    return [Entry(*row)._replace(actor_kind=ActorKind(row[_ACTOR_KIND])) for row in rows]


async def count(read: Read, about: About) -> list[Count]:
    """Return how often each kind happened each day (UTC); days and kinds without any are absent."""
    given = about.given()
    rows = await read.all(_counts(frozenset(given)), since=about.since, until=about.until, **given)
    return [Count(_FIRST_DAY + timedelta(days=day), kind, counted) for day, kind, counted in rows]


async def organizations(read: Read, found: Iterable[Entry]) -> frozenset[int]:
    """Return the numbers of those namespaces of some entries that are organizations; the others are users."""
    ids = {entry.namespace_id for entry in found if entry.namespace_id is not None}
    return frozenset(id_ for (id_,) in await read.all(_ORGANIZATIONS, ids=sorted(ids))) if ids else frozenset()


def cursor(entry: Entry) -> Cursor:
    """Return the place right after `entry`, which is one that was found."""
    assert entry.id is not None
    return Cursor(entry.at, entry.id)


async def forget(database: Database, before: datetime) -> int:
    """Delete all entries from before a moment, in small transactions; returns how many those were."""
    forgotten = 0
    while True:
        async with database.write(durable=False, additive=True) as tx:
            gone = await tx.run(_FORGET, before=before, count=_FORGET_COUNT)
        forgotten += gone
        if gone < _FORGET_COUNT:
            return forgotten
