"""How an error is told: in Quay's words and in those of RFC 9457 together."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse

PROBLEM_TYPE = "application/problem+json"


class Failure(BaseModel):
    """An error.

    `type` is a URL that explains the kind of error. `detail` and `error_message` say the same, for clients of RFC 9457
    and of Quay; so does `message`, for clients of its oldest endpoints. `session_required` comes with some 401.
    """

    status: int
    error_type: str
    type: str
    title: str
    detail: str
    error_message: str
    message: str


#: For `responses=` of a resource: which of its statuses are failures.
FAILURES: dict[int | str, dict[str, Any]] = {
    status: {"model": Failure} for status in (400, 401, 403, 404, 409, 429, 503)
}


def answer(
    request: Request,
    status: int,
    error_type: str,
    sentence: str,
    *,
    headers: Mapping[str, str] | None = None,
    **more: object,
) -> JSONResponse:
    """The response that tells of an error; the media type of RFC 9457 is for clients that ask for it."""
    failure = Failure(
        status=status,
        error_type=error_type,
        type=f"{request.base_url}api/v1/error/{error_type}",
        title=error_type,
        detail=sentence,
        error_message=sentence,
        message=sentence,
    )
    media_type = PROBLEM_TYPE if PROBLEM_TYPE in request.headers.get("accept", "") else "application/json"
    return JSONResponse({**failure.model_dump(), **more}, status, headers, media_type=media_type)
