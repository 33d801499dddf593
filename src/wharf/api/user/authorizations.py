"""`/api/v1/user/authorizations`: the programs that act for a user, and taking their access back.

Making a token for a program of one's own, without an organization's application, is beyond Quay's API.
"""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from wharf.access.api_scopes import ABOUT, ApiScope
from wharf.accounts.credentials import access_tokens
from wharf.accounts.credentials.access_tokens import Authorization
from wharf.accounts.errors import AccessTokenUnknown
from wharf.api.kit import (
    FAILURES,
    Avatar,
    AvatarKind,
    Body,
    FreshUserAdmin,
    Moment,
    Shape,
    UserAdmin,
    WithParts,
    avatar,
)
from wharf.api.kit.callers import MAX_TOKEN_SECONDS, grantable

router = APIRouter(tags=["user"], responses=FAILURES)

_ICONS = {
    ApiScope.REPO_READ: "fa-hdd-o",
    ApiScope.REPO_WRITE: "fa-hdd-o",
    ApiScope.REPO_ADMIN: "fa-hdd-o",
    ApiScope.REPO_CREATE: "fa-plus",
    ApiScope.USER_READ: "fa-user",
    ApiScope.USER_ADMIN: "fa-gear",
    ApiScope.ORG_ADMIN: "fa-gear",
    ApiScope.SUPER_USER: "fa-street-view",
}


class OwnerShape(Shape):
    """The organization of an application; for a program of the user's own, the user."""

    name: str
    avatar: Avatar


class ApplicationShape(Shape):
    """A program that acts for the user."""

    name: str
    description: str
    url: str
    avatar: Avatar
    organization: OwnerShape


class ScopeShape(Shape):
    """One thing that it may do."""

    title: str
    scope: str
    description: str
    icon: str
    dangerous: bool


class AuthorizationShape(Shape):
    """A program with what it may do."""

    application: ApplicationShape
    scopes: list[ScopeShape]
    uuid: str


class NewToken(Body):
    """A token for a program of the caller's own: its scopes, separated by spaces, and its life in seconds."""

    title: Annotated[str, Field(min_length=1, max_length=255)]
    scope: str
    expiration: Annotated[int, Field(gt=0, le=MAX_TOKEN_SECONDS)] = MAX_TOKEN_SECONDS


class IssuedShape(AuthorizationShape):
    """A new authorization with its access token, which is shown this once."""

    token: str
    expires_at: Moment


class Authorizations(Shape):
    """In the order of their making."""

    authorizations: list[AuthorizationShape]


@router.get("/user/authorizations", operation_id="listUserAuthorizations", summary="List authorized programs")
async def list_(caller: UserAdmin, parts: WithParts) -> Authorizations:
    """Return every access token with which somebody acts for the caller."""
    async with parts.database.read() as read:
        found = await access_tokens.authorizations(read, caller.user_id)
    return Authorizations(authorizations=[_shape(each) for each in found])


@router.post("/user/authorizations", operation_id="createUserAuthorization", summary="Make a token of one's own")
async def create(body: NewToken, caller: FreshUserAdmin, parts: WithParts) -> IssuedShape:
    """Issue a token with which a program acts for the caller; no token issues one that may do more than itself."""
    scopes = grantable(caller, body.scope)
    async with parts.database.write() as tx:
        token, text = await access_tokens.issue(
            tx,
            caller.principal,
            scopes,
            title=body.title,
            at=parts.clock(),
            lifetime=timedelta(seconds=body.expiration),
        )
    return IssuedShape(**_shape(Authorization(token, None)).__dict__, token=text, expires_at=token.expires_at)


@router.get(
    "/user/authorizations/{access_token_uuid}", operation_id="getUserAuthorization", summary="Get an authorized program"
)
async def get_(access_token_uuid: str, caller: UserAdmin, parts: WithParts) -> AuthorizationShape:
    """Return one of them."""
    async with parts.database.read() as read:
        found = await access_tokens.authorizations(read, caller.user_id)
    for each in found:
        if each.token.uuid == access_token_uuid:
            return _shape(each)
    raise AccessTokenUnknown(access_token_uuid)


@router.delete(
    "/user/authorizations/{access_token_uuid}",
    operation_id="deleteUserAuthorization",
    summary="Revoke a program's access",
    status_code=204,
)
async def revoke(access_token_uuid: str, caller: UserAdmin, parts: WithParts) -> Response:
    """Take one of them back."""
    async with parts.database.write() as tx:
        await access_tokens.revoke(tx, caller.principal, access_token_uuid, at=parts.clock())
    return Response(status_code=204)


def _shape(authorization: Authorization) -> AuthorizationShape:
    token, application = authorization
    return AuthorizationShape(
        application=_own(token.principal.name, token.title)
        if application is None
        else ApplicationShape(
            name=application.about.name,
            description=application.about.description,
            url=application.about.application_uri,
            avatar=avatar(application.about.name, AvatarKind.APPLICATION),
            organization=OwnerShape(
                name=application.organization, avatar=avatar(application.organization, AvatarKind.ORGANIZATION)
            ),
        ),
        scopes=[_scope(scope) for scope in ApiScope if scope in token.scopes],
        uuid=token.uuid,
    )


def _own(user: str, title: str) -> ApplicationShape:
    return ApplicationShape(
        name=title,
        description="",
        url="",
        avatar=avatar(title, AvatarKind.APPLICATION),
        organization=OwnerShape(name=user, avatar=avatar(user, AvatarKind.USER)),
    )


def _scope(scope: ApiScope) -> ScopeShape:
    title, description, dangerous = ABOUT[scope]
    return ScopeShape(title=title, scope=scope, description=description, icon=_ICONS[scope], dangerous=dangerous)
