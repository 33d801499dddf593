"""`/api/v1/find/repositories`: repositories by a text in their names or descriptions."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from wharf.access.grants import Visibility
from wharf.accounts.namespaces import NamespaceKind
from wharf.api.kit import FAILURES, Avatar, AvatarKind, RepositoryReader, Shape, WithParts, avatar
from wharf.content.browse import repositories as browse
from wharf.content.browse.repositories import Listed

router = APIRouter(tags=["search"], responses=FAILURES)

_PAGE_SIZE = 10
_MAX_PAGE = 10_000


class OwnerShape(Shape):
    """Whose a repository is."""

    title: Literal["user", "organization"]
    kind: Literal["user", "organization"]
    avatar: Avatar
    name: str
    score: int = 1
    href: str


class FoundShape(Shape):
    """A repository that was found; all score the same, their order says more."""

    kind: Literal["repository"] = "repository"
    title: Literal["repository"] = "repository"
    namespace: OwnerShape
    name: str
    description: str
    is_public: bool
    score: int = 1
    href: str


class Results(Shape):
    """A page of what was found; `start_index` is the number of its first repository, from 0."""

    results: list[FoundShape]
    has_additional: bool
    page: int
    page_size: int = _PAGE_SIZE
    start_index: int


@router.get("/find/repositories", operation_id="conductRepoSearch", summary="Find repositories")
async def find(
    caller: RepositoryReader,
    parts: WithParts,
    query: Annotated[str, Query(description="A part of a name or of a description, in whatever case.")] = "",
    page: Annotated[int, Query(description="The page, from 1.", le=_MAX_PAGE)] = 1,
) -> Results:
    """Return the repositories that the caller may pull from and that have the text in them, names first."""
    page = max(page, 1)
    skip = (page - 1) * _PAGE_SIZE
    async with parts.database.read() as read:
        found = await browse.search(read, caller.principal, query, skip=skip, count=_PAGE_SIZE + 1)
    return Results(
        results=[_found(each) for each in found[:_PAGE_SIZE]],
        has_additional=len(found) > _PAGE_SIZE,
        page=page,
        start_index=skip,
    )


def _found(each: Listed) -> FoundShape:
    owner = each.name.namespace or ""
    return FoundShape(
        namespace=OwnerShape(
            title=each.owner.value,
            kind=each.owner.value,
            avatar=avatar(
                owner, AvatarKind.ORGANIZATION if each.owner is NamespaceKind.ORGANIZATION else AvatarKind.USER
            ),
            name=owner,
            href=f"/{each.owner}/{owner}",
        ),
        name=each.name.short_name,
        description=each.description,
        is_public=each.visibility is Visibility.PUBLIC,
        href=f"/repository/{each.name}",
    )
