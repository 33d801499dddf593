"""What the API itself objects to, whatever the resource, as facts; `api/errors.py` says how each sounds.

ApiRefusal
├── SignInRequired, TokenUnknown, TokenOutdated, FreshLoginRequired
├── ScopeInsufficient, Forbidden, CsrfTokenInvalid
├── PageTokenInvalid, Refused
└── NotFound
"""

from dataclasses import dataclass

from wharf.access.api_scopes import ApiScope


class ApiRefusal(Exception):
    """A request that is answered before or instead of doing what it asks for."""


class SignInRequired(ApiRefusal):
    """The operation is not for anonymous callers."""


class TokenUnknown(ApiRefusal):
    """The text after `Authorization: Bearer` is not a token of ours, or was revoked."""


class TokenOutdated(ApiRefusal):
    """The access token is genuine and past its time."""


class FreshLoginRequired(ApiRefusal):
    """The session's password was given too long ago for something this sensitive."""


@dataclass(eq=False)
class ScopeInsufficient(ApiRefusal):
    """The access token was not issued for this."""

    scope: ApiScope


class Forbidden(ApiRefusal):
    """The caller is known and may not do this."""


class CsrfTokenInvalid(ApiRefusal):
    """A call that changes something came with a session's cookie and without its CSRF token."""


class PageTokenInvalid(ApiRefusal):
    """The text in `next_page` is not from the page before."""


@dataclass(eq=False)
class Refused(ApiRefusal):
    """The request makes no sense; `reason` is a sentence for the caller. A fact of a room is better."""

    reason: str


@dataclass(eq=False)
class NotFound(ApiRefusal):
    """What the path names does not exist, or the caller may not know that it does."""

    reason: str = "Not Found"
