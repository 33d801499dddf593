"""The trail as a stream of JSON lines, however long it is."""

from collections.abc import AsyncIterator

import orjson

from wharf.audit import entries
from wharf.audit.entries import About
from wharf.db import Database

_PAGE_COUNT = 1000


async def lines(database: Database, about: About) -> AsyncIterator[bytes]:
    """Yield the entries, newest first, some at a time, one JSON object a line.

    Nothing is held between two chunks, so a slow reader costs nothing; entries written meanwhile are newer than
    `about.until` and not missed.
    """
    after = None
    while True:
        async with database.read() as read:
            found = await entries.list_(read, about, after=after, count=_PAGE_COUNT)
        if found:
            yield b"".join(
                orjson.dumps({"id": each.id, **each.document()}, option=orjson.OPT_APPEND_NEWLINE) for each in found
            )
        if len(found) < _PAGE_COUNT:
            return
        after = entries.cursor(found[-1])
