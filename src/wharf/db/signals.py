"""Wake-up calls between a commit and those who wait for it."""

import asyncio


class Signals:
    """One event per channel; a waiter that comes late polls, so a lost signal costs time and never a job."""

    def __init__(self) -> None:
        self._waiters: dict[str, set[asyncio.Event]] = {}

    def fire(self, channel: str) -> None:
        """Wake all who wait for `channel`."""
        for event in self._waiters.get(channel, ()):
            event.set()

    async def wait(self, channel: str, timeout_seconds: float) -> bool:
        """Wait for `channel`, at most `timeout_seconds`; True when it was fired."""
        event = asyncio.Event()
        self._waiters.setdefault(channel, set()).add(event)
        try:
            async with asyncio.timeout(timeout_seconds):
                return await event.wait()
        except TimeoutError:
            return False
        finally:
            self._waiters[channel].discard(event)
