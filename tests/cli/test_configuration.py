import json
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Shell
from wharf.config import render
from wharf.telemetry import metrics


def test_the_pages_are_printed(shell: Shell) -> None:
    assert render.sample() == shell("config", "sample")
    assert render.reference() == shell("config", "reference")
    assert render.schema() == json.loads(shell("config", "schema"))
    assert metrics.reference() == shell("config", "metrics")


def test_what_is_shown_is_what_counts(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "wharf.yaml").write_text("server: {port: 1234}\nsecret_key: " + "s" * 40)
    shown = shell("config", "show", "--data", "/elsewhere")
    assert "ssss" not in shown
    assert (1234, "/elsewhere") == (yaml.safe_load(shown)["server"]["port"], yaml.safe_load(shown)["data_folder"])


def test_a_valid_configuration_is_called_so(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "is valid" in shell("config", "check")
    monkeypatch.setenv("WHARF_DATABASE__URL", "postgresql://wharf@db/wharf")
    assert "set secret_key" in shell("config", "check")


def test_slips_are_named(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "wharf.yaml"
    file.write_text("server: {prot: 1}")
    assert "did you mean port?" in shell("config", "check", status=1)
    assert "did you mean port?" in shell("serve", "--config", str(file), status=2)
    assert "No such file" in shell("config", "show", "--config", "absent.yaml", status=2)


def test_a_quay_configuration_is_checked_with_its_notes(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("SERVER_HOSTNAME: quay.example.com\nFEATURE_MAILING: true\n")
    output = shell("config", "check", "--config", str(file))
    assert "not used by Wharf yet: FEATURE_MAILING" in output
