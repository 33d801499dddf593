"""`/api/v1/superuser/organizations/…` and `/api/v1/superuser/takeownership/…`: every organization of the registry."""

from collections.abc import Sequence

from fastapi import APIRouter, Response

from wharf.accounts import namespaces, organizations
from wharf.accounts.membership import members
from wharf.accounts.namespaces import NamespaceKind
from wharf.api.kit import (
    FAILURES,
    Avatar,
    AvatarKind,
    FreshSuperuser,
    NextPage,
    Refused,
    Shape,
    WithPage,
    WithParts,
    avatar,
)
from wharf.content.owners import deletion

router = APIRouter(tags=["superuser"], responses=FAILURES)


class OrganizationShape(Shape):
    """An organization."""

    name: str
    email: str
    avatar: Avatar


class Organizations(Shape):
    """A page of them, by name."""

    organizations: Sequence[OrganizationShape]
    next_page: NextPage = None


class Taken(Shape):
    """What the caller administers now."""

    namespace: str


@router.get("/superuser/organizations/", operation_id="listAllOrganizations", summary="List all organizations")
async def list_(_: FreshSuperuser, page: WithPage, parts: WithParts) -> Organizations:
    """Return every organization."""
    async with parts.database.read() as read:
        found = await organizations.list_(read, last=page.last(""), count=page.count + 1)
    shown, next_page = page.cut(found, lambda each: each[0].name)
    return Organizations(
        organizations=[
            OrganizationShape(name=each.name, email=email or "", avatar=avatar(each.name, AvatarKind.ORGANIZATION))
            for each, email in shown
        ],
        next_page=next_page,
    )


@router.delete(
    "/superuser/organizations/{name}",
    operation_id="deleteOrganization",
    summary="Delete any organization",
    status_code=204,
)
async def delete(name: str, caller: FreshSuperuser, parts: WithParts) -> Response:
    """Delete an organization with its repositories, robots and teams."""
    async with parts.database.write() as tx:
        target = await organizations.get(tx, name)
        await deletion.delete_namespace(tx, target, by=caller.principal, at=parts.clock())
    return Response(status_code=204)


@router.post(
    "/superuser/takeownership/{namespace}", operation_id="takeOwnership", summary="Administer any organization"
)
async def take_ownership(namespace: str, caller: FreshSuperuser, parts: WithParts) -> Taken:
    """Add the caller to a team that administers the organization. Users' namespaces stay their own."""
    async with parts.database.write() as tx:
        target = await namespaces.get(tx, namespace)
        if target.kind is NamespaceKind.USER:
            raise Refused(f"{namespace} is a user, and no organization")
        await members.take_over(tx, target, by=caller.principal, at=parts.clock())
    return Taken(namespace=target.name)
