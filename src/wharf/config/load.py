"""Reads the tree from its sources: defaults < file < environment < command line."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec
import yaml

from wharf.config import quay
from wharf.config.fields import PREFIX, sections, settings
from wharf.config.tree import Config
from wharf.config.values import Networks, Secret

DEFAULT_FILES = (Path("wharf.yaml"), Path("/etc/wharf/wharf.yaml"), Path("/conf/stack/config.yaml"))

FILE_VARIABLE = "WHARF_CONFIG"

# A Kubernetes Service called "wharf" puts such variables into every container beside it.
_SERVICE_LINK = re.compile(r"WHARF_(\w+_)?(SERVICE_(HOST|PORT)|PORT)(_\w+)?")

Tree = dict[str, Any]


class ConfigInvalid(Exception):
    """The configuration cannot be used."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration, the file it came from, and what its owner should know about it."""

    config: Config
    file: Path | None
    notes: tuple[str, ...]


def load(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Loaded:
    """Return the configuration; raise ConfigInvalid with one line for each problem.

    `file` must exist; without it $WHARF_CONFIG, then the usual places are tried. `overrides` are values by dotted name
    that win over everything (command-line options); those that are None do not count.
    """
    environment = os.environ if environment is None else environment
    file = file or _find_file(environment)
    tree, notes = _read_file(file) if file else ({}, ())
    problems = [f"{file}: {problem}" for problem in _unknown_keys(tree)]
    for name, value, problem in _read_environment(environment):
        if problem:
            problems.append(problem)
        else:
            _set(tree, name, value)
    for name, value in (overrides or {}).items():
        if value is not None:
            _set(tree, name, value)
    if problems:
        raise ConfigInvalid(problems)
    try:
        config = msgspec.convert(tree, Config, strict=False, dec_hook=_decode)
    except msgspec.ValidationError as error:
        raise ConfigInvalid([_explain(error)]) from None
    return Loaded(config, file, notes)


def _find_file(environment: Mapping[str, str]) -> Path | None:
    if named := environment.get(FILE_VARIABLE):
        return Path(named)
    return next((path for path in DEFAULT_FILES if path.is_file()), None)


def _read_file(file: Path) -> tuple[Tree, tuple[str, ...]]:
    try:
        content = yaml.safe_load(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigInvalid([f"{file}: {error.strerror}"]) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigInvalid([f"{file}: not readable as YAML: {error}"]) from None
    if content is None:
        return {}, ()
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise ConfigInvalid([f"{file}: must be a mapping of sections"])
    if quay.recognise(content):
        try:
            translated = quay.translate(content)
        except ValueError as error:
            raise ConfigInvalid([f"{file}: {error}"]) from None
        return translated.tree, translated.notes
    return content, ()


def _unknown_keys(tree: Tree) -> list[str]:
    known = {section.path: {setting.path[-1] for setting in section.settings} for section in sections()}
    for path in list(known):
        if path:
            known[path[:-1]].add(path[-1])
    problems = []

    def walk(node: Tree, path: tuple[str, ...]) -> None:
        for key, value in node.items():
            if key not in known[path]:
                here = ".".join((*path, str(key)))
                problems.append(f"{here} is not a setting{_suggest(str(key), known[path])}")
            elif (*path, key) in known and isinstance(value, dict):
                walk(value, (*path, key))
            elif (*path, key) in known and value is None:
                node[key] = {}  # `server:` with every line below it commented out

    walk(tree, ())
    return problems


def _read_environment(environment: Mapping[str, str]) -> list[tuple[str, object, str | None]]:
    by_variable = {setting.variable: setting for setting in settings().values()}
    found: list[tuple[str, object, str | None]] = []
    for variable in sorted(environment):
        if not variable.startswith(PREFIX) or variable == FILE_VARIABLE:
            continue
        setting, value = by_variable.get(variable), environment[variable]
        if setting:
            empty = setting.optional and value in ("", "null")
            found.append((setting.name, None if empty else value, None))
        elif not _SERVICE_LINK.fullmatch(variable):
            found.append(("", None, f"{variable} is not a setting{_suggest(variable, by_variable)}"))
    return found


def _set(tree: Tree, name: str, value: object) -> None:
    *path, last = settings()[name].path
    for key in path:
        inner = tree.get(key)
        tree[key] = tree = inner if isinstance(inner, dict) else {}
    tree[last] = value


def _suggest(word: str, known: Mapping[str, object] | set[str]) -> str:
    close = get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _decode(kind: type, value: object) -> object:
    if kind is Networks and isinstance(value, str | list):
        return Networks.parse(value)
    if issubclass(kind, Secret | Path) and isinstance(value, str | Path):
        return kind(value)
    raise ValueError(f"Expected text, got {type(value).__name__}")


def _explain(error: msgspec.ValidationError) -> str:
    reason, _, path = str(error).partition(" - at `$")
    path = path.strip("`.")
    return f"{path}: {reason.replace('`', '')}" if path else reason
