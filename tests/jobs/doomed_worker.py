"""A worker in a process of its own, to be killed: `python -m tests.jobs.doomed_worker URL` prints each job's fate.

Note 0 never ends; the others end at once.
"""

import asyncio
import sys

from tests.jobs.samples import Note
from wharf.db import open_database
from wharf.jobs.declare import handler, handlers
from wharf.jobs.worker import Worker


async def speak(_context: None, job: Note) -> None:
    print("started", job.number, flush=True)
    if job.number == 0:
        await asyncio.Event().wait()
    print("done", job.number, flush=True)


async def main(url: str) -> None:
    database = await open_database(url)
    await Worker(database, None, handlers(handler(Note, speak)), concurrency=2).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
