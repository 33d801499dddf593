"""One request: who asks, what for, what came with it, and how it is answered.

A handler gets nothing else. It opens its repository through `Request.repository`, which asks the one door there is
(`content.repositories.access`) and then whether the token that was sent covers the action.
"""

import base64
import binascii
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import orjson

from wharf.access.actions import Action
from wharf.access.grants import Visibility
from wharf.access.principals import ANONYMOUS, Principal, PrincipalKind
from wharf.accounts import sign_in
from wharf.accounts.errors import CredentialsInvalid, SignInLocked, TokenExpired, TokenInvalid
from wharf.accounts.registry_tokens import TokenService, VerifiedToken
from wharf.audit.trail import Trail
from wharf.config import RegistryConfig
from wharf.content import repositories
from wharf.content.errors import AccessDenied, RepositoryExists, RepositoryUnknown
from wharf.content.repositories import Repository
from wharf.content.uploads import Uploads
from wharf.db import Database
from wharf.kit.clock import utc_now
from wharf.oci.names import RepositoryName
from wharf.storage.base import Storage
from wharf.v2.errors import (
    JSON_TYPE,
    AuthenticationRequired,
    BodyTooLarge,
    BodyTruncated,
    Header,
    RequestInvalid,
)

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

API_VERSION: Header = (b"docker-distribution-api-version", b"registry/2.0")
_MAX_QUERY_FIELDS = 100
# What clients send as a user name when the password is a token that says itself whose it is.
_TOKEN_USERS = frozenset({"<token>", "oauth2accesstoken", "00000000-0000-0000-0000-000000000000"})
_NO_BODY_STATUSES = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Parts:
    """What the surface is built of."""

    config: RegistryConfig
    public_url: str | None
    db: Database
    storage: Storage
    tokens: TokenService
    uploads: Uploads
    blob_lease: timedelta
    trail: Trail | None  # where sign-ins and denials are noted
    pulls: Trail | None  # where pulls are


class Credentials(NamedTuple):
    """Who asks; `token` is None without one, and then the principal's own grants are all that counts."""

    principal: Principal
    token: VerifiedToken | None


_NOBODY = Credentials(ANONYMOUS, None)


