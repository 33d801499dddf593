"""One blocking piece of work for all who want it done while the one before is under way.

Asking the disk takes a change of threads and, often, one write of the file system's journal; both serve many askers as
well as one.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Generic, TypeVar

T = TypeVar("T")
Outcome = Exception | None


class Batches(Generic[T]):
    """Calls `work` in a thread with everything that was asked for since it was last called; one call at a time."""

    def __init__(self, work: Callable[[Sequence[T]], Sequence[Outcome]], executor: Executor) -> None:
        self._work = work
        self._executor = executor
        self._waiting: list[tuple[T, asyncio.Future[None]]] = []
        self._idle = asyncio.Event()
        self._idle.set()

    async def join(self, item: T) -> None:
        """Return when a call of `work` that began after now has dealt with `item`; raises its outcome."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._waiting.append((item, done))
        if self._idle.is_set():
            self._idle.clear()
            self._start(loop)
        await done

    async def idle(self) -> None:
        """Return when nothing is under way."""
        await self._idle.wait()

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        batch, self._waiting = self._waiting, []
        # Not run_in_executor: its chain of futures costs more than the work it waits for.
        self._executor.submit(self._call, loop, batch)

    def _call(self, loop: asyncio.AbstractEventLoop, batch: list[tuple[T, "asyncio.Future[None]"]]) -> None:
        outcomes: Sequence[Outcome]
        try:
            outcomes = self._work([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - whatever it is, the askers are told
            outcomes = [error] * len(batch)
        loop.call_soon_threadsafe(self._finish, loop, batch, outcomes)

    def _finish(
        self,
        loop: asyncio.AbstractEventLoop,
        batch: list[tuple[T, "asyncio.Future[None]"]],
        outcomes: Sequence[Outcome],
    ) -> None:
        if self._waiting:
            self._start(loop)
        else:
            self._idle.set()
        for (_, done), outcome in zip(batch, outcomes, strict=True):
            if done.done():  # its asker was cancelled
                continue
            if outcome is None:
                done.set_result(None)
            else:
                done.set_exception(outcome)
