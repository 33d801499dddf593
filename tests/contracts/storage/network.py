"""A network between Wharf and a server that loses connections, at a moment that the test chooses."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class LossyNetwork:
    """Carries connections to the loopback port `target`; cuts `cuts` of them, each after so many bytes of answers."""

    target: int
    port: int = 0
    cuts: list[int] = field(default_factory=list)
    _carrying: set[asyncio.Task[None]] = field(default_factory=set)
    _ends: set[asyncio.StreamWriter] = field(default_factory=set)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until it ends or is cut."""
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        ends = {writer, far_writer}
        self._ends |= ends
        requests = asyncio.create_task(_pump(reader, far_writer))
        with suppress(ConnectionError):
            await self._answer(far_reader, writer)
        requests.cancel()
        await asyncio.wait([requests])
        for end in ends:
            end.transport.abort()
            with suppress(ConnectionError):
                await end.wait_closed()
        self._ends -= ends

    async def close(self) -> None:
        """Cut what is carried still, also what has only begun, and wait until it is gone."""
        while self._carrying:
            for end in self._ends:
                end.transport.abort()
            await asyncio.wait(set(self._carrying), timeout=0.1)

    async def _answer(self, far: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await far.read(64 * 1024):
            if self.cuts:
                self.cuts[0] -= len(data)
                if self.cuts[0] < 0:
                    writer.write(data[: self.cuts.pop(0)])
                    await writer.drain()
                    return
            writer.write(data)
            await writer.drain()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(64 * 1024):
            writer.write(data)
            await writer.drain()
        writer.write_eof()


@asynccontextmanager
async def lossy_network(target: int) -> AsyncIterator[LossyNetwork]:
    """Open a network to the loopback port `target`; clients use its `port` instead."""
    network = LossyNetwork(target)
    server = await asyncio.start_server(network.carry, "127.0.0.1", 0)
    network.port = server.sockets[0].getsockname()[1]
    async with server:
        yield network
        server.close()
        await network.close()
