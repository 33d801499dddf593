"""What every client does all day."""

import os
from contextlib import suppress
from dataclasses import dataclass

import pytest

from tests.clients import images
from tests.clients.adapters import CLIENTS, Client
from tests.clients.conftest import Clients, Registry
from tests.servers.containers import ProgramFailed
from tests.servers.proxy import breaking_network

pytestmark = [pytest.mark.clients, pytest.mark.slow]

_LARGE_BYTES = 3_000_000


@dataclass(frozen=True, slots=True)
class Named:
    name: str
    client: Client


@pytest.fixture(params=CLIENTS)
def named(request: pytest.FixtureRequest, clients: Clients) -> Named:
    name: str = request.param
    return Named(name, clients[name])


def test_a_wrong_password_is_refused(named: Named, registry: Registry) -> None:
    with pytest.raises(ProgramFailed, match=r"(?i)unauthorized|authentication required|invalid username/password"):
        # Not the user of the other tests, whose name would soon be locked.
        named.client.login(registry.host, f"{named.name}-user", "wrong")
        named.client.pull(f"{registry.host}/{registry.username}/absent:1.0")  # crane believes every password at first


def test_what_is_pulled_is_what_was_pushed(named: Named, registry: Registry) -> None:
    image = images.image(os.urandom(10_000))
    reference = f"{registry.host}/{registry.username}/{named.name}:1.0"
    named.client.login(registry.host, registry.username, registry.password)
    named.client.push(image.payload, reference)
    assert image.checksum == named.client.pull(reference)


def test_a_stranger_does_not_get_it(named: Named, registry: Registry, clients: Clients) -> None:
    reference = f"{registry.host}/{registry.username}/private-{named.name}:1.0"
    clients.publisher.push(images.image(os.urandom(1000)), reference)
    with (
        clients.fresh(named.name) as stranger,
        pytest.raises(
            ProgramFailed, match=r"(?i)unauthorized|authentication required|denied|authorization failed|insufficient"
        ),
    ):
        stranger.pull(reference)


def test_an_index_gives_the_image_of_this_machine(named: Named, registry: Registry, clients: Clients) -> None:
    index = images.multi_arch(os.urandom(10_000))
    reference = f"{registry.host}/{registry.username}/multi-{named.name}:1.0"
    clients.publisher.push(index, reference)
    named.client.login(registry.host, registry.username, registry.password)
    assert index.children[0].checksum == named.client.pull(reference)


def test_a_copy_between_repositories_sends_no_blob_twice(named: Named, registry: Registry, clients: Clients) -> None:
    image = images.image(os.urandom(10_000))
    source, target = f"{registry.username}/from-{named.name}", f"{registry.username}/to-{named.name}"
    clients.publisher.push(image, f"{registry.host}/{source}:1.0")
    named.client.login(registry.host, registry.username, registry.password)
    named.client.pull(f"{registry.host}/{source}:1.0")
    named.client.copy(f"{registry.host}/{source}:1.0", f"{registry.host}/{target}:2.0")
    assert image.checksum == named.client.pull(f"{registry.host}/{target}:2.0")
    assert registry.mounts(target) >= len(image.blobs) - 1  # docker rewrites the configuration


def test_a_push_survives_a_broken_connection(named: Named, registry: Registry) -> None:
    image = images.image(os.urandom(_LARGE_BYTES))
    with breaking_network(registry.port, _LARGE_BYTES // 2) as network:
        reference = f"127.0.0.1:{network.port}/{registry.username}/broken-{named.name}:1.0"
        named.client.login(f"127.0.0.1:{network.port}", registry.username, registry.password)
        with suppress(ProgramFailed):  # some try again by themselves, some leave that to the user
            named.client.push(image.payload, reference)
        assert network.was_cut
        named.client.push(image.payload, reference)
        assert image.checksum == named.client.pull(reference)
