"""Starts and stops the registries that are measured. Each listens on 127.0.0.1 and a free port, in its own folder."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, ClassVar, Self

from bench import processes

_START_SECONDS = 60.0
_STOP_SECONDS = 30.0

DISTRIBUTION_CONFIG = """\
version: 0.1
log:
  fields:
    service: registry
storage:
  cache:
    blobdescriptor: inmemory
  filesystem:
    rootdirectory: {folder}
http:
  addr: {address}
  headers:
    X-Content-Type-Options: [nosniff]
health:
  storagedriver:
    enabled: true
    interval: 10s
    threshold: 3
"""


class ServerFailed(Exception):
    """A server did not come up."""


class Server(ABC):
    """One registry. `name` is its key in results, `label` what the report calls it."""

    name: str
    label: str
    user = ""
    password = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = f"127.0.0.1:{free_port()}"
        self.start_seconds = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    @abstractmethod
    def command(self) -> tuple[list[str], dict[str, str]]:
        """Return the command line and the environment to start it with."""

    def start(self) -> None:
        """Start the server and wait until it answers; `start_seconds` says how long that took."""
        self.folder.mkdir(parents=True, exist_ok=True)
        command, environment = self.command()
        self._log = (self.folder / "server.log").open("ab")
        begun = time.monotonic()
        self._process = subprocess.Popen(command, env=environment, stdout=self._log, stderr=self._log, cwd=self.folder)
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() - begun > _START_SECONDS:
                self.stop()
                raise ServerFailed(f"{self.label}: {(self.folder / 'server.log').read_text()[-2000:]}")
            time.sleep(0.01)
        self.start_seconds = time.monotonic() - begun

    def stop(self) -> None:
        """Ask the server to end, and end it when it does not."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            for pid in reversed(processes.tree(self._process.pid)):
                os.kill(pid, signal.SIGKILL)
            self._process.wait()
        self._process = None
        if self._log:
            self._log.close()

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Start, and stop whatever happens."""
        try:
            self.start()
            yield self
        finally:
            self.stop()

    def cpu_seconds(self) -> float:
        """CPU that the server has used since its start."""
        return processes.cpu_seconds(self.pid)

    def memory_bytes(self) -> int:
        """Memory that the server holds now."""
        return processes.memory_bytes(self.pid)

    @property
    def pid(self) -> int:
        """The process that was started."""
        if self._process is None:
            raise ServerFailed(f"{self.label} does not run")
        return self._process.pid

    def _answers(self) -> bool:
        host, _, port = self.address.partition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=5)
        try:
            connection.request("GET", "/v2/")
            return connection.getresponse().status in {200, 401}
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class Distribution(Server):
    """The CNCF registry in Go, with the configuration its image ships, and without authentication."""

    def __init__(self, folder: Path, *, program: Path, name: str, label: str) -> None:
        super().__init__(folder)
        self.name, self.label, self._program = name, label, program

    @property
    def storage(self) -> Path:
        """The root folder of its filesystem driver."""
        return self.folder / "storage"

    def command(self) -> tuple[list[str], dict[str, str]]:
        """See `Server.command`."""
        file = self.folder / "config.yml"
        file.write_text(DISTRIBUTION_CONFIG.format(folder=self.storage, address=self.address))
        # As in its image: without this, v3 tries to send every trace to a collector.
        return [str(self._program), "serve", str(file)], dict(os.environ) | {"OTEL_TRACES_EXPORTER": "none"}


class Wharf(Server):
    """Wharf as a fresh `wharf serve`: token authentication and every default on, SQLite and local disk."""

    name = "wharf"
    label = "Wharf"
    user = "bench"
    password = "bench-password"
    settings: ClassVar[dict[str, str]] = {}

    @property
    def database(self) -> Path:
        """Its SQLite file."""
        return self.folder / "data" / "wharf.db"

    def environment(self) -> dict[str, str]:
        """Return the variables that every command of this instance gets."""
        host, _, port = self.address.partition(":")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WHARF_")}
        return (
            kept
            | {
                "WHARF_DATA_FOLDER": str(self.folder / "data"),
                "WHARF_SERVER__HOST": host,
                "WHARF_SERVER__PORT": port,
            }
            | self.settings
        )

    def command(self) -> tuple[list[str], dict[str, str]]:
        """See `Server.command`."""
        return [str(Path(sys.executable).with_name("wharf")), "serve"], self.environment()


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
