"""Garbage collection beside pulls: how fast doomed blobs go, and what the pulls meanwhile feel of it."""

import sqlite3
import time
from pathlib import Path
from typing import Any, ClassVar

from bench import load, seed
from bench.servers import Wharf
from bench.workloads import CONTENT, WORKLOADS

GOAL_PER_SECOND = 2_000
BLOBS = 20_000
QUICK_BLOBS = 2_000
_LIMIT_SECONDS = 120.0
_LEFT = "SELECT (SELECT count(*) FROM blob WHERE doomed_at IS NOT NULL) + (SELECT count(*) FROM garbage)"


class Collecting(Wharf):
    """A Wharf that collects at once and as fast as it can; the default is at most 2,000 a second."""

    label = "Wharf"
    settings: ClassVar[dict[str, str]] = {
        "WHARF_GC__SWEEP_SECONDS": "1",
        "WHARF_GC__GRACE_SECONDS": "0",
        "WHARF_GC__MAX_BLOBS_PER_SECOND": "1000000",
    }


def measure(folder: Path, *, blobs: int) -> dict[str, Any]:
    """Collect `blobs` doomed blobs while 8 clients pull manifests by tag; returns a row of standing costs."""
    server = Collecting(folder / "wharf-gc")
    pulls = WORKLOADS[0]
    with server.running():
        seed.account(server.environment(), server.user, server.password)
        content = load.prepare(server, **CONTENT | {"big": 0})
        keys = seed.doomed_keys(blobs)
        for key in keys:
            file = server.folder / "data" / "storage" / key
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"")
        plan = pulls.plan(content) | {"clients": pulls.clients, "seconds": max(blobs / GOAL_PER_SECOND, 1.0)}
        with load.Load(server, plan) as running:
            running.wait_until_warm()
            seed.doom(server.environment(), keys)
            running.go()
            rate = _rate(server, blobs)
            figures = load.measured(running.result(), 0.0).summary()
    meanwhile = f"pulls meanwhile {figures['per_second']:,.0f}/s, p99 {figures['p99_us'] / 1000:.1f} ms"
    text = f"{rate:,.0f} blobs/s; {meanwhile}"
    print(f"  collecting {blobs:,} blobs: {text}", flush=True)
    return {
        "title": f"collecting {blobs:,} blobs while 8 clients pull",
        "label": server.label,
        "text": text,
        "goal": f"≥ {GOAL_PER_SECOND:,} blobs/s",
        "reached": rate >= GOAL_PER_SECOND and not figures["errors"],
    }


def _rate(server: Wharf, blobs: int) -> float:
    """Watch the rows until the last object is gone; the clock starts when the first one is."""
    begun: tuple[float, int] | None = None
    deadline = time.monotonic() + _LIMIT_SECONDS
    rows = sqlite3.connect(f"file:{server.database}?mode=ro", uri=True)
    try:
        while time.monotonic() < deadline:
            left = int(rows.execute(_LEFT).fetchone()[0])
            if begun is None and left < blobs:
                begun = (time.monotonic(), blobs - left)
            if begun is not None and left == 0:
                return (blobs - begun[1]) / max(time.monotonic() - begun[0], 0.001)
            time.sleep(0.05)
    finally:
        rows.close()
    return 0.0
