"""A docker engine of our own, beside any that the machine may run."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers import program
from tests.servers.containers import Program, at_home, daemon, needs_root

DOCKER_RUN = ("run", "--rm", "--network=none")


@contextmanager
def docker_engine(folder: Path) -> Iterator[Program]:
    """Start an engine without networks, so that it changes nothing on the machine, and yield its `docker` command."""
    needs_root("the docker engine")
    folder.mkdir(parents=True, exist_ok=True)
    socket = folder / "docker.sock"
    docker = at_home(program("docker", "docker.io"), folder, f"--host=unix://{socket}")
    # The classic builder needs no plug-in, which Debian packages apart from the command.
    docker = Program(docker.path, docker.arguments, {**docker.environment, "DOCKER_BUILDKIT": "0"}, folder)
    command: list[str | Path] = [
        program("dockerd", "docker.io", Path("/usr/sbin")),
        f"--host=unix://{socket}",
        f"--data-root={folder / 'data'}",
        f"--exec-root={folder / 'exec'}",
        f"--pidfile={folder / 'pid'}",
        "--storage-driver=vfs",
        "--bridge=none",
        "--iptables=false",
        "--ip6tables=false",
    ]
    with daemon(command, folder / "log", docker, "version"):
        yield docker
    _unmount_below(folder)


def _unmount_below(folder: Path) -> None:
    """An engine may leave mounts of its own behind, which would keep the test's folder from being removed."""
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for mount in reversed([point for point in mounts if point.startswith(f"{folder}/")]):
        subprocess.run(["umount", mount], check=False, capture_output=True)
