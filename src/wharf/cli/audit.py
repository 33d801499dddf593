"""`wharf audit`: the audit trail on this machine."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from wharf.accounts import namespaces
from wharf.audit import export
from wharf.audit.entries import About
from wharf.cli import session
from wharf.cli.session import ConfigOption, DataOption
from wharf.config import Config
from wharf.kit.clock import utc_now

_DAYS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
_EVER = datetime(1970, 1, 1)  # noqa: DTZ001 - as typer gives times: in UTC, and not saying so

SinceOption = Annotated[datetime, typer.Option(formats=_DAYS, help="From this day or moment on, in UTC.")]
UntilOption = Annotated[
    datetime | None, typer.Option(formats=_DAYS, help="Before this day or moment.", show_default=False)
]
NamespaceOption = Annotated[
    str | None, typer.Option(help="Of this user or organization only.", show_default=False, metavar="NAME")
]
ActorOption = Annotated[
    str | None, typer.Option("--by", help="What this account did only.", show_default=False, metavar="NAME")
]


def audit(
    since: SinceOption = _EVER,
    until: UntilOption = None,
    namespace: NamespaceOption = None,
    by: ActorOption = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Print the audit trail as JSON lines, newest first."""
    end = until.replace(tzinfo=UTC) if until else utc_now() + timedelta(seconds=1)
    about = About(since=since.replace(tzinfo=UTC), until=end, actor=by)
    session.run(_print(session.configuration(config, data), about, namespace))


async def _print(config: Config, about: About, namespace: str | None) -> None:
    async with session.database(config) as database:
        if namespace is not None:
            async with database.read() as read:
                about = about.of_namespace((await namespaces.get(read, namespace)).id)
        async for lines in export.lines(database, about):
            typer.echo(lines, nl=False)
