"""Signing a browser in: the session and the cookie together."""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from wharf.access.principals import Principal
from wharf.accounts.credentials import sessions
from wharf.api.kit import cookies
from wharf.api.kit.callers import Caller
from wharf.api.kit.parts import Parts


async def open_session(request: Request, response: Response, parts: Parts, principal: Principal) -> None:
    """Sign `principal` in with this browser; a session that it had is over."""
    now, lifetime = parts.clock(), timedelta(seconds=parts.config.accounts.session_lifetime_seconds)
    secret = cookies.secret_of(request)
    async with parts.database.write() as tx:
        before = await sessions.find(tx, secret, now) if secret else None
        if before is not None:
            await sessions.close(tx, before)
        opened = await sessions.open_(
            tx,
            principal,
            lifetime=lifetime,
            client=request.headers.get("user-agent", ""),
            address=request.client.host if request.client else None,
            at=now,
        )
    cookies.put(request, response, parts, opened.secret, lifetime)


async def renew_session(request: Request, response: Response, parts: Parts, caller: Caller) -> None:
    """Give the caller's session another secret after its password was given; nothing to do for a token."""
    if caller.session is None:
        return
    now = parts.clock()
    async with parts.database.write() as tx:
        opened = await sessions.renew(tx, caller.session, now)
    cookies.put(request, response, parts, opened.secret, opened.session.expires_at - now)
