"""Costs that must stay flat: pages of lists over ever more rows, start-up and memory."""

import hashlib
from pathlib import Path
from typing import Any

from bench import load, seed, toolchain
from bench.servers import Distribution, Wharf
from bench.workloads import MIB

SIZES = (10_000, 100_000, 500_000)
QUICK_SIZES = (1_000, 5_000)
TAG_PAGE_GOAL_US = 5_000
START_GOAL_SECONDS = 1.0
IDLE_GOAL_BYTES = 150 * MIB
_PLACES = 32
_STARTS = 3

Row = dict[str, Any]


def wharf(folder: Path, *, sizes: tuple[int, ...], seconds: float) -> tuple[list[Row], list[Row]]:
    """Grow one instance through `sizes`; returns the measured pages and the standing costs."""
    server = Wharf(folder / "wharf-scale")
    pages: list[Row] = []
    with server.running():
        idle = server.memory_bytes()
        seed.account(server.environment(), server.user, server.password)
        seeded = seed.begin(server.environment(), server.user)
    for size in sizes:
        seed.grow(server.environment(), seeded, size)
        with server.running():
            for title, paths in _pages(size, seeded.subject).items():
                pages.append(_row(server, size, title, paths, seconds))
    started = min(_start(server) for _ in range(_STARTS))
    limit = TAG_PAGE_GOAL_US / 1000
    tags = [page["figures"]["p50_us"] for page in pages if page["kind"] == "tags"]
    costs = [
        _cost("idle memory after start", server, f"{idle / MIB:,.0f} MiB", "≤ 150 MiB", idle <= IDLE_GOAL_BYTES),
        _cost(
            f"start-up with {2 * sizes[-1]:,} blobs",
            server,
            f"{started:.2f} s",
            f"< {START_GOAL_SECONDS:g} s",
            started < START_GOAL_SECONDS,
        ),
        _cost(
            f"one page of tags out of {sizes[-1]:,}",
            server,
            f"{tags[-1] / 1000:.2f} ms",
            f"< {limit:g} ms",
            tags[-1] < TAG_PAGE_GOAL_US,
        ),
    ]
    return pages, costs


def _start(server: Wharf) -> float:
    with server.running():
        return server.start_seconds


def distribution(folder: Path, *, size: int, seconds: float) -> list[Row]:
    """Measure the same pages on distribution; its files are written directly, as it would have written them."""
    program = toolchain.distribution()
    if program is None:
        return []
    label = f"distribution {toolchain.DISTRIBUTION_VERSION}"
    server = Distribution(folder / "distribution-scale", program=program, name="distribution", label=label)
    root = server.storage / "docker" / "registry" / "v2" / "repositories"
    link = "sha256:" + hashlib.sha256(b"bench").hexdigest()
    for number in range(size):
        current = root / seed.MANY / "_manifests" / "tags" / seed.tag_name(number) / "current"
        current.mkdir(parents=True)
        (current / "link").write_text(link)
        for folder_name in ("_layers", "_manifests"):
            (root / seed.repository_name(number) / folder_name).mkdir(parents=True)
    with server.running():
        wanted = {title: paths for title, paths in _pages(size, link).items() if "referrers" not in title}
        return [_row(server, size, title, paths, seconds) for title, paths in wanted.items()]


def _pages(size: int, subject: str) -> dict[str, list[str]]:
    places = [size * place // _PLACES for place in range(_PLACES)]
    return {
        "tags list, a page of 100": [f"/v2/{seed.MANY}/tags/list?n=100&last={seed.tag_name(at)}" for at in places],
        "catalog, a page of 100": [f"/v2/_catalog?n=100&last={seed.repository_name(at)}" for at in places],
        "referrers of one subject, a page of 1,000": [f"/v2/{seed.MANY}/referrers/{subject}"],
    }


def _row(server: Wharf | Distribution, size: int, title: str, paths: list[str], seconds: float) -> Row:
    steps = [{"method": "GET", "path": path, "status": 200, "bytes": -1} for path in paths]
    plan = {"kind": "requests", "steps": steps, "clients": 1, "seconds": seconds, "warm": 3}
    figures = load.measure(server, plan).summary()
    print(f"  {server.label:20} {size:9,} rows  {title:38} p50 {figures['p50_us'] / 1000:9.2f} ms", flush=True)
    kind = title.split(maxsplit=1)[0].strip(",")
    return {
        "server": server.name,
        "label": server.label,
        "rows": size,
        "title": title,
        "kind": kind,
        "figures": figures,
    }


def _cost(title: str, server: Wharf, text: str, goal: str, reached: bool) -> Row:  # noqa: FBT001 - a row's last column
    return {"title": title, "label": server.label, "text": text, "goal": goal, "reached": reached}
