"""Every client behind four verbs, so that one suite asks all of them the same: sign in, push, pull, copy.

`pull` returns what images.CHECK prints in a container of what was pulled; what a client that runs nothing has pulled is
unpacked instead.
"""

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests.clients import images
from tests.servers import containers
from tests.servers.containers import Program, ProgramFailed
from tests.servers.docker import DOCKER_RUN, docker_engine
from tests.servers.go_tools import go_tool

PLATFORM = "--platform=linux/amd64"
INSECURE = "--tls-verify=false"
_BOTH_INSECURE = ("--src-tls-verify=false", "--dest-tls-verify=false")
_AS_USER = ("--username={username}", "--password-stdin", "{host}")
_REGCTL_HOST = "--host=reg={host},tls=disabled"


class Client(Protocol):
    """What every client can do; each method raises ProgramFailed when the registry or the client says no."""

    @property
    def run(self) -> Program: ...

    def login(self, host: str, username: str, password: str) -> None: ...

    def push(self, payload: bytes, reference: str) -> None: ...

    def pull(self, reference: str) -> str: ...

    def copy(self, source: str, target: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Docker:
    run: Program
    folder: Path

    def login(self, host: str, username: str, password: str) -> None:
        self.run("login", "--username", username, "--password-stdin", host, stdin=password)

    def push(self, payload: bytes, reference: str) -> None:
        self.run("build", "--tag", reference, images.context(self.folder / "context", payload))
        self.run("push", reference)

    def pull(self, reference: str) -> str:
        self.run("image", "rm", "--force", reference)
        self.run("pull", reference)
        return self.run(*DOCKER_RUN, reference)

    def copy(self, source: str, target: str) -> None:
        self.run("tag", source, target)
        self.run("push", target)


@dataclass(frozen=True, slots=True)
class Podman:
    run: Program
    folder: Path

    def login(self, host: str, username: str, password: str) -> None:
        self.run("login", INSECURE, "--username", username, "--password-stdin", host, stdin=password)

    def push(self, payload: bytes, reference: str) -> None:
        context = images.context(self.folder / "context", payload)
        self.run("build", "--isolation=chroot", "--tag", reference, context)
        self.run("push", INSECURE, reference)

    def pull(self, reference: str) -> str:
        self.run("image", "rm", "--all", "--force")
        self.run("pull", INSECURE, reference)
        return self.run(*containers.PODMAN_RUN, reference)

    def copy(self, source: str, target: str) -> None:
        self.run("tag", source, target)
        self.run("push", INSECURE, target)


@dataclass(frozen=True, slots=True)
class Buildah:
    run: Program
    folder: Path

    def login(self, host: str, username: str, password: str) -> None:
        self.run("login", INSECURE, "--username", username, "--password-stdin", host, stdin=password)

    def push(self, payload: bytes, reference: str) -> None:
        context = images.context(self.folder / "context", payload)
        self.run("build", "--isolation=chroot", "--tag", reference, context)
        self.run("push", INSECURE, reference)

    def pull(self, reference: str) -> str:
        self.run("rmi", "--all", "--force")
        container = self.run("from", INSECURE, "--pull-always", reference).strip()
        try:
            return self.run("run", "--isolation=chroot", container, "--", *images.CHECK)
        finally:
            self.run("rm", container)

    def copy(self, source: str, target: str) -> None:
        self.run("tag", source, target)
        self.run("push", INSECURE, target)


@dataclass(frozen=True, slots=True)
class Containerd:
    """Has no `login`: credentials are arguments of each command, kept here in place of the user's memory."""

    run: Program
    folder: Path
    credentials: dict[str, str] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def login(self, host: str, username: str, password: str) -> None:
        self.credentials[host] = f"{username}:{password}"
        # Only a command about an image makes it talk to the registry.
        answer = self.run.refuses("image", "pull", *self._options(host), f"{host}/library/absent:1")
        if "failed to fetch oauth token" in answer:
            raise ProgramFailed(answer)

    def push(self, payload: bytes, reference: str) -> None:
        number = next(self.numbers)
        layout = images.layout(self.folder / f"push-{number}", {reference: images.image(payload)})
        archive = layout.with_suffix(".tar")
        Program(Path("/bin/tar"))("-C", layout, "-cf", archive, ".")
        self.run("image", "import", "--snapshotter=native", "--all-platforms", archive)
        self.run("image", "push", *self._options(reference), reference)

    def pull(self, reference: str) -> str:
        self.run("image", "rm", "--sync", reference)
        self.run("image", "pull", "--snapshotter=native", *self._options(reference), reference)
        return self._check(reference) or self._check(reference)

    def _check(self, reference: str) -> str:
        """Run the image. `ctr run` may lose what a container says that ends at once: then it is asked again."""
        return self.run("run", "--rm", "--snapshotter=native", reference, f"check-{next(self.numbers)}")

    def copy(self, source: str, target: str) -> None:
        self.run("image", "tag", "--force", source, target)
        self.run("image", "push", *self._options(target), target)

    def _options(self, reference: str) -> tuple[str, ...]:
        user = self.credentials.get(reference.partition("/")[0])
        return ("--plain-http", *(("--user", user) if user else ()))


@dataclass(frozen=True, slots=True)
class Copier:
    """A client that copies between registries and OCI layouts.

    Put into its commands are `{layout}`, `{reference}`, `{target}`, `{host}` and `{username}`.
    """

    run: Program
    folder: Path
    sign_in: tuple[str, ...]
    push_command: tuple[str, ...]
    pull_command: tuple[str, ...]
    copy_command: tuple[str, ...]
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def login(self, host: str, username: str, password: str) -> None:
        self.run(*(word.format(host=host, username=username) for word in self.sign_in), stdin=password)

    def push(self, payload: bytes, reference: str) -> None:
        layout = images.layout(self.folder / f"push-{next(self.numbers)}", {"it": images.image(payload)})
        self._tell(self.push_command, reference, layout=layout)

    def pull(self, reference: str) -> str:
        layout = self.folder / f"pull-{next(self.numbers)}"
        self._tell(self.pull_command, reference, layout=layout)
        return images.checksum_in(layout)

    def copy(self, source: str, target: str) -> None:
        self._tell(self.copy_command, source, target=target)

    def _tell(self, command: tuple[str, ...], reference: str, **more: object) -> None:
        host = reference.partition("/")[0]
        self.run(*(word.format(reference=reference, host=host, **more) for word in command))


@contextmanager
def docker(folder: Path) -> Iterator[Client]:
    with docker_engine(folder) as run:
        yield Docker(run, folder)


@contextmanager
def podman(folder: Path) -> Iterator[Client]:
    yield Podman(containers.podman(folder), folder)


@contextmanager
def buildah(folder: Path) -> Iterator[Client]:
    yield Buildah(containers.buildah(folder), folder)


@contextmanager
def containerd(folder: Path) -> Iterator[Client]:
    with containers.containerd(folder) as run:
        yield Containerd(run, folder)


@contextmanager
def skopeo(folder: Path) -> Iterator[Client]:
    yield Copier(
        containers.skopeo(folder),
        folder,
        sign_in=("login", INSECURE, *_AS_USER),
        push_command=("copy", "--dest-tls-verify=false", "oci:{layout}:it", "docker://{reference}"),
        pull_command=("copy", "--src-tls-verify=false", "docker://{reference}", "oci:{layout}:it"),
        copy_command=("copy", *_BOTH_INSECURE, "docker://{reference}", "docker://{target}"),
    )


@contextmanager
def crane(folder: Path) -> Iterator[Client]:
    yield Copier(
        containers.at_home(go_tool("crane"), folder),
        folder,
        sign_in=("auth", "login", *_AS_USER),
        push_command=("push", "{layout}", "{reference}"),
        pull_command=("pull", "--format=oci", PLATFORM, "{reference}", "{layout}"),
        copy_command=("copy", "{reference}", "{target}"),
    )


@contextmanager
def regctl(folder: Path) -> Iterator[Client]:
    yield Copier(
        containers.at_home(go_tool("regctl"), folder),
        folder,
        sign_in=("registry", "login", _REGCTL_HOST, "--user={username}", "--pass-stdin", "{host}"),
        push_command=("image", "copy", _REGCTL_HOST, "ocidir://{layout}:it", "{reference}"),
        pull_command=("image", "copy", _REGCTL_HOST, PLATFORM, "{reference}", "ocidir://{layout}:it"),
        copy_command=("image", "copy", _REGCTL_HOST, "--referrers", "{reference}", "{target}"),
    )


@contextmanager
def oras(folder: Path) -> Iterator[Client]:
    yield Copier(
        containers.at_home(go_tool("oras"), folder),
        folder,
        sign_in=("login", "--plain-http", *_AS_USER),
        push_command=("copy", "--to-plain-http", "--from-oci-layout", "{layout}:it", "{reference}"),
        pull_command=("copy", "--from-plain-http", PLATFORM, "--to-oci-layout", "{reference}", "{layout}:it"),
        copy_command=("copy", "--recursive", "--from-plain-http", "--to-plain-http", "{reference}", "{target}"),
    )


CLIENTS: dict[str, Callable[[Path], AbstractContextManager[Client]]] = {
    "docker": docker,
    "podman": podman,
    "buildah": buildah,
    "containerd": containerd,
    "skopeo": skopeo,
    "crane": crane,
    "regctl": regctl,
    "oras": oras,
}
