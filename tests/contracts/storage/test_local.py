"""What only files can do wrong: the order of fsyncs, half-written files after a kill, permissions, a full disk."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.storage.content import KEY, MIB, OTHER_KEY, all_of, found, keys, published, some, staged
from wharf.storage import File, ObjectMissing, Stage, StorageUnavailable
from wharf.storage.local import LocalStorage, driver

FUTURE = timedelta(minutes=1)


@pytest.fixture
def root(folder: Path) -> Path:
    return folder / "deep" / "storage"


@pytest.fixture
async def local(root: Path) -> AsyncIterator[LocalStorage]:
    opened = await LocalStorage.open_(root)
    yield opened
    await opened.close()


class Recorder:
    """Notes in which order the operating system is asked for what, with paths for file handles."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
        self.calls: list[tuple[str, ...]] = []
        self._root = root
        for name in ("fsync", "rename", "mkdir", "unlink"):
            monkeypatch.setattr(os, name, self._recording(name, getattr(os, name)))

    def _recording(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def record(*arguments: Any) -> Any:
            # Noted after it happened: a call that fails did nothing.
            paths = [
                str(Path(f"/proc/self/fd/{each}").readlink()) if name == "fsync" else str(each) for each in arguments
            ]
            result = function(*arguments)
            self.calls.append((name, *(os.path.relpath(path, self._root) for path in paths if path.startswith("/"))))
            return result

        return record


async def test_the_bytes_are_safe_before_the_name_and_the_name_before_the_answer(
    local: LocalStorage, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await staged(local, some(100))
    recorder = Recorder(monkeypatch, root)
    await local.compose([stage], KEY)
    folder = KEY.rpartition("/")[0]
    assert recorder.calls == [
        ("mkdir", "blobs"),
        ("fsync", "."),
        ("mkdir", "blobs/sha256"),
        ("fsync", "blobs"),
        ("mkdir", folder),
        ("fsync", "blobs/sha256"),
        ("fsync", stage.key),
        ("rename", stage.key, KEY),
        ("fsync", folder),
    ]
    recorder.calls.clear()
    await published(local, b"in the same folder", KEY + "0")
    assert ["fsync", "rename", "fsync"] == [call[0] for call in recorder.calls]


async def test_a_folder_made_by_another_process_is_synced_too(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "blobs").mkdir(parents=True)
    local = await LocalStorage.open_(root)
    recorder = Recorder(monkeypatch, root)
    await published(local, b"x", "blobs/x")
    assert ("fsync", ".") in recorder.calls
    await local.close()


async def test_joined_stages_are_safe_before_they_are_removed(
    local: LocalStorage, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = [await staged(local, some(100)), await staged(local, some(200))]
    await published(local, b"makes the folder", KEY + "0")
    recorder = Recorder(monkeypatch, root)
    await local.compose(stages, KEY)
    (_, joined), (_, renamed, key), *rest = recorder.calls
    assert joined == renamed
    assert joined.startswith(".unfinished/")
    assert KEY == key
    assert [("fsync", KEY.rpartition("/")[0]), *(("unlink", stage.key) for stage in stages)] == rest


async def test_the_folders_of_a_new_store_are_synced(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(monkeypatch, root)
    local = await LocalStorage.open_(root)
    made = [call for call in recorder.calls if call[0] == "mkdir"]
    assert [("mkdir", ".."), ("mkdir", "."), ("mkdir", "stages"), ("mkdir", ".unfinished")] == made
    assert [("fsync", "../.."), ("fsync", ".."), ("fsync", "."), ("fsync", ".")] == [
        call for call in recorder.calls if call[0] == "fsync"
    ]
    await local.close()


async def test_only_the_owner_may_look(local: LocalStorage, root: Path) -> None:
    await staged(local, some(100))
    await staged(local, some(2 * MIB))
    await local.compose([await staged(local, b"a"), await staged(local, b"b")], KEY)
    await published(local, b"c", OTHER_KEY)
    assert {0o700} == {path.stat().st_mode & 0o777 for path in (root, *root.rglob("*")) if path.is_dir()}
    assert {0o600} == {path.stat().st_mode & 0o777 for path in root.rglob("*") if path.is_file()}


async def test_a_download_is_a_file(local: LocalStorage, root: Path) -> None:
    await published(local, b"content")
    answer = await local.serve(KEY, size_bytes=7, client_ip="192.0.2.1")
    assert File(str(root / KEY)) == answer
    assert Path(answer.path).is_absolute()


async def test_a_file_that_lost_bytes_is_not_served(local: LocalStorage, root: Path) -> None:
    await published(local, b"content")
    os.truncate(root / KEY, 3)
    for key in (KEY, OTHER_KEY):
        with pytest.raises(ObjectMissing):
            await local.serve(key, size_bytes=7)


@pytest.mark.parametrize("others", [(), (b"another",)])
async def test_a_stage_cut_short_by_a_crash_is_missing(
    local: LocalStorage, root: Path, others: tuple[bytes, ...]
) -> None:
    stages = [await staged(local, data) for data in (some(100), *others)]
    os.truncate(root / stages[0].key, 50)
    with pytest.raises(ObjectMissing):
        await all_of(local.open_stage(stages[0]))
    with pytest.raises(ObjectMissing) as missing:
        await local.compose(stages, KEY)
    assert stages[0].key == missing.value.key
    assert await local.stat(KEY) is None
    assert [] == list((root / ".unfinished").iterdir())


async def test_an_object_is_as_old_as_its_publication(local: LocalStorage, root: Path) -> None:
    stage = await staged(local, b"x")
    os.utime(root / stage.key, (0, 0))
    await local.compose([stage], KEY)
    (listed,) = await found(local.list_("blobs/"))
    assert datetime.now(UTC) - listed.modified_at < timedelta(minutes=5)


@pytest.mark.parametrize("size", [100, 3 * MIB])
async def test_a_full_disk_leaves_nothing(
    local: LocalStorage, root: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    def full(fd: int, buffers: list[bytes]) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "writev", full)
        with pytest.raises(StorageUnavailable, match="No space left"):
            await staged(local, some(size))
        with pytest.raises(StorageUnavailable, match="No space left"):
            await local.check()
    assert [] == [path for path in root.rglob("*") if path.is_file()]


async def test_a_stage_whose_fsync_failed_is_not_believed_again(
    local: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    await published(local, b"makes the folder", KEY + "0")
    stage = await staged(local, b"abc")
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(StorageUnavailable):
            await local.compose([stage], KEY)
    with pytest.raises(ObjectMissing):
        await local.compose([stage], KEY)


async def test_a_full_disk_while_joining_leaves_the_stages(
    local: LocalStorage, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    stages = [await staged(local, b"abc"), await staged(local, b"def")]
    with monkeypatch.context() as patched:
        patched.setattr(os, "copy_file_range", full)
        with pytest.raises(StorageUnavailable):
            await local.compose(stages, KEY)
    assert [] == list((root / ".unfinished").iterdir())
    await local.compose(stages, KEY)
    assert b"abcdef" == await all_of(local.open(KEY))


async def test_a_kernel_that_writes_little_at_a_time(local: LocalStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    writev, write = os.writev, os.write
    monkeypatch.setattr(os, "writev", lambda fd, buffers: writev(fd, [buffers[0][:777]]))
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:50_000]))
    for size in (5_000, 3 * MIB):
        assert some(size) == await all_of(local.open_stage(await staged(local, some(size))))


@pytest.mark.parametrize("code", [errno.EXDEV, errno.ENOSYS])
async def test_a_file_system_that_cannot_copy_by_itself(
    local: LocalStorage, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(code, "not here")

    monkeypatch.setattr(os, "copy_file_range", refuse)
    parts = [some(3 * MIB, 1), some(10, 2)]
    await local.compose([await staged(local, part) for part in parts], KEY)
    assert b"".join(parts) == await all_of(local.open(KEY))


async def test_what_is_not_in_memory_is_read_in_a_thread(local: LocalStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    def not_cached(*_: object) -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "preadv", not_cached)
    await published(local, some(MIB))
    assert some(MIB) == await all_of(local.open(KEY))
    monkeypatch.setattr(driver, "_READ_NOWAIT", None)
    assert some(MIB) == await all_of(local.open(KEY))


async def test_a_reader_that_stops_early_leaves_no_file_open(local: LocalStorage, root: Path) -> None:
    await published(local, some(MIB))
    stage = await staged(local, some(MIB))
    for reading in (local.open(KEY), local.open_stage(stage)):
        async with aclosing(reading):
            await anext(reading)
            assert 1 == open_files_below(root)
        assert 0 == open_files_below(root)


def open_files_below(root: Path) -> int:
    """Count open files; the handles of folders stay open, to fsync them with."""
    handles = [Path(os.path.realpath(each.path)) for each in os.scandir("/proc/self/fd")]
    return sum(handle.is_relative_to(root) and handle.is_file() for handle in handles)


async def test_a_folder_that_vanished_is_an_unavailable_store(local: LocalStorage, root: Path) -> None:
    (root / "stages").rmdir()
    (root / ".unfinished").rmdir()
    for size in (1, MIB):
        with pytest.raises(StorageUnavailable):
            await staged(local, some(size))
    with pytest.raises(StorageUnavailable):
        await local.check()
    with pytest.raises(StorageUnavailable):
        await local.abort_unfinished(datetime.now(UTC))


async def test_a_place_that_cannot_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageUnavailable):
        await LocalStorage.open_(tmp_path / "file" / "storage")


async def test_old_leftovers_of_joining_are_swept(local: LocalStorage, root: Path) -> None:
    (root / ".unfinished" / "old").write_bytes(b"x")
    assert 0 == await local.abort_unfinished(datetime.now(UTC) - FUTURE)
    assert 1 == await local.abort_unfinished(datetime.now(UTC) + FUTURE)
    assert [] == list((root / ".unfinished").iterdir())


_VICTIM = """
import asyncio, os, signal, sys
from pathlib import Path
from tests.contracts.storage.content import KEY, MIB, cut, some
from wharf.storage.local import LocalStorage

moment, root = sys.argv[1], Path(sys.argv[2])

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

async def body(data, break_off):
    for chunk in cut(data, 64 * 1024):
        yield chunk
    if break_off:
        die()

async def main():
    local = await LocalStorage.open_(root)
    if moment == "stage":
        await local.stage(body(some(3 * MIB), True))
    stages = [await local.stage(body(some(3 * MIB, seed), False)) for seed in range(int(sys.argv[3]))]
    names = dict(copy="copy_file_range", fsync="fsync", rename="rename", unlink="unlink")
    if moment == "after rename":
        rename = os.rename
        os.rename = lambda *a: (rename(*a), die())
    else:
        calls, function = iter(range(2)), getattr(os, names[moment])
        def last(*arguments):
            # Not at the first call of several: half of the work is done.
            return die() if moment == "rename" or next(calls) else function(*arguments)
        setattr(os, names[moment], last)
    await local.compose(stages, KEY)

asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("moment", "count"),
    [
        ("stage", 1),
        ("fsync", 1),
        ("rename", 1),
        ("after rename", 1),
        ("copy", 3),
        ("fsync", 3),
        ("rename", 3),
        ("after rename", 3),
        ("unlink", 3),
    ],
)
async def test_a_kill_at_any_moment_leaves_all_or_nothing_under_the_key(root: Path, moment: str, count: int) -> None:
    victim = subprocess.run(
        [sys.executable, "-c", _VICTIM, moment, root, str(count)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        stderr=subprocess.PIPE,
        check=False,
    )
    assert -signal.SIGKILL == victim.returncode, victim.stderr.decode()
    local = await LocalStorage.open_(root)
    whole = b"".join(some(3 * MIB, seed) for seed in range(count))
    size = await local.stat(KEY)
    assert size in (None, len(whole))
    if moment in ("after rename", "unlink"):
        assert whole == await all_of(local.open(KEY))
    if moment == "stage":
        assert await local.stat(KEY) is None
    elif count > 1 or size is None:
        # The next attempt, by whoever finds the session, ends well.
        names = await keys(local.list_stages())
        contents = {await all_of(local.open(name)): name for name in names}
        gone = Stage("stages/gone", 3 * MIB)
        stages = [
            Stage(contents[data], 3 * MIB) if data in contents else gone
            for data in (some(3 * MIB, seed) for seed in range(count))
        ]
        await local.compose(stages, KEY)
        assert whole == await all_of(local.open(KEY))
    await local.abort_unfinished(datetime.now(UTC) + FUTURE)
    assert [] == list((root / ".unfinished").iterdir())
    await local.close()
