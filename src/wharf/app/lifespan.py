"""Wharf for any ASGI server: `uvicorn --factory wharf.app.lifespan:application`.

`wharf serve` does not come through here: it builds first and starts its server on what it has built.
"""

import asyncio
from contextlib import suppress

from wharf.app.build import Wharf, build
from wharf.app.refusals import Receive, Scope, Send
from wharf.app.schema import prepare
from wharf.config import Config, load
from wharf.telemetry.access_log import AccessLog


class Application:
    """An ASGI application that builds its Wharf at the server's start and closes it at the server's end."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._wharf: Wharf | None = None
        self._work: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI: requests go to the gateway; websockets, which nothing here speaks, are refused."""
        if scope["type"] == "http":
            assert self._wharf is not None, "the server speaks the lifespan protocol"
            await self._wharf.gateway(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await send({"type": "websocket.close"})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self._start()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error) or type(error).__name__})
            raise
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _start(self) -> None:
        await prepare(self._config)
        log = AccessLog(console=False) if self._config.telemetry.access_log else None
        self._wharf = await build(self._config, access_log=log)
        if self._config.jobs.embedded:
            self._work = asyncio.create_task(self._wharf.worker.run(), name="wharf-worker")

    async def _stop(self) -> None:
        assert self._wharf is not None
        if self._work is not None:
            self._wharf.worker.stop()
            with suppress(asyncio.CancelledError):
                await self._work
        await self._wharf.close()


def application() -> Application:
    """Return Wharf with the configuration of its environment. Raises ConfigInvalid."""
    return Application(load().config)
