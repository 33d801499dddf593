"""Words that do not belong into the repository: unfinished work, download hosts, paths of one machine."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

# Written in two pieces each, so that this page does not find itself.
UNFINISHED = "|".join(
    ["TO" + "DO", "FIX" + "ME", "X" + "XX", "NotImplemented" + "Error", "pytest.mark.(skip|xfail)" + r"\b"]
)
FORBIDDEN = {
    "unfinished work belongs into an issue": (re.compile(rf"\b({UNFINISHED})\b"), ("src/", "tests/", "web/src/")),
    "a download host is the machine's business, not the project's": (
        re.compile("|".join(["pypi\\." + "org", "python" + "hosted", "npmjs\\." + "(org|com)", "proxy\\." + "golang"])),
        ("",),
    ),
    "a path of one machine means nothing on another": (re.compile("(^|[^a-z])/(wo" + "rk|fa" + "rm)/"), ("",)),
}


def _tracked() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    return [path for name in listing.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


@pytest.mark.parametrize("reason", FORBIDDEN)
def test_words_that_stay_out(reason: str) -> None:
    pattern, folders = FORBIDDEN[reason]
    found = [
        f"{name}:{number}: {line.strip()[:80]}"
        for path in _tracked()
        if (name := path.relative_to(ROOT).as_posix()).startswith(folders)
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, reason
