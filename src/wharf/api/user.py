"""`/api/v1/user/…`: so far, the creation of the first user."""

from typing import Annotated

from fastapi import APIRouter, Header
from pydantic import Field

from wharf.accounts import setup, users
from wharf.api.errors import AlreadyInitialized
from wharf.api.kit import FAILURES, Body, Shape, WithParts

router = APIRouter(tags=["user"])


class FirstUser(Body):
    """The first superuser, in the form of Quay; `setup_token` is what the log of the first start shows."""

    username: str
    password: Annotated[str, Field(repr=False)]
    email: str | None = None
    access_token: bool = False
    setup_token: Annotated[str | None, Field(repr=False)] = None


class FirstUserCreated(Shape):
    """Who was created. `encrypted_password` is empty: the command line takes the password itself."""

    username: str
    email: str | None
    encrypted_password: str = ""


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
    return FirstUserCreated(username=user.name, email=user.email)
