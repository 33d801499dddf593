"""What changes nothing is written down without holding up the answer: pulls, denials, sign-ins.

Entries wait in memory and are written within a second, all of them in one transaction: on SQLite each commit forgets
what was remembered of the database, so a busy registry makes one a second and not one a pull. What a process that is
killed had noted in its last second is lost with it; one that is stopped writes it first (docs/adr/0009).
"""

import asyncio
import contextvars
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from wharf.access.actions import Action
from wharf.access.principals import Principal
from wharf.accounts.robots import SEPARATOR
from wharf.audit import kinds
from wharf.audit.entry import ANONYMOUS, LONGEST_NAME, Actor, Entry
from wharf.audit.writing import write, write_looking_up
from wharf.content.repositories import Repository
from wharf.db import Database
from wharf.db.errors import DatabaseError, DatabaseUnavailable
from wharf.kit.clock import Clock, utc_now
from wharf.telemetry import request
from wharf.telemetry.metrics import audit_entries_lost
from wharf.telemetry.request_id import request_id

log = logging.getLogger(__name__)

_FLUSH_SECONDS = 0.8
# Rows between which others get their turn on the event loop, and rows of one transaction.
_BREATH_COUNT = 100
_BATCH_COUNT = 10_000
# What a database that does not answer may make us keep; some 100 MB.
_MAX_WAITING = 200_000


class Pull(NamedTuple):
    """A pull as it is noted: everything that takes time is left for later."""

    at: datetime
    principal: Principal
    repository: Repository
    digest: str
    tag: str | None
    scope: Mapping[str, Any] | None
    request_id: str


class Trail:
    """Where surfaces note what nothing else writes down; never blocks, never raises."""

    def __init__(self, database: Database, *, backends: Sequence[str] = (), clock: Clock = utc_now) -> None:
        self._database = database
        self._backends = backends
        self._clock = clock
        self._waiting: list[Pull | Entry] = []
        self._timer: asyncio.TimerHandle | None = None
        self._flush: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()

    def pull(self, principal: Principal, repository: Repository, digest: str, tag: str | None) -> None:
        """Note that a manifest is handed out, by its digest or by a tag."""
        self._note(Pull(self._clock(), principal, repository, digest, tag, request.scope.get(), request_id.get()))

    def denied(self, principal: Principal, repository: str, action: Action, reason: str) -> None:
        """Note that somebody may not do what was asked for; the repository need not exist."""
        details = {"action": action.value, "reason": reason}
        kind = kinds.DENIED.get(action, kinds.ACTION_DENIED)
        self._add(kind, Actor.of(principal), repository.partition("/")[0], details, repository=repository)

    def signed_in(self, principal: Principal, *, to: str) -> None:
        """Note that a name and a secret were right; `to` is where they were sent (`registry`, `api`)."""
        self._add(kinds.SIGNED_IN, Actor.of(principal), _owner(principal.name), {"to": to})

    def sign_in_failed(self, username: str, *, to: str, reason: str) -> None:
        """Note that a name and a secret do not belong together, or were not even compared."""
        username = username.replace("\0", "")[:LONGEST_NAME]
        details = {"to": to, "username": username, "reason": reason}
        self._add(kinds.SIGN_IN_FAILED, ANONYMOUS, _owner(username), details)

    def signed_out(self, principal: Principal) -> None:
        """Note that somebody ended their sessions."""
        self._add(kinds.SIGNED_OUT, Actor.of(principal), _owner(principal.name), {})

    async def flush(self) -> None:
        """Write everything that waits. Raises `DatabaseUnavailable`; what is not written yet goes on waiting."""
        async with self._writing:
            while self._waiting:
                batch = self._waiting[:_BATCH_COUNT]
                entries = [_entry(each) if isinstance(each, Pull) else each for each in batch]
                try:
                    await self._write(entries)
                except DatabaseUnavailable:
                    raise
                except DatabaseError:
                    log.exception("audit entries refused by the database", extra={"count": len(entries)})
                    await self._write_each(entries)
                del self._waiting[: len(batch)]

    async def close(self) -> None:
        """Write what waits, at the end of the process."""
        if self._timer is not None:
            self._timer.cancel()
        try:
            await self.flush()
        except DatabaseError:
            log.exception("audit entries lost", extra={"count": len(self._waiting)})

    def _add(
        self, kind: str, actor: Actor, namespace: str, details: Mapping[str, Any], *, repository: str | None = None
    ) -> None:
        origin = request.current()
        self._note(
            Entry(
                at=self._clock(),
                kind=kind,
                actor=actor,
                client_ip=origin.client_ip,
                user_agent=origin.user_agent,
                request_id=origin.request_id,
                namespace=namespace,
                repository=repository,
                details=details,
            )
        )

    def _note(self, noted: Pull | Entry) -> None:
        if len(self._waiting) >= _MAX_WAITING:
            audit_entries_lost.inc()
            return
        self._waiting.append(noted)
        if self._timer is None:
            self._wait()

    def _wait(self) -> None:
        # In a context of its own: the request that happens to start the clock is not what is answered when it rings.
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(_FLUSH_SECONDS, self._ring, context=contextvars.Context())

    def _ring(self) -> None:
        self._flush = asyncio.get_running_loop().create_task(self._flush_or_wait(), name="wharf-audit-flush")

    async def _flush_or_wait(self) -> None:
        try:
            await self.flush()
        except DatabaseError:
            log.warning("audit entries wait", exc_info=True, extra={"count": len(self._waiting)})
        self._timer = None
        if self._waiting:
            self._wait()

    async def _write(self, entries: Sequence[Entry]) -> None:
        known = [each for each in entries if each.namespace_id is not None]
        async with self._database.write(durable=False) as tx:
            for start in range(0, len(known), _BREATH_COUNT):
                await write(tx, known[start : start + _BREATH_COUNT], self._backends)
                await asyncio.sleep(0)
            for each in entries:
                if each.namespace_id is None:
                    await write_looking_up(tx, each, self._backends)

    async def _write_each(self, entries: Sequence[Entry]) -> None:
        """Write what can be written: one entry that the database refuses must not keep the others waiting for ever."""
        for each in entries:
            try:
                await self._write([each])
            except DatabaseUnavailable:
                raise
            except DatabaseError:
                audit_entries_lost.inc()
                log.exception("audit entry lost", extra={"kind": each.kind})


def _entry(pull: Pull) -> Entry:
    client_ip, user_agent, id_ = request.origin(pull.scope, pull.request_id)
    repository = pull.repository
    return Entry(
        at=pull.at,
        kind=kinds.MANIFEST_PULLED,
        actor=Actor.of(pull.principal),
        client_ip=client_ip,
        user_agent=user_agent,
        request_id=id_,
        namespace_id=repository.namespace_id,
        namespace=repository.name.partition("/")[0],
        repository_id=repository.id,
        repository=repository.name,
        details={"digest": pull.digest} if pull.tag is None else {"digest": pull.digest, "tag": pull.tag},
    )


def _owner(name: str) -> str:
    """The namespace of an account: a user's own, or the one that a robot belongs to."""
    return name.partition(SEPARATOR)[0]
