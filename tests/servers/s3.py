"""An S3 server of our own, versitygw on a temporary folder: one a test session, an empty bucket for each test.

It checks signatures and the rules of multipart uploads as AWS does, and knows a bucket by path and by host name.
"""

import itertools
import os
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from botocore.session import get_session

from tests.servers import free_port
from tests.servers.go_tools import go_tool
from wharf.config import S3Config, Secret

ACCESS_KEY = "wharf-test"
SECRET_KEY = "not-so-secret/+="
# Names below it are looked up by nobody; a test that wants one sends it to the loopback address itself.
DOMAIN = "s3.test"
_START_SECONDS = 60


class S3Server:
    """A running server; its buckets go away with it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.endpoint = f"http://127.0.0.1:{port}"
        self._numbers = itertools.count(1)
        # Its methods are made from a description of S3 while the program runs.
        self._client: Any = get_session().create_client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
        )

    def close(self) -> None:
        """Forget the connections to the server."""
        self._client.close()

    def bucket(self, **settings: Any) -> S3Config:
        """Make an empty bucket and return how to reach it, with `settings` of S3Config changed."""
        config = S3Config(
            endpoint=self.endpoint,
            bucket=f"wharf-{next(self._numbers)}",
            access_key=Secret(ACCESS_KEY),
            secret_key=Secret(SECRET_KEY),
        )
        self._client.create_bucket(Bucket=config.bucket)
        return replace(config, **settings)


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """Start a server in a temporary folder and end it afterwards."""
    versitygw = go_tool("versitygw")
    folder = Path(tempfile.mkdtemp(prefix="wharf-s3-"))
    data = folder / "data"
    data.mkdir()
    port = free_port()
    command = [
        *_ends_with_us(),
        str(versitygw),
        f"--port=127.0.0.1:{port}",
        f"--virtual-domain={DOMAIN}",
        "--health=/health",
        "posix",
        str(data),
    ]
    environment = {"PATH": os.environ["PATH"], "ROOT_ACCESS_KEY": ACCESS_KEY, "ROOT_SECRET_KEY": SECRET_KEY}
    try:
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
        try:
            with closing(S3Server(port)) as server:
                _wait_until_ready(server, process, folder / "log")
                yield server
        finally:
            process.terminate()
            process.wait()
    finally:
        shutil.rmtree(folder)


def _ends_with_us() -> list[str]:
    """Return how to start a program that ends with this process, however that ends."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig=TERM"] if setpriv else []


def _wait_until_ready(server: S3Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{server.endpoint}/health", timeout=5):
                return
        except urllib.error.URLError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(log.read_text()) from None
            time.sleep(0.02)  # the server tells nobody when it is ready
