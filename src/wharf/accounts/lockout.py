"""Locking a name after wrong passwords: a few are free, then the pause doubles up to a quarter of an hour.

Counted by name in the database, so that all replicas count together, and for unknown names too, so that a lock does not
tell which names exist. Robots are not locked: their tokens cannot be guessed, and locking them would stop a deployment.
"""

from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import bindparam, select

from wharf.accounts.errors import SignInLocked
from wharf.accounts.tables import sign_in_failure
from wharf.db import Read, Tx
from wharf.db.dialect import insert

FREE_FAILURES = 5
LONGEST_LOCK = timedelta(minutes=15)
#: A name nobody got wrong for this long starts anew.
FORGET_AFTER = timedelta(hours=1)

_f = sign_in_failure.c
_FIND = select(_f.failed_count, _f.locked_until).where(_f.name == bindparam("name"))
_COUNT = (
    insert(sign_in_failure)
    .on_conflict_do_update(
        index_elements=[_f.name],
        set_={
            "failed_count": _f.failed_count + 1,
            "last_failed_at": bindparam("at"),
        },
    )
    .values(name=bindparam("name"), failed_count=1, locked_until=None, last_failed_at=bindparam("at"))
    .returning(_f.failed_count)
)
_LOCK = sign_in_failure.update().where(_f.name == bindparam("who")).values(locked_until=bindparam("until"))
_FORGET = sign_in_failure.delete().where(_f.name == bindparam("name"))
_FORGET_OLD = sign_in_failure.delete().where(_f.last_failed_at < bindparam("forgotten_before"))


async def check(read: Read, name: str, now: datetime) -> bool:
    """Raise SignInLocked if `name` is locked; otherwise tell whether it has failures to forget after a success."""
    row = await read.find(_FIND, name=name)
    if row is None:
        return False
    locked_until: datetime | None = row[1]
    if locked_until is not None and locked_until > now:
        raise SignInLocked(retry_after_seconds=ceil((locked_until - now).total_seconds()))
    return True


async def record_failure(tx: Tx, name: str, now: datetime) -> None:
    """Count one more wrong password for `name`, and lock it if there were too many."""
    await tx.run(_FORGET_OLD, forgotten_before=now - FORGET_AFTER)
    count = await tx.scalar(_COUNT, name=name, at=now)
    excess = (count or 0) - FREE_FAILURES
    if excess > 0:
        # Beyond 2**20 seconds the pause is the longest one anyway.
        await tx.run(_LOCK, who=name, until=now + min(timedelta(seconds=2 ** min(excess, 20)), LONGEST_LOCK))


async def forget(tx: Tx, name: str) -> None:
    """Start anew after the right password."""
    await tx.run(_FORGET, name=name)
