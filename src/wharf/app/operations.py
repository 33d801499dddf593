"""What is asked by machines that run machines: health, metrics, and the front page."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from time import monotonic

import orjson

from wharf.app import refusals
from wharf.app.refusals import Receive, Scope, Send
from wharf.db import Database
from wharf.kit.crypto import equal
from wharf.storage import Storage
from wharf.telemetry import metrics

log = logging.getLogger(__name__)

_CHECK_SECONDS = 5.0
# Health is asked without credentials, and asking costs a request to the object store.
_REMEMBER_SECONDS = 1.0
_JSON, _TEXT = b"application/json", b"text/plain; charset=utf-8"
_METRICS = b"text/plain; version=0.0.4; charset=utf-8"


@dataclass(slots=True)
class Lifecycle:
    """Whether this process wants to be sent requests."""

    draining: bool = False


class Health:
    """The surface `/health`.

    /health/live      the process answers; nothing else is asked, so that a slow database restarts nobody
    /health/ready     database and storage answer and the process is not about to end: send requests here
    /health/instance  the same in Quay's form, for one process
    /health/endtoend  the same in Quay's form, for the whole installation
    """

    def __init__(self, database: Database, storage: Storage, lifecycle: Lifecycle) -> None:
        self._checks: Mapping[str, Callable[[], Awaitable[None]]] = {
            "database": database.check,
            "storage": storage.check,
        }
        self._lifecycle = lifecycle
        self._running: asyncio.Task[dict[str, bool]] | None = None
        self._known: tuple[float, dict[str, bool]] = (0.0, {})

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        path, method = scope["path"].rstrip("/"), scope["method"]
        if path == "/health/live":
            await refusals.respond(send, method, 200, b'{"status":"ok"}', _JSON)
        elif path == "/health/ready":
            services = {**await self._services(), "accepting": not self._lifecycle.draining}
            await _answer(send, method, services, {"status": _word(services), "services": services})
        elif path in {"/health", "/health/instance", "/health/endtoend"}:
            services = await self._services()
            status = 200 if all(services.values()) else 503
            await _answer(send, method, services, {"data": {"services": services}, "status_code": status})
        else:
            await refusals.answer(send, method, refusals.NOT_FOUND, "health")

    async def _services(self) -> dict[str, bool]:
        """Check everything, once a second however many ask."""
        until, services = self._known
        if monotonic() < until:
            return services
        if self._running is None:
            self._running = asyncio.create_task(self._check_all(), name="wharf-health")
        return await asyncio.shield(self._running)

    async def _check_all(self) -> dict[str, bool]:
        try:
            results = await asyncio.gather(*(self._check(name) for name in self._checks))
            services = dict(zip(self._checks, results, strict=True))
            self._known = (monotonic() + _REMEMBER_SECONDS, services)
            return services
        finally:
            self._running = None

    async def _check(self, name: str) -> bool:
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                await self._checks[name]()
        except Exception:
            log.warning("health check failed", extra={"service": name}, exc_info=True)
            return False
        return True


class Metrics:
    """The surface `/metrics`; `refresh` is awaited first, for numbers that are looked up rather than counted."""

    def __init__(self, token: str, refresh: Callable[[], Awaitable[None]]) -> None:
        self._token = token
        self._refresh = refresh

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["path"] != "/metrics":
            await refusals.answer(send, scope["method"], refusals.NOT_FOUND, "metrics")
            return
        if self._token and not equal(dict(scope["headers"]).get(b"authorization", b""), f"Bearer {self._token}"):
            challenge = (b"www-authenticate", b'Bearer realm="metrics"')
            await refusals.respond(send, scope["method"], 401, b"", _TEXT, (challenge,))
            return
        await self._refresh()
        await refusals.respond(send, scope["method"], 200, metrics.page(), _METRICS)


async def front(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer `/` for whoever opens the registry in a browser."""
    host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
    text = f"Wharf {version('wharf')}: a container registry.\n\n  docker login {host}\n"
    await refusals.respond(send, scope["method"], 200, text.encode(), _TEXT, ((b"x-content-type-options", b"nosniff"),))


def _word(services: Mapping[str, bool]) -> str:
    return "ok" if all(services.values()) else "unavailable"


async def _answer(send: Send, method: str, services: Mapping[str, bool], document: object) -> None:
    status = 200 if all(services.values()) else 503
    await refusals.respond(send, method, status, orjson.dumps(document), _JSON, ((b"cache-control", b"no-store"),))
