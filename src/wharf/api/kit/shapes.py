"""Bases and field types of the documents that go in and out."""

import re
from datetime import datetime
from email.utils import formatdate
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, model_validator

_ODD = re.compile("[\0\ud800-\udfff]")


class Body(BaseModel):
    """The body of a request. Fields that Wharf does not know are ignored, as clients of Quay expect."""

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_odd_texts(cls, sent: Any) -> Any:
        """Refuse texts with a NUL or half a surrogate pair: no database stores them, and nobody has one to say."""
        waiting = [sent]
        while waiting:
            match waiting.pop():
                case str() as text if _ODD.search(text):
                    raise ValueError("a text must not contain NUL, and has to be valid Unicode")
                case list() as items:
                    waiting += items
                case dict() as fields:
                    waiting += fields.values()
        return sent


class Shape(BaseModel):
    """A document of a response, or a part of one."""

    model_config = ConfigDict(frozen=True)


def _quay_time(at: datetime) -> str:
    return formatdate(at.timestamp())


#: A time as Quay writes it: `Tue, 24 Nov 2026 10:00:00 -0000` (RFC 5322).
Moment = Annotated[datetime, PlainSerializer(_quay_time, return_type=str)]


def _is_none(value: object) -> bool:
    return value is None


#: A text that is left out where there is none; most of Quay's fields are null then.
LeftOut = Annotated[str | None, Field(exclude_if=_is_none)]
#: The field `next_page` of a list: what to send to get on, absent on the last page.
NextPage = LeftOut
