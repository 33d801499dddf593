"""The OCI conformance program: how it is run, and what its results say."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import yaml

from tests.servers.go_tools import go_tool

_RUN_SECONDS = 300
_PASSED = "passed"


@dataclass(frozen=True, slots=True)
class Results:
    """`passed` counts checks; `others` are the checks, APIs and data sets that did anything else, with the reason."""

    passed: int
    others: list[str]


def run(host: str, repositories: tuple[str, str], credentials: tuple[str, str], folder: Path) -> Results:
    """Run every check there is against the registry at `host`, and leave the reports in `folder`.

    The program ends well even when checks were skipped, so nothing is concluded from that: only its reports count.
    """
    done = subprocess.run(
        [go_tool("conformance")],
        env={
            "OCI_REGISTRY": host,
            "OCI_TLS": "disabled",
            "OCI_REPO1": repositories[0],
            "OCI_REPO2": repositories[1],
            "OCI_USERNAME": credentials[0],
            "OCI_PASSWORD": credentials[1],
            # The text that becomes 1.2, with every API and every kind of content.
            "OCI_VERSION": "dev",
            "OCI_DATA_SPARSE": "true",
            "OCI_RESULTS_DIR": str(folder),
            "OCI_LOG": "error",
        },
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=_RUN_SECONDS,
        check=False,
    )
    assert (folder / "junit.xml").is_file(), done.stderr
    return _read(folder)


def _read(folder: Path) -> Results:
    checks = list(ET.parse(folder / "junit.xml").iter("testcase"))
    others = [
        f"{check.get('status')}: {check.get('name')}: {(check.findtext('system-out') or '').strip()}"
        for check in checks
        if check.get("status") != _PASSED
    ]
    summary = yaml.safe_load((folder / "results.yaml").read_text())
    for part in ("apis", "data"):
        others += [f"{status}: {part}: {name}" for name, status in summary[part].items() if status != "Pass"]
    others += [f"switched off: {name}" for part in ("apis", "data") for name in _off(summary["config"][part], part)]
    return Results(len(checks) - len([check for check in checks if check.get("status") != _PASSED]), others)


def _off(switches: dict[str, object], path: str) -> list[str]:
    """The names of all switches below `path` that are not on."""
    names = []
    for name, value in switches.items():
        here = f"{path}.{name}"
        if isinstance(value, dict):
            names += _off(value, here)
        elif value is not True:
            names.append(here)
    return names
