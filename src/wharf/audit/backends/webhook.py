"""Entries as a JSON array, in POST requests to a URL."""

import hashlib
import hmac
from collections.abc import Sequence

import httpx
import orjson

from wharf.audit.backends.base import Document
from wharf.audit.errors import BackendUnavailable

_TIMEOUT_SECONDS = 30.0
_SIGNATURE = "X-Wharf-Signature-256"


class WebhookBackend:
    """Any answer from 200 to 299 says that all entries of the request have arrived.

    With a secret each request is signed: the header X-Wharf-Signature-256 is `sha256=` and the hexadecimal HMAC of the
    body, so that the receiver can tell us from others.
    """

    name = "webhook"

    def __init__(self, url: str, secret: str = "", *, client: httpx.AsyncClient | None = None) -> None:
        """`url` comes from the operator, who may well mean a machine inside of the network: it is not guarded."""
        self._url = url
        self._secret = secret.encode()
        self._client = client or httpx.AsyncClient(timeout=_TIMEOUT_SECONDS)

    async def send(self, documents: Sequence[Document]) -> None:
        """Send the entries in one request."""
        body = orjson.dumps(list(documents))
        headers = {"content-type": "application/json"}
        if self._secret:
            headers[_SIGNATURE] = "sha256=" + hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        try:
            answer = await self._client.post(self._url, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise BackendUnavailable(self.name, str(error) or type(error).__name__) from error
        if not answer.is_success:
            raise BackendUnavailable(self.name, f"answered {answer.status_code}")

    async def close(self) -> None:
        """Close kept connections."""
        await self._client.aclose()
