"""A process that writes: `python -m tests.db.counting_writer URL N` lets the row `shared` grow N times."""

import asyncio
import sys

from tests.db.thing import GROW
from wharf.db import open_database


async def main(url: str, count: int) -> None:
    database = await open_database(url)
    for _ in range(count):
        async with database.write(durable=False) as tx:
            await tx.run(GROW, called="shared")
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
