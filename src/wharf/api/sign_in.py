"""Signing in and out with a browser: `/csrf_token`, `/api/v1/signin`, `/api/v1/signin/verify`, `/api/v1/signout`.

A browser first asks for a CSRF token and is given a cookie; signing in replaces the cookie, so what was planted in the
browser before is worth nothing afterwards. The new CSRF token comes in the header `X-Next-CSRF-Token`.
"""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field
from starlette.responses import JSONResponse

from wharf.access.principals import Principal
from wharf.accounts import sign_in
from wharf.accounts.credentials import sessions
from wharf.accounts.errors import CredentialsInvalid, SignInLocked
from wharf.api.kit import FAILURES, Anyone, Body, Parts, Shape, UserAdmin, WithParts, browser, cookies

router = APIRouter(tags=["sign-in"], responses=FAILURES)
front = APIRouter(tags=["sign-in"], responses=FAILURES)

# What the audit trail calls the place where the password was given.
_PLACE = "api"
_WRONG = "Invalid Username or Password"


class CsrfToken(Shape):
    """What a page sends back in `X-CSRF-Token`."""

    csrf_token: str


class Credentials(Body):
    """A user's name or e-mail address, and password."""

    username: str
    password: Annotated[str, Field(repr=False)]


class Password(Body):
    """The password of who is signed in already."""

    password: Annotated[str, Field(repr=False)]


class Success(Shape):
    """It worked."""

    success: bool = True


class SignInRefused(Shape):
    """Why nobody is signed in."""

    message: str = _WRONG
    invalidCredentials: bool = True  # noqa: N815 - Quay's spelling
    needsEmailVerification: bool = False  # noqa: N815 - the same


@front.get("/csrf_token", operation_id="getCsrfToken", summary="Get the CSRF token of this browser")
async def csrf_token(request: Request, response: Response, parts: WithParts) -> CsrfToken:
    """Return the token that belongs to the browser's cookie, which it gets here if it has none."""
    secret = cookies.secret_of(request) or cookies.put_anonymous(request, response, parts)
    return CsrfToken(csrf_token=cookies.csrf_token(secret))


@router.post(
    "/signin",
    operation_id="signinUser",
    summary="Sign in",
    response_model=Success,
    responses={403: {"model": SignInRefused}},
)
async def sign_in_(body: Credentials, request: Request, response: Response, parts: WithParts) -> Success | Response:
    """Open a session for this browser."""
    cookies.check_csrf(request)
    try:
        principal = await _person(parts, body.username, body.password)
    except CredentialsInvalid:
        return JSONResponse(SignInRefused().model_dump(), 403)
    await browser.open_session(request, response, parts, principal)
    return Success()


@router.post(
    "/signin/verify",
    operation_id="verifyUser",
    summary="Give the password again",
    response_model=Success,
    responses={403: {"model": SignInRefused}},
)
async def verify(
    body: Password, caller: UserAdmin, request: Request, response: Response, parts: WithParts
) -> Success | Response:
    """Make the session fresh, so that it may do sensitive things for a while."""
    try:
        await _person(parts, caller.principal.name, body.password)
    except CredentialsInvalid:
        return JSONResponse(SignInRefused().model_dump(), 403)
    await browser.renew_session(request, response, parts, caller)
    return Success()


@router.post("/signout", operation_id="logout", summary="Sign out everywhere")
async def sign_out(caller: Anyone, request: Request, response: Response, parts: WithParts) -> Success:
    """End every session of the user, on this browser and all others, as Quay does."""
    if caller.session is not None:
        async with parts.database.write() as tx:
            await sessions.close_all(tx, caller.user_id)
        if parts.trail is not None:
            parts.trail.signed_out(caller.principal)
    cookies.drop(request, response, parts)
    return Success()


async def _person(parts: Parts, login: str, password: str) -> Principal:
    """Check a password, and note the outcome in the audit trail."""
    try:
        principal = await sign_in.person(parts.database, login, password, clock=parts.clock)
    except (CredentialsInvalid, SignInLocked) as refusal:
        if parts.trail is not None:
            reason = "locked" if isinstance(refusal, SignInLocked) else "invalid"
            parts.trail.sign_in_failed(login, to=_PLACE, reason=reason)
        raise
    if parts.trail is not None:
        parts.trail.signed_in(principal, to=_PLACE)
    return principal
