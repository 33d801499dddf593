"""Typed values to JSON and back: frozen dataclasses of strings, numbers, booleans, None, tuples, times and each other.

The rule that lets replicas of two releases share a queue: a new field has a default, an unknown field is ignored, and a
change that neither covers is a new kind of job.
"""

from typing import Any, TypeVar, cast

import msgspec

T = TypeVar("T")


class PayloadInvalid(ValueError):
    """The stored JSON is not a value of the type its reader expects."""


def dump(value: object) -> dict[str, Any]:
    """Return the dataclass instance `value` as JSON values."""
    return cast("dict[str, Any]", msgspec.to_builtins(value, enc_hook=_plain))


def load(kind: type[T], data: Any) -> T:
    """Build a `kind` from what `dump` returned; raises `PayloadInvalid`."""
    try:
        return msgspec.convert(data, kind, dec_hook=_refined)
    except msgspec.ValidationError as error:
        raise PayloadInvalid(str(error)) from error


def _plain(value: object) -> str:
    if isinstance(value, str):  # a refined string: a digest, a repository's name
        return str(value)
    raise TypeError(type(value))


def _refined(kind: type[Any], value: Any) -> Any:
    if issubclass(kind, str) and isinstance(value, str):
        return kind(value)
    raise TypeError(kind)
