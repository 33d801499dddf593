"""Every number Wharf offers to Prometheus, declared in one place; docs/reference/metrics.md is printed from it.

Rooms import a metric and count on it. The requests of the hot path are counted in a plain dictionary, a few hundred
nanoseconds each, and turned into Prometheus' families only when somebody asks.
"""

from bisect import bisect_left
from collections.abc import Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

REGISTRY = CollectorRegistry(auto_describe=True)
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

_SECONDS = (0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestCounter(Collector):
    """Counts answers by surface, route, method and status, and how long they took."""

    LABELS = ("surface", "route", "method")
    ANSWERS = "Requests answered, by status."
    SECONDS = "Time from a request's head to the end of its answer."

    def __init__(self) -> None:
        # (surface, route, method, status) → [sum of seconds, one count per bucket …, count above all buckets]
        self._cells: dict[tuple[str, str, str, int], list[float]] = {}

    def add(self, surface: str, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answer. `route` must come from a fixed set: a client's text would fill the memory."""
        key = (surface, route, method if method in _METHODS else "other", status)
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = [0.0] * (len(_SECONDS) + 2)
        cell[0] += seconds
        cell[1 + bisect_left(_SECONDS, seconds)] += 1

    @override
    def collect(self) -> Iterable[Metric]:
        answers = CounterMetricFamily("wharf_http_requests", self.ANSWERS, labels=[*self.LABELS, "status"])
        durations = HistogramMetricFamily("wharf_http_request_seconds", self.SECONDS, labels=self.LABELS)
        sums: dict[tuple[str, str, str], list[float]] = {}
        for (surface, route, method, status), cell in sorted(self._cells.items()):
            answers.add_metric([surface, route, method, str(status)], sum(cell[1:]))
            total = sums.setdefault((surface, route, method), [0.0] * len(cell))
            total[:] = map(sum, zip(total, cell, strict=True))
        for key, total in sums.items():
            bounds = [*map(str, _SECONDS), "+Inf"]
            buckets = [(bound, sum(total[1 : place + 2])) for place, bound in enumerate(bounds)]
            durations.add_metric(list(key), buckets, total[0])
        return [answers, durations]


def _declare(kind: str, name: str, meaning: str, labels: tuple[str, ...]) -> None:
    _declared.append((name + ("_total" if kind == "counter" else ""), kind, labels, meaning))


def _counter(name: str, meaning: str, *labels: str) -> Counter:
    _declare("counter", name, meaning, labels)
    return Counter(name, meaning, labels, registry=REGISTRY)


def _gauge(name: str, meaning: str, *labels: str) -> Gauge:
    _declare("gauge", name, meaning, labels)
    return Gauge(name, meaning, labels, registry=REGISTRY)


def _histogram(name: str, meaning: str, *labels: str, buckets: tuple[float, ...]) -> Histogram:
    _declare("histogram", name, meaning, labels)
    return Histogram(name, meaning, labels, registry=REGISTRY, buckets=buckets)


_declared: list[tuple[str, str, tuple[str, ...], str]] = []

requests = RequestCounter()
REGISTRY.register(requests)
_declare("counter", "wharf_http_requests", RequestCounter.ANSWERS, (*RequestCounter.LABELS, "status"))
_declare("histogram", "wharf_http_request_seconds", RequestCounter.SECONDS, RequestCounter.LABELS)

requests_in_flight = _gauge("wharf_http_requests_in_flight", "Requests being answered.")
requests_refused = _counter("wharf_http_requests_refused", "Requests refused at the door: overload, headers.", "reason")

jobs_waiting = _gauge("wharf_jobs_waiting", "Jobs that wait, due or not.", "kind")
jobs_running = _gauge("wharf_jobs_running", "Jobs being run by any worker.", "kind")
jobs_dead = _gauge("wharf_jobs_dead", "Jobs given up after their last retry.", "kind")
jobs_oldest_seconds = _gauge("wharf_jobs_oldest_seconds", "How long the most overdue job has been due.")
jobs_run = _counter("wharf_jobs_run", "Attempts at jobs of this process, by outcome.", "kind", "outcome")
jobs_seconds = _histogram("wharf_jobs_seconds", "Time an attempt took.", "kind", buckets=(0.01, 0.1, 1, 10, 60, 600))

gc_tags_forgotten = _counter("wharf_gc_tags_forgotten", "Ended lifetimes of tags that left the time machine.")
gc_uploads_expired = _counter("wharf_gc_uploads_expired", "Upload sessions forgotten.")
gc_manifests_deleted = _counter("wharf_gc_manifests_deleted", "Manifests deleted by garbage collection.")
gc_blobs_deleted = _counter("wharf_gc_blobs_deleted", "Blobs deleted by garbage collection.")
gc_objects_deleted = _counter("wharf_gc_objects_deleted", "Stored objects deleted by garbage collection.")
gc_bytes_freed = _counter("wharf_gc_bytes_freed", "Bytes freed by garbage collection.")

audit_entries_lost = _counter("wharf_audit_entries_lost", "Audit entries that no database took in time.")
audit_waiting = _gauge("wharf_audit_waiting", "Audit entries that wait for a backend.", "backend")


def page() -> bytes:
    """All metrics in Prometheus' text format."""
    return generate_latest(REGISTRY)


def reference() -> str:
    """The reference page of Wharf's own metrics, in Markdown."""
    lines = [
        "# Metrics",
        "",
        "<!-- Printed by `wharf config metrics`; a test fails when this page is not up to date. -->",
        "",
        "Prometheus reads them at `/metrics`, with those of the process (`process_*`) and of Python (`python_*`).",
        "",
        "| metric | type | labels | meaning |",
        "|---|---|---|---|",
        *(f"| `{name}` | {kind} | {', '.join(labels)} | {meaning} |" for name, kind, labels, meaning in _declared),
    ]
    return "\n".join(lines) + "\n"
