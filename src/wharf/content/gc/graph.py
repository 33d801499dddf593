"""The part of a repository's graph of manifests that decides about some candidates."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TypeVar

from sqlalchemy import ColumnElement, and_, bindparam, literal_column, not_, or_, select

from wharf.content.gc.select import unreachable
from wharf.content.tables import manifest, manifest_child, tag
from wharf.db import Read

T = TypeVar("T")

_m = manifest.c
_VALUES_AT_ONCE = 1000

# Not EXISTS: for that PostgreSQL may read the whole table of tags into memory.
_tagged = select(tag.c.id).where(tag.c.manifest_id == _m.id).limit(literal_column("1")).scalar_subquery().is_not(None)
_held: ColumnElement[bool] = or_(
    _m.root,
    _m.leased_until > bindparam("now"),
    and_(_m.deleted_at.is_not(None), _m.deleted_at > bindparam("since")),
    _tagged,
)
_CANDIDATES = (
    select(_m.id, _m.digest, _m.subject, _m.size_bytes)
    .where(_m.repository_id == bindparam("repository"), _m.digest > bindparam("after"), not_(_held))
    .order_by(_m.digest)
    .limit(bindparam("count"))
)
_PARENTS = (
    select(manifest_child.c.child_digest, _m.digest, _m.subject, _held)
    .join(manifest, _m.id == manifest_child.c.manifest_id)
    .where(
        manifest_child.c.repository_id == bindparam("repository"),
        manifest_child.c.child_digest.in_(bindparam("digests", expanding=True)),
    )
)
_SUBJECTS = select(_m.digest, _m.subject, _held).where(
    _m.repository_id == bindparam("repository"), _m.digest.in_(bindparam("digests", expanding=True))
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A manifest that does not stand by itself."""

    id: int
    digest: str
    subject: str | None
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Moment:
    """When it is, and since when the past of this repository can be restored."""

    now: datetime
    since: datetime


@dataclass(slots=True)
class _Graph:
    holders: dict[str, set[str]] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)

    def hold(self, digest: str, holder: str) -> None:
        self.holders.setdefault(digest, set()).add(holder)


async def candidates(read: Read, repository_id: int, at: Moment, *, after: str, count: int) -> list[Candidate]:
    """Return up to `count` candidates with digests after `after`."""
    rows = await read.all(_CANDIDATES, repository=repository_id, after=after, count=count, now=at.now, since=at.since)
    return [Candidate(*row) for row in rows]


async def collectable(read: Read, repository_id: int, some: Iterable[Candidate], at: Moment) -> list[Candidate]:
    """Return those of `some` that nothing keeps, walking up through indexes and subjects as far as needed."""
    some = list(some)
    graph = _Graph()
    subjects = {each.digest: each.subject for each in some}
    while subjects:
        graph.seen |= subjects.keys()
        subjects = await _step_up(read, repository_id, graph, subjects, at)
    gone = unreachable((each.digest for each in some), graph.holders, graph.held)
    return [each for each in some if each.digest in gone]


async def _step_up(
    read: Read, repository_id: int, graph: _Graph, subjects: dict[str, str | None], at: Moment
) -> dict[str, str | None]:
    """Load what holds the manifests in `subjects` (digest to subject); return those among it to look at next."""
    given = {"repository": repository_id, "now": at.now, "since": at.since}
    above: dict[str, str | None] = {}
    for digests in parts(subjects):
        for child, digest, subject, held in await read.all(_PARENTS, digests=digests, **given):
            graph.hold(child, digest)
            _note(graph, above, digest, subject, held=held)
    named = {subject for subject in subjects.values() if subject is not None}
    for referrer, subject in subjects.items():
        if subject is not None:
            graph.hold(referrer, subject)
    for digests in parts(named - graph.seen):
        for digest, subject, held in await read.all(_SUBJECTS, digests=digests, **given):
            _note(graph, above, digest, subject, held=held)
    return above


def parts(values: Iterable[T]) -> Iterator[list[T]]:
    """Cut what may be any number of values into lists that fit into a statement."""
    rest = iter(values)
    while part := list(islice(rest, _VALUES_AT_ONCE)):
        yield part


def _note(graph: _Graph, above: dict[str, str | None], digest: str, subject: str | None, *, held: bool) -> None:
    if held:
        graph.held.add(digest)
    elif digest not in graph.seen:
        above[digest] = subject
