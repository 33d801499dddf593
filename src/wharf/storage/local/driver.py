"""Objects as files below one folder.

    <root>/blobs/sha256/ab/<64 hex>   what was published
    <root>/stages/<32 hex>            request bodies waiting to be published
    <root>/.unfinished/<32 hex>       several stages being joined; never read, swept by `abort_unfinished`

Small writes and cached reads happen on the event loop, where they cost less than a change of threads. What can wait for
the disk (fsync, large writes, uncached reads, removal) happens in threads of this driver's own.
"""

import asyncio
import os
import stat
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import aclosing, contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TypeVar, TypeVarTuple

from wharf.kit.batches import Batches
from wharf.storage.base import (
    INLINE_BYTES,
    STAGES,
    Answer,
    File,
    Found,
    Stage,
    checked_key,
    checked_prefix,
    inline_bytes,
    inline_stage,
    new_stage_key,
)
from wharf.storage.errors import ObjectMissing, StorageUnavailable
from wharf.storage.local import files

SMALL_BYTES = 64 * 1024
BATCH_BYTES = 1024 * 1024
BATCH_COUNT = 1024
READ_BYTES = 256 * 1024
LIST_COUNT = 500
_THREADS = 8
_READ_NOWAIT = getattr(os, "RWF_NOWAIT", None)

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
Chunk = bytes | memoryview


