"""`/api/v1/user/initialize`: the first superuser, for whoever has the setup token."""

from typing import Annotated

from fastapi import APIRouter, Header
from pydantic import Field

from wharf.access.api_scopes import ApiScope
from wharf.accounts import setup, users
from wharf.accounts.credentials import access_tokens, client_keys
from wharf.api.errors import AlreadyInitialized
from wharf.api.kit import FAILURES, Body, LeftOut, Shape, WithParts

router = APIRouter(tags=["user"])


class FirstUser(Body):
    """The first superuser, in the form of Quay; `setup_token` is what the log of the first start shows."""

    username: str
    password: Annotated[str, Field(repr=False)]
    email: str | None = None
    access_token: bool = False
    setup_token: Annotated[str | None, Field(repr=False)] = None


class FirstUserCreated(Shape):
    """Who was created. `encrypted_password` is a key for registry clients, see `client_key.py`.

    `access_token` has every scope; it is there for those who asked for it.
    """

    username: str
    email: str | None
    encrypted_password: str
    access_token: LeftOut = None


@router.post(
    "/user/initialize",
    operation_id="createInstallUser",
    summary="Create the first superuser, once",
    responses=FAILURES,
)
async def initialize(
    body: FirstUser, parts: WithParts, x_setup_token: Annotated[str, Header()] = ""
) -> FirstUserCreated:
    """Create the first superuser with the one-time setup token, sent as `X-Setup-Token` or in the body."""
    async with parts.database.read() as read:
        if await users.exist(read):
            raise AlreadyInitialized
    async with parts.database.write() as tx:
        token = body.setup_token or x_setup_token
        user = await setup.claim(tx, token, body.username, body.password, body.email)
        key = await client_keys.issue(tx, user.principal, at=parts.clock())
        issued = None
        if body.access_token:
            issued = await access_tokens.issue(tx, user.principal, ApiScope, title="initialize", at=parts.clock())
    return FirstUserCreated(
        username=user.name,
        email=user.email,
        encrypted_password=key,
        access_token=issued.text if issued else None,
    )
