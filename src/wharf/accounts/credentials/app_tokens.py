"""Application tokens: what a program sends to the registry instead of its user's password.

`docker login -u '$app' -p TOKEN` signs in as the user. A token is worth what the password is at `/v2` and nothing
anywhere else; it can be taken back alone.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select

from wharf.access.principals import Principal, PrincipalKind
from wharf.accounts.errors import AppTokenUnknown
from wharf.accounts.tables import app_token, namespace, user_account
from wharf.db import Read, Tx
from wharf.db.dialect import insert
from wharf.events.catalog import AppTokenCreated, AppTokenRevoked
from wharf.events.publish import publish
from wharf.kit.crypto import SecretBox, hash_token, random_token
from wharf.kit.ids import random_id

USERNAME = "$app"
# Recognisable, so that scanners for leaked secrets can find it in a public repository.
PREFIX = "whp_"
#: How exactly `last_used_at` is kept.
TOUCH_EVERY = timedelta(minutes=10)
_PURPOSE = "application token"


@dataclass(frozen=True, slots=True)
class AppToken:
    """An application token without its secret."""

    id: int
    uuid: str
    title: str
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None


_t, _n, _u = app_token.c, namespace.c, user_account.c
_COLUMNS = (_t.id, _t.uuid, _t.title, _t.created_at, _t.last_used_at, _t.expires_at)
_BY_UUID = select(*_COLUMNS, _t.sealed_token).where(_t.user_id == bindparam("user_id"), _t.uuid == bindparam("named"))
_OF_USER = select(*_COLUMNS).where(_t.user_id == bindparam("user_id")).order_by(_t.id)
_BY_SECRET = (
    select(*_COLUMNS, _n.id, _n.name, _u.superuser)
    .select_from(app_token)
    .join(user_account, _u.namespace_id == _t.user_id)
    .join(namespace, _n.id == _t.user_id)
    .where(_t.token_hash == bindparam("hashed"), _n.enabled.is_(True))
)
_INSERT = insert(app_token).returning(_t.id)
_DELETE = (
    app_token.delete().where(_t.user_id == bindparam("owner_id"), _t.uuid == bindparam("named")).returning(_t.title)
)
_TOUCH = app_token.update().where(_t.id == bindparam("token_id")).values(last_used_at=bindparam("used_at"))


async def create(
    tx: Tx, box: SecretBox, user: Principal, title: str, *, at: datetime, lifetime: timedelta | None
) -> tuple[AppToken, str]:
    """Create a token of `user` and return it with its text; without `lifetime` it does not expire."""
    text, uuid, expires_at = PREFIX + random_token(), random_id(), at + lifetime if lifetime else None
    id_ = await tx.scalar(
        _INSERT,
        uuid=uuid,
        token_hash=hash_token(text),
        sealed_token=box.seal(text.encode(), _PURPOSE),
        user_id=user.id,
        title=title,
        created_at=at,
        last_used_at=None,
        expires_at=expires_at,
    )
    assert id_ is not None
    await publish(tx, AppTokenCreated(at=at, by=user.name, user=user.name, token_uuid=uuid, title=title))
    return AppToken(id_, uuid, title, at, None, expires_at), text


async def reveal(read: Read, box: SecretBox, user_id: int, uuid: str) -> tuple[AppToken, str]:
    """Return a user's token with its text; raises AppTokenUnknown."""
    row = await read.find(_BY_UUID, user_id=user_id, named=uuid)
    if row is None:
        raise AppTokenUnknown(uuid)
    return AppToken(*row[:6]), box.unseal(row[6], _PURPOSE).decode()


async def list_(read: Read, user_id: int) -> list[AppToken]:
    """Return the tokens of a user, in the order of their making."""
    return [AppToken(*row) for row in await read.all(_OF_USER, user_id=user_id)]


async def find(read: Read, text: str, now: datetime) -> tuple[AppToken, Principal] | None:
    """Return whom a token signs in, or None for one that is unknown or has expired."""
    if not (text.startswith(PREFIX) and text.isascii()):
        return None
    row: tuple[Any, ...] | None = await read.find(_BY_SECRET, hashed=hash_token(text))
    if row is None:
        return None
    token, (id_, name, superuser) = AppToken(*row[:6]), row[6:]
    if token.expires_at is not None and token.expires_at <= now:
        return None
    return token, Principal(PrincipalKind.USER, id_, name, namespace_id=id_, superuser=superuser)


def is_touch_due(token: AppToken, now: datetime) -> bool:
    """Tell whether it is time to note that the token is in use: not each time, for pulls send it again and again."""
    return token.last_used_at is None or now - token.last_used_at > TOUCH_EVERY


async def touch(tx: Tx, used: AppToken, now: datetime) -> None:
    """Note that the token is in use."""
    await tx.run(_TOUCH, token_id=used.id, used_at=now)


async def revoke(tx: Tx, user: Principal, uuid: str, *, at: datetime) -> None:
    """Take a user's token back; raises AppTokenUnknown."""
    title = await tx.scalar(_DELETE, owner_id=user.id, named=uuid)
    if title is None:
        raise AppTokenUnknown(uuid)
    await publish(tx, AppTokenRevoked(at=at, by=user.name, user=user.name, token_uuid=uuid, title=title))
