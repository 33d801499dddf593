"""Real servers and programs for tests, started by the suite itself, each on a free port of the loopback address.

A test asks for a fixture (`postgres`, …); what the machine lacks ends in `missing`, which skips the test with its
reason printed. In CI a skip is a failure (`tests/conftest.py`), so nothing goes untested there unnoticed.
"""

import shutil
import socket
from pathlib import Path
from typing import NoReturn

import pytest


def missing(what: str, package: str) -> NoReturn:
    """Skip the running test: this machine has no `what`; Debian's `package` brings it."""
    pytest.skip(f"needs {what}: install {package}, or run `make test` as root on Debian")


def program(name: str, package: str, *folders: Path) -> Path:
    """Return the path of the program `name`, looked for in `folders` and then in PATH, or skip the running test."""
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    found = shutil.which(name)
    if found is None:
        missing(name, package)
    return Path(found)


def free_port() -> int:
    """Return a TCP port of the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
