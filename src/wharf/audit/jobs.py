"""The jobs of this room, and their handlers."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Protocol

from wharf.audit.backends.base import Backend
from wharf.audit.entries import forget
from wharf.audit.errors import BackendUnavailable
from wharf.audit.spool import forward
from wharf.db import Database
from wharf.jobs.declare import Handler, Job, handler, handlers
from wharf.kit.clock import Clock

log = logging.getLogger(__name__)


class AuditContext(Protocol):
    """What the application hands to these jobs."""

    @property
    def database(self) -> Database:
        """Where the rows are."""

    @property
    def clock(self) -> Clock:
        """What time it is."""

    @property
    def audit_backends(self) -> Mapping[str, Backend]:
        """Who else is told, by name."""

    @property
    def audit_retention(self) -> timedelta | None:
        """How long entries are kept; None for ever."""


@dataclass(frozen=True, slots=True)
class ForwardEntries(Job):
    """Send a backend all entries that wait for it."""

    kind: ClassVar[str] = "forward_audit_entries"
    backend: str

    @property
    def key(self) -> str:
        """One waiting round a backend is enough."""
        return f"forward_audit_entries:{self.backend}"

    @property
    def lock(self) -> str:
        """Two rounds would send everything twice."""
        return f"forward_audit_entries:{self.backend}"


@dataclass(frozen=True, slots=True)
class ForgetEntries(Job):
    """Delete entries that are older than they are kept."""

    kind: ClassVar[str] = "forget_audit_entries"

    @property
    def key(self) -> str:
        """One waiting round is enough."""
        return "forget_audit_entries"


async def _forward(context: AuditContext, job: ForwardEntries) -> None:
    backend = context.audit_backends.get(job.backend)
    if backend is None:
        return  # no longer configured; what waits for it waits for its return
    try:
        await forward(context.database, backend)
    except BackendUnavailable as error:
        # No failure of the job: the next round comes by schedule, as long as it takes, and nothing is dead by then.
        log.warning("audit backend unavailable", extra={"backend": error.backend, "reason": error.reason})


async def _forget(context: AuditContext, job: ForgetEntries) -> None:
    del job
    if context.audit_retention is not None:
        await forget(context.database, context.clock() - context.audit_retention)


def audit_handlers() -> Mapping[str, Handler[AuditContext]]:
    """Return the handlers of this room's jobs by kind."""
    return handlers(handler(ForwardEntries, _forward), handler(ForgetEntries, _forget))
