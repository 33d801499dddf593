"""From a request's first path segment to a surface. Everything here is paid by every request, so it is little.

/v2 …       the registry                     (v2)
/api …      REST, and what Quay has beside it (api)
/health …   for load balancers and people     (operations)
/metrics    for Prometheus                    (operations)
/           who is here                       (operations)
"""

import logging
from collections.abc import Awaitable, Mapping
from time import perf_counter

from wharf.app import proxies, refusals
from wharf.app.operations import Lifecycle
from wharf.app.refusals import Message, Receive, Refusal, Scope, Send, Surface
from wharf.config import ServerConfig
from wharf.telemetry.access_log import AccessLog
from wharf.telemetry.metrics import requests, requests_in_flight, requests_refused
from wharf.telemetry.request import scope as current_scope
from wharf.telemetry.request_id import request_id, take

log = logging.getLogger(__name__)

# Must answer when everything else is overloaded.
_ALWAYS = frozenset({"health", "metrics"})
_HEADER_OVERHEAD = len(": \r\n")


class Exchange:
    """The `send` of a surface: passes messages on, notes the status, adds the request id to the answer.

    A process that is about to end closes each connection with the answer: the next request of a client that keeps its
    connection would otherwise cross the end on the wire, and get none.
    """

    __slots__ = ("_closing", "_id", "_send", "status")

    def __init__(self, send: Send, request_id: str, *, closing: bool) -> None:
        self._send = send
        self._id = request_id
        self._closing = closing
        self.status = 0

    def __call__(self, message: Message) -> Awaitable[None]:
        """ASGI's send; not a coroutine of its own, which would cost as much as all the rest of it."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], (b"x-request-id", self._id.encode())]
            if self._closing:
                message["headers"].append((b"connection", b"close"))
        return self._send(message)


class Gateway:
    """The ASGI application (HTTP only; `lifespan.py` adds the protocol of that name).

    No exception reaches the server unless an answer has begun and can only be cut off.
    """

    def __init__(
        self,
        config: ServerConfig,
        surfaces: Mapping[str, Surface],
        access_log: AccessLog | None,
        lifecycle: Lifecycle,
    ) -> None:
        self._surfaces = surfaces
        self._lifecycle = lifecycle
        self._access_log = access_log
        self._trusted = config.trusted_proxies
        self._max_header_bytes = config.max_header_bytes
        self._max_requests = config.max_concurrent_requests
        self._overloaded = refusals.overloaded(config.retry_after_seconds)
        self.in_flight = 0
        requests_in_flight.set_function(lambda: self.in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = perf_counter()
        path, method, headers = scope["path"], scope["method"], scope["headers"]
        name = path[1:].partition("/")[0]
        surface = self._surfaces.get(name)
        inbound, header_bytes = None, len(path) + len(scope["query_string"]) + len(headers) * _HEADER_OVERHEAD
        for key, value in headers:
            header_bytes += len(key) + len(value)
            if key == b"x-request-id":
                inbound = value
        id_ = take(inbound)
        request_id.set(id_)
        if self._trusted:
            proxies.apply(scope, self._trusted)
        current_scope.set(scope)
        exchange = Exchange(send, id_, closing=self._lifecycle.draining)
        refusal = None
        if surface is None or header_bytes > self._max_header_bytes or self.in_flight >= self._max_requests:
            refusal = self._refusal(name, surface, header_bytes)
        self.in_flight += 1
        try:
            if surface is None or refusal is not None:
                await refusals.answer(exchange, method, refusal or refusals.NOT_FOUND, name)
            else:
                await surface(scope, receive, exchange)
                assert exchange.status, "a surface answers"
        except Exception:
            log.exception("request failed", extra={"method": method, "path": path})
            if exchange.status:
                raise
            await refusals.answer(exchange, method, refusals.BUG, name)
        finally:
            self.in_flight -= 1
            seconds = perf_counter() - started
            label = (name or "front") if surface is not None else "none"
            requests.add(label, scope.get("wharf.endpoint", ""), method, exchange.status, seconds)
            if self._access_log is not None:
                client = scope["client"]
                peer = client[0] if client else None
                self._access_log.add(method, path, exchange.status, seconds, id_, peer, headers)

    def _refusal(self, name: str, surface: Surface | None, header_bytes: int) -> Refusal | None:
        """Why this request is not even passed on, if it is not."""
        if surface is None:
            return refusals.V1_GONE if name == "v1" else refusals.NOT_FOUND
        if header_bytes > self._max_header_bytes:
            requests_refused.labels("headers").inc()
            return refusals.HEADERS_TOO_LARGE
        if self.in_flight >= self._max_requests and name not in _ALWAYS:
            requests_refused.labels("overload").inc()
            return self._overloaded
        return None
