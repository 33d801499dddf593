"""`wharf migrate`, `wharf gc`, `wharf verify`, `wharf shell`: looking after what is stored."""

import code
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from wharf.app.build import Wharf
from wharf.cli import session
from wharf.cli.session import ConfigOption, DataOption
from wharf.config import Config
from wharf.content.gc.freed import Freed
from wharf.content.gc.orphans import find_orphans
from wharf.content.gc.report import report
from wharf.content.gc.sweep import sweep
from wharf.content.verify import verify as verify_blobs
from wharf.db import migrate as database_migrations
from wharf.kit.clock import utc_now

_MIB = 1024 * 1024


def migrate(config: ConfigOption = None, data: DataOption = None) -> None:
    """Bring the database to the schema of this release."""
    session.run(_migrate(session.configuration(config, data)))


def gc(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be freed now.")] = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Collect garbage now, beside a running registry or without one."""
    freed = session.run(_gc(session.configuration(config, data), dry_run=dry_run))
    table = Table("would be freed" if dry_run else "freed", "count")
    for name, count in asdict(freed).items():
        table.add_row(name.replace("_", " "), str(count))
    Console().print(table)


def verify(
    rate: Annotated[
        float | None, typer.Option(metavar="MIB", help="MiB to read per second at most.", show_default=False)
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Read every stored blob again; print what is missing or corrupt, and end with status 1 if anything is."""
    damaged = session.run(_verify(session.configuration(config, data), rate))
    if damaged:
        raise typer.Exit(1)


def shell(config: ConfigOption = None, data: DataOption = None) -> None:
    """Open a Python prompt with a built Wharf: `run(…)` awaits, `wharf` has its parts."""
    session.run(_shell(session.configuration(config, data)))


async def _migrate(config: Config) -> None:
    if config.database.is_sqlite:
        config.data_folder.mkdir(parents=True, exist_ok=True)
    before = await database_migrations.state(config.database.url)
    await database_migrations.upgrade(config.database.url)
    typer.echo(f"The database was {before}, now it is {await database_migrations.state(config.database.url)}")


async def _gc(config: Config, *, dry_run: bool) -> Freed:
    async with session.whole(config) as wharf:
        database, storage, rules = wharf.database, wharf.storage, wharf.jobs.collection_rules
        if dry_run:
            return await report(database, storage, now=utc_now(), rules=rules)
        return await _collect(wharf)


async def _collect(wharf: Wharf) -> Freed:
    """Sweep, collect the repositories that the sweep found due, and sweep again what this has released."""
    database, storage, rules = wharf.database, wharf.storage, wharf.jobs.collection_rules
    await find_orphans(database, storage, now=utc_now(), rules=rules)
    freed = await sweep(database, storage, now=utc_now(), rules=rules)
    await wharf.worker.run_until_empty()
    return freed + await sweep(database, storage, now=utc_now(), rules=rules)


async def _verify(config: Config, rate: float | None) -> int:
    blobs = bytes_read = damaged = 0
    async with session.whole(config) as wharf:
        limit = int(rate * _MIB) if rate else None
        async for checked in verify_blobs(wharf.database, wharf.storage, bytes_per_second=limit):
            blobs, bytes_read = blobs + 1, bytes_read + checked.size_bytes
            if checked.damage:
                damaged += 1
                typer.echo(f"{checked.digest}: {checked.damage.fact}")
    typer.echo(f"Read {blobs} blobs, {bytes_read / _MIB:.1f} MiB: {damaged or 'nothing'} damaged")
    return damaged


async def _shell(config: Config) -> None:
    import asyncio

    async with session.whole(config) as wharf:
        loop = asyncio.get_running_loop()

        def run(awaitable: object) -> object:
            return asyncio.run_coroutine_threadsafe(awaitable, loop).result()  # type: ignore[arg-type]

        names = {"wharf": wharf, "config": config, "run": run}
        banner = f"Wharf's shell: {', '.join(names)}. Example: run(wharf.database.check())"
        await asyncio.to_thread(code.interact, banner=banner, local=names, exitmsg="")
