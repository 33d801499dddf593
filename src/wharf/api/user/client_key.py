"""`/api/v1/user/clientkey`: what Quay calls an encrypted password, to be given to a registry client."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from wharf.accounts import sign_in
from wharf.accounts.credentials import client_keys
from wharf.accounts.errors import CredentialsInvalid
from wharf.api.kit import FAILURES, Body, Refused, Shape, UserAdmin, WithParts

router = APIRouter(tags=["user"], responses=FAILURES)


class Password(Body):
    """The caller's password."""

    password: Annotated[str, Field(repr=False)]


class ClientKey(Shape):
    """A key that signs in at the registry under the user's name, until the password is changed."""

    key: str


@router.post("/user/clientkey", operation_id="generateUserClientKey", summary="Get a key for a registry client")
async def issue(body: Password, caller: UserAdmin, parts: WithParts) -> ClientKey:
    """Give the caller a key for the password."""
    try:
        await sign_in.person(parts.database, caller.principal.name, body.password, clock=parts.clock)
    except CredentialsInvalid:
        raise Refused("Invalid Username or Password") from None
    async with parts.database.write() as tx:
        return ClientKey(key=await client_keys.issue(tx, caller.principal, at=parts.clock()))
