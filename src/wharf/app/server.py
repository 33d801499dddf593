"""One process of Wharf: starts, says that it is ready, and ends without dropping a request.

SIGTERM: /health/ready turns to 503 and every answer closes its connection; after `server.shutdown_notice_seconds`
nothing more is accepted; what is in flight is finished within `server.shutdown_drain_seconds`; jobs are given back;
exit. SIGINT, a person at the terminal, skips the notice. A second signal ends the process at once. What granian can and
cannot do is in docs/adr/0005-embedded-server-limits.md.
"""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

from granian.constants import Interfaces, SSLProtocols
from granian.http import HTTP1Settings
from granian.server.embed import Server

from wharf.app.build import Wharf
from wharf.config import ServerConfig

log = logging.getLogger(__name__)

# Idle keep-alive connections count, and a full house means that nobody is even told to come back later: the gateway
# limits requests, the number of open files limits connections.
_CONNECTIONS = 1 << 16
_SECOND_SIGNAL_STATUS = 130


class AddressInUse(Exception):
    """Another process listens on the address."""


class EndedUnasked(Exception):
    """The HTTP server or the worker ended by itself."""


class Stopping:
    """The wish to end, from a signal or from a caller."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.with_notice = True

    def ask(self, *, with_notice: bool = True) -> None:
        """Begin to stop; the second time, end the process at once."""
        if self.asked.is_set():
            os._exit(_SECOND_SIGNAL_STATUS)
        self.with_notice = with_notice
        self.asked.set()

    def on_signals(self) -> None:
        """Take SIGTERM and SIGINT for the wish."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.ask)
        loop.add_signal_handler(signal.SIGINT, partial(self.ask, with_notice=False))


async def serve(wharf: Wharf, stopping: Stopping, *, ready: Callable[[str], Awaitable[None]]) -> None:
    """Answer requests until `stopping`; `ready` is called with the URL once connections are accepted.

    Raises AddressInUse.
    """
    config = wharf.config.server
    port = claim_port(config.host, config.port)
    server = _server(wharf, port)
    serving = asyncio.create_task(server.serve(), name="wharf-server")
    tasks: set[asyncio.Task[Any]] = {serving, asyncio.create_task(stopping.asked.wait())}
    if wharf.config.jobs.embedded:
        tasks.add(asyncio.create_task(wharf.worker.run(), name="wharf-worker"))
    try:
        await _until_accepting(config.host, port, serving)
        await ready(_url(config, port))
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _drain(wharf, server, serving, with_notice=stopping.with_notice)
        await _stop_working(wharf, tasks - {serving})
    if not stopping.asked.is_set():
        raise EndedUnasked


async def work(wharf: Wharf, stopping: Stopping) -> None:
    """Run jobs, and nothing else, until `stopping`."""
    tasks: set[asyncio.Task[Any]] = {
        asyncio.create_task(wharf.worker.run(), name="wharf-worker"),
        asyncio.create_task(stopping.asked.wait()),
    }
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    await _stop_working(wharf, tasks)
    if not stopping.asked.is_set():
        raise EndedUnasked


def claim_port(host: str, port: int) -> int:
    """Return `port`, or a free one for 0, if nobody else listens there; raises AddressInUse.

    granian listens with SO_REUSEPORT, with which the kernel would deal out connections between two servers on one port.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
            taken: int = probe.getsockname()[1]
            return taken
    except OSError as error:
        raise AddressInUse(f"{host}:{port}: {error.strerror or error}") from None


def _server(wharf: Wharf, port: int) -> Server:
    config = wharf.config.server
    return Server(
        wharf.gateway,
        address=config.host,
        port=port,
        interface=Interfaces.ASGINL,
        websockets=False,
        backlog=config.backlog,
        backpressure=_CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=config.header_read_timeout_seconds * 1000),
        log_enabled=False,
        log_dictconfig={"incremental": True, "formatters": {}, "handlers": {}, "loggers": {}},
        ssl_cert=config.tls_certificate,
        ssl_key=config.tls_key,
        ssl_protocol_min=SSLProtocols.tls12,
    )


async def _stop_working(wharf: Wharf, tasks: set[asyncio.Task[Any]]) -> None:
    """Let the worker end; whatever made it end before is raised."""
    wharf.worker.stop()
    for task in tasks:
        if task.get_name() == "wharf-worker":
            await task
        else:
            task.cancel()


async def _until_accepting(host: str, port: int, serving: asyncio.Task[None]) -> None:
    """Return when the port answers; granian tells nobody when it begins to listen."""
    while not serving.done():
        with suppress(OSError):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
            return
        await asyncio.sleep(0.01)
    await serving


async def _drain(wharf: Wharf, server: Server, serving: asyncio.Task[None], *, with_notice: bool) -> None:
    config = wharf.config.server
    wharf.lifecycle.draining = True
    if serving.done():
        return
    if with_notice:
        await _let_load_balancers_notice(config)
    server.stop()  # type: ignore[no-untyped-call]
    log.info("shutdown started", extra={"requests_in_flight": wharf.gateway.in_flight})
    done, _ = await asyncio.wait({serving}, timeout=config.shutdown_drain_seconds)
    if not done:
        log.warning("shutdown cut requests off", extra={"requests_in_flight": wharf.gateway.in_flight})
        serving.cancel()


async def _let_load_balancers_notice(config: ServerConfig) -> None:
    await asyncio.sleep(config.shutdown_notice_seconds)


def _url(config: ServerConfig, port: int) -> str:
    scheme = "https" if config.tls_certificate else "http"
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(config.host, config.host)  # noqa: S104 - a name to look up
    return f"{scheme}://{f'[{host}]' if ':' in host and '[' not in host else host}:{port}"
