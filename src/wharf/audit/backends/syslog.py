"""Syslog (RFC 5424) over UDP (RFC 5426), TCP (RFC 6587, octet counting) or TLS (RFC 5425).

The protocol has no acknowledgement: over TCP and TLS "sent" means that the peer had taken the bytes when we looked,
over UDP that they left. Who needs to be certain keeps the trail itself, or uses a webhook.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Sequence
from urllib.parse import urlsplit

import orjson

from wharf.audit.backends.base import Document
from wharf.audit.errors import BackendUnavailable

_TIMEOUT_SECONDS = 10
_PORTS = {"udp": 514, "tcp": 601, "tls": 6514}
_AUDIT_NOTICE = 13 * 8 + 5  # facility "log audit", severity "notice"


class SyslogBackend:
    """Sends each entry as one message, whose text is its JSON."""

    name = "syslog"

    def __init__(self, url: str) -> None:
        """Take `udp://host:port`, `tcp://host:port` or `tls://host:port`; raises ValueError for anything else."""
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError(f"{url!r} is not udp://host:port, tcp://host:port or tls://host:port")
        self._scheme = parts.scheme
        self._address = (parts.hostname, parts.port or _PORTS[parts.scheme])
        self._origin = f"{socket.gethostname()} wharf {os.getpid()}"

    async def send(self, documents: Sequence[Document]) -> None:
        """Send the entries over one connection."""
        messages = [self._message(each) for each in documents]
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                await (self._send_datagrams(messages) if self._scheme == "udp" else self._send_stream(messages))
        except (OSError, TimeoutError) as error:
            raise BackendUnavailable(self.name, str(error) or type(error).__name__) from error

    async def close(self) -> None:
        """Nothing is open between batches."""

    def _message(self, document: Document) -> bytes:
        header = f"<{_AUDIT_NOTICE}>1 {document['at']} {self._origin} {document['kind']} - "
        return header.encode("ascii", "replace") + orjson.dumps(document)

    async def _send_datagrams(self, messages: list[bytes]) -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=self._address)
        try:
            for message in messages:
                transport.sendto(message)
        finally:
            transport.close()

    async def _send_stream(self, messages: list[bytes]) -> None:
        secure = ssl.create_default_context() if self._scheme == "tls" else None
        _, writer = await asyncio.open_connection(*self._address, ssl=secure)
        try:
            writer.write(b"".join(b"%d %b" % (len(message), message) for message in messages))
            await writer.drain()
        finally:
            writer.close()
            await writer.wait_closed()
