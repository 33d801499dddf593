"""The other ends of the backends: a file, and servers that speak syslog and HTTP."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import orjson

from wharf.audit.backends.base import Backend
from wharf.audit.backends.file import FileBackend
from wharf.audit.backends.syslog import SyslogBackend
from wharf.audit.backends.webhook import WebhookBackend

SECRET = "a secret between the two"


class Receiver(Protocol):
    """What a backend sends to. `tells` says whether the sender is told of an outage."""

    backend: Backend
    tells: bool

    async def documents(self, count: int) -> list[Any]:
        """Wait for `count` entries and return all there are."""
        ...

    async def leave(self) -> None:
        """Do not take anything any more."""
        ...

    async def come_back(self) -> None: ...


class FileReceiver:
    tells = True

    def __init__(self, folder: Path) -> None:
        self._path = folder / "log" / "audit.jsonl"
        self._path.parent.mkdir()
        self.backend: Backend = FileBackend(self._path)

    async def documents(self, count: int) -> list[Any]:
        return [orjson.loads(line) for line in self._path.read_bytes().splitlines()]

    async def leave(self) -> None:
        self._path.parent.rename(self._path.parent.with_name("away"))

    async def come_back(self) -> None:
        self._path.parent.with_name("away").rename(self._path.parent)


@dataclass
class Inbox:
    """Entries that have arrived over a socket."""

    found: list[Any] = field(default_factory=list)
    more: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, document: Any) -> None:
        self.found.append(document)
        self.more.set()

    async def wait(self, count: int) -> list[Any]:
        async with asyncio.timeout(10):
            while len(self.found) < count:
                self.more.clear()
                await self.more.wait()
        return self.found


class StreamReceiver:
    """A server on a port of its own, which it keeps while it is away."""

    tells = True
    _server: asyncio.Server

    def __init__(self) -> None:
        self.inbox = Inbox()
        self.port = 0

    async def come_back(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def leave(self) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def documents(self, count: int) -> list[Any]:
        return await self.inbox.wait(count)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await self.converse(reader, writer)
        writer.close()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise AssertionError


class SyslogReceiver(StreamReceiver):
    """Messages in octet-counted frames (RFC 6587 §3.4.1)."""

    async def come_back(self) -> None:
        await super().come_back()
        self.backend: Backend = SyslogBackend(f"tcp://127.0.0.1:{self.port}")

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            length = int(await reader.readuntil(b" "))
            self.inbox.put(parse_syslog(await reader.readexactly(length)))


class WebhookReceiver(StreamReceiver):
    """Answers each POST with `status`; only those it answers with 200 have arrived."""

    def __init__(self) -> None:
        super().__init__()
        self.status = 200
        self.signatures: list[tuple[str, bytes]] = []

    async def come_back(self) -> None:
        await super().come_back()
        self.status = 200
        self.backend: Backend = WebhookBackend(f"http://127.0.0.1:{self.port}/audit", SECRET)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        body = await reader.readexactly(int(fields["content-length"]))
        self.signatures.append((fields.get("x-wharf-signature-256", ""), body))
        if self.status == 200:
            for document in orjson.loads(body):
                self.inbox.put(document)
        writer.write(b"HTTP/1.1 %d Answer\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % self.status)
        await writer.drain()


class DatagramReceiver(asyncio.DatagramProtocol):
    """Syslog over UDP, whose sender never knows."""

    tells = False

    def __init__(self) -> None:
        self.inbox = Inbox()

    async def open_(self) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self.backend: Backend = SyslogBackend(f"udp://127.0.0.1:{self._transport.get_extra_info('sockname')[1]}")

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.inbox.put(parse_syslog(data))

    async def documents(self, count: int) -> list[Any]:
        return await self.inbox.wait(count)

    async def leave(self) -> None:
        self._transport.close()

    async def come_back(self) -> None:
        raise AssertionError


def parse_syslog(message: bytes) -> Any:
    """Read the text of a message after checking its header (RFC 5424 §6)."""
    priority, at, host, application, process, kind, data, text = message.split(b" ", 7)
    document = orjson.loads(text)
    assert priority == b"<109>1"
    assert application == b"wharf"
    assert data == b"-"
    assert host
    assert process.isdigit()
    assert (at.decode(), kind.decode()) == (document["at"], document["kind"])
    return document


@asynccontextmanager
async def receiver(name: str, folder: Path) -> AsyncIterator[Receiver]:
    """Start what `name` sends to."""
    made: Receiver
    match name:
        case "file":
            made = FileReceiver(folder)
        case "syslog over udp":
            made = datagrams = DatagramReceiver()
            await datagrams.open_()
        case _:
            made = SyslogReceiver() if name == "syslog" else WebhookReceiver()
            await made.come_back()
    yield made
    await made.backend.close()
    if name != "file":
        await made.leave()
