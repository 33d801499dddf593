"""Sets logging up: every line of every library becomes one JSON object, or one readable line on a terminal.

The message of a line is a constant, so that lines can be counted; facts go into fields (`extra={"digest": …}`).
"""

import logging
import sys
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor

from wharf.telemetry.request_id import request_id

# These announce each step at INFO, which is for whoever develops them.
_TALKATIVE = ("alembic", "aiobotocore", "botocore", "httpx", "httpcore", "uvicorn", "asyncio", "_granian")


def configure(*, level: str, console: bool, stream: TextIO | None = None) -> None:
    """Send the log lines of this process, from `level` on, to `stream` (standard error).

    `console` writes lines for a person instead of JSON.
    """
    stream = stream or sys.stderr
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_request_id,
        structlog.stdlib.ExtraAdder(),
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *(_for_a_person(stream) if console else _for_a_program()),
        ],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def _for_a_person(stream: TextIO) -> list[Processor]:
    return [structlog.dev.ConsoleRenderer(colors=stream.isatty())]


def _for_a_program() -> list[Processor]:
    return [
        structlog.processors.format_exc_info,
        structlog.processors.EventRenamer("message"),
        structlog.processors.JSONRenderer(serializer=_json),
    ]


def _json(event: EventDict, **_: Any) -> str:
    return orjson.dumps(event, default=str).decode()


def _add_request_id(_logger: object, _method: str, event: EventDict) -> EventDict:
    if current := request_id.get():
        event["request_id"] = current
    return event
