"""One registry for all clients, and each client started once."""

import itertools
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clients import images
from tests.clients.adapters import CLIENTS, INSECURE, Client
from tests.clients.images import Image
from tests.servers import containers
from tests.servers.postgres import PostgresServer
from tests.servers.s3 import S3Server
from tests.servers.wharf import PASSWORD, USERNAME, Wharf, replicas


@dataclass(frozen=True, slots=True)
class Registry:
    """Where the registry is, who may push to it, and what it was asked."""

    port: int
    username: str
    password: str
    processes: list[Wharf]

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def operator(self, *command: str) -> str:
        """What somebody who has the machine runs."""
        return self.processes[0].command(*command)

    def mounts(self, repository: str) -> int:
        """How many blobs came into `repository` without being sent: their POST was answered with 201 at once."""
        uploads = f"/v2/{repository}/blobs/uploads/"
        visits = [visit for process in self.processes for visit in process.visits()]
        return len(
            [visit for visit in visits if (visit["path"], visit["method"], visit["status"]) == (uploads, "POST", 201)]
        )


class Publisher:
    """Pushes an image byte for byte and looks at what is there, so that a test knows what is in the registry."""

    def __init__(self, folder: Path, registry: Registry) -> None:
        self._run, self._folder, self._numbers = containers.skopeo(folder), folder, itertools.count()
        self._credentials = f"{registry.username}:{registry.password}"

    def push(self, image: Image, reference: str) -> None:
        layout = images.layout(self._folder / str(next(self._numbers)), {"it": image})
        options = (
            "--quiet",
            "--all",
            "--preserve-digests",
            "--dest-tls-verify=false",
            f"--dest-creds={self._credentials}",
        )
        self._run("copy", *options, f"oci:{layout}:it", f"docker://{reference}")

    def tags(self, repository: str) -> list[str]:
        """The tags there are."""
        answer = self._run("list-tags", INSECURE, f"--creds={self._credentials}", f"docker://{repository}")
        tags: list[str] = json.loads(answer)["Tags"]
        return tags


class Clients:
    """The clients by name, each started when first asked for."""

    def __init__(self, folder: Path, stack: ExitStack, publisher: Publisher) -> None:
        self._folder, self._stack = folder, stack
        self._started: dict[str, Client] = {}
        self._numbers = itertools.count(1)
        self.publisher = publisher

    def __getitem__(self, name: str) -> Client:
        if name not in self._started:
            self._started[name] = self._stack.enter_context(CLIENTS[name](self._folder / name))
        return self._started[name]

    def fresh(self, name: str) -> AbstractContextManager[Client]:
        """A client that nobody has signed in with, for the length of a block."""
        return CLIENTS[name](self._folder / f"{name}-{next(self._numbers)}")


@pytest.fixture(
    scope="session",
    params=["one process", pytest.param("replicas", marks=[pytest.mark.postgresql, pytest.mark.s3])],
)
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """One process with SQLite and local disk, then two with PostgreSQL and S3, which answers pulls with redirects."""
    folder = tmp_path_factory.mktemp("registry")
    if request.param == "one process":
        wharf = Wharf(folder)
        wharf.create_user()
        with wharf:
            yield Registry(wharf.port, USERNAME, PASSWORD, [wharf])
        return
    postgres: PostgresServer = request.getfixturevalue("postgres")
    s3: S3Server = request.getfixturevalue("s3")
    with replicas(folder, postgres, s3.bucket()) as cluster:
        yield Registry(cluster.port, USERNAME, PASSWORD, cluster.processes)


@pytest.fixture(scope="session")
def clients(registry: Registry) -> Iterator[Clients]:
    # Sockets and run folders need paths shorter than pytest's own folders have.
    folder = Path(tempfile.mkdtemp(prefix="wharf-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        yield Clients(folder, stack, Publisher(folder / "publisher", registry))
