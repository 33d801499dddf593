"""What each fact sounds like on the REST API: the only place with its error statuses."""

import logging
from collections.abc import Mapping
from typing import NamedTuple, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from wharf.accounts import errors as accounts
from wharf.api.kit import Failure
from wharf.db.errors import Conflict, DatabaseUnavailable

log = logging.getLogger(__name__)


class AlreadyInitialized(Exception):
    """The first user exists."""


class Rule(NamedTuple):
    """A status, Quay's word for the error, and a sentence in which `{0}` stands for the fact's own words."""

    status: int
    error_type: str
    sentence: str


ERRORS: Mapping[type[Exception], Rule] = {
    AlreadyInitialized: Rule(400, "invalid_request", "Cannot initialize user in a non-empty database"),
    accounts.SetupTokenInvalid: Rule(401, "invalid_token", "The setup token is wrong, used or expired"),
    accounts.AccountNameInvalid: Rule(400, "invalid_request", "This name cannot be used: {0.name}"),
    accounts.AccountNameTaken: Rule(400, "invalid_request", "This name is taken: {0.name}"),
    accounts.EmailTaken: Rule(400, "invalid_request", "This e-mail address is taken: {0.email}"),
    accounts.PasswordUnacceptable: Rule(400, "invalid_request", "Failed to initialize user: {0.reason}"),
    accounts.SignInBusy: Rule(503, "unavailable", "The registry is busy, try again in a moment"),
    Conflict: Rule(503, "unavailable", "Another request changed the same thing, try again"),
    DatabaseUnavailable: Rule(503, "unavailable", "The registry is not available at the moment"),
}
_RETRY_AFTER_SECONDS = "2"


def install(api: FastAPI) -> None:
    """Let `api` answer facts by the table, and its own errors in the same shape."""
    for kind in ERRORS:
        api.add_exception_handler(kind, _fact)
    api.add_exception_handler(HTTPException, _http)
    api.add_exception_handler(RequestValidationError, _invalid)


async def _fact(_request: Request, error: Exception) -> JSONResponse:
    rule = next(ERRORS[kind] for kind in type(error).__mro__ if kind in ERRORS)
    return _answer(rule.status, rule.error_type, rule.sentence.format(error))


async def _http(_request: Request, error: Exception) -> JSONResponse:
    known = cast("HTTPException", error)
    kind = {404: "not_found", 405: "method_not_allowed"}.get(known.status_code, "invalid_request")
    return _answer(known.status_code, kind, known.detail, dict(known.headers or {}))


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    first = cast("RequestValidationError", error).errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:])
    return _answer(400, "invalid_request", f"{where}: {first['msg']}" if where else first["msg"])


def _answer(status: int, kind: str, sentence: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    failure = Failure(
        status=status, error_type=kind, title=kind, detail=sentence, error_message=sentence, message=sentence
    )
    retry = {"Retry-After": _RETRY_AFTER_SECONDS} if status == 503 else {}
    return JSONResponse(failure.model_dump(), status, {**retry, **(headers or {})})
