"""The browser's cookie and the CSRF token that belongs to it.

The cookie holds a session's secret, or, before anybody has signed in, a random text that no session knows. The CSRF
token is an HMAC under that secret: bound to it, new whenever it is new, and nothing that would have to be kept. A page
of another origin can make the browser send the cookie (not even that: SameSite=Lax) but cannot read the token.
"""

import base64
import hashlib
import hmac
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from wharf.api.kit.parts import Parts
from wharf.api.kit.refusals import CsrfTokenInvalid
from wharf.kit.crypto import equal, random_token

COOKIE = "wharf_session"
CSRF_HEADER = "X-CSRF-Token"
NEXT_CSRF_HEADER = "X-Next-CSRF-Token"
_CSRF_PARAMETER = "_csrf_token"
_MAX_LENGTH = 200


def secret_of(request: Request) -> str | None:
    """What the browser's cookie holds."""
    value = request.cookies.get(COOKIE)
    return value if value and len(value) <= _MAX_LENGTH and value.isascii() else None


def csrf_token(secret: str) -> str:
    """The CSRF token of a cookie."""
    digest = hmac.digest(secret.encode(), b"wharf csrf", hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def check_csrf(request: Request) -> None:
    """Raise CsrfTokenInvalid unless the request carries the CSRF token of its cookie."""
    secret = secret_of(request)
    sent = request.headers.get(CSRF_HEADER) or request.query_params.get(_CSRF_PARAMETER) or ""
    if secret is None or not equal(sent, csrf_token(secret)):
        raise CsrfTokenInvalid


def put(request: Request, response: Response, parts: Parts, secret: str, lifetime: timedelta | None) -> None:
    """Hand a session's secret to the browser, with its CSRF token in a header; without `lifetime`, until it is closed.

    Secure wherever the browser speaks HTTPS: then the cookie never travels in clear text.
    """
    response.headers[NEXT_CSRF_HEADER] = csrf_token(secret)
    response.set_cookie(
        COOKIE,
        secret,
        max_age=int(lifetime.total_seconds()) if lifetime else None,
        httponly=True,
        samesite="lax",
        secure=_is_secure(request, parts),
    )


def put_anonymous(request: Request, response: Response, parts: Parts) -> str:
    """Hand a browser that has no cookie one that belongs to no session, and return what it holds."""
    secret = random_token()
    put(request, response, parts, secret, None)
    return secret


def drop(request: Request, response: Response, parts: Parts) -> None:
    """Let the browser forget its cookie."""
    response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=_is_secure(request, parts))


def _is_secure(request: Request, parts: Parts) -> bool:
    return request.url.scheme == "https" or (parts.config.server.public_url or "").startswith("https:")