class Body:
    """The bytes of a request as they arrive: an iterator that can be gone through once.

    When the client hangs up the iteration just ends and `truncated` is True: what has arrived is worth keeping, because
    clients resume uploads. A body whose end the framing did not reach is never mistaken for a complete one.
    """

    __slots__ = ("_first", "_receive", "ended", "length", "received_bytes", "truncated")

    def __init__(self, receive: Receive, length: int | None) -> None:
        self._receive = receive
        self._first = b""  # seen by `is_empty`, not yet handed out
        self.length = length  # what Content-Length announced; None for a chunked body
        self.received_bytes = 0
        self.truncated = False
        self.ended = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._first:
            chunk, self._first = self._first, b""
            yield chunk
        while not self.ended:
            chunk = await self._next()
            if chunk:
                yield chunk

    async def is_empty(self) -> bool:
        """Tell whether there is nothing in it; without a Content-Length that takes waiting for its first bytes."""
        if self.length is None:
            while not self.ended and not self._first:
                self._first = await self._next()
            return not self._first
        return self.length == 0

    async def read(self, limit_bytes: int) -> bytes:
        """Return the whole body.

        Raises `BodyTooLarge` as soon as it is known to be larger than `limit_bytes`, before more of it is kept in
        memory, and `BodyTruncated` when the client did not send all of it.
        """
        if self.length is not None and self.length > limit_bytes:
            raise BodyTooLarge(limit_bytes)
        parts = []
        async for chunk in self:
            if self.received_bytes > limit_bytes:
                raise BodyTooLarge(limit_bytes)
            parts.append(chunk)
        if self.truncated:
            raise BodyTruncated(self.received_bytes)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def drain(self, limit_bytes: int) -> None:
        """Throw away the rest, at most `limit_bytes` of it.

        A server that closes while its client is still sending makes the client report a broken pipe instead of reading
        the answer that is already there.
        """
        end = self.received_bytes + limit_bytes
        while not self.ended and self.received_bytes < end:
            await self._next()

    async def _next(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.ended = self.truncated = True
            return b""
        chunk: bytes = message.get("body", b"")
        self.received_bytes += len(chunk)
        if not message.get("more_body", False):
            self.ended = True
            self.truncated = self.length is not None and self.received_bytes < self.length
        return chunk


class Request:
    """A request as its handler sees it; `name` and `argument` are still the client's text."""

    __slots__ = (
        "_credentials", "_query", "action", "argument", "body", "extra", "headers", "method", "name", "parts", "scope",
        "send", "started",
    )  # fmt: skip

    def __init__(self, parts: Parts, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        self.parts = parts
        self.scope = scope
        self.send = send
        self.method: str = scope["method"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.body = Body(receive, _length(self.headers.get(b"content-length")))
        self.name = self.argument = ""
        self.action: Action | None = None
        self.extra: tuple[Header, ...] = ()  # headers of whatever answer this request gets
        self.started = False
        self._credentials: Credentials | None = None
        self._query: dict[str, list[str]] | None = None

    # What was sent --------------------------------------------------------------------------------------------------

    def header(self, name: bytes) -> str | None:
        """The value of a header; bytes that are not ASCII stay recognisably wrong."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    def parameters(self, name: str) -> list[str]:
        """Every value of a query parameter. Raises `RequestInvalid` for a query that no client sends."""
        if self._query is None:
            self._query = parse_query(self.scope["query_string"])
        return self._query.get(name, [])

    def parameter(self, name: str) -> str | None:
        """The first value of a query parameter, None when it is not there."""
        values = self.parameters(name)
        return values[0] if values else None

    def add_parameters(self, query: str) -> None:
        """Take `query` for a part of the query string; `uploads` tells whom this is for."""
        self._query = parse_query(b"&".join((query.encode(), self.scope["query_string"])))

    def origin(self) -> str:
        """The URL under which the client reaches us, without a path."""
        if self.parts.public_url:
            return self.parts.public_url
        host = self.headers.get(b"host", b"localhost").decode("latin-1")
        return f"{self.scope.get('scheme', 'http')}://{host}"

    def host(self) -> str:
        """The host and port of `origin`: what this registry is called as a service."""
        return self.origin().partition("://")[2]

    # Who asks -------------------------------------------------------------------------------------------------------

    async def credentials(self, *, outlived: bool = False) -> Credentials:
        """Find out who asks. Raises `AuthenticationRequired` for credentials that are not valid (any more).

        `outlived` accepts an expired token: an upload that was allowed to begin may be finished with the token it
        began with, however long that takes. What its subject may do is still looked up.
        """
        if self._credentials is None:
            self._credentials = await self._identify(outlived=outlived)
        return self._credentials

    @property
    def principal(self) -> Principal | None:
        """Who asks, if that has been found out."""
        return None if self._credentials is None else self._credentials.principal

    async def repository(self, *, create: bool = False, outlived: bool = False) -> Repository:
        """Open the repository of the path for the action of the route; `create` makes one where a push may.

        Raises `NameInvalid`, `RepositoryUnknown`, `AccessDenied`, and `AuthenticationRequired` where other credentials
        could help: for anonymous callers always, so that private and absent repositories look the same to them, and
        for tokens that do not cover what their subject may do.
        """
        assert self.action is not None, "only routes with an action have a repository"
        name = self.canonical(self.name)
        principal, token = await self.credentials(outlived=outlived)
        try:
            found = await repositories.access(self.parts.db, principal, name, self.action)
        except (RepositoryUnknown, AccessDenied) as fact:
            if principal.kind is PrincipalKind.ANONYMOUS:
                raise self.unauthorized("insufficient_scope" if token else None) from fact
            if not create or isinstance(fact, AccessDenied) or not self.parts.config.create_on_push:
                raise
            if await repositories.may_create(self.parts.db, principal, name):
                self._check_scope(token, name, self.action)
            return await self._create(principal, name, self.action)
        if principal.kind is PrincipalKind.ANONYMOUS and not self.parts.config.anonymous_access:
            raise self.unauthorized("insufficient_scope" if token else None)
        self._check_scope(token, name, self.action)
        return found

    def canonical(self, text: str) -> RepositoryName:
        """The repository meant by `text`: `alpine` is short for `library/alpine`. Raises `NameInvalid`."""
        name = RepositoryName.parse(text)
        library = self.parts.config.library_namespace
        return name if library is None or "/" in name else RepositoryName.parse(f"{library}/{name}")

    def unauthorized(self, error: str | None = None) -> AuthenticationRequired:
        """Make the 401 that asks for a token with the scope of this request.

        Whoever pushes also reads, to see what is there already.
        """
        if self.action is None:
            return AuthenticationRequired(error=error)
        actions = "pull,push" if self.action is Action.PUSH else self.action.value
        return AuthenticationRequired(f"repository:{self.name}:{actions}", error)

    async def sign_in(self, username: str, password: str) -> Principal:
        """Return whom a name and a secret belong to. Raises `CredentialsInvalid`, `SignInLocked` and `SignInBusy`."""
        try:
            if username in _TOKEN_USERS:
                return await sign_in.token(self.parts.db, password)
            return await sign_in.basic(self.parts.db, username, password)
        except (CredentialsInvalid, SignInLocked) as fact:
            if self.parts.trail is not None:
                reason = "locked" if isinstance(fact, SignInLocked) else "invalid"
                self.parts.trail.sign_in_failed(username, to="registry", reason=reason)
            raise

    async def _identify(self, *, outlived: bool) -> Credentials:
        value = self.headers.get(b"authorization")
        if value is None:
            return _NOBODY
        scheme, _, secret = value.decode("latin-1").partition(" ")
        match scheme.lower():
            case "bearer":
                token = self._verify(secret, outlived=outlived)
                return Credentials(token.principal, token)
            case "basic":
                try:
                    username, password = decode_basic(secret)
                    return Credentials(await self.sign_in(username, password), None)
                except CredentialsInvalid:
                    raise self.unauthorized("invalid_token") from None
        raise self.unauthorized("invalid_request")

    def _verify(self, secret: str, *, outlived: bool) -> VerifiedToken:
        try:
            return self.parts.tokens.verify(secret)
        except TokenExpired as expired:
            if outlived:
                return expired.token
            raise self.unauthorized("invalid_token") from None
        except TokenInvalid:
            raise self.unauthorized("invalid_token") from None

    def _check_scope(self, token: VerifiedToken | None, name: RepositoryName, action: Action) -> None:
        if token is not None and not token.allows(name, action):
            raise self.unauthorized("insufficient_scope")

    async def _create(self, principal: Principal, name: RepositoryName, action: Action) -> Repository:
        visibility = Visibility(self.parts.config.default_visibility)
        try:
            async with self.parts.db.write() as tx:
                return await repositories.create(tx, name, by=principal, visibility=visibility, at=utc_now())
        except RepositoryExists:  # another push was first, or it is none of the caller's business
            return await repositories.access(self.parts.db, principal, name, action)

    # How it is answered ---------------------------------------------------------------------------------------------

    async def respond(
        self, status: int, headers: list[Header], body: bytes = b"", *, size_bytes: int | None = None
    ) -> None:
        """Answer with a body that is in memory; `size_bytes` is its length where only HEAD is answered like this."""
        if status not in _NO_BODY_STATUSES:
            length = len(body) if size_bytes is None else size_bytes
            headers.append((b"content-length", b"%d" % length))
        await self.start(status, headers)
        await self.send({"type": "http.response.body", "body": b"" if self.method == "HEAD" else body})

    async def respond_json(self, status: int, headers: list[Header], document: object) -> None:
        """Answer with JSON."""
        headers.append(JSON_TYPE)
        await self.respond(status, headers, orjson.dumps(document))

    async def start(self, status: int, headers: list[Header]) -> None:
        """Send the head of an answer whose body follows by other means."""
        headers.append(API_VERSION)
        headers.extend(self.extra)
        self.started = True
        await self.send({"type": "http.response.start", "status": status, "headers": headers})


def parse_query(query: bytes) -> dict[str, list[str]]:
    """Parse a query string or a form. Raises `RequestInvalid` for one that no client sends."""
    try:
        parsed = parse_qs(query.decode("latin-1"), keep_blank_values=True, max_num_fields=_MAX_QUERY_FIELDS)
    except ValueError:
        raise RequestInvalid(f"more than {_MAX_QUERY_FIELDS} parameters") from None
    # PostgreSQL has no NUL, and nothing that is asked for has one.
    if any("\0" in value for values in parsed.values() for value in values):
        raise RequestInvalid("a parameter contains a NUL character")
    return parsed


def decode_basic(secret: str) -> tuple[str, str]:
    """Return the user name and password of Basic credentials; only the first colon separates them (RFC 7617 §2).

    Raises `CredentialsInvalid`.
    """
    try:
        username, _, password = base64.b64decode(secret, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise CredentialsInvalid from None
    if "\0" in username:
        raise CredentialsInvalid
    return username, password


def _length(header: bytes | None) -> int | None:
    return int(header) if header is not None and header.isdigit() and len(header) < 20 else None
