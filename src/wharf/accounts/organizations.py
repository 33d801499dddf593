"""Organizations: namespaces that belong to teams instead of to one person."""

from datetime import datetime

from wharf.access.grants import TeamRole
from wharf.access.principals import Principal
from wharf.accounts import namespaces, teams
from wharf.accounts.errors import NamespaceUnknown
from wharf.accounts.namespaces import Namespace, NamespaceKind
from wharf.db import Read, Tx
from wharf.kit.clock import utc_now

OWNERS = "owners"


async def create(tx: Tx, name: str, *, by: Principal, at: datetime | None = None) -> Namespace:
    """Create an organization whose team `owners` has its creator as the first member.

    Raises AccountNameInvalid and AccountNameTaken, and MemberUnsuitable if `by` is no user.
    """
    at = at or utc_now()
    id_ = await namespaces.insert_(tx, NamespaceKind.ORGANIZATION, name, at)
    organization = Namespace(
        id_, NamespaceKind.ORGANIZATION, name, enabled=True, time_machine_seconds=None, created_at=at
    )
    owners = await teams.create(tx, organization, OWNERS, TeamRole.ADMIN, at=at)
    await teams.add_member(tx, owners, by, at=at)
    return organization


async def find(read: Read, name: str) -> Namespace | None:
    """Return the organization called `name`, or None."""
    found = await namespaces.find(read, name)
    return found if found and found.kind is NamespaceKind.ORGANIZATION else None


async def get(read: Read, name: str) -> Namespace:
    """Return the organization called `name`; raises NamespaceUnknown."""
    found = await find(read, name)
    if found is None:
        raise NamespaceUnknown(name)
    return found


async def disable(tx: Tx, organization: Namespace) -> None:
    """Make its repositories unreachable and refuse its robots."""
    await namespaces.set_enabled(tx, organization.id, enabled=False)


async def enable(tx: Tx, organization: Namespace) -> None:
    """Take `disable` back."""
    await namespaces.set_enabled(tx, organization.id, enabled=True)
