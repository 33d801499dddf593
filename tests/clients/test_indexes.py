"""Indexes made by the clients themselves, of images that are in the registry already."""

import os

import pytest

from tests.clients import images
from tests.clients.adapters import INSECURE
from tests.clients.conftest import Clients, Registry
from tests.clients.images import Image

pytestmark = [pytest.mark.clients, pytest.mark.slow]


@pytest.fixture
def platforms() -> dict[str, Image]:
    return {name: images.image(os.urandom(1000), name) for name in ("amd64", "arm64")}


def _pushed(registry: Registry, clients: Clients, name: str, platforms: dict[str, Image]) -> str:
    """A repository with one image for each platform, tagged with its name; the client `name` is signed in."""
    repository = f"{registry.host}/{registry.username}/indexes/{name}"
    for platform, image in platforms.items():
        clients.publisher.push(image, f"{repository}:{platform}")
    clients[name].login(registry.host, registry.username, registry.password)
    return repository


@pytest.mark.parametrize("name", ["podman", "buildah"])
def test_a_local_list(name: str, registry: Registry, clients: Clients, platforms: dict[str, Image]) -> None:
    repository, run = _pushed(registry, clients, name, platforms), clients[name].run
    run("manifest", "create", "list")
    for platform in platforms:
        run("manifest", "add", INSECURE, "list", f"docker://{repository}:{platform}")
    run("manifest", "push", INSECURE, "--all", "--rm", "list", f"docker://{repository}:all")
    assert platforms["amd64"].checksum == clients[name].pull(f"{repository}:all")


def test_docker(registry: Registry, clients: Clients, platforms: dict[str, Image]) -> None:
    repository, run = _pushed(registry, clients, "docker", platforms), clients["docker"].run
    members = [f"{repository}@{image.digest}" for image in platforms.values()]
    run("manifest", "create", "--insecure", f"{repository}:all", *members)
    run("manifest", "push", "--insecure", f"{repository}:all")
    assert platforms["amd64"].checksum == clients["docker"].pull(f"{repository}:all")


def test_regctl(registry: Registry, clients: Clients, platforms: dict[str, Image]) -> None:
    repository, run = _pushed(registry, clients, "regctl", platforms), clients["regctl"].run
    host = f"--host=reg={registry.host},tls=disabled"
    members = [f"--ref={repository}:{platform}" for platform in platforms]
    run("index", "create", host, *members, f"{repository}:all")
    assert platforms["amd64"].checksum == clients["regctl"].pull(f"{repository}:all")


def test_oras(registry: Registry, clients: Clients, platforms: dict[str, Image]) -> None:
    repository, run = _pushed(registry, clients, "oras", platforms), clients["oras"].run
    run("manifest", "index", "create", "--plain-http", f"{repository}:all", *platforms)
    assert platforms["amd64"].checksum == clients["oras"].pull(f"{repository}:all")


def test_crane(registry: Registry, clients: Clients, platforms: dict[str, Image]) -> None:
    repository, run = _pushed(registry, clients, "crane", platforms), clients["crane"].run
    members = [f"--manifest={repository}:{platform}" for platform in platforms]
    run("index", "append", *members, f"--tag={repository}:all")
    assert platforms["amd64"].checksum == clients["crane"].pull(f"{repository}:all")
