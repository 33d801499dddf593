"""`python -m bench`: measure, print, and after a whole run write the report."""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench import collecting, compare, disk, report, scale, toolchain
from bench.workloads import WORKLOADS

PAGE = toolchain.ROOT / "docs" / "benchmarks.md"
RESULTS = toolchain.CACHE / "results.json"


def main() -> int:
    """Do what the command line asks for; 1 when a request failed."""
    options = _options()
    if options.render:
        report.write(json.loads(options.render.read_text()), PAGE)
        return 0
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="run-", dir=options.folder) as folder:
        disk.keep_apart(Path(folder))
        if options.profile:
            compare.profiled(Path(folder), options)
            return 0
        results = _measure(Path(folder), options)
        _keep(results, options)
        print("removing the servers' data …", flush=True)  # some 100,000 files
    failed = [name for name, servers in results["workloads"].items() if servers.get("wharf", {}).get("errors")]
    return 1 if failed else 0


def _keep(results: dict[str, Any], options: argparse.Namespace) -> None:
    file: Path = options.json or RESULTS
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(results, indent=1))
    print(f"\nfigures: {file}")
    if not (options.quick or options.only or options.servers):
        report.write(results, PAGE)
        print(f"report: {PAGE}")


def _measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    machine = report.describe_machine()
    results = {"machine": machine, **compare.run(folder, options)}
    if not options.only or "scale" in options.only.split(","):
        sizes = scale.QUICK_SIZES if options.quick else scale.SIZES
        seconds = 0.3 if options.quick else 2.0
        print("\nas work grows")
        pages, costs = scale.wharf(folder, sizes=sizes, seconds=seconds)
        costs.append(collecting.measure(folder, blobs=collecting.QUICK_BLOBS if options.quick else collecting.BLOBS))
        results |= {"scale": pages + scale.distribution(folder, size=sizes[0], seconds=seconds), "costs": costs}
    return results


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="Measures Wharf beside other registries.")
    names = ", ".join(each.name for each in WORKLOADS)
    parser.add_argument("--only", help=f"comma separated: {names}, scale")
    parser.add_argument("--servers", help="comma separated: wharf, distribution, debian")
    parser.add_argument("--quick", action="store_true", help="one short round each, to see that all works")
    parser.add_argument("--seconds", type=float, default=6.0, help="load per workload and server (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="turns that the servers take per workload")
    parser.add_argument("--profile", action="store_true", help="show where Wharf's CPU goes instead of comparing")
    parser.add_argument("--json", type=Path, help=f"where the figures go (default {RESULTS})")
    parser.add_argument("--render", type=Path, help="only write the report, from the figures of an earlier run")
    parser.add_argument(
        "--folder",
        type=Path,
        default=toolchain.CACHE / "data",
        help="where servers keep their data (default %(default)s)",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
