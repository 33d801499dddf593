"""What the API is built of."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from wharf.audit.trail import Trail
from wharf.config import Config
from wharf.db import Database
from wharf.kit.clock import Clock, utc_now
from wharf.kit.crypto import SecretBox


@dataclass(frozen=True, slots=True)
class Parts:
    """What handlers use; `box` seals page tokens and the like with the installation's secret key."""

    database: Database
    config: Config
    box: SecretBox
    clock: Clock = utc_now
    #: Where sign-ins and denials are noted.
    trail: Trail | None = None

    @property
    def public_host(self) -> str | None:
        """The host that users type, where it is configured."""
        url = self.config.server.public_url
        return url.partition("://")[2] if url else None


def of(request: Request) -> Parts:
    """The parts of the application that answers `request`."""
    parts: Parts = request.app.state.parts
    return parts


WithParts = Annotated[Parts, Depends(of)]
