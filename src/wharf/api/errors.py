"""What each fact sounds like on the REST API: the only place with its error statuses."""

from collections.abc import Mapping
from typing import NamedTuple, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from wharf.access.api_scopes import ApiScopeUnknown
from wharf.accounts import errors as accounts
from wharf.api.kit import denials, failures, refusals
from wharf.audit import errors as audit
from wharf.content import errors as content
from wharf.db.errors import Conflict, DatabaseUnavailable
from wharf.oci.errors import DigestInvalid, NameInvalid, TagInvalid

_BAD, _TOKEN, _SCOPE, _ABSENT = "invalid_request", "invalid_token", "insufficient_scope", "not_found"
_SIGN_IN = "Requires authentication"
_FORBIDDEN = "Unauthorized"
_OCCUPIED = "Another request changed the same thing, try again"
_RETRY_AFTER_SECONDS = 2


class AlreadyInitialized(Exception):
    """The first user exists."""


class Rule(NamedTuple):
    """A status, Quay's word for the error, and a sentence in which `{0}` stands for the fact itself.

    A 403 that would go to an anonymous caller becomes a 401, and so does a repository that is unknown: signing in may
    help.
    """

    status: int
    error_type: str
    sentence: str


ERRORS: Mapping[type[Exception], Rule] = {
    # The API's own
    refusals.SignInRequired: Rule(401, _TOKEN, _SIGN_IN),
    refusals.TokenUnknown: Rule(401, _TOKEN, "The access token is not known here"),
    refusals.TokenOutdated: Rule(401, "expired_token", "The access token has expired"),
    refusals.FreshLoginRequired: Rule(401, "fresh_login_required", "The action requires a fresh login to succeed."),
    refusals.ScopeInsufficient: Rule(403, _SCOPE, "The access token lacks the scope {0.scope}"),
    refusals.Forbidden: Rule(403, _SCOPE, _FORBIDDEN),
    refusals.CsrfTokenInvalid: Rule(403, _BAD, "CSRF token was invalid or missing."),
    refusals.PageTokenInvalid: Rule(400, _BAD, "next_page is not a token of the page before"),
    refusals.Refused: Rule(400, _BAD, "{0.reason}"),
    refusals.NotFound: Rule(404, _ABSENT, "{0.reason}"),
    AlreadyInitialized: Rule(400, _BAD, "Cannot initialize user in a non-empty database"),
    ApiScopeUnknown: Rule(400, _BAD, "There is no scope {0}"),
    # accounts
    accounts.CredentialsInvalid: Rule(403, _BAD, "Invalid Username or Password"),
    accounts.SignInLocked: Rule(429, "rate_limited", "Too many wrong passwords, try again later"),
    accounts.SignInBusy: Rule(503, "unavailable", "The registry is busy, try again in a moment"),
    accounts.SetupTokenInvalid: Rule(401, _TOKEN, "The setup token is wrong, used or expired"),
    accounts.SessionUnknown: Rule(404, _ABSENT, "There is no such session"),
    accounts.AccessTokenUnknown: Rule(404, _ABSENT, "There is no such access token"),
    accounts.AppTokenUnknown: Rule(404, _ABSENT, "There is no such application token"),
    accounts.ApplicationUnknown: Rule(404, _ABSENT, "There is no application {0.client_id}"),
    accounts.AccountNameInvalid: Rule(400, _BAD, "This name cannot be used: {0.name}"),
    accounts.AccountNameTaken: Rule(400, _BAD, "This name is already taken: {0.name}"),
    accounts.EmailTaken: Rule(400, _BAD, "This e-mail address is already taken: {0.email}"),
    accounts.PasswordUnacceptable: Rule(400, _BAD, "Invalid password: {0.reason}"),
    accounts.NamespaceUnknown: Rule(404, _ABSENT, "There is no user or organization {0.name}"),
    accounts.UserUnknown: Rule(404, _ABSENT, "There is no user {0.name}"),
    accounts.RobotUnknown: Rule(400, _BAD, "Could not find robot with specified username: {0.name}"),
    accounts.TeamUnknown: Rule(404, _ABSENT, "There is no team {0.name}"),
    accounts.MemberUnsuitable: Rule(400, _BAD, "{0.name} cannot be a member of this team"),
    accounts.MemberKnown: Rule(400, _BAD, "{0.name} is in this team already"),
    accounts.MemberUnknown: Rule(404, _ABSENT, "There is no member {0.name}"),
    accounts.NotInTeam: Rule(400, _BAD, "{0.name} is not in this team"),
    accounts.NotAllowed: Rule(403, _SCOPE, _FORBIDDEN),
    accounts.LastAdministrator: Rule(400, _BAD, "Nobody would be left to administer {0.name}"),
    accounts.LastSuperuser: Rule(400, _BAD, "{0.name} is the last superuser"),
    # content
    content.RepositoryUnknown: Rule(404, _ABSENT, "There is no repository {0.name}"),
    content.RepositoryExists: Rule(400, _BAD, "Repository already exists: {0.name}"),
    content.RepositoryReadOnly: Rule(405, _BAD, "The repository {0.name} is in the state {0.state}"),
    content.NamespaceUnknown: Rule(404, _ABSENT, "There is no user or organization {0.name}"),
    content.AccessDenied: Rule(403, _SCOPE, _FORBIDDEN),
    content.BlobUnknown: Rule(404, _ABSENT, "There is no blob {0.digest}"),
    content.ManifestUnknown: Rule(404, _ABSENT, "There is no manifest {0.reference}"),
    content.TagUnknown: Rule(404, _ABSENT, "There is no tag {0.name}"),
    content.TagImmutable: Rule(409, "tag_immutable", "The tag {0.name} is immutable"),
    content.TagHistoryUnknown: Rule(404, _ABSENT, "The tag {0.name} never was {0.digest}, or too long ago"),
    NameInvalid: Rule(400, _BAD, "{0}"),
    TagInvalid: Rule(400, _BAD, "{0}"),
    DigestInvalid: Rule(400, _BAD, "{0}"),
    # audit
    audit.BackendUnavailable: Rule(503, "unavailable", "The audit backend {0.backend} does not answer"),
    audit.CursorInvalid: Rule(400, _BAD, "next_page is not a token of the page before"),
    # db
    Conflict: Rule(503, "unavailable", _OCCUPIED),
    DatabaseUnavailable: Rule(503, "unavailable", "The registry is not available at the moment"),
}


