"""The ASGI application of `/v2`: finds the handler, calls it, and puts what it raises into the protocol's words."""

import asyncio
import logging
from collections.abc import MutableMapping
from datetime import timedelta
from typing import Any

from wharf.access.actions import WRITING, Action
from wharf.access.principals import ANONYMOUS
from wharf.accounts.registry_tokens import TokenService
from wharf.audit.trail import Trail
from wharf.config import RegistryConfig
from wharf.content.errors import AccessDenied, RepositoryHidden
from wharf.content.uploads import Uploads
from wharf.db import Database
from wharf.storage.base import Storage
from wharf.v2 import errors
from wharf.v2.errors import AuthenticationRequired, Header, MethodUnsupported, ProxyUnknown, ReadOnly
from wharf.v2.request import Parts, Receive, Request, Send
from wharf.v2.router import ROUTES, Handler, Route, Target, locate

_log = logging.getLogger(__name__)

# What a refused upload may still send before its connection is closed.
_DRAIN_LIMIT_BYTES = 16 * 1024 * 1024
_DRAIN_SECONDS = 10

# Cross-origin requests of web pages (the Fetch standard's CORS protocol). Credentials travel in the Authorization
# header and never in cookies, so they are not allowed for.
_EXPOSED: Header = (
    b"access-control-expose-headers",
    (
        b"Content-Range, Docker-Content-Digest, Docker-Distribution-Api-Version, Docker-Upload-UUID, ETag, Link, "
        b"Location, OCI-Filters-Applied, OCI-Subject, OCI-Tag, Range, Retry-After, WWW-Authenticate"
    ),
)
_ACCEPTED: Header = (
    b"access-control-allow-headers",
    b"Accept, Authorization, Content-Range, Content-Type, If-None-Match, If-Range, Range",
)


class V2:
    """Everything under `/v2`, as one ASGI application: `await v2(scope, receive, send)`.

    It expects requests of type `http` whose path is `/v2` or begins with `/v2/`. `public_url` (`server.public_url`) is
    where clients are told to sign in; without it that is the scheme and the Host of the request. The name of the
    endpoint is left in `scope["wharf.endpoint"]` for metrics and traces. Pulls, denials and sign-ins are noted in
    `trail`, if there is one.
    """

    def __init__(
        self,
        config: RegistryConfig,
        db: Database,
        storage: Storage,
        tokens: TokenService,
        uploads: Uploads,
        *,
        public_url: str | None = None,
        trail: Trail | None = None,
        audit_pulls: bool = True,
    ) -> None:
        lease = timedelta(seconds=config.blob_lease_seconds)
        self._parts = Parts(
            config, public_url, db, storage, tokens, uploads, lease, trail, trail if audit_pulls else None
        )
        self._origins = frozenset(filter(None, map(str.strip, config.cors_origins.split(","))))

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request. Raises only what happened after an answer had begun, for the server to cut it off."""
        request = Request(self._parts, scope, receive, send)
        try:
            target = locate(scope["path"])
            scope["wharf.endpoint"] = target.endpoint
            await self._route(request, target).handle(request)
        except Exception as fact:  # noqa: BLE001 - the boundary: whatever it is becomes an answer
            await self._refuse(request, fact)
        if request.method != "GET":
            await self._drain(request)

    def _route(self, request: Request, target: Target) -> Route:
        """Find who answers. Raises what keeps a request from being answered whoever asks."""
        _, request.name, request.argument = target
        origin = request.headers.get(b"origin")
        if origin is not None:
            request.extra = self._cors(origin)
        route = ROUTES[target.endpoint].get(request.method)
        if route is None:
            if request.method == "OPTIONS":
                return Route(self._options(target), None)
            raise MethodUnsupported(self._methods(target))
        request.action = action = route.action
        if action in WRITING:
            if self._parts.config.read_only:
                raise ReadOnly
            if action is Action.DELETE and not self._parts.config.deletes_enabled:
                raise MethodUnsupported(self._methods(target))
        elif b"ns=" in request.scope["query_string"]:
            self._proxied(request)
        return route

    def _methods(self, target: Target) -> tuple[str, ...]:
        deletes = self._parts.config.deletes_enabled
        routes = ROUTES[target.endpoint].items()
        return tuple(method for method, route in routes if deletes or route.action is not Action.DELETE)

    def _options(self, target: Target) -> Handler:
        """Answer OPTIONS, which a browser sends before a request from a page of another origin."""
        methods = ", ".join(self._methods(target)).encode()

        async def answer(request: Request) -> None:
            if request.extra:
                maximum_age = (b"access-control-max-age", b"3600")
                request.extra += ((b"access-control-allow-methods", methods), _ACCEPTED, maximum_age)
            await request.respond(204, [(b"allow", methods)])

        return answer

    def _cors(self, origin: bytes) -> tuple[Header, ...]:
        """What every answer to a page of `origin` carries: nothing unless `registry.cors_origins` names it.

        A browser inside a company would otherwise read for any page what the registry shows to that network.
        """
        if "*" not in self._origins and origin.decode("latin-1") not in self._origins:
            return ()
        return ((b"access-control-allow-origin", origin), (b"vary", b"Origin"), _EXPOSED)

    def _proxied(self, request: Request) -> None:
        """Refuse what is meant for another registry: mirror configurations send it here, with its name in `ns`.

        After a 404 containerd tries its next mirror; our own `library/alpine` would be somebody else's image to it.
        """
        namespace = request.parameter("ns")
        if namespace is None:
            return
        if namespace != request.host():
            raise ProxyUnknown(namespace)
        request.extra += ((b"oci-namespace", namespace.encode()),)

    async def _refuse(self, request: Request, fact: Exception) -> None:
        if not errors.is_known(fact):
            _log.error("request failed", exc_info=fact, extra={"method": request.method, "path": request.scope["path"]})
        if request.started:
            raise fact
        self._note(request, fact)
        status, headers, body = errors.render(fact)
        if isinstance(fact, AuthenticationRequired):
            headers.append(errors.challenge(f"{request.origin()}/v2/auth", request.host(), fact))
        await request.respond(status, headers, body)

    def _note(self, request: Request, fact: Exception) -> None:
        """Write down that somebody was denied something: what is there, to whom it is not allowed.

        A stranger counts only with a token: every client asks without one first, to be told where to sign in.
        """
        trail, action = self._parts.trail, request.action
        if trail is None or action is None:
            return
        if isinstance(fact, AuthenticationRequired) and fact.error and isinstance(fact.__cause__, Exception):
            fact = fact.__cause__
        if isinstance(fact, AccessDenied | RepositoryHidden):
            reason = fact.reason if isinstance(fact, AccessDenied) else "hidden"
            trail.denied(request.principal or ANONYMOUS, fact.name, action, reason)

    async def _drain(self, request: Request) -> None:
        """Take in what an upload still sends after its answer, so that its client gets to read the answer.

        Not from a client that waits for a 100 Continue: it sends nothing, and the server closes its connection.
        """
        body, headers = request.body, request.headers
        if body.ended or body.length == 0 or (body.length is None and b"transfer-encoding" not in headers):
            return
        if b"expect" in headers and body.received_bytes == 0:
            return
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                await body.drain(_DRAIN_LIMIT_BYTES)
        except TimeoutError:
            return
