"""The jobs of this room, bound to their verbs."""

from collections.abc import Callable, Mapping
from typing import Protocol

from wharf.content.gc.collect import CollectionRules, collect_repository
from wharf.content.gc.freed import Freed
from wharf.content.gc.orphans import find_orphans
from wharf.content.gc.sweep import sweep
from wharf.content.jobs import CollectRepository, FindOrphans, Sweep
from wharf.db import Database
from wharf.jobs.declare import Handler, handler, handlers
from wharf.kit.clock import Clock
from wharf.storage.base import Storage


class GcContext(Protocol):
    """What the application hands to these jobs."""

    @property
    def database(self) -> Database:
        """Where the rows are."""

    @property
    def storage(self) -> Storage:
        """Where the bytes are."""

    @property
    def collection_rules(self) -> CollectionRules:
        """How patient to be."""

    @property
    def clock(self) -> Clock:
        """What time it is."""

    @property
    def count_freed(self) -> Callable[[Freed], None]:
        """Where to report what was freed; metrics."""


async def _collect(context: GcContext, job: CollectRepository) -> None:
    freed = await collect_repository(
        context.database, job.repository_id, now=context.clock(), rules=context.collection_rules
    )
    context.count_freed(freed)


async def _sweep(context: GcContext, job: Sweep) -> None:
    del job
    freed = await sweep(context.database, context.storage, now=context.clock(), rules=context.collection_rules)
    context.count_freed(freed)


async def _find_orphans(context: GcContext, job: FindOrphans) -> None:
    del job
    # What it finds becomes garbage rows; the next sweep deletes and counts them.
    await find_orphans(context.database, context.storage, now=context.clock(), rules=context.collection_rules)


def gc_handlers() -> Mapping[str, Handler[GcContext]]:
    """Return the handlers of this room's jobs by kind."""
    return handlers(handler(CollectRepository, _collect), handler(Sweep, _sweep), handler(FindOrphans, _find_orphans))
