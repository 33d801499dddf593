"""A registry client that calls the ASGI application directly: no socket, and every byte of the answer in hand."""

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Application = Callable[[Scope, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]
Chunks = Iterable[bytes] | AsyncIterable[bytes] | Callable[[], Iterable[bytes] | AsyncIterable[bytes]]


class Disconnect(Exception):
    """Raised by a body's iterator: the client hangs up here."""


@dataclass(frozen=True)
class Response:
    """What came back. `headers` are by lower-case name, repeated ones joined with a comma as HTTP allows."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    sent_as: str  # "body", or "file" for http.response.pathsend

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def codes(self) -> list[str]:
        """The error codes, after checking that this is an error in the protocol's form."""
        assert self.headers["content-type"] == "application/json"
        document = self.json
        assert set(document) == {"errors"}
        for error in document["errors"]:
            assert set(error) == {"code", "message", "detail"}
            assert error["message"]
        return [error["code"] for error in document["errors"]]

    @property
    def challenge(self) -> dict[str, str]:
        """The parameters of the Bearer challenge, parsed as strictly as the strictest client does."""
        header = self.headers["www-authenticate"]
        assert header.startswith("Bearer ")
        parameters = re.findall(r'([a-z_]+)="([^"]*)"(?:,|$)', header.removeprefix("Bearer "))
        assert header == "Bearer " + ",".join(f'{key}="{value}"' for key, value in parameters)
        return dict(parameters)


class Client:
    """Sends requests as one account, or as nobody."""

    def __init__(
        self,
        application: Application,
        *,
        basic: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        authorize: bool = True,
    ) -> None:
        self._application = application
        self._basic = basic
        self._headers = dict(headers or {})
        self._authorize = authorize
        self._tokens: dict[str, str] = {}
        self.extensions: dict[str, Any] = {"http.response.pathsend": {}}
        self.client_ip = "127.0.0.1"

    async def get(self, url: str, **options: Any) -> Response:
        return await self.request("GET", url, **options)

    async def head(self, url: str, **options: Any) -> Response:
        return await self.request("HEAD", url, **options)

    async def post(self, url: str, **options: Any) -> Response:
        return await self.request("POST", url, **options)

    async def patch(self, url: str, **options: Any) -> Response:
        return await self.request("PATCH", url, **options)

    async def put(self, url: str, **options: Any) -> Response:
        return await self.request("PUT", url, **options)

    async def delete(self, url: str, **options: Any) -> Response:
        return await self.request("DELETE", url, **options)

    async def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        chunks: Chunks | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send a request with a Content-Length (`body`) or without one (`chunks`); sign in when asked to.

        Chunks that can be gone through only once are given as the function that makes them.
        """
        path = urlsplit(url).path
        token = self._tokens.get(path)
        response = await self.send(method, url, body=body, chunks=chunks, headers=headers, token=token)
        if response.status == 401 and self._authorize and "www-authenticate" in response.headers:
            token = self._tokens[path] = await self.token(response.challenge)
            response = await self.send(method, url, body=body, chunks=chunks, headers=headers, token=token)
        return response

    async def token(self, challenge: Mapping[str, str]) -> str:
        """Fetch the token that a challenge asks for."""
        query = urlencode([(key, challenge[key]) for key in ("service", "scope") if key in challenge])
        response = await self.send("GET", f"{urlsplit(challenge['realm']).path}?{query}", headers=self.basic)
        assert response.status == 200, response
        token: str = response.json["token"]
        return token

    @property
    def basic(self) -> dict[str, str]:
        """The header with this account's own name and secret."""
        if self._basic is None:
            return {}
        return {"authorization": "Basic " + base64.b64encode(":".join(self._basic).encode()).decode()}

    async def send(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        chunks: Chunks | None = None,
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
    ) -> Response:
        """Send exactly this request."""
        sent = {"host": "registry.test"} | self._headers
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        if body is not None:
            sent["content-length"] = str(len(body))
        elif chunks is not None:
            sent["transfer-encoding"] = "chunked"
        sent |= headers or {}
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in sent.items()]
        return await call(
            self._application, self._scope(method, url, raw), _messages(chunks if chunks is not None else [body or b""])
        )

    def _scope(self, method: str, url: str, headers: list[tuple[bytes, bytes]]) -> Scope:
        # Not urlsplit: a hostile target need not be a URL.
        target, _, query = url.partition("?")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(target),
            "raw_path": quote(target, safe="/%:").encode(),
            "query_string": query.encode("utf-8", "surrogatepass"),
            "root_path": "",
            "headers": headers,
            "server": ("127.0.0.1", 80),
            "client": (self.client_ip, 50000),
            "extensions": self.extensions,
        }


async def call(application: Application, scope: Scope, receive: Callable[[], Awaitable[Message]]) -> Response:
    """Run one request through `application` and check that it keeps to ASGI and HTTP on the way."""
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    await application(scope, receive, send)
    start, *rest = messages
    assert start["type"] == "http.response.start"
    headers: dict[str, str] = {}
    for name, value in start["headers"]:
        key = name.decode("ascii")
        assert key == key.lower(), "ASGI wants lower-case names"
        headers[key] = f"{headers[key]}, {value.decode('ascii')}" if key in headers else value.decode("ascii")
    body, sent_as = _body(rest)
    response = Response(start["status"], headers, body, sent_as)
    _check_framing(scope["method"], response)
    return response


def _body(messages: list[Message]) -> tuple[bytes, str]:
    if messages[0]["type"] == "http.response.pathsend":
        assert len(messages) == 1
        return Path(messages[0]["path"]).read_bytes(), "file"
    assert all(message["type"] == "http.response.body" for message in messages)
    assert [bool(message.get("more_body")) for message in messages] == [True] * (len(messages) - 1) + [False]
    return b"".join(message.get("body", b"") for message in messages), "body"


def _check_framing(method: str, response: Response) -> None:
    """A wrong length breaks the connection, so every test looks at it."""
    if response.status in {204, 304}:
        assert "content-length" not in response.headers
        assert not response.body
    elif method == "HEAD":
        assert response.headers["content-length"].isdigit()
        assert not response.body
    else:
        assert response.headers["content-length"] == str(len(response.body))


def _messages(chunks: Chunks) -> Callable[[], Awaitable[Message]]:
    """The `receive` of a client that sends `chunks` and then waits for its answer."""
    source = _pieces(chunks)
    over = False

    async def receive() -> Message:
        nonlocal over
        if over:
            return {"type": "http.disconnect"}
        try:
            piece, more = await anext(source)
        except Disconnect:
            over = True
            return {"type": "http.disconnect"}
        over = not more
        return {"type": "http.request", "body": piece, "more_body": more}

    return receive


async def _pieces(chunks: Chunks) -> Any:
    if callable(chunks):
        chunks = chunks()
    if isinstance(chunks, AsyncIterable):
        async for chunk in chunks:
            yield chunk, True
        yield b"", False
        return
    iterator = iter(chunks)
    last: bytes | None = None
    for chunk in iterator:
        if last is not None:
            yield last, True
            await asyncio.sleep(0)
        last = chunk
    yield last or b"", False
