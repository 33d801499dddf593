"""Signing in: `/v2/`, where clients learn that they should, and `/v2/auth`, where they do (the Docker token protocol).

    GET  /v2/auth?service=…&scope=…&scope=…      with Basic credentials, or none for an anonymous token
    POST /v2/auth   grant_type=password&username=…&password=…&scope=…
                    grant_type=refresh_token&refresh_token=…&scope=…

A token grants the part of what was asked for that its subject may do, and never fails for the rest: a client that asks
for the source of a mount it cannot read still gets to push. No refresh tokens are issued (docs/adr/0006); what robots
and applications have is long-lived already, and is taken where clients send an identity token.
"""

from wharf.access.actions import Action
from wharf.access.principals import ANONYMOUS, Principal, PrincipalKind
from wharf.accounts.errors import CredentialsInvalid
from wharf.content import repositories
from wharf.content.errors import AccessDenied, RepositoryUnknown
from wharf.oci.errors import NameInvalid
from wharf.oci.names import RepositoryName
from wharf.oci.scopes import REGISTRY, REPOSITORY, Scope, parse_all
from wharf.v2.errors import AuthenticationRequired, RequestInvalid
from wharf.v2.request import Request, decode_basic, parse_query

_ACTIONS = (Action.PULL, Action.PUSH, Action.DELETE)
_FORM_LIMIT_BYTES = 64 * 1024
# A token travels in a header, for which many proxies have 8 KiB.
_SCOPES_LIMIT_CHARACTERS = 3072


async def ping(request: Request) -> None:
    """Answer `GET /v2/`: 401 until somebody signed in.

    Even where anonymous pulls are allowed: clients ask here whether a password is right.
    """
    if b"authorization" not in request.headers:
        raise AuthenticationRequired
    await request.credentials()
    await request.respond_json(200, [], {})


async def get(request: Request) -> None:
    """Answer the token request of the Docker protocol."""
    value = request.headers.get(b"authorization")
    if value is None:
        principal = ANONYMOUS
    else:
        scheme, _, secret = value.decode("latin-1").partition(" ")
        if scheme.lower() != "basic":
            raise AuthenticationRequired(basic=True)
        try:
            username, password = decode_basic(secret)
        except CredentialsInvalid:
            raise AuthenticationRequired(basic=True) from None
        principal = await _sign_in(request, username, password)
    await _issue(request, principal, request.parameters("scope"))


async def post(request: Request) -> None:
    """Answer the token request of OAuth 2 (RFC 6749 §4.3, §6): docker and containerd send it with identity tokens."""
    form = parse_query(await request.body.read(_FORM_LIMIT_BYTES))

    def field(name: str) -> str:
        return form.get(name, [""])[0]

    match field("grant_type"):
        case "password":
            principal = await _sign_in(request, field("username"), field("password"))
        case "refresh_token":
            principal = await _sign_in(request, "<token>", field("refresh_token"))
        case _:
            raise RequestInvalid("grant_type must be password or refresh_token")
    await _issue(request, principal, form.get("scope", []))


async def _sign_in(request: Request, username: str, password: str) -> Principal:
    try:
        principal = await request.sign_in(username, password)
    except CredentialsInvalid:
        raise AuthenticationRequired(basic=True) from None
    if request.parts.trail is not None:
        request.parts.trail.signed_in(principal, to="registry")
    return principal


async def _issue(request: Request, principal: Principal, asked: list[str]) -> None:
    if principal.kind is PrincipalKind.ANONYMOUS and not request.parts.config.anonymous_access:
        raise AuthenticationRequired(basic=True)
    scopes = [await _granted(request, principal, scope) for scope in _affordable(parse_all(asked))]
    issued = await request.parts.tokens.issue(principal, [scope for scope in scopes if scope.actions])
    await request.respond_json(
        200,
        [(b"cache-control", b"no-store")],
        {
            "token": issued.token,
            "access_token": issued.token,
            "token_type": "Bearer",
            "expires_in": issued.expires_in,
            "issued_at": issued.issued_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "scope": " ".join(map(str, issued.scopes)),
        },
    )


async def _granted(request: Request, principal: Principal, scope: Scope) -> Scope:
    """Cut `scope` down to what `principal` may do."""
    if scope.kind == REGISTRY and scope.name == "catalog":
        return scope  # everybody may ask what there is for them
    if scope.kind != REPOSITORY:
        return scope._replace(actions=frozenset())
    try:
        name = request.canonical(scope.name)
    except NameInvalid:
        return scope._replace(actions=frozenset())
    asked = _ACTIONS if "*" in scope.actions else [action for action in _ACTIONS if action in scope.actions]
    allowed = [action for action in asked if await _may(request, principal, name, action)]
    return scope._replace(name=name, actions=frozenset(allowed))


async def _may(request: Request, principal: Principal, name: RepositoryName, action: Action) -> bool:
    try:
        await repositories.access(request.parts.db, principal, name, action)
    except AccessDenied:
        return False
    except RepositoryUnknown:
        # Who may create the repository by pushing to it will also want to read what it pushed.
        creates = request.parts.config.create_on_push
        return creates and await repositories.may_create(request.parts.db, principal, name)
    return True


def _affordable(scopes: tuple[Scope, ...]) -> list[Scope]:
    """As many scopes, in the client's order, as a header has room for; the rest can be asked for with another token."""
    room = _SCOPES_LIMIT_CHARACTERS
    fitting = []
    for scope in scopes:
        room -= len(str(scope))
        if room < 0:
            break
        fitting.append(scope)
    return fitting
