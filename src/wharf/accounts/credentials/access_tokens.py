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
from wharf.accounts.oauth import applications
from wharf.accounts.oauth.applications import Application
from wharf.accounts.tables import access_token, namespace, user_account
from wharf.db import Read, Tx
from wharf.db.dialect import insert
from wharf.events.catalog import AccessTokenIssued, AccessTokenRevoked, ApplicationTokenRevoked
from wharf.events.publish import publish
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
    #: None for a program of the user's own.
    application_id: int | None


class IssuedAccessToken(NamedTuple):
    """A new token and its text, which is shown this once and kept as a hash."""

    token: AccessToken
    text: str


class Authorization(NamedTuple):
    """A token as its user sees it: with the application that has it, if it is one of others."""

    token: AccessToken
    application: Application | None


_t, _n, _u = access_token.c, namespace.c, user_account.c
_TOKEN = (
    select(
        *(_t.id, _t.uuid, _n.id, _n.name, _u.superuser, _t.title, _t.scope),
        *(_t.created_at, _t.last_used_at, _t.expires_at, _t.application_id),
    )
    .select_from(access_token)
    .join(user_account, _u.namespace_id == _t.user_id)
    .join(namespace, _n.id == _t.user_id)
    .where(_n.enabled.is_(True))
)
_BY_TEXT = _TOKEN.where(_t.token_hash == bindparam("hashed"))
_OF_USER = _TOKEN.where(_t.user_id == bindparam("user_id")).order_by(_t.id)
_OF_APPLICATION = (
    _TOKEN.where(_t.application_id == bindparam("application_id"), _t.id > bindparam("last"))
    .order_by(_t.id)
    .limit(bindparam("count"))
)
_INSERT = insert(access_token).returning(_t.id)
_DELETE = access_token.delete().where(_t.uuid == bindparam("named")).returning(_t.title)
_DELETE_OF_USER = _DELETE.where(_t.user_id == bindparam("owner_id"))
_DELETE_OF_APPLICATION = _DELETE.where(_t.application_id == bindparam("owner_id"))
_TOUCH = access_token.update().where(_t.id == bindparam("token_id")).values(last_used_at=bindparam("used_at"))


async def issue(
    tx: Tx,
    principal: Principal,
    scopes: Iterable[ApiScope],
    *,
    title: str,
    at: datetime,
    lifetime: timedelta = LIFETIME,
    application: Application | None = None,
) -> IssuedAccessToken:
    """Issue a token with which an application, or a program of `principal`'s own, acts for `principal`, a user."""
    text, uuid, granted, expires_at = PREFIX + random_token(), random_id(), frozenset(scopes), at + lifetime
    application_id = application.id if application else None
    scope = api_scopes.write(granted)
    id_ = await tx.scalar(
        _INSERT,
        uuid=uuid,
        token_hash=hash_token(text),
        user_id=principal.id,
        application_id=application_id,
        title=title,
        scope=scope,
        created_at=at,
        last_used_at=None,
        expires_at=expires_at,
    )
    assert id_ is not None
    client_id, name = application.client_id if application else None, principal.name
    await publish(
        tx,
        AccessTokenIssued(at=at, by=name, user=name, token_uuid=uuid, title=title, scope=scope, client_id=client_id),
    )
    token = AccessToken(id_, uuid, principal, title, granted, at, None, expires_at, application_id)
    return IssuedAccessToken(token, text)


async def find(read: Read, text: str) -> AccessToken | None:
    """Return what a text of `Authorization: Bearer` stands for, expired or not, or None."""
    row = await read.find(_BY_TEXT, hashed=hash_token(text))
    return _from_row(*row[:2], row[2:5], *row[5:]) if row else None


async def list_(read: Read, user_id: int) -> list[AccessToken]:
    """Return the tokens of a user, in the order of their making."""
    return [_from_row(*row[:2], row[2:5], *row[5:]) for row in await read.all(_OF_USER, user_id=user_id)]


async def authorizations(read: Read, user_id: int) -> list[Authorization]:
    """Return the tokens of a user with the applications that have them."""
    tokens = await list_(read, user_id)
    wanted = sorted({token.application_id for token in tokens if token.application_id is not None})
    known = await applications.by_ids(read, wanted)
    return [Authorization(token, known.get(token.application_id or 0)) for token in tokens]


async def of_application(read: Read, application: Application, *, last: int, count: int) -> list[AccessToken]:
    """Return up to `count` tokens of an application whose numbers come after `last`."""
    rows = await read.all(_OF_APPLICATION, application_id=application.id, last=last, count=count)
    return [_from_row(*row[:2], row[2:5], *row[5:]) for row in rows]


async def touch(tx: Tx, used: AccessToken, now: datetime) -> None:
    """Note that the token is in use; call it when `last_used_at` is older than TOUCH_EVERY."""
    await tx.run(_TOUCH, token_id=used.id, used_at=now)


async def revoke(tx: Tx, user: Principal, uuid: str, *, at: datetime) -> None:
    """Take one of a user's tokens back; raises AccessTokenUnknown."""
    title = await tx.scalar(_DELETE_OF_USER, owner_id=user.id, named=uuid)
    if title is None:
        raise AccessTokenUnknown(uuid)
    await publish(tx, AccessTokenRevoked(at=at, by=user.name, user=user.name, token_uuid=uuid, title=title))


async def revoke_of(tx: Tx, application: Application, uuid: str, *, by: Principal, at: datetime) -> None:
    """Take one of an application's tokens back, whoever's it is; raises AccessTokenUnknown."""
    title = await tx.scalar(_DELETE_OF_APPLICATION, owner_id=application.id, named=uuid)
    if title is None:
        raise AccessTokenUnknown(uuid)
    await publish(
        tx,
        ApplicationTokenRevoked(
            at=at,
            by=by.name,
            organization=application.organization,
            client_id=application.client_id,
            application_name=application.about.name,
            token_uuid=uuid,
            title=title,
        ),
    )


def _from_row(id_: int, uuid: str, owner: tuple[int, str, bool], title: str, scope: str, *rest: Any) -> AccessToken:
    user_id, name, superuser = owner
    scopes = api_scopes.parse(scope)
    superuser = superuser and ApiScope.SUPER_USER in scopes
    principal = Principal(PrincipalKind.USER, user_id, name, namespace_id=user_id, superuser=superuser)
    return AccessToken(id_, uuid, principal, title, scopes, *rest)
