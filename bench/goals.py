"""Compares what was measured with the goals: pure."""

from dataclasses import dataclass
from typing import Any

from bench.workloads import By, Workload

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How Wharf did in one workload. Ratios are Wharf ÷ the other, of what the workload's goal compares."""

    to_peer: dict[str, float]
    to_reference: float | None
    goal: float | None
    by: By
    reached: bool | None  # None: no goal, or no peer to compare with

    @property
    def goal_text(self) -> str:
        """The goal in a person's words."""
        if self.goal is None:
            return "–"
        return f"≤ {self.goal:g} × CPU" if self.by is By.CPU else f"≥ {self.goal:g} × MB/s"


def judge(workload: Workload, figures: Figures) -> Verdict | None:
    """Compare Wharf's figures of a workload with the peers'; the goal counts against the newest distribution measured.

    None when Wharf was not measured. A row with failed requests reaches nothing.
    """
    own = figures.get("wharf")
    if own is None:
        return None
    key = "cpu_us" if workload.by is By.CPU else "bytes_per_second"
    to_peer = {name: own[key] / got[key] for name, got in figures.items() if name != "wharf" and got[key]}
    reference = workload.reference_cpu_us if workload.by is By.CPU else workload.reference_bytes_per_second
    to_reference = own[key] / reference if reference else None
    against = to_peer.get("distribution", to_peer.get("debian"))
    reached = None
    if workload.goal is not None and against is not None:
        better = against <= workload.goal if workload.by is By.CPU else against >= workload.goal
        reached = better and not own["errors"]
    return Verdict(to_peer, to_reference, workload.goal, workload.by, reached)
