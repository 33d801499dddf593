"""Runs a command and starts it anew whenever a Python file under src/ changes.

Usage: scripts/reload.py COMMAND…
"""

import subprocess
import sys
import time
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src"
PAUSE_SECONDS = 0.5


def main(command: list[str]) -> None:
    """Run until interrupted; a command that ended by itself is started again at the next change."""
    seen = _newest()
    process = subprocess.Popen(command)
    try:
        while True:
            time.sleep(PAUSE_SECONDS)
            if (now := _newest()) != seen:
                seen = now
                print("reload: the source changed", file=sys.stderr)
                _end(process)
                process = subprocess.Popen(command)
    except KeyboardInterrupt:
        _end(process)


def _newest() -> tuple[float, int]:
    times = [path.stat().st_mtime for path in SOURCE.rglob("*.py")]
    return max(times), len(times)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait()


if __name__ == "__main__":
    main(sys.argv[1:])
