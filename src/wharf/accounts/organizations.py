"""Organizations: namespaces that belong to teams instead of to one person."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select

from wharf.access.grants import TeamRole
from wharf.access.principals import Principal
from wharf.accounts import namespaces, teams
from wharf.accounts.errors import NamespaceUnknown
from wharf.accounts.namespaces import Namespace, NamespaceKind
from wharf.accounts.tables import namespace
from wharf.accounts.tables import organization as organization_table
from wharf.db import Read, Tx
from wharf.db.dialect import insert
from wharf.events.catalog import OrganizationCreated
from wharf.events.publish import publish
from wharf.kit.clock import utc_now

OWNERS = "owners"


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What an organization says about itself; nothing here is checked or acted upon."""

    email: str | None = None
    #: Whether invoices are sent by e-mail, and where to: kept for clients of Quay that set it.
    invoice_email: bool = False
    invoice_email_address: str | None = None


_n, _o = namespace.c, organization_table.c
_DETAILS = select(_o.email, _o.invoice_email, _o.invoice_email_address).where(_o.namespace_id == bindparam("id"))
_FORGET_DETAILS = organization_table.delete().where(_o.namespace_id == bindparam("id"))
_SET_DETAILS = insert(organization_table)
_PAGE = (
    select(*namespaces.COLUMNS, _o.email)
    .outerjoin(organization_table)
    .where(
        _n.kind == NamespaceKind.ORGANIZATION,
        _n.deleted_at.is_(None),
        _n.name > bindparam("last"),
    )
    .order_by(_n.name)
    .limit(bindparam("count"))
)


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
    await publish(tx, OrganizationCreated(at=at, by=by.name, organization_id=id_, organization=name))
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


async def list_(read: Read, *, last: str = "", count: int = 100) -> list[tuple[Namespace, str | None]]:
    """Return up to `count` organizations whose names come after `last`, in byte order, with their e-mail addresses."""
    rows = await read.all(_PAGE, last=last, count=count)
    return [(namespaces.from_row(*row[:-1]), row[-1]) for row in rows]


async def details(read: Read, organization: Namespace) -> Details:
    """Return what the organization says about itself."""
    row = await read.find(_DETAILS, id=organization.id)
    return Details(email=row[0], invoice_email=row[1], invoice_email_address=row[2]) if row else Details()


async def change_details(tx: Tx, organization: Namespace, said: Details) -> None:
    """Replace what the organization says about itself."""
    await namespaces.hold(tx, organization)
    await tx.run(_FORGET_DETAILS, id=organization.id)
    await tx.run(
        _SET_DETAILS,
        namespace_id=organization.id,
        email=said.email,
        invoice_email=said.invoice_email,
        invoice_email_address=said.invoice_email_address,
    )


async def disable(tx: Tx, organization: Namespace) -> None:
    """Make its repositories unreachable and refuse its robots."""
    await namespaces.set_enabled(tx, organization.id, enabled=False)


async def enable(tx: Tx, organization: Namespace) -> None:
    """Take `disable` back."""
    await namespaces.set_enabled(tx, organization.id, enabled=True)
