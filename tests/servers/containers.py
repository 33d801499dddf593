"""Container programs as a person would run them, each with storage, sockets and credentials in a folder of its own.

They are told to do without what a test machine may lack: overlay file systems (vfs, native), networks for containers,
user namespaces and raised limits.
"""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.servers import program

_RUN_SECONDS = 120
_START_SECONDS = 60
_WITHOUT_RAISED_LIMITS = ("--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024")


class ProgramFailed(Exception):
    """A program ended with an error; the message is what it was told and what it said."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program with the arguments and variables that every call of it gets."""

    path: Path
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None

    def __call__(self, *arguments: str | Path, stdin: str = "") -> str:
        """Run it and return what it printed to its standard output; raise ProgramFailed."""
        done = self._run(arguments, stdin)
        if done.returncode != 0:
            raise ProgramFailed(f"{self.path.name} {' '.join(map(str, arguments))}\n{done.stderr}{done.stdout}")
        return done.stdout

    def refuses(self, *arguments: str | Path, stdin: str = "") -> str:
        """Run it, expecting it to fail, and return everything it said."""
        done = self._run(arguments, stdin)
        assert done.returncode != 0, f"{self.path.name} {' '.join(map(str, arguments))} went well: {done.stdout}"
        return done.stderr + done.stdout

    def _run(self, arguments: tuple[str | Path, ...], stdin: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.path, *self.arguments, *arguments],
            env={**os.environ, **self.environment},
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=_RUN_SECONDS,
            check=False,
        )


def at_home(path: Path, folder: Path, *arguments: str) -> Program:
    """A program whose home, credentials and working folder are `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    credentials = folder / "auth.json"
    if not credentials.exists():  # podman and buildah insist on it once it is named
        credentials.write_text("{}")
    environment = {
        "HOME": str(folder),
        "DOCKER_CONFIG": str(folder / ".docker"),
        "REGISTRY_AUTH_FILE": str(credentials),
        "XDG_CONFIG_HOME": str(folder / ".config"),
        "XDG_CACHE_HOME": str(folder / ".cache"),
        "XDG_DATA_HOME": str(folder / ".local"),
    }
    return Program(path, arguments, environment, folder)


def skopeo(folder: Path) -> Program:
    """Copy images between places."""
    return at_home(program("skopeo", "skopeo"), folder)


def buildah(folder: Path) -> Program:
    """Build images; `buildah run` needs `--isolation=chroot`."""
    return at_home(program("buildah", "buildah"), folder, *_storage(folder))


def podman(folder: Path) -> Program:
    """Run containers without a daemon; `podman run` wants `PODMAN_RUN`."""
    program("runc", "runc")
    options = (f"--tmpdir={folder / 'tmp'}", "--events-backend=none", "--cgroup-manager=cgroupfs", "--runtime=runc")
    return at_home(program("podman", "podman"), folder, *_storage(folder), *options)


PODMAN_RUN = ("run", "--rm", "--network=none", *_WITHOUT_RAISED_LIMITS)


def _storage(folder: Path) -> tuple[str, ...]:
    return f"--root={folder / 'root'}", f"--runroot={folder / 'run'}", "--storage-driver=vfs"


@contextmanager
def containerd(folder: Path) -> Iterator[Program]:
    """Start containerd and yield `ctr` for it; commands about images want `--snapshotter=native`."""
    needs_root("containerd")
    program("runc", "runc")
    folder.mkdir(parents=True, exist_ok=True)
    socket = folder / "containerd.sock"
    configuration = folder / "config.toml"
    configuration.write_text(
        "version = 2\n"
        f'root = "{folder / "root"}"\n'
        f'state = "{folder / "state"}"\n'
        'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
        "[grpc]\n"
        f'  address = "{socket}"\n'
    )
    ctr = at_home(program("ctr", "containerd"), folder, f"--address={socket}")
    with daemon([program("containerd", "containerd"), "--config", configuration], folder / "log", ctr, "version"):
        yield ctr


def needs_root(what: str) -> None:
    """Skip the running test unless it runs as root."""
    if os.geteuid() != 0:
        pytest.skip(f"{what} needs root: run the tests as root, best in a virtual machine or a container")


@contextmanager
def daemon(command: list[str | Path], log: Path, client: Program, *question: str) -> Iterator[None]:
    """Run `command` until the block ends; the block begins when `client` gets an answer to `question`."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=log.parent)
    try:
        _wait_for_answer(process, log, client, question)
        yield
    finally:
        process.terminate()
        process.wait()


def _wait_for_answer(process: subprocess.Popen[bytes], log: Path, client: Program, question: tuple[str, ...]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            client(*question)
        except ProgramFailed:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{process.args!r} does not start:\n{log.read_text()[-4000:]}") from None
            time.sleep(0.05)  # the daemon tells nobody when it is ready
        else:
            return
