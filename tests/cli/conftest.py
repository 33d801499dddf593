import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wharf.cli.main import app


class Shell:
    """Runs `wharf …` with a data folder of its own."""

    def __init__(self) -> None:
        self._runner = CliRunner()

    def __call__(self, *arguments: str, stdin: str | None = None, status: int = 0) -> str:
        """Run a command, and return what it prints; it must end with `status`."""
        result = self._runner.invoke(app, list(arguments), input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert status == result.exit_code, result.output
        return result.output


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """A shell in an empty folder; `wharf` finds no configuration but the data folder `data`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WHARF_DATA_FOLDER", str(tmp_path / "data"))
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield Shell()
    root.handlers[:] = handlers
    root.setLevel(level)
