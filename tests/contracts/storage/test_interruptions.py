"""What breaks off leaves nothing behind, what is repeated ends well, and nobody ever reads half an object."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.contracts.storage.content import BLOCK, KEY, KIB, MIB, all_of, body, cut, keys, published, some, staged
from wharf.storage import ObjectMissing, Stage, Storage

FUTURE = timedelta(minutes=1)


class ClientGone(Exception):
    """What a body raises in these tests."""


async def breaking_off(size_bytes: int) -> AsyncIterator[bytes]:
    for chunk in cut(some(size_bytes), 64 * KIB):
        yield chunk
    raise ClientGone


async def nothing_is_left(storage: Storage) -> bool:
    return not await keys(storage.list_("")) and not await storage.abort_unfinished(datetime.now(UTC) + FUTURE)


@pytest.mark.parametrize("size", [0, 1, 100 * KIB, 3 * MIB, 30 * MIB])
async def test_a_body_that_raises_leaves_nothing(storage: Storage, size: int) -> None:
    with pytest.raises(ClientGone):
        await storage.stage(breaking_off(size), hint_bytes=50 * MIB)
    assert await nothing_is_left(storage)


async def test_a_body_that_raises_an_error_of_the_system_is_not_the_stores_fault(storage: Storage) -> None:
    async def reset() -> AsyncIterator[bytes]:
        yield BLOCK * 9
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await storage.stage(reset())
    assert await nothing_is_left(storage)


@pytest.mark.parametrize("size", [10, 2 * MIB, 20 * MIB])
async def test_a_body_that_ends_early_is_kept(storage: Storage, size: int) -> None:
    data = some(size)
    stage = await storage.stage(body(*cut(data, 64 * KIB)), hint_bytes=2 * size)
    assert Stage(stage.key, size) == stage
    assert data == await all_of(storage.open_stage(stage))


@pytest.mark.parametrize("size", [10, 2 * MIB, 20 * MIB])
async def test_a_cancelled_call_leaves_nothing(storage: Storage, size: int) -> None:
    waiting, never = asyncio.Event(), asyncio.Event()

    async def stalling() -> AsyncIterator[bytes]:
        yield some(size)
        waiting.set()
        await never.wait()

    task = asyncio.create_task(storage.stage(stalling()))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await nothing_is_left(storage)


@pytest.mark.parametrize("sizes", [(10,), (10, 20), (6 * MIB, 6 * MIB)], ids=str)
async def test_publishing_twice_is_publishing_once(storage: Storage, sizes: tuple[int, ...]) -> None:
    parts = [some(size, seed) for seed, size in enumerate(sizes)]
    stages = [await staged(storage, part) for part in parts]
    await storage.compose(stages, KEY)
    await storage.compose(stages, KEY)
    assert b"".join(parts) == await all_of(storage.open(KEY))


async def test_a_crash_after_publishing_before_the_stages_are_gone(storage: Storage) -> None:
    stages = [await staged(storage, b"abc"), await staged(storage, b"def")]
    await published(storage, b"abcdef")
    await storage.compose(stages, KEY)
    assert b"abcdef" == await all_of(storage.open(KEY))
    assert [] == await keys(storage.list_stages())


async def test_a_crash_while_the_stages_are_being_removed(storage: Storage) -> None:
    stages = [await staged(storage, b"abc"), await staged(storage, b"def")]
    await published(storage, b"abcdef")
    await storage.discard(stages[:1])
    await storage.compose(stages, KEY)
    assert b"abcdef" == await all_of(storage.open(KEY))
    assert [] == await keys(storage.list_stages())


@pytest.mark.parametrize("before", [None, b"other content"])
async def test_a_missing_stage_publishes_nothing(storage: Storage, before: bytes | None) -> None:
    if before is not None:
        await published(storage, before)
    stages = [await staged(storage, some(6 * MIB, seed)) for seed in range(3)]
    await storage.discard(stages[1:2])
    for attempt in (stages, stages[1:2]):
        with pytest.raises(ObjectMissing) as missing:
            await storage.compose(attempt, KEY)
        assert stages[1].key == missing.value.key
    if before is None:
        assert await storage.stat(KEY) is None
    else:
        assert before == await all_of(storage.open(KEY))
    assert {stages[0].key, stages[2].key} == set(await keys(storage.list_stages()))
    assert 0 == await storage.abort_unfinished(datetime.now(UTC) + FUTURE)


@pytest.mark.parametrize("size", [10, 6 * MIB])
async def test_many_publish_the_same_content_at_once(storage: Storage, size: int) -> None:
    first, second = some(size, 1), some(size, 2)
    uploads = [[await staged(storage, first), await staged(storage, second)] for _ in range(4)]
    whole = [[await staged(storage, first + second)] for _ in range(4)]
    await asyncio.gather(*(storage.compose(stages, KEY) for stages in uploads + whole))
    assert first + second == await all_of(storage.open(KEY))
    assert [] == await keys(storage.list_stages())


@pytest.mark.parametrize("sizes", [(10,), (6 * MIB, 10)], ids=str)
async def test_many_publish_the_same_stages_at_once(storage: Storage, sizes: tuple[int, ...]) -> None:
    parts = [some(size, seed) for seed, size in enumerate(sizes)]
    stages = [await staged(storage, part) for part in parts]
    await asyncio.gather(*(storage.compose(stages, KEY) for _ in range(4)))
    assert b"".join(parts) == await all_of(storage.open(KEY))


async def test_a_reader_is_not_disturbed_by_a_replacement(storage: Storage) -> None:
    data = some(3 * MIB)
    await published(storage, data)
    reading = storage.open(KEY)
    begun = await anext(reading)
    await published(storage, data)
    assert data == begun + await all_of(reading)


async def test_what_is_on_its_way_is_not_swept(storage: Storage) -> None:
    waiting, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield some(9 * MIB)
        yield some(9 * MIB)
        waiting.set()
        await go_on.wait()

    task = asyncio.create_task(storage.stage(slow()))
    await waiting.wait()
    assert 0 == await storage.abort_unfinished(datetime.now(UTC) - FUTURE)
    go_on.set()
    assert 2 * some(9 * MIB) == await all_of(storage.open_stage(await task))


@pytest.mark.slow
async def test_a_hundred_megabytes_need_few_of_memory(storage: Storage) -> None:
    async def large() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield BLOCK

    tracemalloc.start()
    try:
        stages = [await storage.stage(large()), await storage.stage(large())]
        await storage.compose(stages, KEY)
        received = 0
        async for chunk in storage.open(KEY):
            received += len(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 100 * MIB == received
    assert peak < 30 * MIB
