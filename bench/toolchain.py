"""Builds the load generator and, where it can, the newest distribution registry, into a folder that git ignores."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "bench"
DISTRIBUTION = "github.com/distribution/distribution/v3/cmd/registry"
DISTRIBUTION_VERSION = "v3.1.0"
_BUILD_SECONDS = 900


class ToolMissing(Exception):
    """Something needed to measure is not installed."""


def loadgen() -> Path:
    """Build the load generator when its source is newer, and return the program."""
    source, program = ROOT / "bench" / "loadgen", CACHE / "loadgen"
    newest = max(file.stat().st_mtime for file in source.iterdir())
    if not program.exists() or program.stat().st_mtime < newest:
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run([_go(), "build", "-o", program, "."], cwd=source, env=_environment(), check=True)
    return program


def distribution() -> Path | None:
    """Return the distribution registry of `DISTRIBUTION_VERSION`, built on first use; None where it cannot be built."""
    folder = CACHE / f"distribution-{DISTRIBUTION_VERSION}"
    program = folder / "registry"
    if program.exists():
        return program
    print(f"building distribution {DISTRIBUTION_VERSION}, once, for some minutes …", flush=True)
    try:
        subprocess.run(
            [_go(), "install", f"{DISTRIBUTION}@{DISTRIBUTION_VERSION}"],
            env=_environment() | {"GOBIN": str(folder)},
            check=True,
            timeout=_BUILD_SECONDS,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
    except ToolMissing as error:
        print(f"no distribution {DISTRIBUTION_VERSION}: {error}")
    except subprocess.TimeoutExpired:
        print(f"no distribution {DISTRIBUTION_VERSION}: the build took too long")
    except subprocess.CalledProcessError as error:
        print(f"no distribution {DISTRIBUTION_VERSION}: {error.stderr.strip()[-500:]}")
    return program if program.exists() else None


def debian_registry() -> Path | None:
    """Return Debian's docker-registry, or None where it is not installed."""
    found = shutil.which("docker-registry")
    if found is None:
        print("no Debian registry: apt-get install docker-registry brings it")
    return Path(found) if found else None


def _go() -> str:
    found = shutil.which("go") or shutil.which("/usr/local/go/bin/go") or shutil.which("/usr/lib/go/bin/go")
    if found is None:
        raise ToolMissing("go is not installed (apt-get install golang-go)")
    return found


def _environment() -> dict[str, str]:
    return dict(os.environ) | {"CGO_ENABLED": "0"}
