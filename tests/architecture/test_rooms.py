"""Each room says what it is, and is a noun of the domain."""

import ast

import pytest

from tests.architecture.tree import Module, modules

# Drawers into which things are put that nobody wanted to name.
DRAWERS = {
    "utils",
    "util",
    "common",
    "helpers",
    "core",
    "models",
    "services",
    "managers",
    "interfaces",
    "misc",
    "base_",
}


@pytest.mark.parametrize("package", [module for module in modules() if module.is_package], ids=lambda m: m.name)
def test_a_package_opens_by_saying_what_it_owns(package: Module) -> None:
    paragraph = ast.get_docstring(package.syntax) or ""
    assert len(paragraph) >= 80, f"{package.name}: one paragraph says what it owns, what it refuses and who calls it"


def test_no_drawers() -> None:
    found = [module.name for module in modules() if DRAWERS.intersection(module.name.split(".")[1:])]
    assert not found, "a room or module is named after the noun it is about"
