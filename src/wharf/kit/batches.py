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
        self._running: asyncio.Future[Sequence[Outcome]] | None = None

    async def join(self, item: T) -> None:
        """Return when a call of `work` that began after now has dealt with `item`; raises its outcome."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._running is None:
            self._start()
        await done

    async def idle(self) -> None:
        """Return when nothing is under way any more."""
        while self._running is not None:
            await asyncio.wait([self._running])
            await asyncio.sleep(0)

    def _start(self) -> None:
        batch, self._waiting = self._waiting, []
        loop = asyncio.get_running_loop()
        self._running = loop.run_in_executor(self._executor, self._work, [item for item, _ in batch])
        self._running.add_done_callback(lambda running: self._finish(batch, running))

    def _finish(
        self, batch: list[tuple[T, "asyncio.Future[None]"]], running: "asyncio.Future[Sequence[Outcome]]"
    ) -> None:
        self._running = None
        if self._waiting:
            self._start()
        error = running.exception()
        outcomes = [error] * len(batch) if error is not None else running.result()
        for (_, done), outcome in zip(batch, outcomes, strict=True):
            if done.done():  # its asker was cancelled
                continue
            if outcome is None:
                done.set_result(None)
            else:
                done.set_exception(outcome)
