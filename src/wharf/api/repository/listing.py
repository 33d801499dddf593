"""`/api/v1/repository` and `/api/v1/repository/{repository}`: repositories themselves, and their settings."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from wharf.access.actions import Action
from wharf.access.grants import RepositoryState, Visibility
from wharf.accounts.namespaces import NamespaceKind
from wharf.api.kit import (
    FAILURES,
    Body,
    Moment,
    NextPage,
    Refused,
    RepositoryAdmin,
    RepositoryCreator,
    RepositoryReader,
    RepositoryWriter,
    Shape,
    WithPage,
    WithParts,
)
from wharf.api.repository.paths import WithName
from wharf.content import repositories, sharing
from wharf.content.browse import repositories as browse
from wharf.content.browse import stars, tags
from wharf.content.browse.repositories import Listed
from wharf.content.browse.tags import Lifetime, Which
from wharf.oci.names import RepositoryName

router = APIRouter(tags=["repository"], responses=FAILURES)

#: How many tags come along with a repository; `…/tag/` has them all.
_TAG_COUNT = 500


def _is_none(value: object) -> bool:
    return value is None


class NewRepository(Body):
    """What a repository is made of; without a namespace it is the caller's own."""

    repository: str
    visibility: Visibility
    namespace: str | None = None
    description: str = ""
    repo_kind: Literal["image"] | None = None


class Description(Body):
    """What is said about a repository, in Markdown."""

    description: str


class VisibilityChange(Body):
    """Who may pull."""

    visibility: Visibility


class StateChange(Body):
    """What may be written."""

    state: Literal["NORMAL", "READ_ONLY"]


class CreatedShape(Shape):
    """A repository that exists now."""

    namespace: str
    name: str
    kind: Literal["image"] = "image"


class ListedShape(Shape):
    """A repository in a list; `last_modified` only where it is asked for, and where there was a push."""

    namespace: str
    name: str
    description: str
    is_public: bool
    kind: Literal["image"] = "image"
    state: str
    last_modified: Annotated[int | None, Field(exclude_if=_is_none)] = None
    is_starred: bool


class Repositories(Shape):
    """Repositories by name."""

    repositories: list[ListedShape]
    next_page: NextPage = None


class TagShape(Shape):
    """A tag that can be pulled."""

    name: str
    size: int | None
    last_modified: Moment
    manifest_digest: str


class RepositoryShape(Shape):
    """A repository, its settings, its newest tags and what the caller may do; what Wharf has not is as if unused."""

    namespace: str
    name: str
    kind: Literal["image"] = "image"
    description: str
    is_public: bool
    is_organization: bool
    is_starred: bool
    status_token: str = ""
    trust_enabled: bool = False
    tag_expiration_s: int
    is_free_account: bool = True
    state: str
    tags: Annotated[dict[str, TagShape] | None, Field(exclude_if=_is_none)] = None
    can_write: bool
    can_admin: bool


class Success(Shape):
    """It is done."""

    success: bool = True


@router.post("/repository", operation_id="createRepo", summary="Create a repository", status_code=201)
async def create(body: NewRepository, caller: RepositoryCreator, parts: WithParts) -> CreatedShape:
    """Create a repository without content."""
    name = RepositoryName.parse(f"{body.namespace or caller.principal.name}/{body.repository}")
    async with parts.database.write() as tx:
        created = await repositories.create(
            tx,
            name,
            by=caller.principal,
            visibility=body.visibility,
            description=body.description,
            at=parts.clock(),
        )
    return CreatedShape(**_names(created.name))


@router.get("/repository", operation_id="listRepos", summary="List repositories")
async def list_(
    caller: RepositoryReader,
    page: WithPage,
    parts: WithParts,
    *,
    namespace: Annotated[str | None, Query(description="Only those of this user or organization.")] = None,
    starred: Annotated[bool, Query(description="Only those with the caller's star.")] = False,
    public: Annotated[bool, Query(description="Those too that everybody may pull from.")] = False,
    last_modified: Annotated[bool, Query(description="Tell when a tag was last pushed.")] = False,
) -> Repositories:
    """Return the repositories that the caller may pull from."""
    if namespace is None and not public and not starred:
        raise Refused("namespace, starred or public are required for this API call")
    async with parts.database.read() as read:
        found = await browse.list_(
            read,
            caller.principal,
            namespace=namespace,
            public=public or starred,
            starred=starred,
            last=page.last(""),
            count=page.count + 1,
        )
    shown, next_page = page.cut(found, lambda each: each.name)
    return Repositories(
        repositories=[_listed(each, last_modified=last_modified) for each in shown], next_page=next_page
    )


