"""Wharf as its operators start it: `wharf serve` in a process of its own, configured through its environment."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from tests.servers import free_port
from tests.servers.containers import Program
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import round_robin
from wharf.config import S3Config

WHARF = Path(sys.executable).parent / "wharf"
USERNAME = "ada"
# With what trips parsers of `user:password` and of URLs.
PASSWORD = "p:ss w/ö+rd&1"
_START_SECONDS = 60
_STOP_SECONDS = 60
_LOG_SECONDS = 10


class Wharf:
    """One Wharf process on a free port, which keeps its data in `folder` over restarts.

    `settings` are by dotted name, as in `registry.default_visibility`.
    """

    def __init__(self, folder: Path, settings: Mapping[str, object] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self.log = folder / f"wharf-{self.port}.log"
        everything = {
            "data_folder": folder / "data",
            "server.port": self.port,
            "telemetry.log_format": "json",
            **(settings or {}),
        }
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("WHARF_")}
        self._environment |= {
            f"WHARF_{name.replace('.', '__').upper()}": str(value) for name, value in everything.items()
        }
        self.command = Program(WHARF, environment=self._environment, folder=folder)
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._ready = threading.Event()

    @property
    def host(self) -> str:
        """What a user types before the name of an image."""
        return f"127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        return f"http://{self.host}"

    def start(self) -> Self:
        """Start the process and return when it says that it is ready; raise RuntimeError with its log."""
        self.launch()
        assert self._process is not None
        if not self._ready.wait(_START_SECONDS) or self._process.poll() is not None:
            self.kill()
            raise RuntimeError(f"wharf serve does not start:\n{self.log.read_text()[-4000:]}")
        return self

    def launch(self) -> None:
        """Start the process and do not wait for anything."""
        assert self._process is None, "already running"
        process = subprocess.Popen(
            [WHARF, "serve"],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert process.stdout is not None
        self._process, self._ready = process, threading.Event()
        self._reader = threading.Thread(target=self._keep_log, args=(process.stdout, self._ready))
        self._reader.start()

    def visits(self) -> list[dict[str, Any]]:
        """The lines of the access log for all requests answered until now, which are written a moment later."""
        marker = f"/{uuid.uuid4()}"
        with suppress(urllib.error.HTTPError):
            urllib.request.urlopen(self.base_url + marker)
        deadline = time.monotonic() + _LOG_SECONDS
        while True:
            visits = [json.loads(line) for line in self.log.read_text().splitlines() if '"path":' in line]
            if any(visit["path"] == marker for visit in visits):
                return visits
            assert time.monotonic() < deadline, "no access log"
            time.sleep(0.02)  # a file tells nobody that it has grown

    def create_user(self, name: str = USERNAME, password: str = PASSWORD) -> None:
        """Create a user; the first one of a database is a superuser."""
        self.command("user", "create", name, "--password-stdin", stdin=f"{password}\n")

    def stop(self) -> None:
        """End the process politely and wait until it has gone."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the process as a power cut would."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """Leave nothing behind, whatever the test was in the middle of."""
        if self._process:
            self.kill()

    def __enter__(self) -> Self:
        return self if self._process else self.start()

    def __exit__(self, *_: object) -> None:
        if self._process:
            self.stop()

    def _end(self, how: signal.Signals) -> None:
        assert self._process is not None, "not running"
        assert self._reader is not None
        self._process.send_signal(how)
        try:
            self._process.wait(_STOP_SECONDS)
        finally:
            self._process.kill()
            self._process.wait()
            self._reader.join()
            self._process = self._reader = None

    def _keep_log(self, output: IO[bytes], ready: threading.Event) -> None:
        """Copy what the process prints to the log; its end counts as an answer too."""
        with output, self.log.open("ab") as log:
            for line in output:
                log.write(line)
                log.flush()
                if self.base_url.encode() in line:
                    ready.set()
        ready.set()


@dataclass(frozen=True, slots=True)
class Replicas:
    """Several processes with one database and one bucket, and the port of the load balancer before them."""

    port: int
    processes: list[Wharf]

    @property
    def host(self) -> str:
        """What a user types before the name of an image."""
        return f"127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        return f"http://{self.host}"


@contextmanager
def replicas(
    folder: Path, postgres: PostgresServer, bucket: S3Config, settings: Mapping[str, object] | None = None
) -> Iterator[Replicas]:
    """Run two processes on a new database in `postgres` and on `bucket`, behind a proxy that asks them in turn."""
    url = postgres.create(tables=False)
    shared = {
        "secret_key": "the-same-on-all-replicas-of-a-cluster",
        "database.url": url,
        "storage.driver": "s3",
        "storage.s3.endpoint": bucket.endpoint,
        "storage.s3.bucket": bucket.bucket,
        "storage.s3.access_key": bucket.access_key,
        "storage.s3.secret_key": bucket.secret_key,
        "server.trusted_proxies": "127.0.0.0/8",
        **(settings or {}),
    }
    processes = [Wharf(folder / f"replica-{number}", shared) for number in (1, 2)]
    processes[0].create_user()
    with ExitStack() as stack:
        for process in processes:
            stack.enter_context(process)
        port = stack.enter_context(round_robin(folder / "proxy", [process.port for process in processes]))
        yield Replicas(port, processes)
    postgres.drop(url)
