"""Drives the load generator: one `Load` is one run of it against one server."""

import json
import subprocess
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from bench import toolchain
from bench.servers import Server

_TICK_SECONDS = 0.01
_SETTLE_SECONDS = 3.0


class LoadFailed(Exception):
    """The load generator could not do what it was told."""


@dataclass(slots=True)
class Measured:
    """What one or several runs of a workload against one server cost."""

    operations: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    client_cpu_seconds: float = 0.0
    bytes: int = 0
    errors: int = 0
    first_error: str = ""
    latencies_us: list[int] = field(default_factory=list)

    def add(self, other: "Measured") -> None:
        """Take in another run of the same workload against the same server."""
        self.operations += other.operations
        self.seconds += other.seconds
        self.cpu_seconds += other.cpu_seconds
        self.client_cpu_seconds += other.client_cpu_seconds
        self.bytes += other.bytes
        self.errors += other.errors
        self.first_error = self.first_error or other.first_error
        self.latencies_us += other.latencies_us

    def summary(self) -> dict[str, Any]:
        """Return the figures that the report shows."""
        count = max(self.operations, 1)
        ordered = sorted(self.latencies_us) or [0]
        return {
            "operations": self.operations,
            "errors": self.errors,
            "first_error": self.first_error,
            "per_second": self.operations / self.seconds if self.seconds else 0.0,
            "bytes_per_second": self.bytes / self.seconds if self.seconds else 0.0,
            "p50_us": ordered[len(ordered) // 2],
            "p99_us": ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)],
            "cpu_us": self.cpu_seconds * 1e6 / count,
            "client_cpu_us": self.client_cpu_seconds * 1e6 / count,
        }


class Load:
    """A started load generator. Use as a context manager: it never outlives its block."""

    def __init__(self, server: Server, plan: dict[str, Any]) -> None:
        self._process = subprocess.Popen(
            [toolchain.loadgen()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        access = {"address": server.address, "user": server.user, "password": server.password}
        self._say(json.dumps(access | plan))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def wait_until_warm(self) -> None:
        """Return when every client has signed in and done its warm-up operations."""
        if (line := self._hear()) != "ready":
            raise LoadFailed(line)

    def go(self) -> None:
        """Start the clock."""
        self._say("go")

    def result(self) -> Any:
        """Wait for the end and return what the load generator printed."""
        return json.loads(self._hear())

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _hear(self) -> str:
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        line = self._process.stdout.readline().strip()
        if not line:
            raise LoadFailed(self._process.stderr.read().strip())
        return line


def prepare(server: Server, **plan: Any) -> Any:
    """Push the content that reading workloads ask for, and return its digests."""
    with Load(server, {"kind": "prepare", **plan}) as load:
        return load.result()


def measure(server: Server, plan: dict[str, Any]) -> Measured:
    """Run `plan` once and return what it cost the server, work it puts off until later included."""
    with Load(server, plan) as load:
        load.wait_until_warm()
        before = _settled(server)
        load.go()
        result = load.result()
        after = _settled(server)
    return measured(result, after - before)


def measured(result: Any, cpu_seconds: float) -> Measured:
    """Turn the load generator's words into figures."""
    return Measured(
        operations=len(result["latencies_us"]),
        seconds=result["seconds"],
        cpu_seconds=cpu_seconds,
        client_cpu_seconds=result["cpu_seconds"],
        bytes=result["bytes"],
        errors=result["errors"],
        first_error=result["first_error"],
        latencies_us=result["latencies_us"],
    )


def _settled(server: Server) -> float:
    """Return the server's CPU seconds once it does nothing: batches it writes after its answers belong to the load."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    seconds = server.cpu_seconds()
    while time.monotonic() < deadline:
        time.sleep(0.15)
        later = server.cpu_seconds()
        if later - seconds <= _TICK_SECONDS:
            return later
        seconds = later
    return seconds
