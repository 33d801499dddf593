"""What changes something is written down in the transaction of the change: events become entries.

Every event of the catalogue is recorded, so a new one is in the trail as soon as it is published. What it belongs to is
read from its fields by their names: `repository`, `namespace`, `organization`, `user` or `robot`, and `…_id` beside it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from wharf.accounts.robots import SEPARATOR
from wharf.audit import kinds
from wharf.audit.entry import Actor, Entry
from wharf.audit.writing import write_looking_up
from wharf.db import Tx
from wharf.events.catalog import EVENTS, Event, TagMoved
from wharf.events.publish import Recorder
from wharf.jobs.payload import dump
from wharf.telemetry import request

# In this order: an event about a robot of an organization belongs to the organization.
_NAMESPACES = ("namespace", "organization", "user")


def recorders(backends: Sequence[str] = ()) -> Mapping[type[Event], Sequence[Recorder]]:
    """Return what `events.publish.connect` wants; each entry is copied to `backends`."""

    async def record(tx: Tx, event: Event) -> None:
        await write_looking_up(tx, entry_of(event), backends)

    return dict.fromkeys(EVENTS.values(), (record,))


def entry_of(event: Event) -> Entry:
    """Return the entry that says `event`, with the origin of the request being answered."""
    details = dump(event)
    del details["at"], details["by"]
    if (credential := request.credential()) is not None:
        details["credential"] = credential
    repository, repository_id = details.pop("repository", None), details.pop("repository_id", None)
    namespace, namespace_id = _namespace(repository, details)
    actor = Actor.named(event.by)
    caller = (actor.kind, actor.name, actor.id, actor.on_behalf_of)
    return Entry(
        event.at,
        _kind(event),
        *caller,
        *request.current(),
        namespace,
        namespace_id,
        repository,
        repository_id,
        details,
    )


def _kind(event: Event) -> str:
    if isinstance(event, TagMoved) and event.previous_digest is None:
        return kinds.TAG_CREATED
    return event.name


def _namespace(repository: str | None, details: Mapping[str, Any]) -> tuple[str | None, int | None]:
    """Return the namespace that is concerned, and its number where the event says it."""
    if repository is not None:
        return repository.partition("/")[0], details.get("namespace_id")
    for field in _NAMESPACES:
        if isinstance(name := details.get(field), str):
            return name, details.get(f"{field}_id")
    robot = details.get("robot")
    return (robot.partition(SEPARATOR)[0], None) if isinstance(robot, str) else (None, None)
