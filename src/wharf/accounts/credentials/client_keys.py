"""Client keys: what a user gets for the password, to give it to a client of the registry instead.

Quay calls them encrypted passwords. A key signs in at `/v2` under the user's own name and nowhere else; all of them end
when the password is changed. Kept as hashes, the newest few of each user.
"""

from datetime import datetime

from sqlalchemy import bindparam, select

from wharf.access.principals import Principal, PrincipalKind
from wharf.accounts.tables import client_key, namespace, user_account
from wharf.db import Read, Tx
from wharf.db.dialect import insert
from wharf.events.catalog import ClientKeyIssued
from wharf.events.publish import publish
from wharf.kit.crypto import hash_token, random_token

# Recognisable, so that scanners for leaked secrets can find it in a public repository.
PREFIX = "whe_"
KEPT_COUNT = 50

_k, _n, _u = client_key.c, namespace.c, user_account.c
_BY_KEY = (
    select(_n.id, _u.superuser)
    .select_from(client_key)
    .join(user_account, _u.namespace_id == _k.user_id)
    .join(namespace, _n.id == _k.user_id)
    .where(_k.key_hash == bindparam("hashed"), _n.name == bindparam("name"), _n.enabled.is_(True))
)
_INSERT = insert(client_key)
_newest = (
    select(_k.id).where(_k.user_id == bindparam("owner_id")).order_by(_k.id.desc()).limit(KEPT_COUNT).scalar_subquery()
)
_FORGET_OLD = client_key.delete().where(_k.user_id == bindparam("owner_id"), _k.id.not_in(_newest))
_FORGET = client_key.delete().where(_k.user_id == bindparam("owner_id"))


async def issue(tx: Tx, user: Principal, *, at: datetime) -> str:
    """Give `user`, who has just shown the password, a key; the oldest of very many is forgotten."""
    key = PREFIX + random_token()
    await tx.run(_INSERT, key_hash=hash_token(key), user_id=user.id, created_at=at)
    await tx.run(_FORGET_OLD, owner_id=user.id)
    await publish(tx, ClientKeyIssued(at=at, by=user.name, user=user.name))
    return key


async def find(read: Read, name: str, key: str) -> Principal | None:
    """Return the user called `name` if `key` is one of theirs, or None."""
    if not (key.startswith(PREFIX) and key.isascii()):
        return None
    row = await read.find(_BY_KEY, hashed=hash_token(key), name=name)
    if row is None:
        return None
    id_, superuser = row
    return Principal(PrincipalKind.USER, id_, name, namespace_id=id_, superuser=superuser)


async def forget(tx: Tx, user_id: int) -> None:
    """End all keys of a user."""
    await tx.run(_FORGET, owner_id=user_id)
