"""Writes docs/benchmarks.md and its plots from the figures of a run."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import plot
from bench.goals import Figures, judge
from bench.workloads import WORKLOADS, By

_INTRO = """\
# Benchmarks

Written by `make bench`; run it to get your machine's figures. All servers run at the same time on one machine with the
load generator and take turns, so a slow moment hits all of them. Wharf runs as a fresh `wharf serve`: token
authentication, SQLite, local disk and every default on. The other registries run with the configuration that the
distribution image ships, without authentication; nobody uses TLS.

**CPU** is the server's own time per operation (user and system, all processes and threads, work put off until after the
answer included): the figure that survives a noisy machine. A push is several requests: one operation of *push blob* is
POST, PATCH and PUT. *Goal* is what Wharf must reach against distribution's figure in the same run, of CPU or of
bytes per second; *reference* is distribution v3.1 on the machine on which the goals were set.
"""


def write(results: dict[str, Any], file: Path) -> None:
    """Write the page to `file` and the plots into the folder beside it with the page's name."""
    plots = file.with_suffix("")
    plots.mkdir(parents=True, exist_ok=True)
    parts = [_INTRO, _machine(results), "## Goals\n", *_goals(results), *_plots(results, plots)]
    parts += ["## Side by side\n", *_table(results)]
    if scale := results.get("scale"):
        parts += ["## As work grows\n", *_scale(scale, plots)]
    if costs := results.get("costs"):
        parts += ["## Standing costs\n", *_costs(costs)]
    file.write_text("\n".join(parts).rstrip() + "\n")


def describe_machine() -> dict[str, Any]:
    """Return what a reader needs to judge the figures."""
    model = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    memory = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 1024**2),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "date": datetime.now(UTC).date().isoformat(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def _lines(file: str) -> list[str]:
    path = Path(file)
    return path.read_text().splitlines() if path.exists() else []


def _machine(results: dict[str, Any]) -> str:
    has = results["machine"]
    return (
        f"{has['date']}, {has['cores']} cores ({has['cpu']}), {has['memory_gib']} GiB, {has['system']}, "
        f"Python {has['python']}; load before the run {has['load_before']}.\n"
    )


def _goals(results: dict[str, Any]) -> list[str]:
    servers: dict[str, str] = results["servers"]
    peers = [name for name in servers if name != "wharf"]
    heads = ["workload", *(f"Wharf ÷ {servers[name]}" for name in peers), "Wharf ÷ reference", "goal", "reached"]
    rows = []
    for workload in WORKLOADS:
        verdict = judge(workload, results["workloads"].get(workload.name, {}))
        if verdict:
            ratios = [_ratio(verdict.to_peer.get(name)) for name in peers]
            last = [_ratio(verdict.to_reference), verdict.goal_text, _reached(verdict.reached)]
            rows.append([workload.title, *ratios, *last])
    return [*_markdown(heads, rows), ""] if rows else []


def _table(results: dict[str, Any]) -> list[str]:
    servers: dict[str, str] = results["servers"]
    heads = ["workload", "server", "per second", "MB/s", "p50", "p99", "CPU per operation", "load generator's CPU"]
    rows = []
    for workload in WORKLOADS:
        figures = results["workloads"].get(workload.name, {})
        rows += [
            [workload.title, label, *_figures(figures[name])] for name, label in servers.items() if name in figures
        ]
    return [*_markdown(heads, rows), ""]


def _figures(got: Figures) -> list[str]:
    speed = f"{got['per_second']:,.0f}" + (f" (**{got['errors']} failed**)" if got["errors"] else "")
    moved = f"{got['bytes_per_second'] / 1e6:,.1f}"
    cpu = [f"{got['cpu_us']:,.0f} µs", f"{got['client_cpu_us']:,.0f} µs"]
    return [speed, moved, _milliseconds(got["p50_us"]), _milliseconds(got["p99_us"]), *cpu]


def _milliseconds(microseconds: float) -> str:
    return f"{microseconds / 1000:,.{0 if microseconds >= 100_000 else 1 if microseconds >= 10_000 else 2}f} ms"


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f} ×"


def _reached(reached: object) -> str:
    return "–" if reached is None else "yes" if reached else "**no**"


def _plots(results: dict[str, Any], folder: Path) -> list[str]:
    servers: dict[str, str] = results["servers"]
    base = "distribution" if "distribution" in servers else "debian"
    if base not in servers:
        return []
    parts = []
    for by, key, title in (
        (By.CPU, "cpu_us", "Server CPU per operation; less is better"),
        (By.THROUGHPUT, "bytes_per_second", "Bytes per second; more is better"),
    ):
        groups = []
        for workload in WORKLOADS:
            figures = results["workloads"].get(workload.name)
            if figures and workload.by is by and figures[base][key]:
                values = [figures[name][key] / figures[base][key] if name in figures else None for name in servers]
                groups.append(plot.Bar(workload.title, values, workload.goal))
        if groups:
            whole = f"{title} ({servers[base]} = 1, red: goal)"
            (folder / f"{by.name.lower()}.svg").write_text(
                plot.bars(whole, list(servers.values()), groups, unit=" ×", limit=3.0)
            )
            parts.append(f"![{whole}]({folder.name}/{by.name.lower()}.svg)\n")
    return parts


def _scale(scale: list[dict[str, Any]], folder: Path) -> list[str]:
    heads = ["server", "rows", "what", "p50", "p99", "CPU"]
    rows, series = [], dict[str, list[tuple[float, float]]]()
    for each in scale:
        got = each["figures"]
        latency = [_milliseconds(got["p50_us"]), _milliseconds(got["p99_us"]), f"{got['cpu_us']:,.0f} µs"]
        rows.append([each["label"], f"{each['rows']:,}", each["title"], *latency])
        if each["server"] == "wharf":
            series.setdefault(each["title"], []).append((each["rows"], got["p50_us"] / 1000))
    title = "One page of a list, one client"
    (folder / "scale.svg").write_text(plot.lines(title, "rows", "ms (p50)", series))
    return [*_markdown(heads, rows), "", f"![{title}]({folder.name}/scale.svg)\n"]


def _costs(costs: list[dict[str, Any]]) -> list[str]:
    rows = [
        [each["title"], each["label"], each["text"], each.get("goal", "–"), _reached(each.get("reached"))]
        for each in costs
    ]
    return [*_markdown(["cost", "server", "measured", "goal", "reached"], rows), ""]


def _markdown(heads: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(heads)} |", "|" + " --- |" * len(heads), *(f"| {' | '.join(row)} |" for row in rows)]
