"""The tree seen from outside: each setting with its dotted name, its variable, type, default and sentence."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from msgspec import Meta

from wharf.config.tree import Config
from wharf.config.values import Networks, Secret

PREFIX = "WHARF_"


@dataclass(frozen=True, slots=True)
class Setting:
    """One leaf of the tree. `kind` is the type without None; `choices` are the words of a Literal."""

    path: tuple[str, ...]
    kind: Any
    optional: bool
    choices: tuple[str, ...]
    default: object
    meta: Meta

    @property
    def name(self) -> str:
        """Dotted name, as in `server.port`."""
        return ".".join(self.path)

    @property
    def variable(self) -> str:
        """Environment variable, as in `WHARF_SERVER__PORT`."""
        return PREFIX + "__".join(self.path).upper()

    @property
    def type_name(self) -> str:
        """The type in a person's words."""
        if self.choices:
            return " or ".join(self.choices)
        names = {bool: "true or false", int: "integer", float: "number", str: "text", Secret: "secret text"}
        names |= {Path: "path", Networks: "list of networks"}
        return names[self.kind] + (" or null" if self.optional else "")


@dataclass(frozen=True, slots=True)
class Section:
    """One dataclass of the tree, with the settings directly in it."""

    path: tuple[str, ...]
    doc: str
    settings: tuple[Setting, ...]


@cache
def sections() -> tuple[Section, ...]:
    """All sections, the root first, in the order of the tree."""
    return tuple(_walk((), Config))


@cache
def settings() -> Mapping[str, Setting]:
    """All settings by dotted name."""
    return {setting.name: setting for section in sections() for setting in section.settings}


def _walk(path: tuple[str, ...], section: type) -> Iterator[Section]:
    hints = get_type_hints(section, include_extras=True)
    leaves, below = [], []
    for item in fields(section):
        hint, here = hints[item.name], (*path, item.name)
        if is_dataclass(hint):
            assert isinstance(hint, type)
            below.append((here, hint))
        else:
            leaves.append(_setting(here, hint, item.default))
    yield Section(path, (section.__doc__ or "").strip(), tuple(leaves))
    for here, inner in below:
        yield from _walk(here, inner)


def _setting(path: tuple[str, ...], hint: Any, default: object) -> Setting:
    assert get_origin(hint) is Annotated, f"{path} needs a description"
    assert default is not MISSING, f"{path} needs a default"
    inner, meta = get_args(hint)[:2]
    arms = [arm for arm in get_args(inner) if arm is not NoneType] if isinstance(inner, UnionType) else [inner]
    (kind,) = arms
    choices = get_args(kind) if get_origin(kind) is Literal else ()
    return Setting(
        path=path,
        kind=str if choices else kind,
        optional=isinstance(inner, UnionType),
        choices=choices,
        default=default,
        meta=meta,
    )
