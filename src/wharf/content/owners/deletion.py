"""Taking a user or an organization away with everything that is in its namespace."""

from datetime import datetime

from sqlalchemy import bindparam, select

from wharf.access.principals import Principal
from wharf.accounts import namespaces, users
from wharf.accounts.namespaces import Namespace, NamespaceKind
from wharf.content import repositories
from wharf.content.tables import repository, repository_grant
from wharf.db import Tx
from wharf.events.catalog import OrganizationDeleted, UserDeleted
from wharf.events.publish import publish

_r = repository.c
_REPOSITORIES = select(_r.id, _r.namespace_id, _r.name, _r.visibility, _r.state).where(
    _r.namespace_id == bindparam("owner_id"), _r.deleted_at.is_(None)
)
_FORGET_GRANTS = repository_grant.delete().where(repository_grant.c.user_id == bindparam("owner_id"))


async def delete_namespace(tx: Tx, target: Namespace, *, by: Principal, at: datetime) -> None:
    """Delete a user or an organization: the name is free at once, and the content is collected afterwards.

    Raises NamespaceUnknown if it is gone already, and LastSuperuser.
    """
    if target.kind is NamespaceKind.USER:
        await users.keep_a_superuser(tx, target.id, target.name)
    await namespaces.retire(tx, target, at=at)
    for row in await tx.all(_REPOSITORIES, owner_id=target.id):
        await repositories.delete(tx, repositories.from_row(*row), by=by, at=at)
    await tx.run(_FORGET_GRANTS, owner_id=target.id)
    if target.kind is NamespaceKind.ORGANIZATION:
        await publish(tx, OrganizationDeleted(at=at, by=by.name, organization_id=target.id, organization=target.name))
    else:
        await publish(tx, UserDeleted(at=at, by=by.name, user_id=target.id, user=target.name))
