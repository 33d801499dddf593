"""`/api/v1/user/starred`: the repositories that a user wants to find again."""

from fastapi import APIRouter
from starlette.responses import Response

from wharf.access.actions import Action
from wharf.access.grants import Visibility
from wharf.api.kit import FAILURES, Body, NextPage, RepositoryReader, Shape, UserAdmin, WithPage, WithParts
from wharf.api.repository.paths import WithName
from wharf.content import repositories
from wharf.content.browse import repositories as browse
from wharf.content.browse import stars
from wharf.oci.names import RepositoryName

router = APIRouter(tags=["user"], responses=FAILURES)


class Starred(Body):
    """The repository to give a star."""

    namespace: str
    repository: str


class StarShape(Shape):
    """A repository that has a star now."""

    namespace: str
    repository: str


class RepositoryShape(Shape):
    """A repository with the caller's star."""

    namespace: str
    name: str
    description: str
    is_public: bool


class Repositories(Shape):
    """Repositories by name."""

    repositories: list[RepositoryShape]
    next_page: NextPage = None


@router.get("/user/starred", operation_id="listStarredRepos", summary="List the repositories with a star")
async def list_(caller: UserAdmin, page: WithPage, parts: WithParts) -> Repositories:
    """Return the repositories with the caller's star that the caller may still pull from."""
    async with parts.database.read() as read:
        found = await browse.list_(
            read, caller.principal, public=True, starred=True, last=page.last(""), count=page.count + 1
        )
    shown, next_page = page.cut(found, lambda each: each.name)
    listed = [
        RepositoryShape(
            namespace=each.name.namespace or "",
            name=each.name.short_name,
            description=each.description,
            is_public=each.visibility is Visibility.PUBLIC,
        )
        for each in shown
    ]
    return Repositories(repositories=listed, next_page=next_page)


@router.post("/user/starred", operation_id="createStar", summary="Give a repository a star", status_code=201)
async def create(body: Starred, caller: RepositoryReader, parts: WithParts) -> StarShape:
    """Give a repository the caller's star."""
    user_id = caller.user_id
    name = RepositoryName.parse(f"{body.namespace}/{body.repository}")
    target = await repositories.access(parts.database, caller.principal, name, Action.PULL)
    async with parts.database.write() as tx:
        await stars.give(tx, user_id, target, at=parts.clock())
    return StarShape(namespace=body.namespace, repository=body.repository)


@router.delete(
    "/user/starred/{repository:path}", operation_id="deleteStar", summary="Take a star back", status_code=204
)
async def delete(repository: WithName, caller: UserAdmin, parts: WithParts) -> Response:
    """Take the caller's star from a repository."""
    async with parts.database.write() as tx:
        await stars.take(tx, caller.user_id, repository)
    return Response(status_code=204)
