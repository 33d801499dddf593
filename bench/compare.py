"""Runs the workloads side by side: all servers are up, and take turns round by round."""

import argparse
import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench import load, profiling, seed, toolchain
from bench.load import Measured
from bench.servers import Distribution, Server, Wharf
from bench.workloads import CONTENT, WORKLOADS, Workload

# The time that a workload bounded by count may take.
_COUNTED_SECONDS = 60


def run(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Measure the chosen workloads on the chosen servers; returns figures by workload and server."""
    wanted = set(options.only.split(",")) if options.only else None
    chosen = [each for each in WORKLOADS if wanted is None or each.name in wanted]
    results: dict[str, Any] = {}
    with ExitStack() as stack:
        servers = [stack.enter_context(each.running()) for each in available(folder, options.servers)]
        for server in servers:
            if isinstance(server, Wharf):
                seed.account(server.environment(), server.user, server.password)
        content = {server.name: load.prepare(server, **CONTENT) for server in servers}
        for workload in chosen:
            results[workload.name] = _take_turns(servers, workload, content, options)
            _print(workload, servers, results[workload.name])
    return {"servers": {each.name: each.label for each in servers}, "workloads": results}


def profiled(folder: Path, options: argparse.Namespace) -> None:
    """Print where Wharf's CPU goes in each of the chosen workloads."""
    wanted = set(options.only.split(",")) if options.only else None
    with Wharf(folder / "wharf").running() as server:
        seed.account(server.environment(), server.user, server.password)
        content = load.prepare(server, **CONTENT)
        for workload in WORKLOADS:
            if wanted is None or workload.name in wanted:
                plan = _plan(workload, content, options.seconds)
                stacks = toolchain.CACHE / f"{workload.name}.stacks"
                print(f"\n== {workload.title}\n{profiling.profile(server, plan, stacks)}", flush=True)


def available(folder: Path, only: str | None) -> Iterator[Server]:
    """Yield the servers that can be measured here, not started: Wharf first."""
    wanted = set(only.split(",")) if only else {"wharf", "distribution", "debian"}
    if "wharf" in wanted:
        yield Wharf(folder / "wharf")
    if "distribution" in wanted and (program := toolchain.distribution()):
        label = f"distribution {toolchain.DISTRIBUTION_VERSION}"
        yield Distribution(folder / "distribution", program=program, name="distribution", label=label)
    if "debian" in wanted and (program := toolchain.debian_registry()):
        yield Distribution(folder / "debian", program=program, name="debian", label="Debian's registry 2.8")


def _take_turns(
    servers: list[Server], workload: Workload, content: dict[str, Any], options: argparse.Namespace
) -> dict[str, Any]:
    rounds = 1 if options.quick else options.rounds
    seconds = 0.5 if options.quick else options.seconds / rounds
    totals = {server.name: Measured() for server in servers}
    for turn in range(rounds):
        for server in servers[turn % len(servers) :] + servers[: turn % len(servers)]:
            totals[server.name].add(load.measure(server, _plan(workload, content[server.name], seconds)))
    return {name: total.summary() for name, total in totals.items()}


def _plan(workload: Workload, content: Any, seconds: float) -> dict[str, Any]:
    return workload.plan(content) | {
        "clients": workload.clients,
        "seconds": _COUNTED_SECONDS if workload.operations else seconds,
        "operations": workload.operations,
        "seed": random.getrandbits(60),
    }


def _print(workload: Workload, servers: list[Server], figures: dict[str, Any]) -> None:
    print(f"\n{workload.title}")
    for server in servers:
        got = figures[server.name]
        print(
            f"  {server.label:24} {got['per_second']:9,.0f}/s {got['bytes_per_second'] / 1e6:8,.1f} MB/s"
            f"  p50 {got['p50_us'] / 1000:8.2f} ms  p99 {got['p99_us'] / 1000:8.2f} ms"
            f"  CPU {got['cpu_us']:9,.0f} µs/op  (client {got['client_cpu_us']:,.0f})"
            + (f"  {got['errors']} errors: {got['first_error'][:200]}" if got["errors"] else "")
        )
