"""Every fact a surface can meet has a row in that surface's table of errors."""

import importlib
import inspect
from collections.abc import Iterator

import pytest

from tests.architecture.tree import graph, modules

# Surface → why some facts cannot reach it.
NEVER_MET: dict[str, dict[str, set[str]]] = {
    "v2": {
        "accounts are administered elsewhere, /v2 only signs in": {
            f"accounts.{name}"
            for name in (
                *("AccountNameInvalid", "AccountNameTaken", "AccountsError", "EmailTaken", "MemberUnsuitable"),
                *("NamespaceUnknown", "PasswordUnacceptable", "RobotUnknown", "SetupTokenInvalid", "TeamUnknown"),
                *("AccessTokenUnknown", "AppTokenUnknown", "ApplicationUnknown", "SessionUnknown", "UserUnknown"),
                *("LastAdministrator", "LastSuperuser", "MemberKnown", "MemberUnknown", "NotAllowed", "NotInTeam"),
            )
        },
        "restoring a tag and retrying a dead letter are not part of the protocol": {
            "content.TagHistoryUnknown",
            "jobs.DeadLetterUnknown",
        },
        "a bug of ours, which is logged and told as one": {"db.DatabaseError", "storage.KeyInvalid"},
        "the root of its family, never raised itself": {"audit.AuditError", "storage.StorageError"},
        "the trail is read and carried away elsewhere, /v2 only adds to it": {
            "audit.BackendUnavailable",
            "audit.CursorInvalid",
        },
    },
    "api": {
        "bytes, manifests and upload sessions are the business of /v2": {
            *("content.BlobInUse", "content.DigestMismatch", "content.ManifestBlobsUnknown"),
            *("content.UploadOffsetMismatch", "content.UploadUnknown", "oci.ContentRangeInvalid"),
            *("oci.ManifestInvalid", "oci.RangeUnsatisfiable", "oci.ScopeInvalid"),
        },
        "dead letters are retried from the command line": {"jobs.DeadLetterUnknown"},
        "registry tokens open /v2 only": {"accounts.TokenExpired", "accounts.TokenInvalid"},
        "a bug of ours, which is logged and told as one": {"db.DatabaseError"},
        "the root of its family, never raised itself": {
            "accounts.AccountsError",
            "audit.AuditError",
            "content.ContentError",
            "oci.OciError",
        },
    },
}


def _facts(surface: str) -> Iterator[type[Exception]]:
    """Every exception class declared in an `errors` module of a room that `surface` calls, itself or through others."""
    for module in modules():
        if module.name.endswith(".errors") and _calls(surface, module.room):
            for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
                if issubclass(kind, Exception) and kind.__module__ == module.name:
                    yield kind


def _calls(surface: str, room: str) -> bool:
    return surface != room and graph().chain_exists(f"wharf.{surface}", f"wharf.{room}", as_packages=True)


def _is_umbrella(kind: type[Exception]) -> bool:
    """A family's root: its row is for nothing more precise, so it excuses no member from a row."""
    return kind.__base__ is Exception and bool(kind.__subclasses__())


def _name(kind: type[Exception]) -> str:
    return f"{kind.__module__.split('.')[1]}.{kind.__name__}"


@pytest.mark.parametrize("surface", NEVER_MET)
def test_a_surface_has_a_row_for_every_fact(surface: str) -> None:
    table = importlib.import_module(f"wharf.{surface}.errors").ERRORS
    missing = {
        _name(kind)
        for kind in _facts(surface)
        if not any(parent in table for parent in kind.__mro__ if parent is kind or not _is_umbrella(parent))
    }
    never_met = set().union(*NEVER_MET[surface].values())
    assert not missing - never_met, f"add a row to {surface}/errors.py, or say here why the fact cannot get there"
    assert not never_met - missing, "these have a row, or are gone"
