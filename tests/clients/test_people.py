"""Who may do what, as the clients see it: strangers, robots, and what the operator grants them."""

import os

import pytest

from tests.clients import images
from tests.clients.adapters import CLIENTS
from tests.clients.conftest import Clients, Registry
from tests.servers.containers import ProgramFailed

pytestmark = [pytest.mark.clients, pytest.mark.slow]


@pytest.mark.parametrize("name", CLIENTS)
def test_everybody_pulls_what_is_public(name: str, registry: Registry, clients: Clients) -> None:
    image = images.image(os.urandom(1000))
    repository = f"{registry.username}/public-{name}"
    clients.publisher.push(image, f"{registry.host}/{repository}:1.0")
    registry.operator("repository", "visibility", repository, "public")
    with clients.fresh(name) as stranger:
        assert image.checksum == stranger.pull(f"{registry.host}/{repository}:1.0")
        with pytest.raises(ProgramFailed):
            stranger.copy(f"{registry.host}/{repository}:1.0", f"{registry.host}/{repository}:2.0")
    assert ["1.0"] == clients.publisher.tags(f"{registry.host}/{repository}")


@pytest.mark.parametrize("name", CLIENTS)
def test_a_robot_does_what_it_is_granted(name: str, registry: Registry, clients: Clients) -> None:
    image = images.image(os.urandom(1000))
    repository, robot = f"{registry.username}/robots-{name}", f"{registry.username}+{name}"
    reference = f"{registry.host}/{repository}"
    token = registry.operator("robot", "create", robot).strip()
    clients.publisher.push(image, f"{reference}:1.0")
    with clients.fresh(name) as client:
        client.login(registry.host, robot, token)
        with pytest.raises(ProgramFailed):  # as if it were not there
            client.pull(f"{reference}:1.0")
        registry.operator("grant", repository, "read", robot)
        assert image.checksum == client.pull(f"{reference}:1.0")
        with pytest.raises(ProgramFailed):
            client.copy(f"{reference}:1.0", f"{reference}:2.0")
        assert ["1.0"] == clients.publisher.tags(reference)
        registry.operator("grant", repository, "write", robot)
        client.copy(f"{reference}:1.0", f"{reference}:2.0")
        assert image.checksum == client.pull(f"{reference}:2.0")
