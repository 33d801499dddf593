"""Bases and field types of the documents that go in and out."""

from datetime import datetime
from email.utils import formatdate
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer


class Body(BaseModel):
    """The body of a request. Fields that Wharf does not know are ignored, as clients of Quay expect."""

    model_config = ConfigDict(frozen=True)


class Shape(BaseModel):
    """A document of a response, or a part of one."""

    model_config = ConfigDict(frozen=True)


def _quay_time(at: datetime) -> str:
    return formatdate(at.timestamp())


#: A time as Quay writes it: `Tue, 24 Nov 2026 10:00:00 -0000` (RFC 5322).
Moment = Annotated[datetime, PlainSerializer(_quay_time, return_type=str)]


def _is_none(value: object) -> bool:
    return value is None


#: The field `next_page` of a list: what to send to get on, absent on the last page.
NextPage = Annotated[str | None, Field(exclude_if=_is_none)]
