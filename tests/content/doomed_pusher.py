"""Pushes until it is killed, beside a collector, and says what it was told is stored.

    python -m tests.content.doomed_pusher <database URL> <storage folder> <owner id> <first number>

A line on standard output for each push that succeeded: `<tag> <digest>`.
"""

import asyncio
import sys
from itertools import count
from pathlib import Path

from tests.content.conftest import Registry
from tests.content.storm import LAYERS, NAMES, Storm
from wharf.access.actions import Action
from wharf.access.principals import Principal, PrincipalKind
from wharf.content import repositories
from wharf.content.errors import ManifestBlobsUnknown
from wharf.db import open_database
from wharf.oci.names import RepositoryName
from wharf.storage.local import LocalStorage


async def main(url: str, folder: str, owner_id: int, first: int) -> None:
    """Never returns."""
    database = await open_database(url)
    registry = Registry(database, await LocalStorage.open_(Path(folder)))
    registry.owner = Principal(PrincipalKind.USER, owner_id, "ada", owner_id)
    home = await repositories.access(database, registry.owner, RepositoryName(NAMES[0]), Action.PUSH)
    storm = Storm(registry, [home], first)
    numbers = count(first)

    async def push() -> None:
        for number in numbers:
            layers = [b"large %d " % number * 10_000, LAYERS[number % len(LAYERS)]]
            try:
                digest = await storm.push(home, [b"%d" % number, *layers], f"tag-{number}")
            except ManifestBlobsUnknown:
                continue
            print(f"tag-{number} {digest}", flush=True)

    await asyncio.gather(storm.collect(), *(push() for _ in range(4)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
