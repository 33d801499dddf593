"""Work that is done once for all who wait."""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from wharf.kit.batches import Batches, Outcome


class Work:
    """Waits for its gate, and remembers what it was called with."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.calls: list[list[int]] = []

    def __call__(self, items: Sequence[int]) -> Sequence[Outcome]:
        self.gate.wait()
        self.calls.append(list(items))
        return [ValueError(item) if item < 0 else None for item in items]


async def test_who_asks_while_it_works_is_served_by_the_next_call() -> None:
    work = Work()
    with ThreadPoolExecutor() as executor:
        batches = Batches(work, executor)
        asking = [asyncio.create_task(batches.join(number)) for number in range(5)]
        await asyncio.sleep(0)
        work.gate.set()
        await asyncio.gather(*asking)
        await batches.idle()
    assert [[0], [1, 2, 3, 4]] == work.calls


async def test_each_has_an_outcome_of_its_own() -> None:
    work = Work()
    with ThreadPoolExecutor() as executor:
        batches = Batches(work, executor)
        asking = [asyncio.create_task(batches.join(number)) for number in (1, -2, 3)]
        await asyncio.sleep(0)
        work.gate.set()
        outcomes = await asyncio.gather(*asking, return_exceptions=True)
    assert [None, ValueError, None] == [each and type(each) for each in outcomes]


async def test_one_that_is_cancelled_does_not_disturb_the_others() -> None:
    work = Work()
    with ThreadPoolExecutor() as executor:
        batches = Batches(work, executor)
        asking = [asyncio.create_task(batches.join(number)) for number in range(3)]
        await asyncio.sleep(0)
        asking[1].cancel()
        work.gate.set()
        outcomes = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(outcomes[1], asyncio.CancelledError)
    assert [outcomes[0], outcomes[2]] == [None, None]


async def test_work_that_breaks_is_told_to_all() -> None:
    def broken(items: Sequence[int]) -> Sequence[Outcome]:
        raise OSError(len(items))

    with ThreadPoolExecutor() as executor:
        batches = Batches(broken, executor)
        with pytest.raises(OSError, match="1"):
            await batches.join(1)
        await batches.idle()
