"""Artifacts, what refers to them, charts and signatures."""

import json
import os
from pathlib import Path

import pytest

from tests.clients import images
from tests.clients.conftest import Clients, Registry
from tests.servers.containers import Program, at_home
from tests.servers.go_tools import go_tool

pytestmark = [pytest.mark.clients, pytest.mark.slow]

_SBOM = "application/vnd.example.sbom.v1"
_NOTE = "application/vnd.example.note.v1"


def test_oras_attaches_finds_and_copies(registry: Registry, clients: Clients, tmp_path: Path) -> None:
    clients["oras"].login(registry.host, registry.username, registry.password)
    run, repository = clients["oras"].run, f"{registry.host}/{registry.username}/artifacts/oras"
    (tmp_path / "data.txt").write_bytes(os.urandom(1000))
    run = Program(run.path, environment=run.environment, folder=tmp_path)
    run("push", "--plain-http", "--artifact-type", "application/vnd.example", f"{repository}:1", "data.txt:text/plain")
    for kind in (_SBOM, _NOTE):
        run("attach", "--plain-http", "--artifact-type", kind, f"{repository}:1", "data.txt:text/plain")
    assert [_NOTE, _SBOM] == sorted(_oras_referrers(run, f"{repository}:1"))
    assert [_SBOM] == _oras_referrers(run, f"{repository}:1", "--artifact-type", _SBOM)
    clients["oras"].copy(f"{repository}:1", f"{repository}-copy:1")
    assert [_NOTE, _SBOM] == sorted(_oras_referrers(run, f"{repository}-copy:1"))
    run("pull", "--plain-http", "--output", "pulled", f"{repository}-copy:1")
    assert (tmp_path / "data.txt").read_bytes() == (tmp_path / "pulled" / "data.txt").read_bytes()


def test_regctl_attaches_finds_and_copies(registry: Registry, clients: Clients) -> None:
    clients["regctl"].login(registry.host, registry.username, registry.password)
    run, repository = clients["regctl"].run, f"{registry.host}/{registry.username}/artifacts/regctl"
    host = f"--host=reg={registry.host},tls=disabled"
    clients.publisher.push(images.multi_arch(os.urandom(1000)), f"{repository}:1")
    for kind in (_SBOM, _NOTE):
        run("artifact", "put", host, "--artifact-type", kind, "--subject", f"{repository}:1", stdin=kind)
    listed = ("artifact", "list", host, "--format={{range .Descriptors}}{{println .ArtifactType}}{{end}}")
    assert [_NOTE, _SBOM] == sorted(run(*listed, f"{repository}:1").split())
    assert [_NOTE] == run(*listed, "--filter-artifact-type", _NOTE, f"{repository}:1").split()
    assert _SBOM == run("artifact", "get", host, "--subject", f"{repository}:1", "--filter-artifact-type", _SBOM)
    clients["regctl"].copy(f"{repository}:1", f"{repository}-copy:1")
    assert [_NOTE, _SBOM] == sorted(run(*listed, f"{repository}-copy:1").split())


def test_helm_keeps_charts(registry: Registry, tmp_path: Path) -> None:
    helm = at_home(go_tool("helm"), tmp_path)
    login = ("registry", "login", "--plain-http", "--password-stdin", registry.host)
    assert "401" in helm.refuses(*login, "--username=helm-user", stdin="wrong")
    helm(*login, f"--username={registry.username}", stdin=registry.password)
    helm("create", "chart")
    helm("package", "--version=1.2.3+build.4", "chart")
    chart = next(tmp_path.glob("chart-*.tgz"))
    where = f"oci://{registry.host}/{registry.username}/charts"
    helm("push", "--plain-http", chart, where)
    (tmp_path / "pulled").mkdir()
    helm("pull", "--plain-http", "--version=1.2.3+build.4", "--destination=pulled", f"{where}/chart")
    assert chart.read_bytes() == (tmp_path / "pulled" / chart.name).read_bytes()
    assert "version: 1.2.3+build.4" in helm("show", "chart", "--plain-http", f"{where}/chart")


def test_cosign_signs_and_verifies(registry: Registry, clients: Clients, tmp_path: Path) -> None:
    cosign = at_home(go_tool("cosign"), tmp_path)
    cosign = Program(cosign.path, environment={**cosign.environment, "COSIGN_PASSWORD": "key"}, folder=tmp_path)
    image = images.image(os.urandom(1000))
    repository = f"{registry.host}/{registry.username}/artifacts/cosign"
    clients.publisher.push(image, f"{repository}:1")
    signed = f"{repository}@{image.digest}"
    cosign("login", registry.host, f"--username={registry.username}", "--password-stdin", stdin=registry.password)
    cosign("generate-key-pair")
    # Without a transparency log, which is a service of its own.
    offline = ("--tlog-upload=false", "--use-signing-config=false", "--yes", "--allow-http-registry")
    verify = ("verify", "--key=cosign.pub", "--insecure-ignore-tlog", "--allow-http-registry")
    assert "no signatures" in cosign.refuses(*verify, signed)
    cosign("sign", "--key=cosign.key", *offline, signed)
    assert image.digest == json.loads(cosign(*verify, signed))[0]["critical"]["image"]["docker-manifest-digest"]


def _oras_referrers(run: Program, reference: str, *options: str) -> list[str]:
    answer = json.loads(run("discover", "--plain-http", "--format=json", *options, reference))
    return [each["artifactType"] for each in answer["referrers"]]
