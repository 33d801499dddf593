"""Every fact a surface can meet has a row in that surface's table of errors."""

import importlib
import inspect
from collections.abc import Iterator

from tests.architecture.tree import modules

# Surface → facts that cannot reach it, each with the reason.
NEVER_MET = {
    "v2": {
        "wharf.content.errors.TagHistoryUnknown": "raised by restore, which /v2 does not offer",
        "wharf.db.errors.DatabaseError": "a statement of ours is wrong: a bug, logged and told as one",
        "wharf.storage.errors.StorageError": "the root of what storage raises, never raised itself",
    },
}


def _facts(below: str) -> Iterator[type[Exception]]:
    """Every exception class declared in an `errors` module of a room that a surface may call."""
    for module in modules():
        if module.name.endswith(".errors") and module.room != below:
            for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
                if issubclass(kind, Exception) and kind.__module__ == module.name:
                    yield kind


def _is_umbrella(kind: type[Exception]) -> bool:
    """A family's root: its row is for nothing more precise, so it excuses no member from a row."""
    return kind.__base__ is Exception and bool(kind.__subclasses__())


def test_v2_has_a_row_for_every_fact() -> None:
    table = importlib.import_module("wharf.v2.errors").ERRORS
    missing = {
        f"{kind.__module__}.{kind.__qualname__}"
        for kind in _facts(below="v2")
        if not any(parent in table for parent in kind.__mro__ if parent is kind or not _is_umbrella(parent))
    }
    assert missing <= NEVER_MET["v2"].keys(), "add a row to v2/errors.py, or say here why the fact cannot get there"
