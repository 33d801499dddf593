"""Listing and deleting, as each client spells it."""

import json
import os

import pytest

from tests.clients import images
from tests.clients.adapters import INSECURE
from tests.clients.conftest import Clients, Registry
from tests.clients.images import Image
from tests.servers.containers import Program

pytestmark = [pytest.mark.clients, pytest.mark.slow]

_TAGS = ["1.0", "1.1", "UPPER", "latest"]


@pytest.fixture
def image() -> Image:
    return images.image(os.urandom(1000))


@pytest.fixture
def signed_in(registry: Registry, clients: Clients) -> Clients:
    for name in ("skopeo", "crane", "regctl", "oras"):
        clients[name].login(registry.host, registry.username, registry.password)
    return clients


def _repository(registry: Registry, clients: Clients, name: str, image: Image) -> str:
    """A repository with a few tags, all of the same image."""
    repository = f"{registry.host}/{registry.username}/tags/{name}"
    for tag in _TAGS:
        clients.publisher.push(image, f"{repository}:{tag}")
    return repository


def test_skopeo(registry: Registry, signed_in: Clients, image: Image) -> None:
    repository, run = _repository(registry, signed_in, "skopeo", image), signed_in["skopeo"].run
    assert _TAGS == _skopeo_tags(run, repository)
    described = json.loads(run("inspect", INSECURE, f"docker://{repository}:1.0"))
    assert (image.digest, _TAGS) == (described["Digest"], described["RepoTags"])
    run("delete", INSECURE, f"docker://{repository}:1.1")  # by digest: every tag of the image goes
    assert "manifest unknown" in run.refuses("inspect", INSECURE, f"docker://{repository}:1.0")


def test_crane(registry: Registry, signed_in: Clients, image: Image) -> None:
    repository, run = _repository(registry, signed_in, "crane", image), signed_in["crane"].run
    assert _TAGS == run("ls", repository).split()
    assert image.digest == run("digest", f"{repository}:1.0").strip()
    assert repository.partition("/")[2] in run("catalog", registry.host).split()
    run("tag", f"{repository}:1.0", "2.0")
    run("delete", f"{repository}:1.1")
    assert ["1.0", "2.0", "UPPER", "latest"] == run("ls", repository).split()
    run("delete", f"{repository}@{image.digest}")
    assert [] == run("ls", repository).split()


def test_regctl(registry: Registry, signed_in: Clients, image: Image) -> None:
    repository, run = _repository(registry, signed_in, "regctl", image), signed_in["regctl"].run
    host = f"--host=reg={registry.host},tls=disabled"
    assert _TAGS == run("tag", "ls", host, repository).split()
    assert _TAGS[1:3] == run("tag", "ls", host, "--limit=2", "--last=1.0", repository).split()
    run("tag", "delete", host, f"{repository}:1.1")
    assert ["1.0", "UPPER", "latest"] == run("tag", "ls", host, repository).split()
    run("manifest", "delete", host, "--force-tag-dereference", f"{repository}:1.0")
    assert [] == run("tag", "ls", host, repository).split()
    assert "not found" in run.refuses("manifest", "head", host, f"{repository}@{image.digest}")


def test_oras(registry: Registry, signed_in: Clients, image: Image) -> None:
    repository, run = _repository(registry, signed_in, "oras", image), signed_in["oras"].run
    assert _TAGS == run("repo", "tags", "--plain-http", repository).split()
    assert image.digest == run("resolve", "--plain-http", f"{repository}:1.0").strip()
    run("tag", "--plain-http", f"{repository}:1.0", "3.0", "4.0")
    assert ["3.0", "4.0"] == run("repo", "tags", "--plain-http", "--last=1.1", repository).split()[:2]
    run("manifest", "delete", "--plain-http", "--force", f"{repository}@{image.digest}")
    assert [] == run("repo", "tags", "--plain-http", repository).split()
    run("blob", "delete", "--plain-http", "--force", f"{repository}@{images.digest_of(image.blobs[-1])}")
    fetch = ("blob", "fetch", "--plain-http", "--descriptor")
    assert "not found" in run.refuses(*fetch, f"{repository}@{images.digest_of(image.blobs[-1])}")


def _skopeo_tags(run: Program, repository: str) -> list[str]:
    tags: list[str] = json.loads(run("list-tags", INSECURE, f"docker://{repository}"))["Tags"]
    return tags
