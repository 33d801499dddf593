"""`/api/v1/error/…`: what the `type` of every failure leads to."""

from collections.abc import Mapping

from fastapi import APIRouter, Request

from wharf.api.kit import FAILURES, NotFound, Shape

router = APIRouter(tags=["about"], responses=FAILURES)

DESCRIPTIONS: Mapping[str, str] = {
    "exceeds_license": "The installation holds as much as it is allowed to.",
    "expired_token": "The access token was right and is too old; get a new one.",
    "fresh_login_required": "This is sensitive, and the password was given long ago: send it to /api/v1/signin/verify.",
    "insufficient_scope": "The caller is known and may not do this, or its access token was not issued for it.",
    "invalid_request": "The request makes no sense as it is; the detail says what to change.",
    "invalid_token": "The caller is not known: sign in, or send an access token as `Authorization: Bearer`.",
    "method_not_allowed": "There is something at this address, but it does not do that.",
    "not_found": "There is nothing at this address, or nothing that the caller may know of.",
    "rate_limited": "Too many attempts; Retry-After says when the next one is welcome.",
    "tag_immutable": "The tag may not be moved or deleted.",
    "unavailable": "It is not the request's fault; Retry-After says when to try again.",
}


class ErrorType(Shape):
    """A kind of error."""

    type: str
    title: str
    description: str


@router.get("/error/{error_type}", operation_id="getErrorDescription", summary="Explain a kind of error")
async def get_(error_type: str, request: Request) -> ErrorType:
    """Return what a kind of error means and what to do about it."""
    if error_type not in DESCRIPTIONS:
        raise NotFound
    return ErrorType(type=str(request.url), title=error_type, description=DESCRIPTIONS[error_type])
