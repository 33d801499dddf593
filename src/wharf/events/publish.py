"""From a fact to what it causes: records of it, in its own transaction, and jobs, after it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from wharf.db import Tx
from wharf.events.catalog import Event
from wharf.jobs.declare import Job
from wharf.jobs.queue import enqueue

MakeJob = Callable[[Any], Job | None]
"""Takes the event it is listed under; None: nothing to do this time."""

Recorder = Callable[[Tx, Any], Awaitable[None]]
"""Writes down the event it is listed under; when that fails, the fact is undone with it."""

_subscribers: dict[type[Event], tuple[MakeJob, ...]] = {}
_recorders: dict[type[Event], tuple[Recorder, ...]] = {}


def connect(
    subscriptions: Mapping[type[Event], Sequence[MakeJob]],
    recorders: Mapping[type[Event], Sequence[Recorder]] | None = None,
) -> None:
    """Set who reacts to which event in this process, in place of what was set before. Called once, at start-up.

    Prefer a subscription: its job cannot break or delay the verb. A recorder is for what must be true together with the
    fact, and costs a statement in its transaction.
    """
    _subscribers.clear()
    _subscribers.update({event: tuple(makers) for event, makers in subscriptions.items()})
    _recorders.clear()
    _recorders.update({event: tuple(each) for event, each in (recorders or {}).items()})


async def publish(tx: Tx, event: Event) -> None:
    """Record `event` and enqueue the jobs it causes, in its own transaction; where nobody listens, nothing is run."""
    for record in _recorders.get(type(event), ()):
        await record(tx, event)
    for make in _subscribers.get(type(event), ()):
        job = make(event)
        if job is not None:
            await enqueue(tx, job, event.at)
