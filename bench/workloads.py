"""The table of workloads: what is asked, by how many clients, what distribution v3.1 was measured at, and the goal."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

REPOSITORY = "bench/app"
KIB, MIB = 1024, 1024 * 1024
_ABSENT = "sha256:" + "ab" * 32
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class By(StrEnum):
    """What a goal compares: CPU per operation (at most) or bytes per second (at least)."""

    CPU = "CPU"
    THROUGHPUT = "throughput"


@dataclass(frozen=True, slots=True)
class Workload:
    """One row of the report.

    `plan` makes the load generator's plan from what was prepared. `reference_*` are figures of distribution v3.1 on the
    machine on which the goals were set; `goal` is a factor of distribution's figure.
    """

    name: str
    title: str
    plan: Callable[[Any], dict[str, Any]]
    clients: int = 8
    by: By = By.CPU
    goal: float | None = None
    reference_per_second: float | None = None
    reference_cpu_us: float | None = None
    reference_bytes_per_second: float | None = None
    operations: int = 0  # bounds the count; 0: only time does


def _requests(method: str, paths: list[tuple[str, int]], *, status: int = 200, accept: str = "") -> dict[str, Any]:
    steps = [
        {"method": method, "path": f"/v2/{REPOSITORY}/{path}", "status": status, "bytes": size, "accept": accept}
        for path, size in paths
    ]
    return {"kind": "requests", "steps": steps, "warm": 50}


def _manifests_by_tag(content: Any) -> dict[str, Any]:
    paths = [(f"manifests/{each['tag']}", each["bytes"]) for each in content["manifests"]]
    return _requests("GET", paths, accept=_MANIFEST)


def _manifests_by_digest(content: Any) -> dict[str, Any]:
    paths = [(f"manifests/{each['digest']}", each["bytes"]) for each in content["manifests"]]
    return _requests("GET", paths, accept=_MANIFEST)


def _heads_present(content: Any) -> dict[str, Any]:
    return _requests("HEAD", [(f"blobs/{each['digest']}", 0) for each in content["blobs"]])


def _heads_absent(_: Any) -> dict[str, Any]:
    paths = [(f"blobs/{_ABSENT[:-4]}{number:04x}", 0) for number in range(64)]
    return _requests("HEAD", paths, status=404)


def _small_blobs(content: Any) -> dict[str, Any]:
    return _requests("GET", [(f"blobs/{each['digest']}", each["bytes"]) for each in content["blobs"]])


def _big_blobs(content: Any) -> dict[str, Any]:
    return _requests("GET", [(f"blobs/{each['digest']}", each["bytes"]) for each in content["big"]]) | {"warm": 1}


def _tag_pages(_: Any) -> dict[str, Any]:
    return _requests("GET", [("tags/list?n=100", -1), ("tags/list?n=100&last=v0099", -1)])


def _push(kind: str, **more: Any) -> Callable[[Any], dict[str, Any]]:
    return lambda _: {"kind": kind, "repository": f"bench/{kind}", "warm": 2, **more}


def _push_tags(content: Any) -> dict[str, Any]:
    return {"kind": "push-tag", "repository": REPOSITORY, "config": content["config"], "warm": 1}


WORKLOADS = (
    Workload(
        "manifest-tag",
        "manifest GET by tag",
        _manifests_by_tag,
        goal=0.5,
        reference_per_second=6589,
        reference_cpu_us=196,
    ),
    Workload(
        "manifest-digest",
        "manifest GET by digest",
        _manifests_by_digest,
        goal=0.4,
        reference_per_second=4632,
        reference_cpu_us=168,
    ),
    Workload(
        "blob-head",
        "blob HEAD, present",
        _heads_present,
        goal=0.6,
        reference_per_second=5352,
        reference_cpu_us=132,
    ),
    Workload(
        "blob-head-absent",
        "blob HEAD, absent",
        _heads_absent,
        goal=0.6,
        reference_per_second=7340,
        reference_cpu_us=173,
    ),
    Workload(
        "blob-get",
        "blob GET 4 KiB",
        _small_blobs,
        goal=0.15,
        reference_per_second=774,
        reference_cpu_us=1234,
    ),
    Workload(
        "blob-get-big",
        "blob GET 128 MiB, 2 clients",
        _big_blobs,
        clients=2,
        by=By.THROUGHPUT,
        goal=1.0,
        reference_bytes_per_second=2.0e9,
    ),
    Workload(
        "tags-list",
        "tags list, 100 of 200",
        _tag_pages,
        goal=0.4,
        reference_per_second=2963,
        reference_cpu_us=532,
    ),
    Workload(
        "push-blob",
        "push blob 4 KiB (POST, PATCH, PUT)",
        _push("push-blob", bytes=4 * KIB),
        goal=0.4,
        reference_per_second=320,
        reference_cpu_us=3471,
    ),
    Workload(
        "push-image",
        "push image (3 layers, config, manifest)",
        _push("push-image", bytes=4 * KIB),
        goal=0.4,
        reference_per_second=60,
        reference_cpu_us=15405,
    ),
    Workload(
        "push-blob-big",
        "push blob 16 MiB, 2 clients",
        _push("push-blob", bytes=16 * MIB),
        clients=2,
        by=By.THROUGHPUT,
        goal=1.5,
        reference_bytes_per_second=276e6,
    ),
    Workload(
        "push-tags",
        "1,000 tags, 1,000 clients, one repository",
        _push_tags,
        clients=1000,
        operations=1000,
    ),
)

CONTENT = {
    "repository": REPOSITORY,
    "tags": 200,
    "blobs": 64,
    "bytes": 4 * KIB,
    "big": 2,
    "big_bytes": 128 * MIB,
}
