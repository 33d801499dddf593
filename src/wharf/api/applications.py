"""`/api/v1/organization/{orgname}/applications`: OAuth applications of an organization, and their access tokens."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from wharf.access import api_scopes
from wharf.accounts.credentials import access_tokens
from wharf.accounts.credentials.access_tokens import AccessToken
from wharf.accounts.membership import standing
from wharf.accounts.oauth import applications
from wharf.accounts.oauth.applications import About, Application
from wharf.api.kit import (
    FAILURES,
    Body,
    Caller,
    Moment,
    NextPage,
    OrganizationAdmin,
    Parts,
    Shape,
    WithPage,
    WithParts,
)
from wharf.api.kit.callers import MAX_TOKEN_SECONDS, grantable
from wharf.db import Read

router = APIRouter(tags=["applications"], responses=FAILURES)

_ALL, _ONE = "/organization/{orgname}/applications", "/organization/{orgname}/applications/{client_id}"
_TOKENS = f"{_ONE}/tokens"


class ApplicationBody(Body):
    """What is said about an application. `redirect_uri` is the prefix of the addresses that users are sent back to."""

    name: Annotated[str, Field(min_length=1, max_length=255)]
    redirect_uri: str = ""
    application_uri: str = ""
    description: str = ""
    avatar_email: str | None = None

    @property
    def about(self) -> About:
        """The same in the words of accounts."""
        return About(**self.__dict__)


class ApplicationShape(Shape):
    """An application, with its secret for those who administer the organization."""

    name: str
    description: str
    application_uri: str
    client_id: str
    client_secret: str
    redirect_uri: str
    avatar_email: str | None


class Applications(Shape):
    """In the order of their making."""

    applications: list[ApplicationShape]


class NewToken(Body):
    """A token to be issued: its scopes, separated by spaces, and its life in seconds."""

    name: Annotated[str, Field(min_length=1, max_length=255)]
    scope: str
    expiration: Annotated[int, Field(gt=0, le=MAX_TOKEN_SECONDS)] = MAX_TOKEN_SECONDS


class TokenShape(Shape):
    """A token of an application without its text."""

    uuid: str
    name: str | None
    scope: str
    expires_at: Moment
    created: Moment
    created_by: str
    last_accessed: Moment | None


class IssuedShape(TokenShape):
    """A new token; its text is shown this once."""

    token: str


class Tokens(Shape):
    """A page of tokens, in the order of their making."""

    tokens: Sequence[TokenShape]
    next_page: NextPage = None


@router.get(_ALL, operation_id="getOrganizationApplications", summary="List applications")
async def list_(orgname: str, caller: OrganizationAdmin, parts: WithParts) -> Applications:
    """Return the applications of an organization."""
    async with parts.database.read() as read:
        organization = await standing.administered(read, caller.principal, orgname)
        found = await applications.list_(read, organization)
    return Applications(applications=[_shape(parts, application) for application in found])


@router.post(_ALL, operation_id="createOrganizationApplication", summary="Register an application")
async def create(orgname: str, body: ApplicationBody, caller: OrganizationAdmin, parts: WithParts) -> ApplicationShape:
    """Register an application."""
    async with parts.database.write() as tx:
        organization = await standing.administered(tx, caller.principal, orgname)
        made = await applications.create(tx, parts.box, organization, body.about, by=caller.principal, at=parts.clock())
    return _shape(parts, made)


@router.get(_ONE, operation_id="getOrganizationApplication", summary="Get an application")
async def get_(orgname: str, client_id: str, caller: OrganizationAdmin, parts: WithParts) -> ApplicationShape:
    """Return an application."""
    async with parts.database.read() as read:
        return _shape(parts, await _application(read, caller, orgname, client_id))


@router.put(_ONE, operation_id="updateOrganizationApplication", summary="Change an application")
async def change(
    orgname: str, client_id: str, body: ApplicationBody, caller: OrganizationAdmin, parts: WithParts
) -> ApplicationShape:
    """Replace what is said about an application."""
    async with parts.database.write() as tx:
        target = await _application(tx, caller, orgname, client_id)
        await applications.change(tx, target, body.about, by=caller.principal, at=parts.clock())
        return _shape(parts, await _application(tx, caller, orgname, client_id))


@router.delete(_ONE, operation_id="deleteOrganizationApplication", summary="Delete an application", status_code=204)
async def delete(orgname: str, client_id: str, caller: OrganizationAdmin, parts: WithParts) -> Response:
    """Delete an application and all of its tokens."""
    async with parts.database.write() as tx:
        target = await _application(tx, caller, orgname, client_id)
        await applications.delete(tx, target, by=caller.principal, at=parts.clock())
    return Response(status_code=204)


@router.post(
    f"{_ONE}/resetclientsecret",
    operation_id="resetOrganizationApplicationClientSecret",
    summary="Replace an application's secret",
)
async def reset_secret(orgname: str, client_id: str, caller: OrganizationAdmin, parts: WithParts) -> ApplicationShape:
    """Give an application another client secret."""
    async with parts.database.write() as tx:
        target = await _application(tx, caller, orgname, client_id)
        await applications.replace_secret(tx, parts.box, target, by=caller.principal, at=parts.clock())
        return _shape(parts, await _application(tx, caller, orgname, client_id))


@router.get(_TOKENS, operation_id="listOrganizationApplicationTokens", summary="List an application's tokens")
async def list_tokens(
    orgname: str, client_id: str, caller: OrganizationAdmin, page: WithPage, parts: WithParts
) -> Tokens:
    """Return the access tokens of an application, without their texts."""
    async with parts.database.read() as read:
        application = await _application(read, caller, orgname, client_id)
        found = await access_tokens.of_application(read, application, last=page.last(0), count=page.count + 1)
    shown, next_page = page.cut(found, lambda token: token.id)
    return Tokens(tokens=[_token(token) for token in shown], next_page=next_page)


@router.post(_TOKENS, operation_id="createOrganizationApplicationToken", summary="Issue a token to an application")
async def create_token(
    orgname: str, client_id: str, body: NewToken, caller: OrganizationAdmin, parts: WithParts
) -> IssuedShape:
    """Issue a token with which the application acts for the caller, who lets no token issue a stronger one."""
    scopes = grantable(caller, body.scope)
    async with parts.database.write() as tx:
        token, text = await access_tokens.issue(
            tx,
            caller.principal,
            scopes,
            title=body.name,
            at=parts.clock(),
            lifetime=timedelta(seconds=body.expiration),
            application=await _application(tx, caller, orgname, client_id),
        )
    return IssuedShape(**_token(token).__dict__, token=text)


@router.delete(
    f"{_TOKENS}/{{token_uuid}}",
    operation_id="deleteOrganizationApplicationToken",
    summary="Revoke an application's token",
    status_code=204,
)
async def revoke_token(
    orgname: str, client_id: str, token_uuid: str, caller: OrganizationAdmin, parts: WithParts
) -> Response:
    """Take a token of an application back, whoever issued it."""
    async with parts.database.write() as tx:
        application = await _application(tx, caller, orgname, client_id)
        await access_tokens.revoke_of(tx, application, token_uuid, by=caller.principal, at=parts.clock())
    return Response(status_code=204)


async def _application(read: Read, caller: Caller, orgname: str, client_id: str) -> Application:
    return await applications.get(read, await standing.administered(read, caller.principal, orgname), client_id)


def _shape(parts: Parts, application: Application) -> ApplicationShape:
    about = application.about
    return ApplicationShape(
        name=about.name,
        description=about.description,
        application_uri=about.application_uri,
        client_id=application.client_id,
        client_secret=application.secret(parts.box),
        redirect_uri=about.redirect_uri,
        avatar_email=about.avatar_email,
    )


def _token(token: AccessToken) -> TokenShape:
    return TokenShape(
        uuid=token.uuid,
        name=token.title or None,
        scope=api_scopes.write(token.scopes),
        expires_at=token.expires_at,
        created=token.created_at,
        created_by=token.principal.name,
        last_accessed=token.last_used_at,
    )
