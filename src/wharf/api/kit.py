"""What the resources share."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict

from wharf.db import Database


@dataclass(frozen=True, slots=True)
class Parts:
    """What the API is built of."""

    database: Database


def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


WithParts = Annotated[Parts, Depends(_parts)]


class Body(BaseModel):
    """The body of a request. Fields that Wharf does not know are ignored, as clients of Quay expect."""

    model_config = ConfigDict(frozen=True)


class Failure(BaseModel):
    """An error, in Quay's words; `message` repeats `detail` for clients of its oldest endpoints."""

    status: int
    error_type: str
    title: str
    detail: str
    error_message: str
    message: str
