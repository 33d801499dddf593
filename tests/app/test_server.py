"""The HTTP server itself: what it passes on, what it refuses by itself (docs/adr/0005), and how it ends."""

import asyncio
import os
import signal
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from wharf.app import refusals, server
from wharf.app.asgi import Gateway
from wharf.app.build import build
from wharf.app.operations import Health
from wharf.app.refusals import Receive, Scope, Send, Surface
from wharf.app.schema import prepare
from wharf.app.server import AddressInUse, Stopping, claim_port, serve, work
from wharf.config import Config, JobsConfig, ServerConfig


class Slow:
    """A surface that answers when it is told to."""

    def __init__(self) -> None:
        self.arrived = asyncio.Event()
        self.leave = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.arrived.set()
        await self.leave.wait()
        await echo(scope, receive, send)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            await refusals.respond(send, scope["method"], 400, b"cut", b"text/plain")
            return
        size += len(message["body"])
        if not message.get("more_body"):
            break
    await refusals.respond(send, scope["method"], 200, b"%d" % size, b"text/plain")


@asynccontextmanager
async def running(
    folder: Path, surfaces: dict[str, Surface], **settings: Any
) -> AsyncIterator[tuple[str, Stopping, "asyncio.Task[None]"]]:
    """A server with surfaces of our own; yields its URL, how to stop it, and the task that ends with it."""
    settings = {"shutdown_notice_seconds": 0, **settings}
    config = Config(data_folder=folder, server=ServerConfig(port=0, **settings), jobs=JobsConfig(embedded=False))
    await prepare(config)
    wharf = await build(config)
    health = Health(wharf.database, wharf.storage, wharf.lifecycle)
    wharf = replace(wharf, gateway=Gateway(config.server, {"health": health, **surfaces}, None, wharf.lifecycle))
    stopping, ready = Stopping(), asyncio.get_running_loop().create_future()

    async def announce(url: str) -> None:
        ready.set_result(url)

    serving = asyncio.create_task(serve(wharf, stopping, ready=announce))
    await asyncio.wait({ready, serving}, return_when=asyncio.FIRST_COMPLETED)
    try:
        yield ready.result(), stopping, serving
    finally:
        stopping.asked.set()
        await serving
        await wharf.close()