def install(api: FastAPI) -> None:
    """Let `api` answer facts by the table, and its own errors in the same shape."""
    for kind in ERRORS:
        api.add_exception_handler(kind, _fact)
    api.add_exception_handler(HTTPException, _http)
    api.add_exception_handler(RequestValidationError, _invalid)


async def _fact(request: Request, error: Exception) -> JSONResponse:
    denials.note(request, error)
    rule = next(ERRORS[kind] for kind in type(error).__mro__ if kind in ERRORS)
    caller = getattr(request.state, "caller", None)
    refused = (rule.status == 403 and rule.error_type == _SCOPE) or isinstance(error, content.RepositoryUnknown)
    if refused and (caller is None or caller.is_anonymous):
        rule = Rule(401, _TOKEN, _SIGN_IN)
    sentence = rule.sentence.format(error)
    if rule.status == 401:
        # What signing in as somebody would help with; Quay's console asks for this very field.
        return failures.answer(request, 401, rule.error_type, sentence, session_required=False)
    return failures.answer(request, rule.status, rule.error_type, sentence, headers=_retry(rule, error))


def _retry(rule: Rule, error: Exception) -> Mapping[str, str]:
    """When to come back, for those who should."""
    if rule.status not in {429, 503}:
        return {}
    return {"Retry-After": str(getattr(error, "retry_after_seconds", _RETRY_AFTER_SECONDS))}


async def _http(request: Request, error: Exception) -> JSONResponse:
    known = cast("HTTPException", error)
    kind = {404: _ABSENT, 405: "method_not_allowed"}.get(known.status_code, _BAD)
    return failures.answer(request, known.status_code, kind, known.detail, headers=known.headers)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    first = cast("RequestValidationError", error).errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:])
    return failures.answer(request, 400, _BAD, f"{where}: {first['msg']}" if where else first["msg"])
