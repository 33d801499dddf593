"""Builders for tests: a registry in one process, filled through the verbs that production uses.

    world = await World.build(database, folder)
    ada = await world.user("ada")
    client = world.client(ada)
    await client.put("/v2/ada/app/manifests/latest", body=…)

A `Client` behaves like a registry client: after a 401 it fetches the token that was asked for and tries again.
"""

from tests.world.client import Client, Response
from tests.world.world import Account, World

__all__ = ["Account", "Client", "Response", "World"]
