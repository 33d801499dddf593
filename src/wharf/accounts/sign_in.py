"""Signing in with a name and a secret.

A password costs some 20 ms to verify, and clients that use Basic without tokens send it with every request. So a
credential that was right is remembered for a while, as an HMAC over the name, the password *and the stored hash*. The
row is read each time: when its hash was changed, by whichever process, the HMAC is another one, so nothing has to be
invalidated; a disabled or demoted user is seen at once.

What a stranger can learn: nothing. Unknown names take as long as wrong passwords, and are locked after as many.
"""

import hashlib
import hmac
import os
from datetime import datetime
from time import monotonic

from sqlalchemy import bindparam, select

from wharf.access.principals import Principal, PrincipalKind
from wharf.accounts import lockout, passwords
from wharf.accounts.credentials import app_tokens, client_keys
from wharf.accounts.errors import AccountNameInvalid, CredentialsInvalid
from wharf.accounts.namespaces import check_name
from wharf.accounts.passwords import PasswordHash
from wharf.accounts.robots import SEPARATOR, TOKEN_PREFIX
from wharf.accounts.tables import namespace, robot, user_account
from wharf.db import Database
from wharf.kit.clock import Clock, utc_now
from wharf.kit.crypto import equal, hash_token

_REMEMBERED_SECONDS = 600.0
_MAX_REMEMBERED = 10_000

_key = os.urandom(32)
_remembered: dict[bytes, float] = {}  # HMAC of a verified credential → when to forget it

# As long as the column that counts failures has room for.
_MAX_LOGIN_LENGTH = 255

_n, _u, _r = namespace.c, user_account.c, robot.c
_USER = select(_n.id, _n.name, _u.superuser, _u.password_hash).join(user_account).where(_n.enabled.is_(True))
_USER_BY_NAME = _USER.where(_n.name == bindparam("login"))
_USER_BY_EMAIL = _USER.where(_u.email == bindparam("login"))
_ROBOT = (
    select(_r.id, _r.namespace_id, _n.name, _r.name, _r.token_hash)
    .join(namespace)
    .where(_n.enabled.is_(True), _r.enabled.is_(True))
)
_ROBOT_BY_NAME = _ROBOT.where(_n.name == bindparam("owner"), _r.name == bindparam("name"))
_ROBOT_BY_TOKEN = _ROBOT.where(_r.token_hash == bindparam("hashed"))
_IMPROVE_HASH = (
    user_account.update().where(_u.password_hash == bindparam("before")).values(password_hash=bindparam("after"))
)


async def basic(db: Database, username: str, password: str, *, clock: Clock = utc_now) -> Principal:
    """Return whom a name and a secret belong to, as clients of `/v2` send them.

    A user's name with the password or a client key, or an e-mail address with the password; `owner+name` with a robot's
    token; `$app` with an application token. Raises CredentialsInvalid, SignInLocked and SignInBusy.
    """
    if username == app_tokens.USERNAME:
        return await _app_token(db, password, clock())
    if SEPARATOR in username and "@" not in username:
        return await _robot(db, username, password)
    if password.startswith(client_keys.PREFIX) and "@" not in username:
        _check_names(username)
        async with db.read() as read:
            found = await client_keys.find(read, username, password)
        if found is not None:
            return found
    return await person(db, username, password, clock=clock)


async def person(db: Database, login: str, password: str, *, clock: Clock = utc_now) -> Principal:
    """Return the user whose name or e-mail address, and password, these are.

    Raises CredentialsInvalid, SignInLocked and SignInBusy.
    """
    if "@" in login:
        login, statement = login.strip().lower(), _USER_BY_EMAIL
        if len(login) > _MAX_LOGIN_LENGTH or not login.isprintable():
            raise CredentialsInvalid
    else:
        statement = _USER_BY_NAME
        _check_names(login)
    async with db.read() as read:
        row = await read.find(statement, login=login)
    # Failures are counted by the name where there is one: an address must not give a second set of guesses.
    id_, name, superuser, stored = row or (None, login, False, None)
    credential = _digest(name, password, stored)
    if stored is None or _remembered.get(credential, 0.0) < monotonic():
        await _verify(db, name, password, stored, clock)
        _remember(credential)
    return Principal(PrincipalKind.USER, id_, name, namespace_id=id_, superuser=superuser)


async def token(db: Database, secret: str) -> Principal:
    """Return the robot that a token alone belongs to, for clients that send no name; raises CredentialsInvalid."""
    if not _may_be_token(secret):
        raise CredentialsInvalid
    async with db.read() as read:
        row = await read.find(_ROBOT_BY_TOKEN, hashed=hash_token(secret))
    if row is None:
        raise CredentialsInvalid
    return _robot_principal(*row[:4])


async def _robot(db: Database, full_name: str, secret: str) -> Principal:
    owner, _, name = full_name.partition(SEPARATOR)
    _check_names(owner, name)
    if not _may_be_token(secret):
        raise CredentialsInvalid
    async with db.read() as read:
        row = await read.find(_ROBOT_BY_NAME, owner=owner, name=name)
    # The hash is made and compared in any case; an unknown robot differs by nothing but a row not found.
    if not equal(hash_token(secret), row[4] if row else bytes(32)) or row is None:
        raise CredentialsInvalid
    return _robot_principal(*row[:4])


async def _app_token(db: Database, secret: str, now: datetime) -> Principal:
    async with db.read() as read:
        found = await app_tokens.find(read, secret, now)
    if found is None:
        raise CredentialsInvalid
    token, principal = found
    if app_tokens.is_touch_due(token, now):
        async with db.write(durable=False) as tx:
            await app_tokens.touch(tx, token, now)
    return principal


def _robot_principal(id_: int, namespace_id: int, owner: str, name: str) -> Principal:
    return Principal(PrincipalKind.ROBOT, id_, f"{owner}{SEPARATOR}{name}", namespace_id=namespace_id)


async def _verify(db: Database, name: str, password: str, stored: PasswordHash | None, clock: Clock) -> None:
    """Raise unless `password` is right; counts failures, forgets them after a success."""
    async with db.read() as read:
        await lockout.check(read, name, clock())
    if not await passwords.verify(stored, password):
        async with db.write(durable=False) as tx:
            await lockout.record_failure(tx, name, clock())
        raise CredentialsInvalid
    # Once more: many guesses may have been under way at once, and a lock has to hide which of them was right.
    async with db.read() as read:
        has_failures = await lockout.check(read, name, clock())
    better = await passwords.hash_(password) if stored and passwords.is_outdated(stored) else None
    if has_failures or better:
        async with db.write() as tx:
            await lockout.forget(tx, name)
            if better:
                await tx.run(_IMPROVE_HASH, before=stored, after=better)


def _check_names(*names: str) -> None:
    """Raise CredentialsInvalid for names that nobody can have: they need no statement, and could upset one."""
    try:
        for name in names:
            check_name(name)
    except AccountNameInvalid:
        raise CredentialsInvalid from None


def _may_be_token(secret: str) -> bool:
    return secret.startswith(TOKEN_PREFIX) and secret.isascii()


def _digest(name: str, password: str, stored: str | None) -> bytes:
    # Neither a name nor an argon2 hash has a NUL, so the parts cannot run into each other.
    return hmac.digest(_key, f"{name}\0{stored}\0{password}".encode("utf-8", "surrogatepass"), hashlib.sha256)


def _remember(credential: bytes) -> None:
    if len(_remembered) >= _MAX_REMEMBERED:
        _remembered.clear()  # costs the busiest users one slow sign-in each
    _remembered[credential] = monotonic() + _REMEMBERED_SECONDS
