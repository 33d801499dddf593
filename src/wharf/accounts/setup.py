"""The first superuser: whoever can read the log of the first start gets a one-time token to create it with."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam

from wharf.accounts import passwords, users
from wharf.accounts.errors import SetupTokenInvalid
from wharf.accounts.tables import setup_token
from wharf.accounts.users import User
from wharf.db import Tx
from wharf.db.dialect import insert
from wharf.kit.clock import utc_now
from wharf.kit.crypto import hash_token, random_token

VALID_FOR = timedelta(days=7)

_t = setup_token.c
_INSERT = insert(setup_token)
_USE = setup_token.delete().where(_t.token_hash == bindparam("hashed"), _t.expires_at > bindparam("at"))
_DELETE_ALL = setup_token.delete()
_DELETE_EXPIRED = setup_token.delete().where(_t.expires_at <= bindparam("at"))


async def prepare(tx: Tx, *, at: datetime | None = None) -> str | None:
    """Return a token to show to the operator, or None once there is a user. Called at each start.

    Each start gives a token of its own and leaves the earlier ones valid: several replicas may start at once.
    """
    at = at or utc_now()
    if await users.exist(tx):
        return None
    token = random_token()
    await tx.run(_DELETE_EXPIRED, at=at)
    await tx.run(_INSERT, token_hash=hash_token(token), expires_at=at + VALID_FOR)
    return token


async def claim(
    tx: Tx, token: str, username: str, password: str, email: str | None = None, *, at: datetime | None = None
) -> User:
    """Create the first superuser; afterwards no setup token is valid any more.

    Raises SetupTokenInvalid, PasswordUnacceptable, AccountNameInvalid. The password is hashed within the transaction:
    this happens once in the life of an installation.
    """
    at = at or utc_now()
    if await users.exist(tx) or not await tx.run(_USE, hashed=hash_token(token), at=at):
        raise SetupTokenInvalid
    user = await users.create(tx, username, await passwords.hash_(password), email=email, superuser=True, at=at)
    await tx.run(_DELETE_ALL)
    return user
