"""`python -m bench`: measure, print, and after a whole run write the report."""

import argparse
import json
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench import compare, toolchain
from bench.workloads import WORKLOADS


def main() -> int:
    """Run what the command line asks for; 1 when a goal was missed or a request failed."""
    options = _options()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wharf-bench-", dir=options.folder)))
        results = compare.run(folder, options)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="Measures Wharf beside other registries.")
    parser.add_argument("--only", help="workloads, comma separated: " + ", ".join(each.name for each in WORKLOADS))
    parser.add_argument("--servers", help="comma separated: wharf, distribution, debian")
    parser.add_argument("--quick", action="store_true", help="one short round each, to see that all works")
    parser.add_argument("--seconds", type=float, default=6.0, help="load per workload and server (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="turns the servers take per workload")
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    parser.add_argument("--folder", type=Path, help="where servers keep their data (default: the temporary folder)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
