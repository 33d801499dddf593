"""`/api/v1/user/apptoken`: application tokens, which stand for the user's password at `/v2`."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from wharf.accounts.credentials import app_tokens
from wharf.accounts.credentials.app_tokens import AppToken
from wharf.api.kit import FAILURES, Body, FreshUserAdmin, Moment, NotFound, Parts, Shape, UserAdmin, WithParts

router = APIRouter(tags=["user"], responses=FAILURES)

# "Expiring" means: within the last tenth of its life, or of four weeks where tokens live for ever.
_UNLIMITED = timedelta(weeks=4)


class NewToken(Body):
    """What the token is for, in its owner's words."""

    title: Annotated[str, Field(min_length=1, max_length=255)]


class TokenShape(Shape):
    """A token without its text."""

    uuid: str
    title: str
    last_accessed: Moment | None
    created: Moment
    expiration: Moment | None


class RevealedShape(TokenShape):
    """A token with its text, `token_code`, the password of the user `$app`."""

    token_code: str


class Tokens(Shape):
    """All of them, or those that expire soon."""

    tokens: Sequence[TokenShape]
    only_expiring: bool | None


class Revealed(Shape):
    """One token."""

    token: RevealedShape


@router.get("/user/apptoken", operation_id="listAppTokens", summary="List application tokens")
async def list_(
    caller: UserAdmin,
    parts: WithParts,
    expiring: Annotated[bool | None, Query(description="Only those that expire soon.")] = None,
) -> Tokens:
    """Return the caller's tokens, without their texts."""
    _check_offered(parts)
    async with parts.database.read() as read:
        found = await app_tokens.list_(read, caller.user_id)
    soon = parts.clock() + (_lifetime(parts) or _UNLIMITED) / 10
    shown = [token for token in found if not expiring or _expires_before(token, soon)]
    return Tokens(tokens=[_shape(token) for token in shown], only_expiring=expiring)


@router.post("/user/apptoken", operation_id="createAppToken", summary="Make an application token")
async def create(body: NewToken, caller: FreshUserAdmin, parts: WithParts) -> Revealed:
    """Make a token for the caller."""
    _check_offered(parts)
    async with parts.database.write() as tx:
        token, text = await app_tokens.create(
            tx, parts.box, caller.principal, body.title, at=parts.clock(), lifetime=_lifetime(parts)
        )
    return _revealed(token, text)


@router.get("/user/apptoken/{token_uuid}", operation_id="getAppToken", summary="Show an application token")
async def get_(token_uuid: str, caller: FreshUserAdmin, parts: WithParts) -> Revealed:
    """Return one of the caller's tokens with its text."""
    _check_offered(parts)
    async with parts.database.read() as read:
        token, text = await app_tokens.reveal(read, parts.box, caller.user_id, token_uuid)
    return _revealed(token, text)


@router.delete(
    "/user/apptoken/{token_uuid}", operation_id="revokeAppToken", summary="Revoke an application token", status_code=204
)
async def revoke(token_uuid: str, caller: FreshUserAdmin, parts: WithParts) -> Response:
    """Take one of the caller's tokens back."""
    _check_offered(parts)
    async with parts.database.write() as tx:
        await app_tokens.revoke(tx, caller.principal, token_uuid, at=parts.clock())
    return Response(status_code=204)


def _check_offered(parts: Parts) -> None:
    if not parts.config.accounts.app_tokens:
        raise NotFound


def _lifetime(parts: Parts) -> timedelta | None:
    seconds = parts.config.accounts.app_token_lifetime_seconds
    return timedelta(seconds=seconds) if seconds else None


def _expires_before(token: AppToken, soon: datetime) -> bool:
    return token.expires_at is not None and token.expires_at <= soon


def _shape(token: AppToken) -> TokenShape:
    return TokenShape(
        uuid=token.uuid,
        title=token.title,
        last_accessed=token.last_used_at,
        created=token.created_at,
        expiration=token.expires_at,
    )


def _revealed(token: AppToken, text: str) -> Revealed:
    return Revealed(token=RevealedShape(**_shape(token).__dict__, token_code=text))
