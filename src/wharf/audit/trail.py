"""What changes nothing is written down without holding up the answer: pulls, denials, sign-ins.

Entries wait in memory and are written within a second, all of them in one transaction. The very same again within that
second only counts: a client that asks thousands of times a second costs an entry a second. What a process that is
killed had noted in its last second is lost with it; one that is stopped writes it first (docs/adr/0009).
"""

import asyncio
import contextvars
import logging
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

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

log = logging.getLogger(__name__)

_FLUSH_SECONDS = 0.8
# Rows between which others get their turn on the event loop, and rows of one transaction.
_BREATH_COUNT = 100
_BATCH_COUNT = 10_000
# What a database that does not answer may make us keep; some 100 MB.
_MAX_WAITING = 200_000


class Counted:
    """What happened, and how often since the last writing."""

    __slots__ = ("count", "entry")

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.count = 1


class Trail:
    """Where surfaces note what nothing else writes down; never blocks, never raises."""

    def __init__(self, database: Database, *, backends: Sequence[str] = (), clock: Clock = utc_now) -> None:
        self._database = database
        self._backends = backends
        self._clock = clock
        self._waiting: list[Entry] = []
        self._new: dict[Hashable, Counted] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._flush: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()

    def pull(self, principal: Principal, repository: Repository, digest: str, tag: str | None) -> None:
        """Note that a manifest is handed out, by its digest or by a tag."""
        origin = request.current()
        key = (principal.name, principal.id, repository.id, digest, tag, origin.client_ip, origin.user_agent)
        counted = self._new.get(key)
        if counted is not None:
            counted.count += 1
            return
        actor = Actor.of(principal)
        name: str = repository.name
        entry = Entry(
            self._clock(),
            kinds.MANIFEST_PULLED,
            actor.kind,
            actor.name,
            actor.id,
            actor.on_behalf_of,
            *origin,
            name.partition("/")[0],
            repository.namespace_id,
            name,
            repository.id,
            {"digest": digest} if tag is None else {"digest": digest, "tag": tag},
        )
        self._note(key, entry)

    def denied(self, principal: Principal, name: str, action: Action, reason: str) -> None:
        """Note that somebody may not do `action` to a repository or a namespace, which need not exist."""
        details = {"action": action.value, "reason": reason}
        kind = kinds.DENIED.get(action, kinds.ACTION_DENIED)
        namespace, slash, _ = name.partition("/")
        self._add(kind, Actor.of(principal), namespace, details, repository=name if slash else None)

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
            new, self._new = self._new, {}
            self._waiting += [each.entry._replace(repeat_count=each.count) for each in new.values()]
            while self._waiting:
                entries = self._waiting[:_BATCH_COUNT]
                try:
                    await self._write(entries)
                except DatabaseUnavailable:
                    raise
                except DatabaseError:
                    log.exception("audit entries refused by the database", extra={"count": len(entries)})
                    await self._write_each(entries)
                del self._waiting[: len(entries)]

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
        key = (kind, actor, namespace, repository, origin.client_ip, origin.user_agent, *details.values())
        if (counted := self._new.get(key)) is not None:
            counted.count += 1
            return
        caller = (actor.kind, actor.name, actor.id, actor.on_behalf_of)
        self._note(key, Entry(self._clock(), kind, *caller, *origin, namespace, None, repository, None, details))

    def _note(self, key: Hashable, entry: Entry) -> None:
        if len(self._waiting) + len(self._new) >= _MAX_WAITING:
            audit_entries_lost.inc()
            return
        self._new[key] = Counted(entry)
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
        finally:
            self._timer = None
            if self._waiting or self._new:
                self._wait()

    async def _write(self, entries: Sequence[Entry]) -> None:
        known = [each for each in entries if each.namespace_id is not None]
        async with self._database.write(durable=False, additive=True) as tx:
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


def _owner(name: str) -> str:
    """The namespace of an account: a user's own, or the one that a robot belongs to."""
    return name.partition(SEPARATOR)[0]
