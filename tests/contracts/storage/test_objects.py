"""What goes in comes out: bodies become stages, stages become objects, objects are read, listed and removed."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.contracts.storage.content import (
    KEY,
    KIB,
    MIB,
    OTHER_KEY,
    all_of,
    body,
    cut,
    found,
    keys,
    published,
    some,
    staged,
)
from wharf.config import StorageConfig
from wharf.storage import KeyInvalid, ObjectMissing, Stage, Storage, open_storage
from wharf.storage.base import INLINE_BYTES

SIZES = [1, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, MIB, 3 * MIB + 1, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 21 * MIB]
# Sizes around the rules of S3: no part but the last below 5 MiB.
SEVERAL = [
    (1, 2, 3),
    (0, 5, 0),
    (0, 0),
    (6 * MIB, 7 * MIB),
    (6 * MIB, 1, 7 * MIB),
    (1, 5 * MIB, 1),
    (1, 10 * MIB, 5 * MIB),
    (3 * MIB, 3 * MIB, 3 * MIB),
    (5 * MIB, 1),
]


@pytest.mark.parametrize("size", SIZES)
async def test_a_body_becomes_an_object(storage: Storage, size: int) -> None:
    data = some(size)
    stage = await staged(storage, data)
    assert size == stage.size_bytes
    assert data == await all_of(storage.open_stage(stage))
    await storage.compose([stage], KEY)
    assert size == await storage.stat(KEY)
    assert data == await all_of(storage.open(KEY))


@pytest.mark.parametrize("size", [0, 1, INLINE_BYTES, INLINE_BYTES + 1])
async def test_a_small_body_may_be_held_by_its_handle(storage: Storage, size: int) -> None:
    data = some(size)
    stage = await storage.stage(body(data), may_inline=True)
    assert (size > INLINE_BYTES) == bool(await keys(storage.list_stages()))
    assert data == await all_of(storage.open_stage(stage))
    for _ in range(2):
        await storage.compose([stage], KEY)
        assert data == await all_of(storage.open(KEY))
    await storage.discard([stage])
    assert [] == await keys(storage.list_stages())


@pytest.mark.parametrize("sizes", [(3, 5), (3, 6 * MIB), (6 * MIB, 3), (3, 6 * MIB, 3, 3 * MIB, 3)], ids=str)
async def test_handles_with_and_without_bytes_become_one_object(storage: Storage, sizes: tuple[int, ...]) -> None:
    parts = [some(size, seed) for seed, size in enumerate(sizes)]
    stages = [await storage.stage(body(part), may_inline=True) for part in parts]
    await storage.compose(stages, KEY)
    assert b"".join(parts) == await all_of(storage.open(KEY))
    assert [] == await keys(storage.list_stages())


async def test_nothing_is_an_object_too(storage: Storage) -> None:
    stage = await storage.stage(body())
    assert 0 == stage.size_bytes
    assert b"" == await all_of(storage.open_stage(stage))
    await storage.compose([stage], KEY)
    await storage.compose([], OTHER_KEY)
    for key in (KEY, OTHER_KEY):
        assert 0 == await storage.stat(key)
        assert b"" == await all_of(storage.open(key))
    assert [] == await keys(storage.list_stages())


@pytest.mark.parametrize("sizes", SEVERAL, ids=str)
async def test_several_bodies_become_one_object(storage: Storage, sizes: tuple[int, ...]) -> None:
    parts = [some(size, seed) for seed, size in enumerate(sizes)]
    stages = [await staged(storage, part) for part in parts]
    await storage.compose(stages, KEY)
    assert b"".join(parts) == await all_of(storage.open(KEY))
    assert sum(sizes) == await storage.stat(KEY)
    assert [] == await keys(storage.list_stages())
    for stage in stages:
        with pytest.raises(ObjectMissing):
            await all_of(storage.open_stage(stage))


@pytest.mark.parametrize("hint", [None, 0, 100 * MIB])
async def test_the_hint_may_be_wrong(storage: Storage, hint: int | None) -> None:
    data = some(9 * MIB)
    stage = await storage.stage(body(*cut(data, 100 * KIB)), hint_bytes=hint)
    assert data == await all_of(storage.open_stage(stage))


async def test_chunks_of_any_kind_and_size(storage: Storage) -> None:
    data = some(200 * KIB)
    chunks: list[bytes | memoryview] = [
        memoryview(data)[:1],
        b"",
        data[1:2],
        memoryview(data)[2:150_000],
        b"",
        data[150_000:],
    ]
    assert data == await all_of(storage.open_stage(await storage.stage(body(*chunks))))


async def test_ten_thousand_tiny_chunks(storage: Storage) -> None:
    data = some(20_000)
    assert data == await all_of(storage.open_stage(await staged(storage, data, chunk_bytes=2)))


async def test_publishing_again_replaces_the_object(storage: Storage) -> None:
    await published(storage, b"one")
    await published(storage, b"another")
    assert b"another" == await all_of(storage.open(KEY))


async def test_another_replica_publishes_what_this_one_received(storage: Storage, config: StorageConfig) -> None:
    other = await open_storage(config)
    stages = [await staged(storage, b"from here, "), await staged(other, b"from there")]
    await other.compose(stages, KEY)
    await other.close()
    assert b"from here, from there" == await all_of(storage.open(KEY))


@pytest.mark.parametrize(
    ("start", "end"),
    [(0, None), (0, 1), (1, None), (10, 20), (0, 0), (20, 10), (99_990, 200_000), (99_999, None), (100_000, None)],
)
async def test_a_range_is_a_slice(storage: Storage, start: int, end: int | None) -> None:
    data = some(100_000)
    await published(storage, data)
    assert data[start:end] == await all_of(storage.open(KEY, start, end))


async def test_a_range_over_many_reads(storage: Storage) -> None:
    data = some(3 * MIB)
    await published(storage, data)
    assert data[777:-777] == await all_of(storage.open(KEY, 777, len(data) - 777))


async def test_a_range_past_the_end_is_empty(storage: Storage) -> None:
    await published(storage, b"short")
    assert b"" == await all_of(storage.open(KEY, 100))
    assert b"" == await all_of(storage.open(KEY, 100, 200))


async def test_what_is_absent(storage: Storage) -> None:
    absent = Stage("stages/" + "0" * 32, 3)
    assert await storage.stat(KEY) is None
    for start, end in ((0, None), (5, 9), (3, 3)):
        with pytest.raises(ObjectMissing) as missing:
            await all_of(storage.open(KEY, start, end))
        assert KEY == missing.value.key
    with pytest.raises(ObjectMissing):
        await all_of(storage.open_stage(absent))
    await storage.delete(KEY)
    await storage.discard([absent, absent])
    await storage.discard([])
    # A folder, where keys are paths, is not an object either.
    await published(storage, b"x")
    folder = KEY.rpartition("/")[0]
    assert await storage.stat(folder) is None
    with pytest.raises(ObjectMissing):
        await all_of(storage.open(folder))


async def test_what_is_deleted_is_absent_and_can_come_back(storage: Storage) -> None:
    await published(storage, b"once")
    await storage.delete(KEY)
    await storage.delete(KEY)
    assert await storage.stat(KEY) is None
    assert [] == await keys(storage.list_("blobs/"))
    await published(storage, b"again")
    assert b"again" == await all_of(storage.open(KEY))


async def test_discarded_stages_are_gone(storage: Storage) -> None:
    kept, dropped = await staged(storage, b"kept"), await staged(storage, b"dropped")
    await storage.discard([dropped])
    assert [kept.key] == await keys(storage.list_stages())


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/",
        "..",
        "../secret",
        "blobs/../../secret",
        "blobs/./x",
        "blobs//x",
        "/etc/passwd",
        "blobs/x/",
        "blobs/x\n",
        "blobs/x\0y",
        "blobs\\x",
        ".unfinished/x",
        "blobs/.hidden",
        "blobs/ü",
        "blobs/%2e%2e/x",
        "blobs/a b",
        "x" * 600,
    ],
)
async def test_hostile_keys_are_refused_everywhere(storage: Storage, key: str) -> None:
    stage = await staged(storage, b"x")
    attempts: list[Callable[[], Awaitable[object]]] = [
        lambda: storage.compose([stage], key),
        lambda: storage.compose([Stage(key, 1)], KEY),
        lambda: storage.compose([stage, Stage(key, 1)], KEY),
        lambda: storage.discard([Stage(key, 1)]),
        lambda: all_of(storage.open(key)),
        lambda: all_of(storage.open_stage(Stage(key, 1))),
        lambda: storage.serve(key, size_bytes=1),
        lambda: storage.stat(key),
        lambda: storage.delete(key),
    ]
    for attempt in attempts:
        with pytest.raises(KeyInvalid):
            await attempt()
    if key not in ("", "blobs/x/"):  # these two begin good keys
        with pytest.raises(KeyInvalid):
            await keys(storage.list_(key))
    assert await storage.stat(KEY) is None


async def test_listing_tells_keys_in_byte_order_with_size_and_age(storage: Storage) -> None:
    names = ["blobs/a/1", "blobs/a-b", "blobs/a0", "blobs/B", "blobs/b/x/y", "blobs/_", "other/z"]
    began = datetime.now(UTC) - timedelta(seconds=2)  # stores tell whole seconds
    for size, name in enumerate(names):
        await published(storage, b"x" * size, name)
    listed = await found(storage.list_("blobs/"))
    assert sorted(names[:-1]) == [each.key for each in listed]
    assert all(names.index(each.key) == each.size_bytes for each in listed)
    assert all(began <= each.modified_at <= datetime.now(UTC) + timedelta(seconds=2) for each in listed)


@pytest.mark.parametrize("prefix", ["", "blobs", "blobs/", "blobs/a", "blobs/a/", "blobs/a/1", "blobs/z", "nothing/"])
async def test_a_prefix_is_a_text_not_a_folder(storage: Storage, prefix: str) -> None:
    names = ["blobs/a/1", "blobs/a/12", "blobs/ab", "blobs/b"]
    for name in names:
        await published(storage, b"x", name)
    assert [name for name in names if name.startswith(prefix)] == await keys(storage.list_(prefix))


async def test_listing_stages(storage: Storage) -> None:
    stages = [await staged(storage, b"x" * size) for size in (3, 0, 9 * MIB)]
    await published(storage, b"not a stage")
    listed = await found(storage.list_stages())
    assert sorted((stage.key, stage.size_bytes) for stage in stages) == [(each.key, each.size_bytes) for each in listed]


@pytest.mark.slow
async def test_listing_more_than_a_page(storage: Storage) -> None:
    names = [f"blobs/{number:04}" for number in range(1_050)]
    for name in names:
        await storage.compose([], name)
    assert names == await keys(storage.list_("blobs/"))


async def test_a_healthy_store_passes_the_check(storage: Storage) -> None:
    await storage.check()
    assert [] == await keys(storage.list_(""))
