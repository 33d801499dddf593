"""JSON lines in a file, for whatever collects log files on the machine."""

import asyncio
import errno
import os
from collections.abc import Sequence
from pathlib import Path

import orjson

from wharf.audit.backends.base import Document
from wharf.audit.errors import BackendUnavailable


class FileBackend:
    """Appends to one file. It is opened for each batch, so a file that was rotated away is not written to any more."""

    name = "file"

    def __init__(self, path: Path) -> None:
        self._path = path

    async def send(self, documents: Sequence[Document]) -> None:
        """Append a line for each entry and wait until the disk has them."""
        data = b"".join(orjson.dumps(each, option=orjson.OPT_APPEND_NEWLINE) for each in documents)
        try:
            await asyncio.to_thread(self._append, data)
        except OSError as error:
            raise BackendUnavailable(self.name, str(error)) from error

    async def close(self) -> None:
        """Nothing is open between batches."""

    def _append(self, data: bytes) -> None:
        with self._path.open("ab", buffering=0) as file:
            end = file.seek(0, os.SEEK_END)
            try:
                written = file.write(data)
                os.fsync(file.fileno())
            except OSError:
                file.truncate(end)  # half a line would make the next one unreadable too
                raise
            if written != len(data):
                file.truncate(end)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
