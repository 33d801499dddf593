"""`kill -9` of a process that runs jobs."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.jobs.samples import SECOND, HandClock, Memory, Note, a_worker, put, rows, states
from wharf.db import Database
from wharf.jobs.queue import enqueue
from wharf.kit.clock import utc_now

ROOT = Path(__file__).parents[2]


@pytest.fixture
def clock() -> HandClock:
    """The time that the doomed process knows too."""
    clock = HandClock()
    clock.now = utc_now()
    return clock


@asynccontextmanager
async def doomed_worker(url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that works on the queue at `url` until it is killed, at the latest here."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.jobs.doomed_worker", url, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.communicate()


async def lines_until(process: asyncio.subprocess.Process, enough: Callable[[list[str]], bool]) -> list[str]:
    """What the process says until it has said enough."""
    assert process.stdout is not None
    lines: list[str] = []
    while not enough(lines):
        line = await process.stdout.readline()
        assert line, "the worker ended by itself"
        lines.append(line.decode().strip())
    return lines


def _has(count: int, lines: list[str]) -> bool:
    return len(lines) == count


async def test_the_job_of_a_killed_worker_is_taken_over(
    database: Database, database_url: str, clock: HandClock, memory: Memory
) -> None:
    await put(database, Note(0), clock=clock)
    async with doomed_worker(database_url) as process:
        assert ["started 0"] == await lines_until(process, bool)
        process.send_signal(signal.SIGKILL)
    assert ["running"] == await states(database)

    survivor = a_worker(database, memory, clock)
    assert 0 == await survivor.run_until_empty()  # it might still live
    clock.advance(60 * SECOND)
    await survivor.run_until_empty()
    assert [("note", "waiting", 1)] == [row[:3] for row in await rows(database)]
    clock.advance(10 * SECOND)
    assert 1 == await survivor.run_until_empty()
    assert [Note(0)] == memory.done
    assert [] == await rows(database)


@pytest.mark.slow
async def test_killed_at_any_moment_no_job_is_lost(
    database: Database, database_url: str, clock: HandClock, memory: Memory
) -> None:
    async with database.write() as tx:
        for number in range(1, 301):
            await enqueue(tx, Note(number), clock())
    said: list[str] = []
    for lives in (10, 75, 200):
        async with doomed_worker(database_url) as process:
            said += await lines_until(process, partial(_has, lives))
            process.send_signal(signal.SIGKILL)
            rest, _ = await process.communicate()
            said += rest.decode().splitlines()

    clock.now = utc_now() + 60 * SECOND
    survivor = a_worker(database, memory, clock)
    await survivor.run_until_empty()
    clock.advance(60 * SECOND)
    await survivor.run_until_empty()
    done_before = {int(line.split()[1]) for line in said if line.startswith("done")}
    assert set(range(1, 301)) == done_before | set(memory.numbers)
    assert len(done_before & set(memory.numbers)) <= 6  # only what was in the hands of a killed worker ran again
    assert [] == await rows(database)
