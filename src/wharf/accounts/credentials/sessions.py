"""Browser sessions. The secret lives in a cookie; the row knows its hash, so a stolen database signs nobody in.

A session ends when it expires, is revoked, its user is disabled, or any session of its user is signed out.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select

from wharf.access.principals import Principal, PrincipalKind
from wharf.accounts.errors import SessionUnknown
from wharf.accounts.tables import namespace, session, user_account
from wharf.db import Read, Tx
from wharf.db.dialect import insert
from wharf.kit.crypto import hash_token, random_token
from wharf.kit.ids import random_id

#: How exactly `last_used_at` is kept: reading a page must not write a row each time.
TOUCH_EVERY = timedelta(minutes=10)
_MAX_CLIENT_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Session:
    """A browser of a user who is signed in; `verified_at` is when the password was last given."""

    id: int
    uuid: str
    principal: Principal
    client: str
    address: str | None
    created_at: datetime
    verified_at: datetime
    last_used_at: datetime
    expires_at: datetime


class OpenedSession(NamedTuple):
    """A session and its secret, which is handed to the browser and to nobody else."""

    session: Session
    secret: str


_s, _n, _u = session.c, namespace.c, user_account.c
_SESSION = (
    select(
        *(_s.id, _s.uuid, _n.id, _n.name, _u.superuser, _s.client, _s.address),
        *(_s.created_at, _s.verified_at, _s.last_used_at, _s.expires_at),
    )
    .select_from(session)
    .join(user_account, _u.namespace_id == _s.user_id)
    .join(namespace, _n.id == _s.user_id)
    .where(_n.enabled.is_(True), _s.expires_at > bindparam("now"))
)
_BY_SECRET = _SESSION.where(_s.secret_hash == bindparam("hashed"))
_OF_USER = _SESSION.where(_s.user_id == bindparam("user_id")).order_by(_s.last_used_at.desc(), _s.id.desc())
_INSERT = insert(session).returning(_s.id)
_DELETE_EXPIRED = session.delete().where(_s.expires_at <= bindparam("now"))
_DELETE = session.delete().where(_s.id == bindparam("session_id"))
_DELETE_BY_UUID = session.delete().where(_s.user_id == bindparam("owner_id"), _s.uuid == bindparam("name"))
_DELETE_ALL = session.delete().where(_s.user_id == bindparam("owner_id"))
_DELETE_OTHERS = _DELETE_ALL.where(_s.id != bindparam("session_id"))
_TOUCH = session.update().where(_s.id == bindparam("session_id")).values(last_used_at=bindparam("at"))
_RENEW = (
    session.update()
    .where(_s.id == bindparam("session_id"))
    .values(secret_hash=bindparam("hashed"), verified_at=bindparam("at"), last_used_at=bindparam("at"))
)


async def open_(
    tx: Tx, principal: Principal, *, lifetime: timedelta, client: str, address: str | None, at: datetime
) -> OpenedSession:
    """Sign `principal`, a user, in; the sessions of anybody that have expired are forgotten on this occasion."""
    await tx.run(_DELETE_EXPIRED, now=at)
    secret, uuid, client, expires_at = random_token(), random_id(), client[:_MAX_CLIENT_LENGTH], at + lifetime
    id_ = await tx.scalar(
        _INSERT,
        uuid=uuid,
        secret_hash=hash_token(secret),
        user_id=principal.id,
        client=client,
        address=address,
        created_at=at,
        verified_at=at,
        last_used_at=at,
        expires_at=expires_at,
    )
    assert id_ is not None
    return OpenedSession(Session(id_, uuid, principal, client, address, at, at, at, expires_at), secret)


async def find(read: Read, secret: str, now: datetime) -> Session | None:
    """Return the session that a browser's secret belongs to, or None when it is over."""
    row = await read.find(_BY_SECRET, hashed=hash_token(secret), now=now)
    return _from_row(*row) if row else None


async def list_(read: Read, user_id: int, now: datetime) -> list[Session]:
    """Return the sessions of a user, the last used first."""
    return [_from_row(*row) for row in await read.all(_OF_USER, user_id=user_id, now=now)]


async def touch(tx: Tx, used: Session, now: datetime) -> None:
    """Note that the session is in use; call it when `last_used_at` is older than TOUCH_EVERY."""
    await tx.run(_TOUCH, session_id=used.id, at=now)


async def renew(tx: Tx, verified: Session, now: datetime) -> OpenedSession:
    """Give the session another secret after its password was given again; the old secret is worth nothing any more."""
    secret = random_token()
    await tx.run(_RENEW, session_id=verified.id, hashed=hash_token(secret), at=now)
    return OpenedSession(replace(verified, verified_at=now, last_used_at=now), secret)


async def close(tx: Tx, ended: Session) -> None:
    """End one session."""
    await tx.run(_DELETE, session_id=ended.id)


async def revoke(tx: Tx, user_id: int, uuid: str) -> None:
    """End one session of a user by its name; raises SessionUnknown."""
    if not await tx.run(_DELETE_BY_UUID, owner_id=user_id, name=uuid):
        raise SessionUnknown(uuid)


async def close_all(tx: Tx, user_id: int, *, but: Session | None = None) -> None:
    """End every session of a user, or every other one."""
    if but is None:
        await tx.run(_DELETE_ALL, owner_id=user_id)
    else:
        await tx.run(_DELETE_OTHERS, owner_id=user_id, session_id=but.id)


def _from_row(id_: int, uuid: str, user_id: int, name: str, superuser: bool, *rest: Any) -> Session:  # noqa: FBT001
    principal = Principal(PrincipalKind.USER, user_id, name, namespace_id=user_id, superuser=superuser)
    return Session(id_, uuid, principal, *rest)
