"""Signing keys: ES256, kept sealed in the database, replaced regularly with an overlap.

    made ──LEAD──▶ signs ──about SIGNS_FOR──▶ its successor signs ──KEPT_FOR──▶ deleted

A key is made some time before it signs, so that every replica has loaded it by then, and is kept until the last token
it signed has long expired. Only the very first one signs at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from joserfc.jwk import ECKey
from sqlalchemy import bindparam, select

from wharf.accounts.tables import signing_key
from wharf.db import Read, Tx
from wharf.db.dialect import insert
from wharf.kit.crypto import SealBroken, SecretBox

SIGNS_FOR = timedelta(days=30)
LEAD = timedelta(hours=2)
KEPT_FOR = timedelta(days=2)

_CURVE = "P-256"
_PURPOSE = "registry token signing key"

_k = signing_key.c
_ALL = select(_k.generation, _k.id, _k.sealed_private_key, _k.signs_from).order_by(_k.generation)
_INSERT = insert(signing_key).on_conflict_do_nothing(index_elements=[_k.generation])
_DELETE = signing_key.delete().where(_k.generation < bindparam("oldest_kept"))


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key of this installation; `key` is None where it was sealed with a secret key that is no longer ours."""

    generation: int
    id: str
    signs_from: datetime
    key: ECKey | None


async def load(read: Read, box: SecretBox) -> list[SigningKey]:
    """Return all keys, the oldest first."""
    return [
        SigningKey(generation, id_, signs_from, _unseal(box, sealed))
        for generation, id_, sealed, signs_from in await read.all(_ALL)
    ]


def signer(keys: Sequence[SigningKey], now: datetime) -> SigningKey | None:
    """Return the key that signs at `now`: the newest whose time has come."""
    return next((key for key in reversed(keys) if key.key and key.signs_from <= now), None)


def is_due(keys: Sequence[SigningKey], now: datetime) -> bool:
    """Tell whether `rotate` has something to do."""
    return _needs_next(keys, now) or _oldest_kept(keys, now) > keys[0].generation


async def rotate(tx: Tx, box: SecretBox, now: datetime) -> None:
    """Make the next key if it is time, and delete those whose tokens have long expired."""
    keys = await load(tx, box)
    if _needs_next(keys, now):
        key = ECKey.generate_key(_CURVE)
        await tx.run(
            _INSERT,
            generation=keys[-1].generation + 1 if keys else 1,
            id=key.thumbprint(),
            sealed_private_key=box.seal(key.as_pem(private=True), _PURPOSE),
            created_at=now,
            signs_from=now + LEAD if signer(keys, now) else now,
        )
    await tx.run(_DELETE, oldest_kept=_oldest_kept(keys, now))


def _needs_next(keys: Sequence[SigningKey], now: datetime) -> bool:
    newest = max((key.signs_from for key in keys if key.key), default=None)
    return newest is None or now >= newest + SIGNS_FOR


def _oldest_kept(keys: Sequence[SigningKey], now: datetime) -> int:
    """Whatever is older than the key that signed KEPT_FOR ago has not signed since."""
    past = signer(keys, now - KEPT_FOR)
    return past.generation if past else 0


def _unseal(box: SecretBox, sealed: bytes) -> ECKey | None:
    try:
        return ECKey.import_key(box.unseal(sealed, _PURPOSE))
    except SealBroken:
        return None
