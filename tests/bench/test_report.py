from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from bench import plot, report
from bench.goals import judge
from bench.load import Measured
from bench.workloads import WORKLOADS, By

FIGURES = {
    "operations": 10,
    "errors": 0,
    "first_error": "",
    "per_second": 1000.0,
    "bytes_per_second": 1e9,
    "p50_us": 1234,
    "p99_us": 5678,
    "cpu_us": 100.0,
    "client_cpu_us": 30.0,
}


def _workload(by: By) -> Any:
    return next(each for each in WORKLOADS if each.by is by and each.goal)


@pytest.mark.parametrize(("factor", "reached"), [(0.9, True), (1.0, True), (1.1, False)])
def test_a_cpu_goal_is_an_upper_bound(factor: float, *, reached: bool) -> None:
    workload = _workload(By.CPU)
    own = FIGURES | {"cpu_us": 200.0 * workload.goal * factor}
    verdict = judge(workload, {"wharf": own, "distribution": FIGURES | {"cpu_us": 200.0}})
    assert verdict is not None
    assert verdict.reached is reached
    assert verdict.to_peer["distribution"] == pytest.approx(workload.goal * factor)


@pytest.mark.parametrize(("factor", "reached"), [(1.1, True), (0.9, False)])
def test_a_throughput_goal_is_a_lower_bound(factor: float, *, reached: bool) -> None:
    workload = _workload(By.THROUGHPUT)
    own = FIGURES | {"bytes_per_second": 1e8 * workload.goal * factor}
    verdict = judge(workload, {"wharf": own, "distribution": FIGURES | {"bytes_per_second": 1e8}})
    assert verdict is not None
    assert verdict.reached is reached


def test_the_newest_distribution_counts_and_debian_only_without_it() -> None:
    workload = _workload(By.CPU)
    figures = {"wharf": FIGURES, "distribution": FIGURES | {"cpu_us": 100.0}, "debian": FIGURES | {"cpu_us": 1e6}}
    verdict = judge(workload, figures)
    assert verdict is not None
    assert verdict.reached is False
    del figures["distribution"]
    verdict = judge(workload, figures)
    assert verdict is not None
    assert verdict.reached is True


def test_failed_requests_reach_no_goal_and_no_peer_means_no_verdict() -> None:
    workload = _workload(By.CPU)
    failing = FIGURES | {"cpu_us": 1.0, "errors": 1}
    verdict = judge(workload, {"wharf": failing, "distribution": FIGURES})
    assert verdict is not None
    assert verdict.reached is False
    alone = judge(workload, {"wharf": FIGURES})
    assert alone is not None
    assert alone.reached is None
    assert judge(workload, {"distribution": FIGURES}) is None


def test_runs_add_up() -> None:
    total = Measured()
    total.add(Measured(operations=2, seconds=1.0, cpu_seconds=0.5, bytes=10, latencies_us=[1, 3]))
    total.add(Measured(operations=2, seconds=1.0, cpu_seconds=0.1, bytes=10, latencies_us=[9, 2], errors=1))
    summary = total.summary()
    assert summary["per_second"] == 2.0
    assert summary["cpu_us"] == pytest.approx(150_000)
    assert (summary["p50_us"], summary["p99_us"], summary["errors"]) == (3, 9, 1)


def test_workload_names_are_unique() -> None:
    assert len({each.name for each in WORKLOADS}) == len(WORKLOADS)


def test_the_page_has_every_workload_and_its_plots_are_xml(tmp_path: Path) -> None:
    servers = {"wharf": "Wharf", "distribution": "distribution <v3>"}
    figures = {"wharf": FIGURES, "distribution": FIGURES}
    page = {"server": "wharf", "label": "Wharf", "rows": 1000, "title": "tags list", "figures": FIGURES}
    cost = {"title": "idle memory", "label": "Wharf", "text": "90 MiB", "goal": "≤ 150 MiB", "reached": True}
    results = {
        "machine": report.describe_machine(),
        "servers": servers,
        "workloads": {each.name: figures for each in WORKLOADS},
        "scale": [page, page | {"rows": 10_000}],
        "costs": [cost],
    }
    report.write(results, tmp_path / "benchmarks.md")
    text = (tmp_path / "benchmarks.md").read_text()
    assert all(each.title in text for each in WORKLOADS)
    for name in ("cpu", "throughput", "scale"):
        assert f"(benchmarks/{name}.svg)" in text
        assert ET.parse(tmp_path / "benchmarks" / f"{name}.svg").getroot().tag.endswith("svg")


def test_a_run_of_wharf_alone_has_figures_but_no_comparison(tmp_path: Path) -> None:
    results = {
        "machine": report.describe_machine(),
        "servers": {"wharf": "Wharf"},
        "workloads": {WORKLOADS[0].name: {"wharf": FIGURES}},
    }
    report.write(results, tmp_path / "benchmarks.md")
    assert WORKLOADS[0].title in (tmp_path / "benchmarks.md").read_text()


def test_a_bar_beyond_the_limit_is_cut_and_says_so() -> None:
    text = plot.bars("t", ["a"], [plot.Bar("x", [9.0]), plot.Bar("y", [None])], unit=" ×", limit=3.0)
    assert "9.00 × →" in text
    assert "width='460.0'" in text