@router.post(
    "/repository/{repository:path}/changevisibility",
    operation_id="changeRepoVisibility",
    summary="Make a repository public or private",
)
async def change_visibility(
    repository: WithName, body: VisibilityChange, caller: RepositoryAdmin, parts: WithParts
) -> Success:
    """Change who may pull without a grant."""
    target = await repositories.access(parts.database, caller.principal, repository, Action.ADMIN)
    async with parts.database.write() as tx:
        await sharing.change_visibility(tx, target, body.visibility, by=caller.principal, at=parts.clock())
    return Success()


@router.put(
    "/repository/{repository:path}/changestate", operation_id="changeRepoState", summary="Change a repository's state"
)
async def change_state(repository: WithName, body: StateChange, caller: RepositoryAdmin, parts: WithParts) -> Success:
    """Refuse pushes and deletions, or take them again."""
    target = await repositories.access(parts.database, caller.principal, repository, Action.ADMIN)
    state = RepositoryState(body.state.lower())
    async with parts.database.write() as tx:
        await repositories.change_state(tx, target, state, by=caller.principal, at=parts.clock())
    return Success()


@router.get("/repository/{repository:path}", operation_id="getRepo", summary="Get a repository")
async def get_(
    repository: WithName,
    caller: RepositoryReader,
    parts: WithParts,
    *,
    with_tags: Annotated[bool, Query(alias="includeTags", description="Whether its newest tags come along.")] = True,
) -> RepositoryShape:
    """Return a repository as its page shows it."""
    target, actions = await repositories.rights(parts.database, caller.principal, repository)
    default = timedelta(seconds=parts.config.registry.time_machine_seconds)
    async with parts.database.read() as read:
        about = await browse.about(read, target, default)
        starred = await stars.has(read, caller.principal, target)
        which = Which(active_only=True)
        found = (
            await tags.list_(read, target, which, now=parts.clock(), skip=0, count=_TAG_COUNT) if with_tags else None
        )
    return RepositoryShape(
        **_names(repository),
        description=about.description,
        is_public=target.visibility is Visibility.PUBLIC,
        is_organization=about.owner is NamespaceKind.ORGANIZATION,
        is_starred=starred,
        tag_expiration_s=int(about.time_machine.total_seconds()),
        state=target.state.upper(),
        tags=None if found is None else {tag.name: _tag(tag) for tag in found},
        can_write=Action.PUSH in actions,
        can_admin=Action.ADMIN in actions,
    )


@router.put("/repository/{repository:path}", operation_id="updateRepo", summary="Describe a repository")
async def update(repository: WithName, body: Description, caller: RepositoryWriter, parts: WithParts) -> Success:
    """Replace the description."""
    target = await repositories.access(parts.database, caller.principal, repository, Action.PUSH)
    async with parts.database.write() as tx:
        await repositories.describe(tx, target, body.description, by=caller.principal, at=parts.clock())
    return Success()


@router.delete(
    "/repository/{repository:path}", operation_id="deleteRepository", summary="Delete a repository", status_code=204
)
async def delete(repository: WithName, caller: RepositoryAdmin, parts: WithParts) -> Response:
    """Delete a repository with everything in it, at once and for good."""
    target = await repositories.access(parts.database, caller.principal, repository, Action.ADMIN)
    async with parts.database.write() as tx:
        await repositories.delete(tx, target, by=caller.principal, at=parts.clock())
    return Response(status_code=204)


def _names(name: RepositoryName) -> dict[str, Any]:
    return {"namespace": name.namespace or "", "name": name.short_name}


def _listed(each: Listed, *, last_modified: bool) -> ListedShape:
    changed_at = each.changed_at if last_modified else None
    return ListedShape(
        **_names(each.name),
        description=each.description,
        is_public=each.visibility is Visibility.PUBLIC,
        state=each.state.upper(),
        is_starred=each.starred,
        last_modified=None if changed_at is None else int(changed_at.timestamp()),
    )


def _tag(tag: Lifetime) -> TagShape:
    return TagShape(name=tag.name, size=tag.size_bytes, last_modified=tag.started_at, manifest_digest=tag.digest)
