"""A surface that is loaded when it is first asked for: a registry that nobody manages over REST never pays for it."""

import asyncio
from collections.abc import Callable

from wharf.app.refusals import Receive, Scope, Send, Surface


class Deferred:
    """Calls `load` once, in a thread because imports take long, and is from then on what `load` returned."""

    def __init__(self, load: Callable[[], Surface]) -> None:
        self._load = load
        self._loading = asyncio.Lock()
        self._surface: Surface | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._surface is None:
            async with self._loading:
                if self._surface is None:
                    self._surface = await asyncio.to_thread(self._load)
        await self._surface(scope, receive, send)
