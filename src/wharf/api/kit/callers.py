"""Who calls, as types: a handler's signature says which callers and which API scope it takes.

    async def change(caller: RepositoryAdmin, …)      a user, whose token (if it is one) has repo:admin
    async def get_(caller: RepositoryReader, …)       the same with repo:read, or nobody in particular

Callers come with an access token (`Authorization: Bearer`), with a browser's session, or as nobody. As with Quay, names
and passwords are not taken here, only by `/v2` and by signing in; a session counts only together with its CSRF token
where something is changed.

The scope is the first of two doors. The second is the caller's own rights, which the verbs check with
`caller.principal`; an access token's principal is a superuser only with the scope super:user.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import APIKeyCookie, HTTPBearer

from wharf.access import api_scopes
from wharf.access.api_scopes import ABOUT, EVERY_SCOPE, ApiScope, expand
from wharf.access.principals import ANONYMOUS, Principal
from wharf.accounts.credentials import access_tokens, sessions
from wharf.accounts.credentials.sessions import Session
from wharf.api.kit import cookies, parts
from wharf.api.kit.parts import Parts, WithParts
from wharf.api.kit.refusals import (
    Forbidden,
    FreshLoginRequired,
    Refused,
    ScopeInsufficient,
    SignInRequired,
    TokenOutdated,
    TokenUnknown,
)
from wharf.telemetry.request import CREDENTIAL

#: The longest life of an access token.
MAX_TOKEN_SECONDS = int(access_tokens.LIFETIME.total_seconds())
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Via(StrEnum):
    """How a caller proved who it is."""

    SESSION = "session"
    TOKEN = "token"  # noqa: S105 - a word
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller; `session` is there for browsers only."""

    principal: Principal
    via: Via
    scopes: frozenset[ApiScope] = EVERY_SCOPE
    session: Session | None = None

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody in particular calls."""
        return self.via is Via.NOTHING

    @property
    def user_id(self) -> int:
        """The id of the user who calls; raises SignInRequired where it could be nobody."""
        if self.principal.user_id is None:
            raise SignInRequired
        return self.principal.user_id


NOBODY = Caller(ANONYMOUS, Via.NOTHING)

# What the description of the API says; the credentials themselves are read in `_resolve`.
_token_scheme = HTTPBearer(
    scheme_name="access_token",
    description="An access token with these scopes:\n\n"
    + "\n".join(f"- `{scope}`: {about.description}" for scope, about in ABOUT.items()),
    auto_error=False,
)
_session_scheme = APIKeyCookie(
    scheme_name="session",
    name=cookies.COOKIE,
    description=f"A browser's session; changes need its CSRF token in `{cookies.CSRF_HEADER}` too.",
    auto_error=False,
)


@dataclass(frozen=True, slots=True)
class Needs:
    """A dependency: what a handler needs of its caller.

    Raises SignInRequired, TokenUnknown, TokenOutdated, CsrfTokenInvalid, ScopeInsufficient, FreshLoginRequired and
    Forbidden.
    """

    scope: ApiScope | None = None
    anonymous: bool = False
    #: The password was given lately, unless a token calls.
    fresh: bool = False
    superuser: bool = False

    async def __call__(
        self,
        request: Request,
        parts: WithParts,
        _token: Annotated[object, Security(_token_scheme)],
        _session: Annotated[object, Security(_session_scheme)],
    ) -> Caller:
        """Return the caller."""
        caller = await of(request)
        if caller.is_anonymous:
            if not self.anonymous or not parts.config.registry.anonymous_access:
                raise SignInRequired
            return caller
        if self.scope is not None and self.scope not in caller.scopes:
            raise ScopeInsufficient(self.scope)
        if self.superuser and not caller.principal.superuser:
            raise Forbidden
        if self.fresh and caller.session is not None:
            check_fresh(caller.session, parts)
        return caller


async def of(request: Request) -> Caller:
    """The caller of `request`, found out once. Raises TokenUnknown, TokenOutdated and CsrfTokenInvalid."""
    known: Caller | None = getattr(request.state, "caller", None)
    if known is None:
        known = request.state.caller = await _resolve(request, parts.of(request))
    return known


def grantable(caller: Caller, text: str) -> frozenset[ApiScope]:
    """Read the scopes of a token that `caller` wants to issue: no token issues one that may do more than itself.

    Raises ApiScopeUnknown, ScopeInsufficient, and Refused when there are none.
    """
    scopes = api_scopes.parse(text)
    if not scopes:
        raise Refused("scope: at least one is needed")
    for missing in sorted(scopes - caller.scopes):
        raise ScopeInsufficient(missing)
    return scopes


def check_fresh(session: Session, parts: Parts) -> None:
    """Raise FreshLoginRequired when the session's password was given too long ago."""
    age = parts.clock() - session.verified_at
    if age > timedelta(seconds=parts.config.accounts.fresh_login_seconds):
        raise FreshLoginRequired


