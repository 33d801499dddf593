"""Files and functions that fit in the eye. What does not is listed in budgets.toml, and that list may only shrink."""

import ast
import statistics
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.architecture.tree import modules

_FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


class Budget(NamedTuple):
    """More than `limit` needs an exemption; more than `cap` is never right."""

    limit: int
    cap: int


BUDGETS = {"functions": Budget(50, 80), "modules": Budget(400, 600), "rooms": Budget(12, 16)}
EXEMPTIONS: Mapping[str, Mapping[str, int]] = tomllib.loads(Path(__file__).with_name("budgets.toml").read_text())


def _functions() -> Iterator[tuple[str, int]]:
    """Each function with its lines, not counting its docstring: explaining must cost nothing."""
    for module in modules():
        for node in ast.walk(module.syntax):
            if isinstance(node, _FUNCTION):
                assert node.end_lineno is not None
                first = node.body[0]
                documented = ast.get_docstring(node) is not None
                docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
                yield f"{module.name}:{node.name}", node.end_lineno - node.lineno + 1 - docstring


def _measured(kind: str) -> dict[str, int]:
    if kind == "functions":
        sizes: dict[str, int] = {}
        for name, lines in _functions():
            sizes[name] = max(lines, sizes.get(name, 0))
        return sizes
    if kind == "modules":
        return {module.name: module.line_count for module in modules()}
    folders = Counter(module.name.rpartition(".")[0] for module in modules() if not module.is_package)
    return {folder: count for folder, count in folders.items() if folder}


@pytest.mark.parametrize("kind", BUDGETS)
def test_nothing_new_is_too_large(kind: str) -> None:
    limit, cap = BUDGETS[kind]
    exempt = EXEMPTIONS[kind]
    too_large = {
        name: size for name, size in _measured(kind).items() if size > cap or size > max(limit, exempt.get(name, 0))
    }
    assert not too_large, f"more than {limit} (never more than {cap}): split it, a part of it has a name of its own"


@pytest.mark.parametrize("kind", BUDGETS)
def test_each_exemption_is_still_needed(kind: str) -> None:
    measured = _measured(kind)
    stale = [name for name in EXEMPTIONS[kind] if measured.get(name, 0) <= BUDGETS[kind].limit]
    assert not stale, "it fits now: remove its line from budgets.toml"


def test_most_modules_are_small() -> None:
    sizes = [module.line_count for module in modules()]
    assert statistics.median(sizes) <= 150
    assert statistics.quantiles(sizes, n=10)[-1] <= 400
