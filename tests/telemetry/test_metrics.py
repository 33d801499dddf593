from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from wharf.telemetry import metrics

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"


def test_the_page_is_up_to_date() -> None:
    assert metrics.reference() == PAGE.read_text("utf-8"), "run: wharf config metrics > docs/reference/metrics.md"


def test_answers_are_counted_by_route_and_status_and_timed_by_route() -> None:
    counter = metrics.RequestCounter()
    counter.add("v2", "manifest", "GET", 200, 0.0005)
    counter.add("v2", "manifest", "GET", 200, 0.3)
    counter.add("v2", "manifest", "GET", 404, 100.0)
    counter.add("v2", "manifest", "BREW", 405, 0.001)
    answers, durations = counter.collect()
    counts = {(sample.labels["method"], sample.labels["status"]): sample.value for sample in answers.samples}
    assert counts == {("GET", "200"): 2, ("GET", "404"): 1, ("other", "405"): 1}
    buckets = {
        sample.labels["le"]: sample.value
        for sample in durations.samples
        if sample.name.endswith("_bucket") and sample.labels["method"] == "GET"
    }
    assert (buckets["0.001"], buckets["0.5"], buckets["60.0"], buckets["+Inf"]) == (1, 2, 2, 3)


def test_the_page_of_numbers_can_be_parsed_and_has_everything_declared() -> None:
    metrics.requests.add("v2", "blob", "GET", 200, 0.1)
    families = {family.name for family in text_string_to_metric_families(metrics.page().decode())}
    assert {"wharf_http_requests", "wharf_http_request_seconds", "wharf_gc_bytes_freed"} <= families
    assert "process_resident_memory_bytes" in families