async def wire(url: str, request: bytes) -> bytes:
    """Send raw bytes, and return what comes until the server closes or has answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(url).port)
    writer.write(request)
    answer = await reader.readuntil(b"\r\n\r\n")
    head = answer.lower()
    if b"content-length: " in head:
        length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
        answer += await reader.readexactly(length)
    writer.close()
    return answer


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Files with a certificate for 127.0.0.1 and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files


HEAD = b"GET /v2/ HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "status", "json"),
    [
        pytest.param(HEAD + b"\r\n", b"200", False, id="plain"),
        pytest.param(HEAD + b"Cookie: " + b"x" * 70_000 + b"\r\n\r\n", b"431", True, id="70 KB of headers"),
        pytest.param(HEAD + b"Cookie: " + b"x" * 400_000 + b"\r\n\r\n", b"431", True, id="400 KB of headers"),
        pytest.param(HEAD + b"".join(b"A%d: b\r\n" % n for n in range(99)) + b"\r\n", b"200", False, id="100 headers"),
        pytest.param(
            b"PUT /v2/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400", False, id="bad chunk"
        ),
        # What the HTTP engine refuses by itself, without a body: docs/adr/0005.
        pytest.param(HEAD + b"".join(b"A%d: b\r\n" % n for n in range(100)) + b"\r\n", b"431", False, id="101 headers"),
        pytest.param(HEAD + b"Content-Length: x\r\n\r\n", b"400", False, id="bad length"),
        pytest.param(HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", b"400", False, id="two lengths"),
        pytest.param(b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"414", False, id="70 KB of path"),
        pytest.param(b"nonsense\r\n\r\n", b"400", False, id="no HTTP at all"),
    ],
)
async def test_what_arrives_and_what_is_refused(
    tmp_path: Path, request_bytes: bytes, status: bytes, *, json: bool
) -> None:
    async with running(tmp_path, {"v2": echo}) as (url, _, _):
        answer = await wire(url, request_bytes)
    assert answer.split(b" ")[1] == status
    assert json == (b'{"errors":[' in answer)


async def test_a_stop_finishes_what_is_in_flight_and_accepts_nothing_more(tmp_path: Path) -> None:
    slow = Slow()
    async with running(tmp_path, {"slow": slow, "v2": echo}) as (url, stopping, serving), httpx.AsyncClient() as http:
        assert 200 == (await http.get(f"{url}/health/ready")).status_code
        upload = asyncio.create_task(http.put(f"{url}/slow", content=b"x" * 1000))
        await slow.arrived.wait()
        stopping.ask()
        while True:
            try:
                async with httpx.AsyncClient() as stranger:
                    await stranger.get(f"{url}/v2/")
            except httpx.TransportError:
                break
        assert not serving.done()
        slow.leave.set()
        assert "1000" == (await upload).text
        await serving


async def test_before_it_stops_a_server_says_so_and_goes_on_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noticed = asyncio.Event()

    async def notice(config: ServerConfig) -> None:
        assert config.shutdown_notice_seconds == 3
        await noticed.wait()

    monkeypatch.setattr(server, "_let_load_balancers_notice", notice)
    async with (
        running(tmp_path, {"v2": echo}, shutdown_notice_seconds=3) as (url, stopping, serving),
        httpx.AsyncClient() as http,
    ):
        stopping.ask()
        while (answer := await http.get(f"{url}/health/ready")).status_code != 503:
            await asyncio.sleep(0)
        assert answer.json()["services"]["accepting"] is False
        last = await http.get(f"{url}/v2/")
        assert (200, "close") == (last.status_code, last.headers["connection"])
        noticed.set()
        await serving


async def test_a_person_at_the_terminal_does_not_wait_for_load_balancers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def notice(_config: ServerConfig) -> None:
        raise AssertionError("nobody to notice")

    monkeypatch.setattr(server, "_let_load_balancers_notice", notice)
    async with running(tmp_path, {"v2": echo}) as (_, stopping, serving):
        stopping.on_signals()
        signal.raise_signal(signal.SIGINT)
        await serving


async def test_a_request_that_does_not_end_is_cut_off(tmp_path: Path) -> None:
    slow = Slow()
    async with (
        running(tmp_path, {"slow": slow}, shutdown_drain_seconds=0) as (url, stopping, serving),
        httpx.AsyncClient() as http,
    ):
        endless = asyncio.create_task(http.get(f"{url}/slow"))
        await slow.arrived.wait()
        stopping.ask()
        await serving
        slow.leave.set()
        await asyncio.wait({endless})
        endless.exception()


async def test_https_with_a_certificate_of_ones_own(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    trust = ssl.create_default_context(cafile=str(certificate))
    async with (
        running(tmp_path, {"v2": echo}, tls_certificate=certificate, tls_key=key) as (url, _, _),
        httpx.AsyncClient(verify=trust) as http,
    ):
        assert url.startswith("https://127.0.0.1:")
        assert 200 == (await http.get(f"{url}/v2/")).status_code


async def test_ipv6(tmp_path: Path) -> None:
    async with running(tmp_path, {"v2": echo}, host="::1") as (url, _, _), httpx.AsyncClient() as http:
        assert url.startswith("http://[::1]:")
        assert 200 == (await http.get(f"{url}/v2/")).status_code


async def test_jobs_alone(tmp_path: Path) -> None:
    config = Config(data_folder=tmp_path)
    await prepare(config)
    wharf = await build(config)
    stopping = Stopping()
    working = asyncio.create_task(work(wharf, stopping))
    await asyncio.sleep(0)
    stopping.ask()
    await working
    await wharf.close()


def test_a_port_is_claimed_by_one_server_only() -> None:
    with socket.socket() as other:
        # As granian listens: without a look of our own, the kernel would let both have the port.
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(AddressInUse, match=f"127.0.0.1:{port}"):
            claim_port("127.0.0.1", port)
    assert port == claim_port("127.0.0.1", port)
    assert claim_port("127.0.0.1", 0) > 0
    with pytest.raises(AddressInUse):
        claim_port("192.0.2.1", 0)


def test_the_second_signal_ends_the_process_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)

    async def main() -> None:
        stopping = Stopping()
        stopping.on_signals()
        signal.raise_signal(signal.SIGTERM)
        await stopping.asked.wait()
        assert not ended
        signal.raise_signal(signal.SIGTERM)
        while not ended:
            await asyncio.sleep(0)

    asyncio.run(main())
    assert [130] == ended
