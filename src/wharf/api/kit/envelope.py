"""Around every request: what no handler should have to think of."""

from urllib.parse import unquote_to_bytes

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wharf.api.kit import failures


class Envelope:
    """Refuses addresses with a NUL, which no database takes, and adds headers to every answer.

    `Cache-Control: no-store`, unless the handler says otherwise: what one caller may see is kept by nobody on the way.
    `X-Content-Type-Options`: a browser does not guess at media types.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("cache-control", "no-store")
                headers["x-content-type-options"] = "nosniff"
            await send(message)

        if "\0" in scope["path"] or b"\0" in unquote_to_bytes(scope["query_string"]):
            answer = failures.answer(Request(scope), 400, "invalid_request", "an address must not contain NUL")
            await answer(scope, receive, adding)
        else:
            await self._app(scope, receive, adding)
