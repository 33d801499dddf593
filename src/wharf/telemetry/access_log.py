"""One line per request, cheap enough to be always on: a request appends a tuple, lines are written in batches."""

import asyncio
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple, TextIO

import orjson

_FLUSH_SECONDS = 0.25
_BATCH_COUNT = 5000


class Visit(NamedTuple):
    """One answered request."""

    at: float  # seconds since the epoch
    method: str
    path: str
    status: int
    seconds: float
    request_id: str
    client: str | None
    headers: list[tuple[bytes, bytes]]


class AccessLog:
    """Collects visits and writes them every quarter of a second."""

    def __init__(self, *, console: bool, stream: TextIO | None = None, now: Callable[[], float] = time.time) -> None:
        self._stream = stream or sys.stderr
        self._render = _console_line if console else _json_line
        self._now = now
        self._visits: list[Visit] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(
        self,
        method: str,
        path: str,
        status: int,
        seconds: float,
        request_id: str,
        client: str | None,
        headers: list[tuple[bytes, bytes]],
    ) -> None:
        """Note a request that has just been answered."""
        self._visits.append(Visit(self._now(), method, path, status, seconds, request_id, client, headers))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self.flush)
        elif len(self._visits) >= _BATCH_COUNT:
            self.flush()

    def flush(self) -> None:
        """Write what has been collected."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        visits, self._visits = self._visits, []
        if visits:
            self._stream.write("".join(map(self._render, visits)))
            self._stream.flush()


def _json_line(visit: Visit) -> str:
    line = {
        "level": "info",
        "message": "request answered",
        "timestamp": datetime.fromtimestamp(visit.at, UTC),
        "method": visit.method,
        "path": visit.path,
        "status": visit.status,
        "milliseconds": round(visit.seconds * 1000, 2),
        "request_id": visit.request_id,
        "client": visit.client,
        "user_agent": _user_agent(visit.headers),
    }
    return orjson.dumps(line, option=orjson.OPT_UTC_Z).decode() + "\n"


def _console_line(visit: Visit) -> str:
    time_of_day = datetime.fromtimestamp(visit.at, UTC).astimezone().strftime("%H:%M:%S")
    # The path is the client's text: without control characters it cannot start a line of its own or colour the screen.
    path = visit.path.encode("unicode_escape").decode()
    return f"{time_of_day} {visit.status} {visit.method:6} {path} {visit.seconds * 1000:.1f}ms {visit.request_id}\n"


def _user_agent(headers: list[tuple[bytes, bytes]]) -> str | None:
    return next((value.decode("latin-1") for name, value in headers if name == b"user-agent"), None)
