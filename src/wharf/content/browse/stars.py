"""Stars: repositories that a user wants to find again."""

from datetime import datetime

from sqlalchemy import bindparam, select

from wharf.access.principals import Principal
from wharf.content.repositories import Repository
from wharf.content.tables import repository, star
from wharf.db import Read, Tx
from wharf.db.dialect import insert
from wharf.oci.names import RepositoryName

_s = star.c
_GIVE = insert(star).on_conflict_do_nothing()
_named = select(repository.c.id).where(repository.c.name == bindparam("name"))
_TAKE = star.delete().where(_s.user_id == bindparam("stargazer"), _s.repository_id.in_(_named))
_HAS = select(_s.user_id).where(_s.user_id == bindparam("stargazer"), _s.repository_id == bindparam("of"))


async def give(tx: Tx, user_id: int, target: Repository, *, at: datetime) -> None:
    """Give the repository a star of the user; nothing happens if it has one."""
    await tx.run(_GIVE, user_id=user_id, repository_id=target.id, created_at=at)


async def take(tx: Tx, user_id: int, name: RepositoryName) -> None:
    """Take the user's star back, even from what the user can no longer see; nothing happens if there is none."""
    await tx.run(_TAKE, stargazer=user_id, name=name)


async def has(read: Read, principal: Principal, target: Repository) -> bool:
    """Tell whether the repository has a star of `principal`."""
    return await read.find(_HAS, stargazer=principal.user_id, of=target.id) is not None