async def _resolve(request: Request, parts: Parts) -> Caller:
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return await _by_token(request, text.strip(), parts)
    secret = cookies.secret_of(request)
    return NOBODY if secret is None else await _by_session(request, secret, parts)


async def _by_token(request: Request, text: str, parts: Parts) -> Caller:
    now = parts.clock()
    async with parts.database.read() as read:
        token = await access_tokens.find(read, text)
    if token is None:
        raise TokenUnknown
    if token.expires_at <= now:
        raise TokenOutdated
    if token.last_used_at is None or now - token.last_used_at > access_tokens.TOUCH_EVERY:
        async with parts.database.write(durable=False) as tx:
            await access_tokens.touch(tx, token, now)
    request.scope[CREDENTIAL] = f"access token {token.uuid}"
    return Caller(token.principal, Via.TOKEN, expand(token.scopes))


async def _by_session(request: Request, secret: str, parts: Parts) -> Caller:
    now = parts.clock()
    async with parts.database.read() as read:
        session = await sessions.find(read, secret, now)
    if session is None:
        return NOBODY
    if request.method not in _READING:
        cookies.check_csrf(request)
    if now - session.last_used_at > sessions.TOUCH_EVERY:
        async with parts.database.write(durable=False) as tx:
            await sessions.touch(tx, session, now)
    return Caller(session.principal, Via.SESSION, session=session)


async def _anyone(request: Request) -> Caller:
    return await of(request)


_S = ApiScope
Anyone = Annotated[Caller, Security(_anyone)]
SignedIn = Annotated[Caller, Security(Needs())]
RepositoryReader = Annotated[Caller, Security(Needs(_S.REPO_READ, anonymous=True), scopes=[_S.REPO_READ])]
RepositoryWriter = Annotated[Caller, Security(Needs(_S.REPO_WRITE), scopes=[_S.REPO_WRITE])]
RepositoryAdmin = Annotated[Caller, Security(Needs(_S.REPO_ADMIN), scopes=[_S.REPO_ADMIN])]
RepositoryCreator = Annotated[Caller, Security(Needs(_S.REPO_CREATE), scopes=[_S.REPO_CREATE])]
UserReader = Annotated[Caller, Security(Needs(_S.USER_READ), scopes=[_S.USER_READ])]
UserAdmin = Annotated[Caller, Security(Needs(_S.USER_ADMIN), scopes=[_S.USER_ADMIN])]
FreshUserAdmin = Annotated[Caller, Security(Needs(_S.USER_ADMIN, fresh=True), scopes=[_S.USER_ADMIN])]
OrganizationAdmin = Annotated[Caller, Security(Needs(_S.ORG_ADMIN), scopes=[_S.ORG_ADMIN])]
FreshOrganizationAdmin = Annotated[Caller, Security(Needs(_S.ORG_ADMIN, fresh=True), scopes=[_S.ORG_ADMIN])]
Superuser = Annotated[Caller, Security(Needs(_S.SUPER_USER, superuser=True), scopes=[_S.SUPER_USER])]
FreshSuperuser = Annotated[Caller, Security(Needs(_S.SUPER_USER, superuser=True, fresh=True), scopes=[_S.SUPER_USER])]
