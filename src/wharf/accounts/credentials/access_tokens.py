"""Access tokens: what a program sends to the REST API to act for a user, within API scopes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select

from wharf.access import api_scopes
from wharf.access.api_scopes import ApiScope
from wharf.access.principals import Principal, PrincipalKind
from wharf.accounts.errors import AccessTokenUnknown
from wharf.accounts.tables import access_token, namespace, user_account
from wharf.db import Read, Tx
from wharf.db.dialect import insert
from wharf.kit.crypto import hash_token, random_token
from wharf.kit.ids import random_id

# Recognisable, so that scanners for leaked secrets can find it in a public repository.
PREFIX = "wha_"
#: As long as Quay's: automation is set up once and forgotten.
LIFETIME = timedelta(days=3650)
#: How exactly `last_used_at` is kept.
TOUCH_EVERY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token of a user; `principal` is a superuser only where the scopes say so too."""

    id: int
    uuid: str
    principal: Principal
    title: str
    scopes: frozenset[ApiScope]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime


class IssuedAccessToken(NamedTuple):
    """A new token and its text, which is shown this once and kept as a hash."""

    token: AccessToken
    text: str


_t, _n, _u = access_token.c, namespace.c, user_account.c
_TOKEN = (
    select(
        *(_t.id, _t.uuid, _n.id, _n.name, _u.superuser, _t.title, _t.scope),
        *(_t.created_at, _t.last_used_at, _t.expires_at),
    )
    .select_from(access_token)
    .join(user_account, _u.namespace_id == _t.user_id)
    .join(namespace, _n.id == _t.user_id)
    .where(_n.enabled.is_(True))
)
_BY_TEXT = _TOKEN.where(_t.token_hash == bindparam("hashed"))
_OF_USER = _TOKEN.where(_t.user_id == bindparam("user_id")).order_by(_t.id)
_INSERT = insert(access_token).returning(_t.id)
_DELETE = access_token.delete().where(_t.user_id == bindparam("owner_id"), _t.uuid == bindparam("name"))
_TOUCH = access_token.update().where(_t.id == bindparam("token_id")).values(last_used_at=bindparam("used_at"))


async def issue(
    tx: Tx,
    principal: Principal,
    scopes: Iterable[ApiScope],
    *,
    title: str,
    at: datetime,
    lifetime: timedelta = LIFETIME,
) -> IssuedAccessToken:
    """Issue a token for `principal`, a user."""
    text, uuid, granted, expires_at = PREFIX + random_token(), random_id(), frozenset(scopes), at + lifetime
    id_ = await tx.scalar(
        _INSERT,
        uuid=uuid,
        token_hash=hash_token(text),
        user_id=principal.id,
        title=title,
        scope=api_scopes.write(granted),
        created_at=at,
        last_used_at=None,
        expires_at=expires_at,
    )
    assert id_ is not None
    return IssuedAccessToken(AccessToken(id_, uuid, principal, title, granted, at, None, expires_at), text)


async def find(read: Read, text: str) -> AccessToken | None:
    """Return what a text of `Authorization: Bearer` stands for, expired or not, or None."""
    row = await read.find(_BY_TEXT, hashed=hash_token(text))
    return _from_row(*row[:2], row[2:5], *row[5:]) if row else None


async def list_(read: Read, user_id: int) -> list[AccessToken]:
    """Return the tokens of a user, in the order of their making."""
    return [_from_row(*row[:2], row[2:5], *row[5:]) for row in await read.all(_OF_USER, user_id=user_id)]


async def touch(tx: Tx, used: AccessToken, now: datetime) -> None:
    """Note that the token is in use; call it when `last_used_at` is older than TOUCH_EVERY."""
    await tx.run(_TOUCH, token_id=used.id, used_at=now)


async def revoke(tx: Tx, user_id: int, uuid: str) -> None:
    """Take a user's token back; raises AccessTokenUnknown."""
    if not await tx.run(_DELETE, owner_id=user_id, name=uuid):
        raise AccessTokenUnknown(uuid)


def _from_row(id_: int, uuid: str, owner: tuple[int, str, bool], title: str, scope: str, *rest: Any) -> AccessToken:
    user_id, name, superuser = owner
    scopes = api_scopes.parse(scope)
    superuser = superuser and ApiScope.SUPER_USER in scopes
    principal = Principal(PrincipalKind.USER, user_id, name, namespace_id=user_id, superuser=superuser)
    return AccessToken(id_, uuid, principal, title, scopes, *rest)