class LocalStorage:
    """The local driver. Several processes may share one folder."""

    name = "local"

    def __init__(self, root: Path) -> None:
        self._root = os.path.abspath(root)
        self._unfinished = f"{self._root}/.unfinished"
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="wharf-storage")
        self._known_folders: set[str] = set()
        self._folders: dict[str, int] = {}
        self._publications = Batches(files.publish, self._threads)

    @classmethod
    async def open_(cls, root: Path) -> "LocalStorage":
        """Return a storage in the folder `root`, which is made if it is missing."""
        storage = cls(root)
        await storage._run(storage._prepare)
        return storage

    async def stage(
        self, chunks: AsyncIterator[Chunk], *, hint_bytes: int | None = None, may_inline: bool = False
    ) -> Stage:
        """See Storage."""
        source = aiter(chunks)
        batch, size = await _gather(source, SMALL_BYTES)
        whole = size < SMALL_BYTES and len(batch) < BATCH_COUNT
        if whole and may_inline and size <= INLINE_BYTES:
            return inline_stage(b"".join(batch))
        key = new_stage_key()
        path = self._path(key)
        if whole:
            with _facts():
                _write_small(path, batch)
        else:
            size = await self._stage_large(path, batch, source)
        return Stage(key, size)

    async def _stage_large(self, path: str, batch: list[Chunk], source: AsyncIterator[Chunk]) -> int:
        """Write batches in a thread, each while the next one is gathered; return the size."""
        with _facts():
            writer = _Writer(self._threads, path)
        try:
            while batch:
                with _facts():
                    await writer.put(batch)
                batch, _ = await _gather(source, BATCH_BYTES)
            with _facts():
                await writer.finish()
        except BaseException:
            # Also on cancellation, and to its end even if cancelled again.
            await asyncio.shield(self._run(writer.abandon))
            raise
        return writer.size_bytes

    async def compose(self, stages: Sequence[Stage], key: str) -> None:
        """See Storage."""
        target = self._path(key)
        folder = await self._folder(os.path.dirname(target))
        if len(stages) == 1 and stages[0].size_bytes <= SMALL_BYTES:
            await self._compose_small(stages[0], target, folder)
        else:
            await self._run(self._compose, stages, target, folder)

    async def _compose_small(self, stage: Stage, target: str, folder: int) -> None:
        """Publish one small stage: what does not wait for the disk here, the rest together with other uploads'."""
        data = inline_bytes(stage.key)
        path = self._path(stage.key) if data is None else f"{self._unfinished}/{uuid.uuid4().hex}"
        try:
            with _facts(stage.key):
                fd = files.open_whole(path, stage.size_bytes) if data is None else files.create_with(path, data)
                await self._publications.join(files.Publication(fd, path, target, folder))
        except ObjectMissing:
            if not self._is_published([stage], target):
                raise

    def _is_published(self, stages: Sequence[Stage], target: str) -> bool:
        """Tell whether another call has published these stages, perhaps one that was interrupted before it returned."""
        if files.size_of(target) != sum(stage.size_bytes for stage in stages):
            return False
        with _facts():  # what has a name has its bytes on stable storage; the name may not be there yet
            files.sync_folder(os.path.dirname(target))
        return True

    def _compose(self, stages: Sequence[Stage], target: str, folder: int) -> None:
        with _facts():
            try:
                if len(stages) == 1:
                    self._rename(stages[0], target)
                else:
                    self._join(stages, target)
            except ObjectMissing:
                if not self._is_published(stages, target):
                    raise
            os.fsync(folder)
            if len(stages) > 1:
                self._discard(stages)

    async def _folder(self, folder: str) -> int:
        """Return a handle of a folder that exists and is on stable storage, to fsync it with."""
        handle = self._folders.get(folder)
        if handle is None:
            with _facts():
                await self._run(self._make_folder, folder)
                handle = self._folders.setdefault(folder, os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        return handle

    def _rename(self, stage: Stage, target: str) -> None:
        path = self._path(stage.key)
        with _facts(stage.key):
            files.sync_file(path, stage.size_bytes)
            os.rename(path, target)

    def _join(self, stages: Sequence[Stage], target: str) -> None:
        # Never by appending to the first stage: a stage stays what it is until the object is published.
        path = f"{self._unfinished}/{uuid.uuid4().hex}"
        fd = files.create(path)
        try:
            for stage in stages:
                if (data := inline_bytes(stage.key)) is not None:
                    files.write(fd, [data])
                    continue
                with _facts(stage.key):
                    files.append(fd, self._path(stage.key), stage.size_bytes)
            os.fsync(fd)
            os.rename(path, target)
        except BaseException:
            files.unlink(path)
            raise
        finally:
            os.close(fd)

    async def discard(self, stages: Sequence[Stage]) -> None:
        """See Storage."""
        stored = [stage for stage in stages if inline_bytes(stage.key) is None]
        if stored:
            await self._run(self._discard, stored)

    def _discard(self, stages: Sequence[Stage]) -> None:
        with _facts():
            for stage in stages:
                if inline_bytes(stage.key) is None:
                    files.unlink(self._path(stage.key))

    async def open(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        """See Storage."""
        with _facts(key):
            fd = os.open(self._path(key), os.O_RDONLY | os.O_CLOEXEC)
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise ObjectMissing(key)
            stop = status.st_size if end is None else min(end, status.st_size)
            while start < stop:
                with _facts(key):
                    chunk = await self._read(fd, min(READ_BYTES, stop - start), start)
                if not chunk:
                    raise ObjectMissing(key)  # truncated while we read
                start += len(chunk)
                yield chunk
        finally:
            os.close(fd)

    async def _read(self, fd: int, count: int, position: int) -> bytes:
        """Read up to `count` bytes: at once when the kernel has them in memory, else in a thread."""
        if _READ_NOWAIT is not None:
            buffer = bytearray(count)
            try:
                read = os.preadv(fd, [buffer], position, _READ_NOWAIT)
            except OSError:
                pass  # not in memory, or a file system that cannot tell
            else:
                del buffer[read:]
                return bytes(buffer)
        return await self._run(os.pread, fd, count, position)

    async def open_stage(self, stage: Stage) -> AsyncGenerator[bytes, None]:
        """See Storage."""
        if (data := inline_bytes(stage.key)) is not None:
            yield data
            return
        if files.size_of(self._path(stage.key)) != stage.size_bytes:
            raise ObjectMissing(stage.key)
        async with aclosing(self.open(stage.key)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def serve(self, key: str, *, size_bytes: int, client_ip: str | None = None) -> Answer:
        """See Storage."""
        path = self._path(key)
        # A microsecond more than trusting the database, and a damaged disk does not become a cut-off download.
        if files.size_of(path) != size_bytes:
            raise ObjectMissing(key)
        return File(path)

    async def stat(self, key: str) -> int | None:
        """See Storage."""
        with _facts(key):
            return files.size_of(self._path(key))

    async def delete(self, key: str) -> None:
        """See Storage. Not fsync'd: what a crash brings back is an orphan, and found as one."""
        with _facts():
            await self._run(files.unlink, self._path(key))

    async def list_(self, prefix: str) -> AsyncIterator[Found]:
        """See Storage."""
        above, _, name = checked_prefix(prefix).rpartition("/")
        walk = files.walk(f"{self._root}/{above}", above + "/" if above else "", name)
        with _facts():
            while page := await self._run(list, islice(walk, LIST_COUNT)):
                for found in page:
                    yield found

    def list_stages(self) -> AsyncIterator[Found]:
        """See Storage."""
        return self.list_(STAGES)

    async def abort_unfinished(self, before: datetime) -> int:
        """See Storage."""
        with _facts():
            return await self._run(files.remove_older, self._unfinished, before.timestamp())

    async def check(self) -> None:
        """See Storage: write a small file, which finds a full disk and a read-only one."""
        with _facts():
            await self._run(self._check)

    def _check(self) -> None:
        path = f"{self._unfinished}/{uuid.uuid4().hex}"
        try:
            _write_small(path, [b"check"])
        finally:
            files.unlink(path)

    async def close(self) -> None:
        """See Storage."""
        await self._publications.idle()
        await asyncio.to_thread(self._threads.shutdown)
        for handle in self._folders.values():
            os.close(handle)

    def _path(self, key: str) -> str:
        return f"{self._root}/{checked_key(key)}"

    def _prepare(self) -> None:
        with _facts():
            files.make_folder(self._root)
            self._make_folder(f"{self._root}/{STAGES.rstrip('/')}")
            self._make_folder(self._unfinished)

    def _make_folder(self, folder: str) -> None:
        """Make sure that `folder` and those above it exist and are known to be on stable storage."""
        if folder == self._root or folder in self._known_folders:
            return
        parent = os.path.dirname(folder)
        self._make_folder(parent)
        files.make_child(parent, folder)
        self._known_folders.add(folder)

    async def _run(self, function: Callable[[*Ts], T], *arguments: *Ts) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)


class _Writer:
    """A file that threads write, one batch at a time, at most one batch behind the caller."""

    def __init__(self, threads: ThreadPoolExecutor, path: str) -> None:
        self.size_bytes = 0
        self._threads = threads
        self._path = path
        self._fd = files.create(path)
        self._pending: Future[None] | None = None
        self._started_bytes = 0

    async def put(self, batch: list[Chunk]) -> None:
        """Begin to write `batch` when the one before it is written."""
        await self._settle()
        self._pending = self._threads.submit(self._write, batch)

    async def finish(self) -> None:
        """Return when everything is written."""
        await self._settle()
        os.close(self._fd)

    def abandon(self) -> None:
        """Remove the file, after the thread that may still write to it."""
        if self._pending is not None:
            wait_for([self._pending])
        os.close(self._fd)
        files.unlink(self._path)

    async def _settle(self) -> None:
        if self._pending is not None:
            await asyncio.wrap_future(self._pending)

    def _write(self, batch: list[Chunk]) -> None:
        files.write(self._fd, batch)
        self.size_bytes += sum(map(len, batch))
        if self.size_bytes - self._started_bytes >= files.WRITEBACK_BYTES:
            files.start_writeback(self._fd, self._started_bytes, self.size_bytes)
            self._started_bytes = self.size_bytes


async def _gather(source: AsyncIterator[Chunk], limit_bytes: int) -> tuple[list[Chunk], int]:
    """Return the next chunks and their size: at least `limit_bytes`, or many small ones, or all that is left."""
    batch: list[Chunk] = []
    size = 0
    async for chunk in source:
        if chunk:
            batch.append(chunk)
            size += len(chunk)
            if size >= limit_bytes or len(batch) == BATCH_COUNT:
                break
    return batch, size


def _write_small(path: str, chunks: list[Chunk]) -> None:
    fd = files.create(path)
    try:
        files.write(fd, chunks)
    except BaseException:
        files.unlink(path)
        raise
    finally:
        os.close(fd)


@contextmanager
def _facts(key: str | None = None) -> Iterator[None]:
    """Turn what the operating system says into the errors of this room; with `key`, absence means ObjectMissing."""
    try:
        yield
    except OSError as error:
        if key is not None and isinstance(error, FileNotFoundError | NotADirectoryError):
            raise ObjectMissing(key) from error
        raise StorageUnavailable(str(error)) from error
