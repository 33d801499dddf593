"""Programs built from source with the Go toolchain: the OCI conformance program, registry clients and an S3 server.

Each is pinned to one exact version and built once into `.cache/tools/`; the Go module proxy is the only source.
`python -m tests.servers.go_tools [name …]` builds them ahead of the tests.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.servers import missing

_FOLDER = Path(__file__).resolve().parents[2] / ".cache" / "tools"
# A cold build of the largest takes some three minutes on two cores.
_BUILD_SECONDS = 900


@dataclass(frozen=True, slots=True)
class GoTool:
    """One program: the package that `go install` builds, and its version."""

    package: str
    version: str


TOOLS = {
    "versitygw": GoTool("github.com/versity/versitygw/cmd/versitygw", "v1.8.0"),
    # The rewrite of June 2026 has no release yet; this was the newest commit of its main branch when pinned.
    "conformance": GoTool(
        "github.com/opencontainers/distribution-spec/conformance", "v0.0.0-20260831232431-97274622c111"
    ),
    "crane": GoTool("github.com/google/go-containerregistry/cmd/crane", "v0.22.1"),
    "oras": GoTool("oras.land/oras/cmd/oras", "v1.3.6"),
    "regctl": GoTool("github.com/regclient/regclient/cmd/regctl", "v0.11.7"),
    "helm": GoTool("helm.sh/helm/v3/cmd/helm", "v3.22.0"),
    "cosign": GoTool("github.com/sigstore/cosign/v3/cmd/cosign", "v3.1.3"),
}


def go_tool(name: str) -> Path:
    """Return the path of a program, built now if it is not there yet; without a Go toolchain skip the running test."""
    path = _path(name)
    if not path.is_file():
        if shutil.which("go") is None:
            missing(f"the Go toolchain, to build {name}", "golang-go")
        build(name)
    return path


def build(name: str) -> None:
    """Build the program `name`; raise RuntimeError with the toolchain's words if that fails."""
    tool, path = TOOLS[name], _path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["go", "install", "-trimpath", "-ldflags=-s -w", f"{tool.package}@{tool.version}"],
        env={**os.environ, "GOBIN": str(path.parent), "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false"},
        cwd=path.parent,
        capture_output=True,
        text=True,
        timeout=_BUILD_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"go install {tool.package}@{tool.version} failed:\n{done.stderr[-4000:]}")


def _path(name: str) -> Path:
    return _FOLDER / f"{name}-{TOOLS[name].version}" / name


if __name__ == "__main__":
    for wanted in sys.argv[1:] or TOOLS:
        print(go_tool(wanted), flush=True)
