"""What is answered where no surface could: overload, oversize headers, a bug. In the words of the surface asked for."""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

import orjson

from wharf.oci.errors import ErrorCode

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Surface = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A status with its reason; `code` is what `/v2` calls it."""

    status: int
    code: ErrorCode
    message: str
    headers: tuple[tuple[bytes, bytes], ...] = ()

    def body(self, surface: str) -> bytes:
        """The reason as JSON: Quay's error object under `/api`, the distribution specification's elsewhere."""
        if surface == "api":
            return orjson.dumps({"status": self.status, "error_type": self.code.lower(), "detail": self.message,
                                 "error_message": self.message, "title": self.code.lower()})  # fmt: skip
        return orjson.dumps({"errors": [{"code": self.code, "message": self.message, "detail": None}]})


NOT_FOUND = Refusal(404, ErrorCode.UNSUPPORTED, "there is nothing at this path")
V1_GONE = Refusal(404, ErrorCode.UNSUPPORTED, "the version 1 protocol is not offered; use a client that speaks /v2")
HEADERS_TOO_LARGE = Refusal(431, ErrorCode.UNSUPPORTED, "the request headers are larger than this registry accepts")
BUG = Refusal(500, ErrorCode.UNKNOWN, ErrorCode.UNKNOWN.message)


def overloaded(retry_after_seconds: int) -> Refusal:
    """More requests are in flight than may be; the client should come back."""
    return Refusal(
        503,
        ErrorCode.TOOMANYREQUESTS,
        "the registry is busy, try again in a moment",
        ((b"retry-after", b"%d" % retry_after_seconds),),
    )


async def answer(send: Send, method: str, refusal: Refusal, surface: str) -> None:
    """Send `refusal` as the whole answer."""
    await respond(send, method, refusal.status, refusal.body(surface), b"application/json", refusal.headers)


async def respond(
    send: Send,
    method: str,
    status: int,
    body: bytes,
    content_type: bytes,
    headers: tuple[tuple[bytes, bytes], ...] = (),
) -> None:
    """Send a whole answer that is in memory."""
    head = [(b"content-type", content_type), (b"content-length", b"%d" % len(body)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})
