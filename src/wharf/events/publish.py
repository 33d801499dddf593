"""From a fact to the jobs it causes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wharf.db import Tx
from wharf.events.catalog import Event
from wharf.jobs.declare import Job
from wharf.jobs.queue import enqueue

MakeJob = Callable[[Any], Job | None]
"""Takes the event it is listed under; None: nothing to do this time."""

_subscribers: dict[type[Event], tuple[MakeJob, ...]] = {}


def connect(subscriptions: Mapping[type[Event], Sequence[MakeJob]]) -> None:
    """Set who reacts to which event in this process, in place of what was set before. Called once, at start-up."""
    _subscribers.clear()
    _subscribers.update({event: tuple(makers) for event, makers in subscriptions.items()})


async def publish(tx: Tx, event: Event) -> None:
    """Enqueue the jobs that `event` causes, in its own transaction; without subscribers this runs no statement."""
    for make in _subscribers.get(type(event), ()):
        job = make(event)
        if job is not None:
            await enqueue(tx, job, event.at)
